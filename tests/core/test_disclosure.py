"""What callers are told is what the policy promises: every shipped template says so, every difference is found."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from callguard.core.disclosure import Finding
from callguard.core.purpose import Basis, Purpose, Use
from tests.core.script_text import CATEGORIES, LANGUAGES, WORDINGS, Said, found, policy, rendered, support, text

PURPOSES = [str(purpose) for purpose in Purpose if purpose is not Purpose.NONE]


def same(language: str, **values: Any) -> list[Finding]:
    """What is found in the texts that this very policy renders."""
    own = policy(language=language, **values)
    return found(own, rendered(own, language), language)


def other(language: str, before: dict[str, Any], **now: Any) -> str:
    """What is found where texts were rendered from the policy as it was BEFORE. One line a finding."""
    heard = rendered(policy(**{"language": language, **before}), language)
    return "\n".join(map(str, found(policy(**{"language": language, **before, **now}), heard, language)))


@pytest.mark.requirement("S51", "S52")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_combination_of_purposes_is_told_as_it_is(language: str, purpose: str) -> None:
    for uses in itertools.chain.from_iterable(itertools.combinations(set(Use) - {Use(purpose)}, n) for n in (0, 1, 11)):
        assert same(language, purpose=purpose, uses=[str(use) for use in uses]) == []


@pytest.mark.requirement("S17", "S78", "S53", "S48")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("basis", list(Basis))
def test_every_category_basis_role_and_tone_is_told_as_it_is(language: str, basis: Basis) -> None:
    for notice in ("short", "soft", *CATEGORIES):
        category = notice if notice in CATEGORIES else "general"
        assert same(language, basis=str(basis), category=category, notice=f"notice-{notice}") == []
    assert same(language, basis=str(basis), mode="announce", notice="notice-announce") == []
    for role in (*WORDINGS[language].phrases["role"], "night-shift"):
        assert same(language, basis=str(basis), listen=[role], export=[role]) == []
    assert same(language, basis=str(basis), export=[], shared=[], on_withdrawal="keep") == []
    every = ("audio", "transcript", "summary", "tags")
    assert same(language, outputs=list(every), retention=dict(zip(every, (365, 30, 7, 1), strict=True))) == []
    assert same(language, outputs=["audio", "transcript"], retention={"audio": 30}, withdraw="#5") == []


MUTATIONS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("a purpose more", {}, {"uses": ["training", "dispute"]}, "notice-short: it does not say the purpose dispute"),
    ("a purpose less", {}, {"uses": []}, "it says the purpose training; purpose and uses are qa"),
    ("another purpose", {}, {"purpose": "safety"}, "notice-long: it does not say the purpose safety"),
    ("longer", {}, {"retention": {"audio": 120, "transcript": 30}}, "keeps audio for 90 days; retention is 120 days"),
    ("an output more", {}, {"outputs": ["audio", "transcript", "tags"]}, "it keeps tags for no time; retention is 90"),
    ("an output less", {}, {"outputs": ["audio"], "retention": {"audio": 90}}, "it keeps transcript for 30 days"),
    ("a vendor more", {}, {"shared": ["acme-transcripts", "bolt-hosting"]}, "does not say the vendor bolt-hosting"),
    ("a vendor less", {}, {"shared": []}, "it says the vendor acme-transcripts; shared is none"),
    ("the first vendor", {"shared": []}, {"shared": ["bolt-hosting"]}, "it says that it is shared with nobody"),
    ("a listener less", {}, {"listen": ["qa"]}, "it says the right to listen of supervisor; listen is qa"),
    ("a listener more", {}, {"listen": ["supervisor", "qa", "legal"]}, "does not say the right to listen of legal"),
    ("an exporter more", {}, {"export": ["privacy", "qa"]}, "it does not say the right to export of qa"),
    ("an exporter less", {}, {"export": []}, "it says the right to export of privacy; export is none"),
    ("another basis", {}, {"basis": "contract"}, "it asks for agreement; basis is contract"),
    ("consent", {"basis": "contract"}, {"basis": "consent"}, "it does not ask for agreement; basis is consent"),
    ("other keys", {}, {"withdraw": "*5"}, "it does not say how to withdraw; withdraw is *5"),
    ("a matter", {}, {"category": "payment"}, "a generic script that does not name the matter; category is payment"),
    ("announced", {}, {"mode": "announce"}, "it says that key 1 goes on with recording; mode is announce"),
    ("asked", {"mode": "announce", "notice": "notice-announce"}, {"mode": "ask"}, "it does not say that key 1 goes on"),
]  # fmt: skip


@pytest.mark.requirement("S26", "S51", "S52", "S53", "S54", "S55", "S17")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("before", "now", "says"), [row[1:] for row in MUTATIONS], ids=[row[0] for row in MUTATIONS])
def test_a_changed_policy_is_found_in_every_language(
    language: str, before: dict[str, Any], now: dict[str, Any], says: str
) -> None:
    assert other(language, before) == ""
    assert says in other(language, before, **now)


@pytest.mark.requirement("S53")
def test_a_role_that_nobody_knows_any_more_is_found_in_a_rendered_text() -> None:
    before, now = policy(listen=["qa", "night-shift"]), policy(listen=["qa"])
    heard = {name: replace(said, template="1") for name, said in rendered(before, "en").items()}
    (finding,) = found(now, heard, "en")
    assert (finding.prompt, finding.found) == ("notice-long", "it was rendered from another policy")
    assert found(before, heard, "en") == []
    kept = policy(notice="notice-own")
    own = {**rendered(kept, "en"), "notice-own": Said(text(kept, "notice-short", "en"), template="1")}
    assert [finding.prompt for finding in found(kept, own, "en")] == ["notice-own"]


VAGUE = {
    "en": ["This call may be recorded", "We might record this call", "Calls are sometimes recorded"],
    "es": ["Esta llamada puede ser grabada", "Podemos grabar esta llamada", "La llamada podrá grabarse"],
    "de": ["Dieses Gespräch kann zu Schulungszwecken aufgezeichnet werden", "Eventuell zeichnen wir auf"],
    "fr": ["Cet appel peut être enregistré", "Cet appel est susceptible d\u2019être enregistré"],
}


@pytest.mark.requirement("S60", "S119")
@pytest.mark.parametrize(("language", "vague"), [(key, item) for key, items in VAGUE.items() for item in items])
def test_what_may_be_is_refused(language: str, vague: str) -> None:
    own = policy(language=language)
    heard = rendered(own, language)
    for prompt in ("notice-short", "notice-long", "question"):
        worse = {**heard, prompt: Said(f"{vague}. {heard[prompt].text}")}
        assert "it says that the call may be recorded" in [item.found for item in found(own, worse, language)]


def with_notice(words: str, **values: Any) -> set[str]:
    """What is found in a notice of one's own WORDS, in English."""
    own = policy(**values)
    return {item.found for item in found(own, {**rendered(own, "en"), "notice-short": Said(words)}, "en")}


