"""Where the results of bulk operations are fetched, and the control that runs them at once."""

from aiohttp import web

from local.json_line import json_line
from local.shopify.admin_http import find_shop
from local.shopify.bulk_running import BulkRunner
from local.shopify.control_http import not_found, read_object
from local.shopify.state import Simulator


class BulkHttp:
    def __init__(self, simulator: Simulator, runner: BulkRunner) -> None:
        self._simulator = simulator
        self._runner = runner

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(r"/{shop}/_sim/bulk/{id:\d+}.jsonl", self.result),
            web.post("/{shop}/_sim/bulk", self.run),
        ]

    async def result(self, request: web.Request) -> web.Response:
        """The file of an operation that has ended, for as long as it is kept."""
        shop = find_shop(self._simulator, request)
        found = shop.bulk_operations.get(int(request.match_info["id"]))
        if found is None or found.result is None or found.status(shop.clock()) == "EXPIRED":
            raise not_found()
        return web.Response(body=found.result, content_type="application/jsonl")

    async def run(self, request: web.Request) -> web.Response:
        """Run all that waits: {seconds?: how long operations wait from now on}. Returns when they have ended."""
        shop, params = find_shop(self._simulator, request), await read_object(request)
        shop.bulk_seconds = params.get("seconds", shop.bulk_seconds)
        await self._runner.run(shop, at_once=params.get("run", True))
        rows = [{"id": each.id, "status": each.state, "rows": len(each.rows)} for each in shop.bulk_operations.values()]
        return json_line(rows)
