"""Random slips, corrections, late numbers, fulfilments by hand and lost answers: at quiet Shopify shows what left."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from local.d365.ledger import PostingError
from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import Parcel, find_slip
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import REDUCED_VAT, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU: Final = with_rules(strategy("nordlys"), flows={"shipments": True})
ORDERED: Final = {"BAG-DOWN": 4, "MAP-NORDIC": 3}
LINES: Final[list[dict[str, Any]]] = [
    {"sku": "BAG-DOWN", "quantity": 4, "price": "118.00", "tax": VAT},
    {"sku": "MAP-NORDIC", "quantity": 3, "price": "16.95", "tax": REDUCED_VAT},
]
LOST: Final = ("ShipmentsCreate", "ShipmentsTrack", "ShipmentsCancel")

skus = st.sampled_from(sorted(ORDERED))
type Step = tuple[str, str, int, bool]
"""What happens, to which SKU or call, how much of it, and whether a run follows."""

steps = st.lists(
    st.one_of(
        st.tuples(st.just("pack"), skus, st.integers(1, 3), st.booleans()),
        st.tuples(st.just("correct"), skus, st.integers(0, 2), st.booleans()),
        st.tuples(st.just("track"), skus, st.integers(1, 2), st.booleans()),
        st.tuples(st.just("by hand"), skus, st.integers(1, 2), st.booleans()),
        st.tuples(st.just("lose"), st.sampled_from(LOST), st.just(1), st.booleans()),
        st.tuples(st.just("run"), skus, st.just(1), st.booleans()),
    ),
    min_size=2,
    max_size=8,
)


class World:
    """One order, what its warehouse did, and what the buyer was told."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.one = OneOrder(app, EU, checkout("nordlys", *LINES))
        self.slips: list[tuple[str, str]] = []
        """Number of each slip, and the SKU on it."""
        self.by_hand: Counter[str] = Counter()
        self.numbers = 0

    def pack(self, sku: str, count: int, *, tracked: bool) -> None:
        lot = next(line["InventoryLotId"] for line in self.one.lines if line["ItemNumber"] == sku)
        parcels = [self._parcel()] if tracked else []
        (order,) = self.app.fo.books.rows(HEADERS)
        (slip,) = self.app.fo.slips.pack(order, Shipment([Part(lot, Decimal(count))], parcels=parcels))
        self.slips.append((slip, sku))

    def correct(self, sku: str, count: int) -> None:
        number, lot = self._of(sku)
        row = find_slip(self.app.fo.books, "nleu", number)
        assert row is not None
        self.app.fo.slips.correct(row, {lot: Decimal(count)})

    def track(self, sku: str) -> None:
        row = find_slip(self.app.fo.books, "nleu", self._of(sku)[0])
        assert row is not None
        self.app.fo.slips.track(row, [self._parcel()])

    def fulfil(self, sku: str, count: int) -> None:
        line = next(each for each in self.one.order.lines if each.sku == sku)
        known = len(self.one.simulated.steps)
        self.one.simulated.step("fulfill", {"lines": [{"line": line.id, "quantity": count}]})
        if len(self.one.simulated.steps) > known:
            self.by_hand[sku] += count

    @property
    def delivered(self) -> Counter[str]:
        """Units on all packing slips, by SKU."""
        units: Counter[str] = Counter()
        for row in self.one.rows("CustPackingSlipTransBiEntities"):
            units[str(row["ItemId"])] += int(row["Qty"])
        return units

    @property
    def shown(self) -> Counter[str]:
        names = {line.id: line.sku for line in self.one.order.lines}
        units: Counter[str] = Counter()
        for each in self.one.order.live_fulfillments:
            for line in each.lines:
                units[str(names[line.line_id])] += line.quantity
        return units

    def _of(self, sku: str) -> tuple[str, str]:
        number = next(number for number, its in reversed(self.slips) if its == sku)
        lot = next(line["InventoryLotId"] for line in self.one.lines if line["ItemNumber"] == sku)
        return number, lot

    def _parcel(self) -> Parcel:
        self.numbers += 1
        return Parcel(f"JJD{self.numbers}")


@settings(max_examples=25, deadline=None)
@given(steps)
def test_each_line_is_fulfilled_for_what_left_or_what_others_fulfilled(
    history: list[Step],
) -> None:
    asyncio.run(play(history))


async def play(history: list[Step]) -> None:
    async with app_in_process() as app:
        world = World(app)
        await world.one.deliver()
        await app.push_shipments()
        for step, name, count, flag in history:
            await act(world, step, name, count, flag=flag)
        app.shopify.simulator.faults.clear()
        for _ in range(3):
            app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]["slips"]["sent"] = {}
            ends = await app.push_shipments()
        assert all(end == "Shopify has all shipments" or end.startswith("SHIPPED_") for end in ends), ends
        for sku, ordered in ORDERED.items():
            assert world.shown[sku] == min(ordered, max(world.delivered[sku], world.by_hand[sku])), (sku, history)
        told = Counter(number for notice in world.one.order.notices for number in notice.numbers[:1])
        assert max(told.values(), default=0) <= 1, told


async def act(world: World, step: str, name: str, count: int, *, flag: bool) -> None:
    try:
        match step:
            case "pack":
                world.pack(name, count, tracked=flag)
            case "correct":
                world.correct(name, count)
            case "track":
                world.track(name)
            case "by hand":
                world.fulfil(name, count)
            case "lose":
                world.app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": name})
            case _:
                pass
    except (PostingError, StopIteration):
        return  # F&O does not let it, or there is no slip
    if flag:
        await world.app.push_shipments()
