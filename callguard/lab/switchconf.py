"""The lab FreeSWITCH's configuration files, as text.

What belongs here: one pure function from a frozen `Switch` to {file name: content}, and the list of modules. What does
not: picking ports, writing files, running anything (freeswitch.py). Modules are loaded by name: nothing else can run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

MODULES = (
    "mod_console mod_logfile mod_event_socket mod_sofia mod_loopback mod_commands mod_dptools mod_hash "
    "mod_expr mod_dialplan_xml mod_sndfile mod_native_file mod_tone_stream mod_local_stream mod_conference mod_spandsp "
    "mod_fifo mod_callcenter mod_valet_parking mod_spy mod_say_en mod_cdr_csv"
).split()
"""One that an installation lacks is a line in its log, and nothing more."""
PROFILE, DOMAIN = "lab", "lab.example"


@dataclass(frozen=True)
class Switch:
    """Everything that varies between two lab FreeSWITCHes. Ports are free ones; `listen`: where callguard listens for
    channels.
    """

    work: Path
    bind: str
    sip_port: int
    esl_port: int
    rtp_ports: tuple[int, int]
    agent_ports: tuple[int, ...]
    trunk_port: int
    listen_port: int
    esl_password: str
    phone_password: str
    user_agent: str
    dialplan: str
    snippet: str
    event_socket: str


def files(own: Switch) -> dict[str, str]:
    """{file name: content} of the configuration folder."""
    return {
        "freeswitch.xml": _main(own),
        "event_socket.xml": _event_socket(own),
        "site.xml": own.dialplan,
        "callguard.xml": own.snippet,
    }


def _main(own: Switch) -> str:
    own_parts = (_core(own), _files(own), _sofia(own), _queues(own))
    parts = (_modules(), _conference(), *own_parts, _include("event_socket.xml"))
    dialplan = _include("site.xml") + _include("callguard.xml")
    return (
        f'<?xml version="1.0"?>\n<document type="freeswitch/xml">\n{_globals(own)}'
        f'<section name="configuration">\n{"".join(parts)}</section>\n'
        f'<section name="dialplan">\n{dialplan}</section>\n'
        f'<section name="directory">\n{_directory(own)}</section>\n</document>\n'
    )


def _include(name: str) -> str:
    return f'<X-PRE-PROCESS cmd="include" data="{name}"/>\n'


def _globals(own: Switch) -> str:
    """`agent1` and so on: what `bridge` needs to reach a phone; `trunk`: what it needs behind NUMBER for a carrier."""
    known = {f"agent{n}": f"sofia/{PROFILE}/agent{n}@127.0.0.1:{port}" for n, port in _agents(own)}
    known |= {"domain": DOMAIN, "trunk": f"127.0.0.1:{own.trunk_port}"}
    known |= {"callguard_socket": f"127.0.0.1:{own.listen_port}", "hold_music": "local_stream://moh"}
    known |= {"media_timeout": "20000", "media_hold_timeout": "300000"}  # a caller whose phone died does not stay
    return "".join(f'<X-PRE-PROCESS cmd="set" data="{key}={value}"/>\n' for key, value in known.items())


def _agents(own: Switch) -> list[tuple[int, int]]:
    return list(enumerate(own.agent_ports, 1))


def _params(**values: object) -> str:
    return "".join(
        f"<param name={quoteattr(key.replace('_', '-'))} value={quoteattr(str(value))}/>\n"
        for key, value in values.items()
    )


def _section(name: str, body: str) -> str:
    return f'<configuration name="{name}.conf" description="">\n{body}</configuration>\n'


def _modules() -> str:
    loads = "".join(f'<load module="{name}"/>\n' for name in MODULES)
    return _section("modules", f"<modules>\n{loads}</modules>\n")


def _core(own: Switch) -> str:
    first, last = own.rtp_ports
    core = _params(rtp_start_port=first, rtp_end_port=last, sessions_per_second=200, max_sessions=1000, loglevel="info")
    nets = '<list name="loopback.auto" default="deny"><node type="allow" cidr="127.0.0.1/32"/></list>\n'
    return _section("switch", f"<settings>\n{core}</settings>\n") + _section(
        "acl", f"<network-lists>\n{nets}</network-lists>\n"
    )


def _files(own: Switch) -> str:
    log = _params(logfile=own.work / "log" / "freeswitch.log", rollover=0)
    levels = '<mappings><map name="all" value="info,notice,warning,err,crit,alert"/></mappings>\n'
    profile = f'<profile name="default"><settings>\n{log}</settings>{levels}</profile>\n'
    music = _params(rate=8000, channels=1, interval=20, timer_name="soft")
    moh = f'<directory name="moh" path="{own.work}/moh">\n{music}</directory>\n'
    return (
        _section("logfile", f"<settings>{_params(rotate_on_hup='false')}</settings><profiles>\n{profile}</profiles>\n")
        + _section("console", f"<mappings/><settings>{_params(loglevel='warning')}</settings>\n")
        + _section("local_stream", moh)
        + _books(own)
    )


def _books(own: Switch) -> str:
    """As the stock configuration has them: the columns of template `example`, of whoever comes in or dials (leg a)."""
    names = (
        "caller_id_name caller_id_number destination_number context start_stamp answer_stamp end_stamp duration "
        "billsec hangup_cause uuid bleg_uuid accountcode read_codec write_codec"
    )
    row = ",".join(f'"${{{name}}}"' for name in names.split())
    how = _params(log_base=own.work / "log", default_template="example", legs="a", master_file_only="true")
    rows = f'<templates><template name="example">{row}</template></templates>\n'
    return _section("cdr_csv", f"<settings>\n{how}</settings>{rows}")


def _event_socket(own: Switch) -> str:
    """The shipped file, at this site's port and with its password."""
    text = own.event_socket.replace('"8021"', f'"{own.esl_port}"')
    return text.replace("CHANGE-ME-to-a-password-of-your-own", own.esl_password)


