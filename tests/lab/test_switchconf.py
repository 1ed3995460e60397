from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from callguard.lab import switchconf
from callguard.lab.freeswitch import dialplan_dir


@pytest.fixture
def own() -> switchconf.Switch:
    return switchconf.Switch(
        work=Path("/a b/work"),
        bind="127.0.0.1",
        sip_port=15060,
        esl_port=18021,
        rtp_ports=(20000, 20099),
        agent_ports=(30001, 30002),
        trunk_port=30009,
        listen_port=18084,
        esl_password="esl-secret",
        phone_password="phone-secret",
        user_agent="ua",
        dialplan="<include/>",
        snippet="<include/>",
        event_socket=(dialplan_dir() / "event_socket.conf.xml").read_text(),
    )


def test_every_file_is_xml_and_each_section_is_there(own: switchconf.Switch) -> None:
    trees = {name: ET.fromstring(text) for name, text in switchconf.files(own).items()}
    assert [section.get("name") for section in trees["freeswitch.xml"]][-3:] == [
        "configuration",
        "dialplan",
        "directory",
    ]
    named = {part.get("name") for part in trees["freeswitch.xml"].iter("configuration")}
    assert {"modules.conf", "sofia.conf", "acl.conf", "callcenter.conf", "logfile.conf"} <= named


def test_the_event_socket_is_the_shipped_one_at_its_own_port_and_password(own: switchconf.Switch) -> None:
    text = switchconf.files(own)["event_socket.xml"]
    said = {param.get("name"): param.get("value") for param in ET.fromstring(text).iter("param")}
    assert (said["listen-ip"], said["listen-port"], said["password"]) == ("127.0.0.1", "18021", "esl-secret")
    assert said["apply-inbound-acl"] == "loopback.auto"


def test_each_agent_is_a_phone_a_user_and_a_member_of_the_queue(own: switchconf.Switch) -> None:
    text = switchconf.files(own)["freeswitch.xml"]
    tree = ET.fromstring(text)
    assert 'data="agent2=sofia/lab/agent2@127.0.0.1:30002"' in text
    for domain in ("lab.example", "127.0.0.1"):  # the latter is what its phone gives as its own
        users = tree.iterfind(f".//domain[@name='{domain}']//user")
        assert [user.get("id") for user in users] == ["agent1", "agent2"]
    assert [tier.get("agent") for tier in tree.iter("tier")] == ["agent1@lab.example", "agent2@lab.example"]


def test_modules_are_named_once(own: switchconf.Switch) -> None:
    assert {"mod_sofia", "mod_event_socket", "mod_dptools", "mod_commands", "mod_hash"} <= set(switchconf.MODULES)
    assert len(switchconf.MODULES) == len(set(switchconf.MODULES))
