"""Random invoices, removals, captures by hand and lost answers: captured is what F&O invoiced, and never more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.both_sides import App, app_in_process
from tests.builders.invoiced_order import CAPTURING, InvoicedOrder

LATE: Final = "2099-01-01T00:00:00+00:00"
AUTHORIZED: Final = {"kind": "authorization", "expires_at": LATE}
PAYMENTS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "one card": (AUTHORIZED,),
    "once": ({**AUTHORIZED, "multi_capturable": False},),
    "two cards": ({**AUTHORIZED, "amount": "150.00"}, {**AUTHORIZED, "amount": "237.90"}),
    "gift card": ({"gateway": "gift_card", "amount": "50.00"}, {**AUTHORIZED, "amount": "337.90"}),
}
OTHERWISE: Final = {"gift card": Decimal(50)}
"""What is paid beside the authorisations."""

type Step = tuple[str, int, bool]
"""What happens, how much of it, and whether a run follows."""

steps = st.lists(
    st.one_of(
        st.tuples(st.just("bags"), st.integers(1, 2), st.booleans()),
        st.tuples(st.just("maps"), st.just(1), st.booleans()),
        st.tuples(st.just("remove"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("by hand"), st.integers(10, 60), st.booleans()),
        st.tuples(st.just("lose"), st.just(1), st.booleans()),
        st.tuples(st.just("not sent"), st.just(1), st.booleans()),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(PAYMENTS)), steps)
def test_what_is_captured_is_what_fo_invoiced(payment: str, history: list[Step]) -> None:
    asyncio.run(play(payment, history))


async def play(payment: str, history: list[Step]) -> None:
    async with app_in_process() as app:
        one = InvoicedOrder(app, CAPTURING, *PAYMENTS[payment])
        await one.deliver()
        await app.push_shipments()
        by_hand = Decimal(0)
        for step, count, runs in history:
            by_hand += await act(one, step, count)
            if runs:
                await run(app)
                within(one, payment, by_hand)
        app.shopify.simulator.faults.clear()
        one.try_invoice()
        for _ in range(2):
            later(app)
            await run(app)
        within(one, payment, by_hand)
        paid = sum(one.captured, OTHERWISE.get(payment, Decimal(0)))
        if by_hand and paid > one.posted:  # people captured more than F&O invoiced
            assert await app.parked() == {"CAPTURE_DIFFERS"}
        elif one.order.transactions[-1].kind == "CAPTURE" and payment == "once" and by_hand:
            assert paid <= one.posted  # their capture was the only one
        else:
            assert paid == one.posted, (paid, one.posted, await app.causes())
            assert await app.parked() == set()


def within(one: InvoicedOrder, payment: str, by_hand: Decimal) -> None:
    """Never more than F&O invoiced, but for what people captured."""
    otherwise = OTHERWISE.get(payment, Decimal(0))
    assert sum(one.captured, Decimal(0)) <= max(one.posted - otherwise, Decimal(0)) + by_hand


async def run(app: App) -> None:
    sources = app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]
    sources["invoices"]["sent"] = {}
    await app.push_shipments()


def later(app: App) -> None:
    """The wait after a lost answer is over."""
    moment = app.now() + timedelta(minutes=1)
    app.now = lambda: moment


async def act(one: InvoicedOrder, step: str, count: int) -> Decimal:
    """Gives what people captured."""
    known = len(one.simulated.steps)
    match step:
        case "bags":
            one.try_invoice(BAG_DOWN=count)
        case "maps":
            one.try_invoice(MAP_NORDIC=count)
        case "remove":
            (maps,) = (line for line in one.order.lines if line.sku == "MAP-NORDIC")
            left = sum(
                row["InvoicedQuantity"]
                for row in one.rows("SalesInvoiceV4Lines")
                if row["ProductNumber"] == "MAP-NORDIC"
            )
            if left <= count < maps.current_quantity:  # what has left is not removed
                one.simulated.step("edit", {"quantities": {"MAP-NORDIC": count}})
                await one.deliver()
        case "by hand":
            one.simulated.step("capture", {"amount": str(count)})
            return Decimal(count) if len(one.simulated.steps) > known else Decimal(0)
        case _:
            kind = "reset_after_commit" if step == "lose" else "connection_reset"
            one.app.shopify.simulator.faults.add({"kind": kind, "operation": "CapturesMake"})
    return Decimal(0)
