"""`python -m local.d365 --port 7300 --world local/world.toml`"""

import argparse
import asyncio
import signal
from pathlib import Path

from local.d365 import Options, load_world, run_d365


def main() -> None:
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m local.d365", description=__doc__)
    parser.add_argument("--port", type=int, default=7300, help="0 takes any free port")
    parser.add_argument("--world", type=Path, default=Path(__file__).parents[1] / "world.toml")
    parser.add_argument("--metadata", type=Path, default=defaults.metadata, help="a tenant's own $metadata")
    parser.add_argument("--page-size", type=int, default=defaults.page_size)
    parser.add_argument("--default-company", default=defaults.default_company, help="the service user's company")
    parser.add_argument("--client-id", default=defaults.client_id)
    parser.add_argument("--client-secret", default=defaults.client_secret)
    parser.add_argument("--tenant", default=defaults.tenant)
    parser.add_argument("--identity-header", default=defaults.identity_header)
    given = parser.parse_args()
    options = Options(
        default_company=given.default_company,
        page_size=given.page_size,
        tenant=given.tenant,
        client_id=given.client_id,
        client_secret=given.client_secret,
        identity_header=given.identity_header,
        metadata=given.metadata,
    )
    asyncio.run(_run(given.world, options, given.port))


async def _run(world: Path, options: Options, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with run_d365(load_world(world), options, port=port) as simulator:
        print(f"READY {simulator.base_url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
