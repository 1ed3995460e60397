"""An Asterisk for each test that wants one, with its phones' helpers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from callguard.lab.asterisk import Asterisk
from callguard.lab.sip import Phone

# what these tests call, without callguard in between
PLAIN = """
[inbound]
exten => 1,1,Dial(PJSIP/agent1,30)
exten => 2,1,Answer()
 same => n,Echo()
exten => 3,1,Answer()
 same => n,Verbose(1,name ${QUOTE(${CALLERID(name)})})
 same => n,Hangup()
exten => 4,1,Answer()
 same => n,Read(keys,,2,,1,3)
 same => n,Verbose(1,keys ${keys})
 same => n,Hangup()
[agents]
[internal]
"""


@pytest.fixture
async def asterisk(tmp_path: Path) -> AsyncIterator[Asterisk]:
    async with Asterisk(tmp_path / "a folder", dialplan=PLAIN, agents=2) as running:
        yield running
        await running.kill()  # an orderly end takes a second


@pytest.fixture
async def caller(asterisk: Asterisk) -> AsyncIterator[Phone]:
    async with await Phone.open("caller", asterisk.server) as phone:
        yield phone


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own: Postgres runs as another user, who must be able to pass."""
    made = Path(tempfile.mkdtemp(prefix="callguard test "))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
