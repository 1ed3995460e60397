"""Checks of policy.toml: whether it may be in force, and whether what it promises reaches people.

What belongs here: what is missing, what callers are told otherwise, what agents' phones do not show. What does not:
wrong values, which keep it from being read, and the files of prompts (folder.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from callguard.core.complete import doubtful, incomplete
from callguard.core.place import is_place
from callguard.core.purpose import Indicator
from callguard.doctor.site import Anywhere, Finding, Site, blocker, unchecked, warning
from callguard.engine.script import Scripts

SOON = timedelta(days=30)
"""A review that is due within this time is told."""
LINES = {
    "name": 'name = "who records"',
    "contact": 'contact = "where a caller may ask"',
    "purpose": 'purpose = "qa", or another code of docs/policy.md',
    "basis": 'basis = "consent", or another one of docs/policy.md',
    "assessment": 'assessment = "where it is kept"',
    "review": "review = YYYY-MM-DD, once the assessment was looked at again",
    "owner": 'owner = "who answers for it"',
    "listen": 'listen = ["qa"], the roles that may listen',
    "alternative": 'alternative = "e-mail", the channel for who declines',
    "what": 'what = "what this vendor does with recordings"',
    "sample_percent": "sample_percent = 100, or no must_record",
    "pause_limit_s": "pause_limit_s = 60, or another number of seconds",
    "override": "another override, or none",
    "site": 'site = "US-TX", an ISO 3166 code',
    "hq": 'hq = "US-TX", an ISO 3166 code',
    "until": "until = YYYY-MM-DD, or take the vendor out of shared",
}
"""The line to write, by the last part of its dotted key."""
_UNREAD = "the policy does not load"


def complete(site: Anywhere) -> Iterator[Finding]:
    """Nothing is missing in the policy or expired, and no review is due soon."""
    policy, today = site.plan.policy, site.host.today
    if policy is None:
        yield unchecked("whether the policy is complete", _UNREAD)
        return
    for problem in incomplete(policy, today):
        key, _, _ = problem.partition(": ")
        yield blocker(f"{problem}; the controller does not start with it", f"policy.toml: {key}", _line(key))
    for kind in policy.call_types.values():
        if kind.records and kind.review and today <= kind.review <= today + SOON:
            what = f"the assessment is to be looked at by {kind.review}: from the day after the policy is refused"
            yield warning(what, f"policy.toml: call_type.{kind.name}.review", LINES["review"])


def places(site: Anywhere) -> Iterator[Finding]:
    """Places are those that the rules know, and overrides have not ended: either has no effect, which is strict."""
    policy, pack, today = site.plan.policy, site.plan.pack, site.host.today
    if pack is None or policy is None:
        yield unchecked("whether places and overrides have an effect", "the policy or the rules do not load")
        return
    for problem in doubtful(policy, pack, today):
        key, _, what = problem.partition(": ")
        yield warning(what, f"policy.toml: {key}", LINES[key.rpartition(".")[2]])
    for pattern, code in site.plan.agents.items():
        if not is_place(code, pack):
            what = f"{code} is no place that the rules know: these agents may be anywhere, and every call is asked"
            yield warning(what, f"callguard.toml: places.agents: {pattern}", f'"{pattern}" = "US-TX"')
    for item in pack.expired:
        what = f"the override of {item.code} ended on {item.expires} and has no effect"
        yield warning(what, f"rules.overrides: override.{item.code}", "have it decided anew, or take it out")


def _line(key: str) -> str:
    *_, table, last = key.split(".")
    return f"retention = {{{last} = 90}}, with the days that you keep it" if table == "retention" else LINES[last]


def told(site: Anywhere) -> Iterator[Finding]:
    """The texts of the prompts say what the policy promises."""
    policy = site.plan.policy
    if policy is None:
        yield unchecked("what callers are told", _UNREAD)
        return
    scripts, problems = Scripts.load_leniently(policy, site.plan.prompts)
    if problems:
        yield unchecked("what callers are told", "prompts are missing or damaged: see the check of the prompts")
        return
    for one in scripts.findings(policy):
        where = f"call_type.{one.call_type}, {site.plan.prompts / one.language / one.prompt}"
        yield blocker(f"{one.found}; {one.promised}", where, one.change)


def displays(site: Site) -> Iterator[Finding]:
    """Agents' phones are sent the name that shows them whether they are recorded."""
    policy, phones = site.plan.policy, site.pbx.phones or {}
    for kind in policy.call_types.values() if policy else ():
        dark = [name for name, sent in phones.items() if not sent and kind.is_agent(name)]
        if kind.indicator is Indicator.NAME and dark:
            others = f" and {len(dark) - 1} more" if dark[1:] else ""
            what = f'call_type.{kind.name} has indicator = "name", and Asterisk sends {dark[0]}{others} no name'
            where = f"pjsip.conf: [{dark[0].partition('/')[2]}]"
            yield warning(what, where, "send_pai = yes (or send_rpid = yes)")