def _sofia(own: Switch) -> str:
    params = _params(
        sip_ip=own.bind,
        sip_port=own.sip_port,
        rtp_ip=own.bind,
        context="inbound",
        dialplan="XML",
        inbound_codec_prefs="PCMU,PCMA",
        outbound_codec_prefs="PCMU,PCMA",
        rtp_timer_name="soft",
        user_agent_string=own.user_agent,
        auth_calls="true",  # a phone that calls itself as a user of the directory is taken for that user: it is a lab
        accept_blind_auth="true",
        accept_blind_reg="false",
        liberal_dtmf="true",
        manage_presence="false",
        caller_id_type="pid",
        inbound_late_negotiation="true",
    )
    return _section(
        "sofia",
        f"<global_settings>\n{_params(log_level=0, auto_restart='false')}</global_settings>\n"
        f'<profiles><profile name="{PROFILE}"><settings>\n{params}</settings></profile></profiles>\n',
    )


def _conference() -> str:
    quiet = _params(rate=8000, interval=20, energy_level=100, comfort_noise="false")
    return _section("conference", f'<profiles><profile name="default">\n{quiet}</profile></profiles>\n')


def _queues(own: Switch) -> str:
    """`support` rings every phone."""
    dials = [(n, f"[leg_timeout=20]sofia/{PROFILE}/agent{n}@127.0.0.1:{port}") for n, port in _agents(own)]
    agents = "".join(
        f'<agent name="agent{n}@{DOMAIN}" type="callback" contact={quoteattr(dial)} status="Available" '
        'max-no-answer="3" wrap-up-time="0" reject-delay-time="1" busy-delay-time="1"/>\n'
        for n, dial in dials
    )
    tiers = "".join(
        f'<tier agent="agent{n}@{DOMAIN}" queue="support@{DOMAIN}" level="1" position="1"/>\n' for n, _ in dials
    )
    how = _params(strategy="ring-all", moh_sound="local_stream://moh", max_wait_time=0)
    queue = f'<queues><queue name="support@{DOMAIN}">\n{how}</queue></queues>\n'
    who = f"<agents>\n{agents}</agents>\n<tiers>\n{tiers}</tiers>\n"
    fresh = _params(delete_all_outbound_member_on_startup="true")
    fifo = _section("fifo", f"<settings>{fresh}</settings><fifos/>\n")
    return _section("callcenter", f"<settings/>\n{queue}{who}") + fifo


def _directory(own: Switch) -> str:
    """Every agent is a user too: `user/agent1@lab.example`, and by the address that its phone gives as its own."""
    users = "".join(
        f'<user id="agent{n}"><params>\n{_params(password=own.phone_password)}'
        f"{_params(dial_string=f'sofia/{PROFILE}/agent{n}@127.0.0.1:{port}')}</params>"
        f'<variables><variable name="user_context" value="internal"/></variables></user>\n'
        for n, port in _agents(own)
    )
    groups = f'<groups><group name="default"><users>\n{users}</users></group></groups>'
    return "".join(f'<domain name="{name}">{groups}</domain>\n' for name in (DOMAIN, own.bind))
