"""The lab Asterisk's configuration files, as text.

What belongs here: one pure function from a frozen `Site` to {file name: content}, and the list of modules. What does
not: picking ports, writing files, running anything (asterisk.py). Modules are loaded by name: nothing else can run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from callguard.pbx.asterisk.site import HEARD

# bridge_native_rtp is left out on purpose: with it a bridged, unrecorded call reports no digits.
# res_agi needs res_speech, chan_rtp needs res_rtp_multicast.
MODULES = (
    "res_crypto res_timing_timerfd res_http_websocket res_websocket_client res_pjproject res_sorcery_config "
    "res_sorcery_memory res_sorcery_astdb res_rtp_asterisk res_rtp_multicast res_speech res_musiconhold res_agi "
    "res_audiosocket res_mutestream res_stasis res_stasis_answer res_stasis_playback res_stasis_recording "
    "res_stasis_snoop res_stasis_device_state res_ari res_ari_model res_ari_applications res_ari_asterisk "
    "res_ari_bridges res_ari_channels res_ari_device_states res_ari_endpoints res_ari_events res_ari_playbacks "
    "res_ari_recordings res_ari_sounds res_pjsip res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id "
    "res_pjsip_dtmf_info res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user "
    "res_pjsip_endpoint_identifier_anonymous res_pjsip_header_funcs res_pjsip_logger res_pjsip_nat res_pjsip_refer "
    "res_pjsip_rfc3326 res_pjsip_registrar res_pjsip_pubsub res_pjsip_authenticator_digest chan_pjsip chan_rtp "
    "chan_bridge_media pbx_config bridge_simple bridge_softmix bridge_holding bridge_builtin_features "
    "bridge_builtin_interval_features codec_ulaw codec_alaw codec_a_mu codec_gsm codec_g722 codec_resample format_wav "
    "format_wav_gsm format_pcm format_gsm format_sln app_dial app_queue app_echo app_stasis app_mixmonitor "
    "app_playback app_playtones app_milliwatt app_read app_record app_exec app_userevent app_verbose app_stack "
    "app_while app_chanspy app_confbridge app_bridgeaddchan app_bridgewait app_originate app_talkdetect app_senddtmf "
    "app_channelredirect app_directed_pickup app_transfer func_channel func_callerid func_cdr func_cut func_db "
    "func_env func_global func_groupcount func_hangupcause func_holdintercept func_logic func_math func_md5 "
    "func_module func_periodic_hook func_rand func_sha1 func_sprintf func_strings func_sysinfo func_talkdetect "
    "func_timeout func_uri func_uuid func_version func_volume func_dialplan func_jitterbuffer "
    "app_softhangup res_clioriginate res_parking cdr_csv"
).split()

# Files that Asterisk looks for; their absence, or a [general] in some of them, is an error in its log.
EMPTY = (
    "stasis.conf websocket_client.conf queuerules.conf acl.conf sorcery.conf confbridge.conf cel.conf "
    "features.conf ccss.conf udptl.conf codecs.conf extconfig.conf cli_permissions.conf cli_aliases.conf dnsmgr.conf "
    "res_fax.conf pjproject.conf"
).split()

INDICATIONS = """[general]
country = us
[us]
description = United States
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
"""


@dataclass(frozen=True)
class Secrets:
    """One generated password per user of the lab Asterisk."""

    ari: str
    ami: str
    guard: str
    phone: str


@dataclass(frozen=True)
class Site:
    """Everything that varies between two lab Asterisks. Ports are free ones; `bind` is the SIP and RTP address."""

    work: Path
    run: Path  # short: it holds the control socket, whose path may have 107 bytes at most
    modules: Path
    data: Path
    bind: str
    sip_port: int
    http_port: int
    ami_port: int
    rtp_ports: tuple[int, int]
    agent_ports: tuple[int, ...]
    trunk_port: int
    secrets: Secrets
    user_agent: str
    dialplan: str
    snippet: str
    system_name: str = ""  # what every channel's id begins with
    least_privilege: bool = False


def files(site: Site) -> dict[str, str]:
    """{file name: content} of the configuration folder."""
    return dict.fromkeys(EMPTY, "") | {
        "asterisk.conf": _asterisk(site),
        "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load = {name}.so\n" for name in MODULES),
        "cdr.conf": "[csv]\nusegmtime=yes\nloguniqueid=yes\naccountlogs=no\n",
        "logger.conf": "[general]\ndateformat=%F %T.%3q\n[logfiles]\nfull => notice,warning,error,verbose\n",
        "indications.conf": INDICATIONS,
        "musiconhold.conf": f"[default]\nmode=files\ndirectory={site.work}/moh\n",
        "rtp.conf": "[general]\nstrictrtp=no\nicesupport=no\nrtpstart={}\nrtpend={}\n".format(*site.rtp_ports),
        "http.conf": f"[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport={site.http_port}\n",
        "ari.conf": _ari(site),
        "manager.conf": _manager(site),
        "pjsip.conf": _pjsip(site),
        "queues.conf": _queues(site),
        "res_parking.conf": "[general]\n[default]\nparkpos=701-720\ncontext=parkedcalls\n",
        "extensions.conf": "#include site.conf\n#include callguard.conf\n",
        "site.conf": site.dialplan,
        "callguard.conf": site.snippet,
    }


def _asterisk(site: Site) -> str:
    work = site.work
    # [directories](!) would be a template and every line below it ignored
    folders = {
        "astetcdir": work / "etc",
        "astmoddir": site.modules,
        "astvarlibdir": work / "lib",
        "astdbdir": work / "lib",
        "astkeydir": work / "lib",
        "astdatadir": site.data,
        "astagidir": work / "lib",
        "astspooldir": work / "spool",
        "astrundir": site.run,
        "astlogdir": work / "log",
        "astsbindir": work / "lib",
    }
    lines = "".join(f"{name} = {path}\n" for name, path in folders.items())
    options = "verbose = 3\nnocolor = yes\ndontwarn = yes\nhideconnect = yes\n"
    return f"[directories]\n{lines}[options]\n{options}{_system_name(site)}"


def _system_name(site: Site) -> str:
    return f"systemname = {site.system_name}\n" if site.system_name else ""


def _ari(site: Site) -> str:
    general = "[general]\nenabled=yes\npretty=no\nwebsocket_write_timeout=1000\nchannelvars=CALLGUARD_SITE\n"
    return f"{general}[callguard]\ntype=user\nread_only=no\npassword={site.secrets.ari}\n"


def _manager(site: Site) -> str:
    """`callguard` may start recorders (class system) unless `least_privilege`; `guard` may only stop them and send
    channels on (class call).
    """
    general = f"[general]\nenabled=yes\nwebenabled=no\nport={site.ami_port}\nbindaddr=127.0.0.1\ndisplayconnects=no\n"
    starts = "" if site.least_privilege else "system,"
    filters = "".join(f"\neventfilter={event}" for event in HEARD)
    more = filters if site.least_privilege else ",user,dialplan,dtmf"
    hears = f"read=call,reporting{more}"
    user = f"[callguard]\nsecret={site.secrets.ami}\n{hears}\nwrite={starts}call,reporting\n"
    guard = f"[guard]\nsecret={site.secrets.guard}\nread=call,reporting\nwrite=call,reporting\n"
    return general + user + guard


def _pjsip(site: Site) -> str:
    top = (
        f"[global]\ntype=global\nuser_agent={site.user_agent}\nendpoint_identifier_order=username,ip,anonymous\n"
        f"[udp]\ntype=transport\nprotocol=udp\nbind={site.bind}:{site.sip_port}\n"
    )
    # without rtp_timeout a call whose caller died stays in Stasis for ever
    line = (
        "type=endpoint\ntransport=udp\ndisallow=all\nallow=ulaw\ndirect_media=no\ndtmf_mode=rfc4733\n"
        "rtp_timeout=20\nrtp_timeout_hold=300\nrtp_symmetric=yes\nforce_rport=yes\nrewrite_contact=yes\n"
    )
    far = "".join(f"[{name}]\n{line}context=inbound\n" for name in ("caller", "anonymous"))
    agents = "".join(
        f"[agent{n}]\n{line}context=internal\naors=agent{n}\nsend_pai=yes\ncallerid=Agent {n} <60{n}>\n"
        "call_group=1\npickup_group=1\n"
        f"[agent{n}]\ntype=aor\ncontact=sip:agent{n}@127.0.0.1:{port}\n"
        for n, port in enumerate(site.agent_ports, 1)
    )
    # the far side of outbound calls: Dial(PJSIP/NUMBER@trunk)
    trunk = (
        f"[trunk]\n{line}context=inbound\naors=trunk\n"
        f"[trunk]\ntype=aor\ncontact=sip:trunk@127.0.0.1:{site.trunk_port}\n"
    )
    softphone = (
        f"[softphone]\n{line}context=inbound\naors=softphone\nauth=softphone\n"
        f"[softphone]\ntype=auth\nauth_type=userpass\nusername=softphone\npassword={site.secrets.phone}\n"
        "[softphone]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n"
    )
    return top + far + agents + trunk + softphone


def _queues(site: Site) -> str:
    """`support` rings the phones themselves, `local` through Local channels that optimise themselves away."""
    line = "musicclass=default\nstrategy=ringall\ntimeout=20\nretry=1\nwrapuptime=0\nringinuse=yes\nautofill=yes\n"
    numbers = range(1, len(site.agent_ports) + 1)
    support = "".join(f"member => PJSIP/agent{n}\n" for n in numbers)
    local = "".join(f"member => Local/{n}@agents,0,Agent {n},PJSIP/agent{n}\n" for n in numbers)
    return f"[general]\npersistentmembers=no\n[support]\n{line}{support}[local]\n{line}{local}"