@pytest.mark.requirement("S15", "S45")
@pytest.mark.parametrize(
    "words",
    [
        "Good day, this call will be recorded for service quality and staff training. Do you agree? Press one, or two "
        "to continue without being recorded.",
        "We are recording to improve our service, and for coaching. Is that OK? Push 1. Push 2 to opt out.",
        "We record this call. It is used for training and quality assurance. Press key 1 to accept, press key 2 to "
        "refuse: you will not be recorded.",
    ],
)
def test_words_of_ones_own_pass_where_they_say_it(words: str) -> None:
    assert with_notice(words) == set()


@pytest.mark.requirement("S22", "S44", "S60")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("For quality and training. Press 1 to agree, or 2 to opt out.", "it does not say that the call is recorded"),
        ("This call will be recorded. Press 1 to agree, or 2 to opt out.", "it does not say the purpose qa, training"),
        ("This call will be recorded for quality and training. Press 1 to agree.", "it gives no choice"),
        (
            "We record for quality and training. Press 1 to agree. You may opt out.",
            "it does not say that key 2 refuses",
        ),
        (
            "We record for quality and training. Press 1 to agree, or 2 and then 5 to continue without recording.",
            "it asks for more than one key to refuse",
        ),
        (
            "Press 1 to agree, or 2 to continue without recording. We record for quality and training.",
            "it does not keep the order of notice, purpose, choice",
        ),
        (
            "This call is for quality and training. We record it. Press 1 to agree, or 2 to opt out.",
            "it does not keep the order of notice, purpose, choice",
        ),
    ],
)
def test_what_a_notice_lacks_is_found(words: str, says: str) -> None:
    assert says in with_notice(words)


