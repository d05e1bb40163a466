"""Runs `python -m local.functions` as a process of its own, as developers do."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE_APP = Path(__file__).parent / "sample_app"

# Nothing listens on port 1, so the queue triggers of the sample app keep trying, which tests of HTTP do not mind.
NO_BROKER = "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true;"

SETTINGS = {
    "ServiceBusConnection": NO_BROKER,
    "SESSION_QUEUE": "in-sessions",
    "TIMER_SCHEDULE": "0 0 0 1 1 *",
}


class RunningHost:
    """A host that has said READY, and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.url = ""
        self.process = process
        self.log = ""
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read_log())

    async def until_ready(self) -> None:
        assert self.process.stdout is not None
        ready = (await asyncio.wait_for(self.process.stdout.readline(), 30)).decode()
        assert ready.startswith("READY http://127.0.0.1:"), self.log
        self.url = ready.split()[1]

    async def until_logged(self, text: str) -> None:
        async with asyncio.timeout(10):
            while text not in self.log:
                self._news.clear()
                await self._news.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), 15)
        await self._reading
        return code

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log += line.decode()
            self._news.set()


async def spawn(app: Path, settings: Mapping[str, str], *arguments: str) -> RunningHost:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.functions", "--port", "0", "--app", str(app), *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return RunningHost(process)


@asynccontextmanager
async def functions_host(
    settings: Mapping[str, str] = SETTINGS, *, app: Path = SAMPLE_APP
) -> AsyncIterator[RunningHost]:
    host = await spawn(app, settings)
    try:
        await host.until_ready()
        yield host
    finally:
        if host.process.returncode is None:
            host.process.kill()
        await host.ended()


async def refusal(app: Path, settings: Mapping[str, str] = SETTINGS, *arguments: str) -> str:
    """What the host says when it does not start."""
    host = await spawn(app, settings, *arguments)
    assert await host.ended() == 1, host.log
    return host.log
