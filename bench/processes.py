"""Memory, handles and connections of a process."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    memory: float
    """Megabytes that are in memory (resident set)."""
    handles: int
    """Open files, sockets and pipes."""
    connections: int
    """TCP connections that are established."""


def usage(pid: int) -> Usage:
    """Raises psutil.NoSuchProcess for one that has ended."""
    process = psutil.Process(pid)
    with process.oneshot():
        established = [each for each in process.net_connections("tcp") if each.status == psutil.CONN_ESTABLISHED]
        return Usage(process.memory_info().rss / 2**20, process.num_fds(), len(established))
