"""A controller that hangs: connected, its application registered, and stopped.

What belongs here: one process and its signals. What does not: calls. Run as a program, it is that controller.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callguard.lab.asterisk import Asterisk
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import AriAddress


@asynccontextmanager
async def frozen_controller(asterisk: Asterisk) -> AsyncIterator[None]:
    """While this lasts, the application is registered by a process that does nothing any more."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, asterisk.ari_url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{asterisk.ari_user} {asterisk.ari_password}\n".encode())
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _controller(url: str, user: str, password: str) -> None:
    ari = await Ari.connect(AriAddress(url=url, user=user, password=password))
    await ari.subscribe()
    print("ready", flush=True)
    async for _ in ari.events():
        pass


if __name__ == "__main__":
    asyncio.run(_controller(sys.argv[1], *sys.stdin.readline().split()))
