from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lab import config


@pytest.fixture
def site() -> config.Site:
    return config.Site(
        work=Path("/a b/work"),
        run=Path("/tmp/r"),
        modules=Path("/m"),
        data=Path("/d"),
        bind="127.0.0.1",
        sip_port=15060,
        http_port=18088,
        ami_port=15038,
        rtp_ports=(20000, 20099),
        agent_ports=(30001, 30002),
        trunk_port=30009,
        secrets=config.Secrets("ari-secret", "ami-secret", "guard-secret", "phone-secret"),
        user_agent="ua",
        dialplan="[inbound]\n",
        snippet="[callguard]\n",
    )


def test_directories_are_no_template_and_all_set(site: config.Site) -> None:
    text = config.files(site)["asterisk.conf"]
    assert text.startswith("[directories]\n")
    assert "astspooldir = /a b/work/spool" in text and "astrundir = /tmp/r" in text and "astdatadir = /d" in text


def test_modules_are_named_and_the_one_that_hides_digits_is_not(site: config.Site) -> None:
    text = config.files(site)["modules.conf"]
    assert "autoload=no" in text
    assert {"app_queue", "app_mixmonitor", "res_stasis_snoop", "app_chanspy", "pbx_config"} <= set(config.MODULES)
    assert "bridge_native_rtp" not in text
    assert len(config.MODULES) == len(set(config.MODULES))


def test_files_that_must_be_empty_are(site: config.Site) -> None:
    made = config.files(site)
    assert all(made[f"{name}.conf"] == "" for name in ("stasis", "acl", "sorcery", "confbridge"))


def test_only_the_controller_may_start_a_recorder(site: config.Site) -> None:
    controller, guard = config.files(site)["manager.conf"].split("[guard]")
    assert "write=system,call,reporting" in controller
    assert "write=call,reporting" in guard and "system" not in guard


def test_each_agent_has_a_phone_and_a_place_in_both_queues(site: config.Site) -> None:
    made = config.files(site)
    assert "contact=sip:agent2@127.0.0.1:30002" in made["pjsip.conf"]
    assert made["queues.conf"].count("member => PJSIP/agent") == 2
    assert "member => Local/2@agents,0,Agent 2,PJSIP/agent2" in made["queues.conf"]


def test_callers_are_known_by_name_and_strangers_are_taken(site: config.Site) -> None:
    text = config.files(site)["pjsip.conf"]
    assert "endpoint_identifier_order=username,ip,anonymous" in text
    assert "[caller]" in text and "[anonymous]" in text and "rtp_timeout=20" in text


def test_secrets_are_not_in_files_of_others(site: config.Site) -> None:
    holders = {
        secret: {name for name, text in config.files(site).items() if secret in text}
        for secret in ("ari-secret", "ami-secret", "guard-secret", "phone-secret")
    }
    assert holders == {
        "ari-secret": {"ari.conf"},
        "ami-secret": {"manager.conf"},
        "guard-secret": {"manager.conf"},
        "phone-secret": {"pjsip.conf"},
    }