def test_silence_about_access_and_sharing_is_found() -> None:
    own = policy()
    short = Said("We record for quality and training. Kept: recording 90 days, transcript 30 days. Press star 7.")
    said = {item.found for item in found(own, {**rendered(own, "en"), "notice-long": short}, "en")}
    assert said == {
        "it does not say who may listen",
        "it does not say who may export",
        "it does not say whether it is shared",
        "it does not say the vendor acme-transcripts",
    }
    nobody = policy(listen=[], export=[], shared=[])
    assert "shared is nobody" in str(found(nobody, {**rendered(nobody, "en"), "notice-long": short}, "en"))


@pytest.mark.requirement("S7", "S60")
def test_a_notice_has_ten_seconds_and_the_line_two() -> None:
    own = policy()
    heard = rendered(own, "en")
    long = {name: replace(said, duration_s=10.1) for name, said in heard.items()}
    assert {(item.prompt, item.found) for item in found(own, long, "en")} == {
        ("notice-short", "it takes 10.1 s"),
        ("recording-on", "it takes 10.1 s"),
    }


@pytest.mark.parametrize(("prompt", "lacks"), [("refusal", "not recorded"), ("withheld", "not recorded")])
def test_who_refused_is_told_so(prompt: str, lacks: str) -> None:
    own = policy()
    (finding,) = found(own, {**rendered(own, "en"), prompt: Said("Thank you.")}, "en")
    assert lacks in finding.found


@pytest.mark.requirement("S51")
@pytest.mark.parametrize("mode", ["ask", "announce"])
def test_a_shorter_notice_says_all_that_a_notice_has_to(mode: str) -> None:
    own = policy(mode=mode, notice="notice-announce" if mode == "announce" else "notice-short")
    heard = rendered(own, "en")
    assert not found(own, {**heard, "notice-known": Said(heard[support(own).notice].text)}, "en")
    lacking = found(own, {**heard, "notice-known": Said("This call is recorded.")}, "en")
    assert {item.prompt for item in lacking} == {"notice-known"} and len(lacking) >= 3


def test_a_missing_prompt_language_or_wording_is_found_with_what_to_type() -> None:
    own = policy()
    heard = rendered(own, "en")
    del heard["refusal"]
    (finding,) = found(own, heard, "en")
    assert "en/refusal: is missing" in str(finding)
    assert "callguard prompts render --call-type support --language en --tts" in finding.change
    (finding,) = found(own, {}, "en")
    assert finding.found == "there are no prompts"
    (finding,) = found(policy(language="tlh"), {}, "tlh")
    assert finding.change == "Add tlh/script.toml to the folder of prompts"


def test_every_language_of_a_call_type_is_looked_at_and_never_those_that_are_not_recorded() -> None:
    own = policy(languages=["en", "es", "de"], language_keys={"3": "de"})
    assert {item.language for item in found(own, rendered(own, "en"), "en")} == {"es", "de"}
    never = policy(purpose="none", uses=[], mode="never")
    assert not support(never).records and found(never, {}, "en") == []
