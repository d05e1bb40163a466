"""`python -m local.shopify`: run the simulator until SIGTERM or SIGINT."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from datetime import timedelta
from pathlib import Path

from local.shopify.schema import admin_schema
from local.shopify.server import WORLD, run_shopify
from local.shopify.topics import DEFAULT_TOPICS, parse_topics


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.shopify", description=__doc__)
    parser.add_argument("--port", type=int, default=7200, help="0 takes any free port")
    parser.add_argument("--world", type=Path, default=WORLD)
    parser.add_argument("--webhooks", default="http://127.0.0.1:7071/api/webhooks/shopify")
    parser.add_argument("--time-scale", type=float, default=0.02, help="1 waits as long as Shopify: 4 hours")
    parser.add_argument("--token-minutes", type=float, default=24 * 60)
    parser.add_argument(
        "--topics", type=parse_topics, default=DEFAULT_TOPICS, help="what the shops subscribe to: all, or a list a,b,c"
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s", datefmt="%H:%M:%S"
    )
    asyncio.run(serve(parser.parse_args()))


async def serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    admin_schema()
    # The schema is needed until exit: the garbage collector need not scan it.
    gc.freeze()
    async with run_shopify(
        webhooks=options.webhooks,
        port=options.port,
        world=options.world,
        time_scale=options.time_scale,
        token_lifetime=timedelta(minutes=options.token_minutes),
        topics=options.topics,
    ) as running:
        print(f"READY {running.url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
