"""A capture is interrupted at every call that leaves the process: captured is what F&O invoiced, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from aiohttp import web
from chaos_wire import How, HttpxOver, Killed, TableOver, Wire

from local.d365.server import Server
from local.shopify.admin_http import AdminApi
from shared.d365.odata.client import ODataClient
from shared.flows import ORDERS, SHIPMENTS
from shared.model import Part
from shared.store.captures import Captures
from shared.store.links import OrderLinks
from shared.sync.messages.outcome import as_parts
from shared.sync.shipments.run import moved_event
from shared.sync.shipments.session import ship
from tests.builders.both_sides import App, Identity, NoBreaker, Shopify, app_in_process
from tests.builders.in_process import InProcess
from tests.builders.invoiced_order import CAPTURING, InvoicedOrder
from tests.builders.local_slots import LocalSlots

PROCESSES: Final = 10
LATE: Final = "2099-01-01T00:00:00+00:00"
ONE_CARD: Final = ({"kind": "authorization", "expires_at": LATE},)
TWO_CARDS: Final = tuple(
    {"kind": "authorization", "expires_at": LATE, "amount": amount} for amount in ("100.00", "287.90")
)


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


@dataclass
class Processes:
    """The app's processes for one order, which may die, and the time that passes."""

    app: App
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def deliver(self, one: InvoicedOrder, event: str, strike: tuple[int, How] | None = None) -> list[str]:
        """Handles the event until it is done; gives the first process's calls."""
        envelope = moved_event(CAPTURING, one.order.id, {Part.CAPTURES}, event, self.now())
        first = wire = Wire(strike)
        for _ in range(PROCESSES):
            try:
                async with self._ports(wire) as ports:
                    parts = as_parts(await ship(envelope, ports))
                    if parts.then is not None:
                        await parts.then()
                    assert parts.parked == ()
                    if parts.retry is None:
                        return first.calls
            except (Killed, Exception) as end:
                if isinstance(end, AssertionError):
                    raise
            self.ahead += timedelta(seconds=12)
            wire = Wire()
        raise AssertionError(f"not done after {PROCESSES} processes: {first.calls}")

    @asynccontextmanager
    async def _ports(self, wire: Wire) -> AsyncIterator[Any]:
        app, rules = self.app, CAPTURING
        api = web.Application()
        api.add_routes(AdminApi(app.shopify.simulator, lambda *_: None).routes())
        to_fo, to_shopify = HttpxOver(wire), HttpxOver(wire)
        to_fo._inner = InProcess(Server(app.fo).application())  # type: ignore[assignment]
        to_shopify._inner = InProcess(api)  # type: ignore[assignment]
        fo = ODataClient(
            app.fo.base_url,
            Identity(app.fo),
            slots=LocalSlots(4),
            timeout=20,
            breaker=NoBreaker(),
            on_call=lambda _: None,
            transport=to_fo,
            knows_fields=True,
        )
        async with httpx.AsyncClient(transport=to_shopify, trust_env=False) as http:
            shopify = Shopify(app.shopify.simulator, app.shopify.url, http, app.shopify.time)
            admin = shopify.admin(rules, ORDERS.scopes | SHIPMENTS.scopes)
            links = OrderLinks(TableOver(wire, "links", app.links._table))  # type: ignore[arg-type]
            captures = Captures(TableOver(wire, "payments", app.shipments.captures._table))  # type: ignore[arg-type]
            try:
                yield replace(
                    app.shipments,
                    fo=fo,
                    admins={rules.key: admin},
                    links=links,
                    captures=captures,
                    now=self.now,
                )
            finally:
                await fo.aclose()


async def invoiced(app: App, payment: tuple[dict[str, Any], ...]) -> InvoicedOrder:
    one = InvoicedOrder(app, CAPTURING, *payment)
    await one.deliver()
    one.invoice(BAG_DOWN=1)
    return one


def positions(calls: list[str], how: How) -> list[int]:
    """Calls at which an interruption makes a difference: a read whose answer is lost is like one that was not sent."""
    is_read = [call.startswith(("GET ", "get ", "query ")) for call in calls]
    return [at for at in range(len(calls)) if how is How.UNREACHABLE or not is_read[at]]


@pytest.mark.parametrize(
    ("payment", "wanted", "how"),
    [
        *((ONE_CARD, ["118.00"], how) for how in (How.KILLED, How.ANSWER_LOST, How.UNREACHABLE)),
        (TWO_CARDS, ["100.00", "18.00"], How.KILLED),
    ],
)
async def test_a_capture_interrupted_at_any_call_is_made_once(
    app: App, payment: tuple[dict[str, Any], ...], wanted: list[str], how: How
) -> None:
    clean = await Processes(app).deliver(await invoiced(app, payment), "clean")
    wrong = {}
    for position in positions(clean, how):
        one = await invoiced(app, payment)
        processes = Processes(app)
        struck = await processes.deliver(one, "first", (position, how))
        assert len(struck) > position
        await processes.deliver(one, "again")
        stored = await app.shipments.captures.get("nordlys", one.order.id)
        if one.captured != [Decimal(amount) for amount in wanted] or stored.intent is not None:
            wrong[f"{position} {clean[position]}"] = one.captured, stored
        one.invoice()
        await processes.deliver(one, "last")
        if (sum(one.captured), one.posted) != (Decimal("387.90"), Decimal("387.90")):
            wrong[f"{position} {clean[position]}, the last"] = one.captured
    assert not wrong, f"of {clean}"
