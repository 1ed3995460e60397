"""Checks of the modules that Asterisk has loaded.

What belongs here: what must be there, and what must not. What does not: accounts (privilege.py), dialplan.
"""

from __future__ import annotations

from collections.abc import Iterator

from callguard.doctor.site import Finding, Site, blocker, warning

ARI = (
    "res_ari res_ari_applications res_ari_asterisk res_ari_bridges res_ari_channels res_ari_events res_ari_playbacks "
    "res_http_websocket res_stasis res_stasis_answer res_stasis_playback res_stasis_snoop"
).split()
RECORDER = ["app_mixmonitor", "format_wav"]
SNIPPET = "app_exec app_stack app_stasis func_callerid func_channel func_db func_logic func_strings".split()
OUTBOUND = "app_channelredirect app_playtones app_softhangup app_userevent func_dialplan func_global".split()
MUTES = "res_mutestream"
NEEDED = {
    **dict.fromkeys(ARI, "events, notices and whispers come over ARI"),
    **dict.fromkeys(RECORDER, "nothing can be recorded or played without it"),
    **dict.fromkeys(SNIPPET, "the dialplan snippet uses it"),
}
"""What has to run, and why."""
_RUNS = "Running"


def needed(site: Site) -> Iterator[Finding]:
    """Every module that ARI, the recorder and the snippet need is running."""
    modules = site.pbx.modules or {}
    for name, why in NEEDED.items():
        if modules.get(name) != _RUNS:
            yield blocker(f"module {name} is not running: {why}", "modules.conf", f"load => {name}.so")
    if site.plan.least_privilege and modules.get(MUTES) != _RUNS:
        what = f"module {MUTES} is not running: with least_privilege a caller is heard while the recorder starts"
        yield blocker(what, "modules.conf", f"load => {MUTES}.so")
    for name in OUTBOUND:
        if modules.get(name) != _RUNS:
            what = f"module {name} is not running: people who are called cannot be told before they are bridged"
            yield warning(what, "modules.conf", f"load => {name}.so")


def unwanted(site: Site) -> Iterator[Finding]:
    """No module hides keys or calls from us."""
    modules = site.pbx.modules or {}
    if modules.get("bridge_native_rtp") == _RUNS:
        what = (
            "bridge_native_rtp is loaded: while a bridged call is not recorded, Asterisk reports no keys of it, so that"
            " a caller's keys go unheard"
        )
        yield warning(what, "modules.conf", "noload => bridge_native_rtp.so")
    endpoints = (site.pbx.technologies or {}).get("SIP", 0)
    if endpoints or modules.get("chan_sip") == _RUNS:
        what = f"chan_sip is loaded, with {endpoints} endpoint(s): it is gone in Asterisk 21, and untested here"
        yield warning(what, "modules.conf", "noload => chan_sip.so, and move these endpoints to PJSIP")
