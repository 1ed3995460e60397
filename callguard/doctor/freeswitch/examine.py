"""The table of checks for a site on FreeSWITCH, and looking at it.

What belongs here: which checks there are, and what is said where nothing is wrong. What does not: any one check,
running them (callguard/doctor/examine.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from callguard.doctor import folder, privilege, process, promise, share
from callguard.doctor.examine import Check, run_checks
from callguard.doctor.freeswitch import dialplan, link
from callguard.doctor.freeswitch.ask import ask
from callguard.doctor.look import look
from callguard.doctor.site import Finding, SwitchPlan, SwitchSite

_SILENT = ("the event socket could not be asked", "")
WHY = {
    "modules": _SILENT,
    "commands": _SILENT,
    "dialplan": (
        "FreeSWITCH has none of its own: another program hands it out (FusionPBX, mod_xml_curl)",
        "callguard lint dialplan, with a dump of FusionPBX's database or the files",
    ),
}
"""Why something is not known, and what to change."""

CHECKS: tuple[Check[SwitchSite], ...] = (
    Check("link", "the event socket answers and lets us in", link.reached),
    Check("version", "FreeSWITCH is new enough", link.version, "modules"),
    Check("modules", "every module that is needed is loaded", link.modules, "modules"),
    Check("commands", "FreeSWITCH knows every command that is needed", link.commands, "commands"),
    Check("dead man's switch", "a stop can be scheduled and taken back", link.deadman),
    Check("snippet", "loaded as shipped, and calls are handed over", dialplan.handed, "dialplan"),
    Check("socket", "dialplan and controller name the same address", dialplan.address, "dialplan"),
    Check("dialplan", "nothing else records, and no way leads around the notice", dialplan.examined, "dialplan"),
    Check("recordings folder", "there, closed to others, with room", folder.recordings),
    Check("same folder", "FreeSWITCH sees the recordings folder and may write there", link.shared),
    Check("data directory", "ours alone, with room for its sockets", folder.data),
    Check("spool", "nothing of the event log was left behind", folder.spool),
    Check("user", "this runs as callguard's own user", folder.user),
    Check("master key", "readable by its owner alone", folder.key),
    Check("configuration file", "readable by its owner alone", folder.configuration),
    Check("alerts", "incidents are told besides the database", folder.alerts),
    Check("prompts", "complete, unaltered, readable for FreeSWITCH", link.prompts),
    Check("policy", "complete, and no review is due within 30 days", promise.complete),
    Check("places", "the rules know every place, and no override has ended", promise.places),
    Check("texts", "callers are told what the policy promises", promise.told),
    Check("secrets", "long, and nobody's guess", link.password),
    Check("encryption", "nothing crosses the network in the clear", link.sealed),
    Check("exposure", "the event socket answers on no address that others can reach", link.closed),
    Check("clocks", "kept right, and the PBX's is ours", link.clocks),
    Check("database", "reachable; schema, grants and triggers as they should be", process.database),
    Check("database role", "callguard_app, without the owner's password beside it", privilege.database_role),
    Check("share of calls asked", "no calls yet", share.asked),
    Check("controller", "running, no link lost", process.answers),
    Check("guard", "running, with a link of its own", process.guard),
)


async def visit(plan: SwitchPlan) -> SwitchSite:
    """Look at the real thing, once, for all checks."""
    pbx, host = await ask(plan), await look(plan, plan.esl.host, plan.esl.port)
    return SwitchSite(plan=plan, pbx=pbx, host=host)


def examine(site: SwitchSite) -> Iterator[Finding]:
    """Everything that the checks say about SITE, in the order of the table."""
    return run_checks(site, CHECKS, WHY | ({"dialplan": _SILENT} if site.pbx.link else {}))
