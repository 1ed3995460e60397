"""What callers and admins get wrong, or do on purpose."""

from __future__ import annotations

import re
import time

from tests.e2e.site import Site

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
