"""callguard scripts: whether callers are told what the policy promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from callguard.cli.init import fresh
from callguard.lab.stand import POLICY as POLICY_OF_THE_DEMO
from tests.cli.command import callguard, site
from tests.cli.test_prompts import espeaker, make_longer, own_prompts

POLICY = """
[organisation]
name = "<script>alert(1)</script> & \\"Sons\\""
contact = "privacy@example.org"
[vendor.acme-transcripts]
what = "transcripts"
[call_type.support]
purpose = "qa"
uses = ["training"]
basis = "consent"
listen = ["qa"]
retention = {audio = 90}
"""
SHIPPED = "Callers are told what the policy promises.\n"


def promising(folder: Path, *lines: str) -> Path:
    """A site whose call type says LINES besides the usual. Its configuration."""
    config = site(folder)
    keys = [line.partition(" =")[0] for line in lines]
    usual = [line for line in POLICY.splitlines() if line.partition(" =")[0] not in keys]
    (folder / "policy.toml").write_text("\n".join([*usual, *lines]) + "\n")
    return config


@pytest.mark.requirement("S45", "S51", "S52", "S53", "S54", "S55")
def test_the_shipped_prompts_say_what_the_default_policy_promises(tmp_path: Path) -> None:
    config = promising(tmp_path, 'languages = ["en", "es"]')
    done = callguard("scripts", "check", "--config", config)
    assert (done.status, done.text) == (0, SHIPPED)
    document = json.loads(callguard("scripts", "check", "--config", config, "--json").out)
    assert document == {"ok": True, "problems": [], "findings": []}


def test_a_new_site_and_the_demo_need_no_rendering(tmp_path: Path) -> None:
    config = promising(tmp_path)
    for policy in (fresh()["policy.toml"], POLICY_OF_THE_DEMO):
        (tmp_path / "policy.toml").write_text(policy)
        done = callguard("scripts", "check", "--config", config)
        assert (done.status, done.text) == (0, SHIPPED)


@pytest.mark.requirement("S17", "S26", "S34", "S51", "S53", "S54", "S55")
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('uses = ["training", "ai_inference"]', "en/notice-short: it does not say the purpose ai_inference"),
        ('listen = ["qa", "supervisor"]', "en/notice-long: it does not say the right to listen of supervisor"),
        ("retention = {audio = 30}", "en/notice-long: it keeps audio for 90 days; retention is 30 days"),
        ('shared = ["acme-transcripts"]', "en/notice-long: it does not say the vendor acme-transcripts"),
        ('category = "health"', "en/notice-short: it is a generic script"),
        ('basis = "legal_obligation"', "en/question: it asks for agreement; basis is legal_obligation"),
        ('language = "de"', "de/*: there are no prompts"),
    ],
)
def test_a_policy_that_promises_something_else_is_found_and_rendering_mends_it(
    tmp_path: Path, line: str, says: str
) -> None:
    config = promising(tmp_path, line)
    done = callguard("scripts", "check", "--config", config)
    assert done.status == 1 and f"call_type.support {says}" in done.text, done.text
    assert "callguard prompts render --call-type support --language" in done.text
    document = json.loads(callguard("scripts", "check", "--config", config, "--json").out)
    finding = document["findings"][0]
    assert not document["ok"] and set(finding) == {"call_type", "language", "prompt", "found", "promised", "change"}
    if "generic" not in says:
        config.write_text(config.read_text() + '[prompts]\ndirectory = "own"\n')
        render = ("prompts", "render", "--config", config, "--tts", espeaker(tmp_path), "--out", tmp_path / "own")
        assert callguard(*render).status == 0
        left = json.loads(callguard("scripts", "check", "--config", config, "--json").out)
        assert {item["prompt"] for item in left["findings"]} <= {"recording-on"}, left  # one sound for every text


@pytest.mark.requirement("S60", "S119")
def test_an_altered_file_a_long_notice_and_a_vague_word_are_found(tmp_path: Path) -> None:
    config, folder = own_prompts(tmp_path)
    usual = promising(tmp_path / "other").parent / "policy.toml"
    (tmp_path / "policy.toml").write_text(usual.read_text())
    assert callguard("scripts", "check", "--config", config).status == 0
    make_longer(folder, "notice-short")
    text = folder / "refusal.txt"
    (folder / "question.txt").write_text("This call may be recorded. Press 1 to agree, or 2 to opt out.")
    assert callguard("prompts", "adopt", folder).status == 0
    done = callguard("scripts", "check", "--config", config)
    assert done.status == 1 and "en/notice-short: it takes 13." in done.text
    assert "en/question: it says that the call may be recorded" in done.text
    text.write_text("Other words.")
    done = callguard("scripts", "check", "--config", config)
    assert done.status == 1 and "language en: prompt refusal: its text_version is not the one" in done.text


def test_a_broken_policy_and_broken_scripts_are_findings(tmp_path: Path) -> None:
    config = promising(tmp_path, 'basis = "whim"')
    done = callguard("scripts", "check", "--config", config)
    assert done.status == 1 and "call_type.support.basis" in done.text
    config, folder = own_prompts(tmp_path)
    (folder / "script.toml").write_text("[script")
    assert "en/script.toml: not TOML" in callguard("scripts", "check", "--config", config).text


@pytest.mark.requirement("S53", "S54", "S55")
def test_the_long_notice_is_published_as_text_and_as_html(tmp_path: Path) -> None:
    config = promising(tmp_path, 'languages = ["en", "fr"]', 'shared = ["acme-transcripts"]')
    text = callguard("scripts", "publish", "--config", config).text
    assert '[support, en]\n<script>alert(1)</script> & "Sons" records this call.' in text
    assert "We keep the recording for 90 days" in text and "acme transcripts" in text and "[support, fr]\n" in text
    page = tmp_path / "page.html"
    done = callguard(
        *("scripts", "publish", "--config", config, "--format", "html", "--language", "fr", "-o", page),
        *("--call-type", "support"),
    )
    assert (done.status, done.text) == (0, "")
    assert page.read_text().startswith(
        '<section id="support-fr" lang="fr">\n<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; '
    )
    assert page.read_text().count("<section") == 1 and "<script>" not in page.read_text()


@pytest.mark.parametrize(
    ("lines", "arguments", "says"),
    [
        ([], ["--language", "tlh"], "there are no texts in tlh"),
        ([], ["--call-type", "sales"], "there is no call_type.sales"),
        (['name = "TO FILL IN"'], [], "organisation: fill in what says TO FILL IN"),
        (['long_notice = "notice-own"'], [], "no template notice-own in en/script.toml"),
    ],
)
def test_what_cannot_be_published_is_bad_input(
    tmp_path: Path, lines: list[str], arguments: list[str], says: str
) -> None:
    config = promising(tmp_path)
    path = tmp_path / "policy.toml"
    for line in lines:
        before = path.read_text()
        if line.startswith("name"):
            path.write_text("\n".join(line if old.startswith("name") else old for old in before.splitlines()))
        else:
            path.write_text(before + line + "\n")
    done = callguard("scripts", "publish", "--config", config, *arguments)
    assert done.status == 2 and says in done.err, done.err


def test_a_call_type_without_a_purpose_cannot_be_published(tmp_path: Path) -> None:
    config = promising(tmp_path)
    path = tmp_path / "policy.toml"
    path.write_text(path.read_text().replace('purpose = "qa"\n', ""))
    done = callguard("scripts", "publish", "--config", config)
    assert done.status == 2 and "call_type.support.purpose: is missing" in done.err
