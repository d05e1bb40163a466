"""One child process of the local stack: its start, its output, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_READY: Final = "READY "
_STOP_SECONDS: Final = 8.0

type LogLine = Callable[[str, str], None]
"""Takes the part's name and one line that it wrote."""


class StackError(RuntimeError):
    """A part of the stack did not start, or stopped by itself. The text has its name and its last lines."""


class Part:
    """A running child. It has a process group of its own, so that Ctrl-C reaches only the parent, which stops the
    parts in order.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: LogLine) -> None:
        self.name = name
        self.url = ""
        self._process = process
        self._log = log
        self._last_lines: list[str] = []
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._readers = [
            asyncio.create_task(self._read(stream)) for stream in (process.stdout, process.stderr) if stream
        ]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def ready(self, seconds: float) -> str:
        """Waits for the address that it prints after READY. Raises StackError when it stops or prints none in time."""
        ended = asyncio.create_task(self._process.wait())
        waited: set[asyncio.Future[Any]] = {self._ready, ended}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not self._ready.done():
            await self.stop()
            last = "\n  ".join(self._last_lines[-15:]) or "(nothing)"
            raise StackError(f"{self.name} did not start. Its last lines:\n  {last}")
        self.url = self._ready.result()
        return self.url

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        await asyncio.gather(*self._readers)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while raw := await stream.readline():
            line = raw.decode(errors="replace").rstrip()
            if line.startswith(_READY) and not self._ready.done():
                self._ready.set_result(line.removeprefix(_READY).strip())
                continue
            self._last_lines = [*self._last_lines[-40:], line]
            self._log(self.name, line)


async def start(
    name: str, command: Sequence[str], *, log: LogLine, env: Mapping[str, str] | None = None, folder: Path
) -> Part:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=1_000_000,
    )
    return Part(name, process, log)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def free_port() -> int:
    """A free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
