"""What callers and admins get wrong, or do on purpose."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from pathlib import Path

import pytest

from callguard.errors import Unreachable
from callguard.lab.sip import Phone
from tests.e2e.site import Site, is_over

CANARY = "Zx9Canary"
"""In every hostile name: wherever it turns up, a name came through."""


def hostile(work: Path) -> list[bytes]:
    """Names as no phone should send them; one that is executed leaves a file called pwned."""
    touch = f"touch {work}/pwned"
    texts = [
        f"$({touch})", f"`{touch}`", f"; {touch} ;", f"| {touch}", f"&& {touch}", f"'; {touch}; '",
        f"${{SHELL({touch})}}", f"${{SYSTEM({touch})}}", "${CHANNEL(pjsip,call-id)}", "$[1+1]", "${EXTEN}",
        "a,b,c)t(/tmp/x.wav)", "r(/etc/passwd)", "^|,&", "../../../../etc/passwd", "/dev/null", "%00%0a%0d", "%s%n%x",
        "' OR 1=1 --", "'); DROP TABLE callguard.call; --", "\\'; SELECT 1", "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>", "{{7*7}}", "=cmd|' /C calc'!A0", "@SUM(1+1)", "\u202egnp.exe", "\U0001f600",
        "\r\n2026-11-23 ERROR forged", "a\rX-Evil: 1", "tab\there", "x" * 10_000,
    ]  # fmt: skip
    raw = [b"\xff\xfe\x80" + CANARY.encode(), b"nul\x00" + CANARY.encode(), b"\xc3\x28" + CANARY.encode()]
    return [f"{CANARY} {text}".encode() for text in texts] + raw


async def calls_as(site: Site, name: bytes) -> bool:
    """One call under this name, given up in the notice; whether Asterisk took it."""
    async with await Phone.open("caller", site.stand.asterisk.server) as phone:
        call = await phone.dial("support_14", display=name)
        try:
            await call.answered(timeout=4)
        except Unreachable:
            return False
        await asyncio.sleep(0.5)
        await call.hangup()
        return True


@pytest.mark.requirement("S29")
async def test_hostile_names_reach_no_shell_no_file_no_row_and_no_log_line(own_site: Site) -> None:
    site = own_site
    names = hostile(site.stand.work)
    taken = [await asyncio.gather(*(calls_as(site, name) for name in names[at : at + 9])) for at in range(0, 36, 9)]
    count = sum(sum(batch) for batch in taken)
    async with asyncio.timeout(15):
        while len(heads := [head.call_id async for head in site.log.calls()]) < count or await site.live():
            await asyncio.sleep(0.1)
    assert count > 30 and len(heads) == count
    displays = []
    for call_id in heads:
        stored = await site.log.load(call_id)
        assert stored is not None and is_over(stored)
        assert CANARY not in repr(stored)
        displays += [party.values.get("display", "") for party in await site.log.party(call_id)]
    assert sum(CANARY in display for display in displays) > 25, "the names did not arrive: nothing was tried"
    assert not (site.stand.work / "pwned").exists()
    assert CANARY not in site.printed() and "forged" not in site.printed() and "Traceback" not in site.printed()
    assert not [path for path in site.stand.work.rglob(f"*{CANARY}*")]
    assert at_rest(site.stand.work / "postgres") == [] and at_rest(site.stand.data) == []
    assert "0 finding(s)" in (await site.stand.run("verify", "--all", "--config", str(site.stand.config)))[1]


def at_rest(folder: Path) -> list[str]:
    """Files below FOLDER that hold a name in the clear: tables, their log of changes, spool, register."""
    found = subprocess.run(["grep", "-rla", CANARY, folder], capture_output=True, text=True, check=False)
    return found.stdout.splitlines()


WRONG = {
    "AMI secret": (r'ami_secret = "\w+"', 'ami_secret = "hunter2hunter2"'),
    "ARI password": (r'ari_password = "\w+"', 'ari_password = "hunter2hunter2"'),
    "ARI port": (r"127\.0\.0\.1:\d+/ari", "127.0.0.1:1/ari"),
    "ARI host": (r"127\.0\.0\.1:\d+/ari", "no-such-host.invalid:8088/ari"),
    "AMI port": (r"ami_port = \d+", "ami_port = 1"),
    "AMI host": (r'ami_host = "[^"]+"', 'ami_host = "no-such-host.invalid"'),
    "TLS where there is none": (r"(ami_port = \d+)", r"\1\nami_tls = true"),
    "ARI over TLS": (r"http://", "https://"),
    "database": (r"127\.0\.0\.1:\d+/", "127.0.0.1:1/"),
}


async def test_a_wrong_password_host_or_tls_is_one_sentence_and_exit_status_3(idle_site: Site) -> None:
    site = idle_site
    right = site.stand.config.read_text()
    for name, (pattern, replacement) in WRONG.items():
        wrong = site.stand.work / "wrong.toml"
        wrong.write_text(re.sub(pattern, replacement, right))
        wrong.chmod(0o600)
        assert wrong.read_text() != right, name
        began = time.monotonic()
        status, _, said = await site.stand.run("run", "--config", str(wrong), check=False)
        assert time.monotonic() - began < 20, name
        assert status == 3, f"{name}: {status} {said}"
        assert len(said.strip().splitlines()) == 1 and said.startswith("callguard: "), f"{name}: {said}"
        assert "hunter2" not in said and "Traceback" not in said


async def test_every_mistake_in_the_configuration_is_told_at_once_with_its_key(idle_site: Site) -> None:
    site = idle_site
    policy = site.stand.work / "policy.toml"
    policy.write_text(policy.read_text().replace('mode = "never"', 'mode = "nevr"\ncolour = "red"'))
    status, _, said = await site.stand.run("run", "--config", str(site.stand.config), check=False)
    assert status == 2 and "call_type.private.mode" in said and "call_type.private.colour" in said
    config = site.stand.work / "odd.toml"
    config.write_text(site.stand.config.read_text().replace("[alerts]", "[alerts]\nfax = 1\n[nowhere]\n"))
    status, _, said = await site.stand.run("run", "--config", str(config), check=False)
    assert status == 2 and "alerts.fax" in said and "nowhere" in said
