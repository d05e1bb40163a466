"""
A strict simulator of Dynamics 365 Finance & Operations' OData surface, over HTTP.

`run_d365` starts it in this process; `python -m local.d365` starts it as its own.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from local.d365.server import serve
from local.d365.simulator import Options, Simulator, utc_now
from local.d365.world import World, load_world, parse_world

__all__ = ["Options", "Simulator", "World", "load_world", "parse_world", "run_d365"]


@asynccontextmanager
async def run_d365(
    world: World,
    options: Options | None = None,
    *,
    port: int = 0,
    clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Simulator]:
    """The simulator, listening on `simulator.base_url` until the context ends. Port 0 takes any free one."""
    simulator = Simulator(world, options, clock=clock)
    async with serve(simulator, port):
        yield simulator
