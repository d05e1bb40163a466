"""The simulator as a server, in this process or in its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from local.shopify.admin_http import AdminApi
from local.shopify.bulk_http import BulkHttp
from local.shopify.bulk_running import BulkRunner
from local.shopify.catalogue_webhooks import telling_of_changes
from local.shopify.control import Control
from local.shopify.state import TOKEN_LIFETIME, Clock, Simulator, utc_now
from local.shopify.topics import DEFAULT_TOPICS, check_topics
from local.shopify.upload_http import UploadHttp
from local.shopify.webhooks import Dispatcher
from local.shopify.world import load_world

WORLD = Path(__file__).parent.parent / "world.toml"
#: A staged upload may have 100 MB.
_MAX_BODY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RunningShopify:
    """A running simulator: its URL, its state, its webhook dispatcher."""

    url: str
    simulator: Simulator
    dispatcher: Dispatcher


@asynccontextmanager
async def run_shopify(
    *,
    webhooks: str = "http://127.0.0.1:7071/api/webhooks/shopify",
    port: int = 0,
    world: Path = WORLD,
    time_scale: float = 1.0,
    token_lifetime: timedelta = TOKEN_LIFETIME,
    clock: Clock = utc_now,
    topics: tuple[str, ...] = DEFAULT_TOPICS,
) -> AsyncIterator[RunningShopify]:
    """Run the simulator on 127.0.0.1. Every shop subscribes to `topics`, at `{webhooks}/{store}/{ENDPOINTS[topic]}`;
    `time_scale` shortens the waits between retries; `clock` drives tokens, the cost bucket and every timestamp.
    """
    check_topics(topics)
    simulator = Simulator(load_world(world), webhooks.rstrip("/"), clock, token_lifetime, topics)
    dispatcher = Dispatcher(simulator, time_scale=time_scale)
    api = AdminApi(simulator, dispatcher.announce)
    runner_of_bulk = BulkRunner(simulator, dispatcher.announce, dispatcher.tell)
    app = web.Application(client_max_size=_MAX_BODY, middlewares=[telling_of_changes(simulator, dispatcher)])
    # the control routes first: "_sim" is not a shop
    parts = (Control(simulator, dispatcher), UploadHttp(simulator), BulkHttp(simulator, runner_of_bulk), api)
    app.add_routes([route for part in parts for route in part.routes()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    await dispatcher.start()
    await runner_of_bulk.start()
    try:
        address = runner.addresses[0]
        simulator.url = f"http://127.0.0.1:{address[1]}"
        yield RunningShopify(simulator.url, simulator, dispatcher)
    finally:
        api.stopping.set()
        await runner_of_bulk.stop()
        await dispatcher.stop()
        await runner.cleanup()
