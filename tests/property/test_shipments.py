"""Random slips, corrections, late numbers, moves, holds, third parties, fulfilments by hand, lost answers, crashes: at
quiet Shopify shows what left, and what it cannot show is told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from local.d365.ledger import PostingError
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import Parcel
from local.shopify.shipping_records import FulfillmentOrder
from shared.shopify.admin.client import AdminClient
from shared.shopify.queries import Query
from shared.store.shipments import Shipments, StoredSlip
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import REDUCED_VAT, VAT
from tests.builders.shipped_order import SECOND, Shipped, two_places

HOME: Final = 71001001
ORDERED: Final = {"BAG-DOWN": 4, "MAP-NORDIC": 3}
LINES: Final[list[dict[str, Any]]] = [
    {"sku": "BAG-DOWN", "quantity": 4, "price": "118.00", "tax": VAT},
    {"sku": "MAP-NORDIC", "quantity": 3, "price": "16.95", "tax": REDUCED_VAT},
]
LOST: Final = ("ShipmentsCreate", "ShipmentsTrack", "ShipmentsCancel", "ShipmentsMove")
TELLING: Final = {"SHIPPED_ON_HOLD", "SHIPPED_AT_THIRD_PARTY", "SHIPPED_MORE_THAN_OPEN"}

skus = st.sampled_from(sorted(ORDERED))
places = st.sampled_from(["AMS", "HAM"])
type Step = tuple[str, str, int, bool]
"""What happens, to which SKU, place or call, how much of it or which one, and whether a run follows."""

steps = st.lists(
    st.one_of(
        *(st.tuples(st.just(f"pack from {place}"), skus, st.integers(1, 3), st.booleans()) for place in ("AMS", "HAM")),
        st.tuples(st.just("deliver too much"), skus, st.integers(4, 5), st.booleans()),
        st.tuples(st.just("correct"), skus, st.integers(0, 2), st.booleans()),
        st.tuples(st.just("track"), skus, st.integers(1, 2), st.booleans()),
        st.tuples(st.just("by hand"), skus, st.integers(1, 2), st.booleans()),
        st.tuples(st.just("hold"), skus, st.integers(1, 2), st.booleans()),
        st.tuples(st.just("release"), skus, st.just(1), st.booleans()),
        st.tuples(st.just("move"), places, st.integers(1, 2), st.booleans()),
        st.tuples(st.just("third party"), st.sampled_from(["submitted", ""]), st.just(1), st.booleans()),
        st.tuples(st.just("lose"), st.sampled_from(LOST), st.just(1), st.booleans()),
        st.tuples(st.just("crash"), st.sampled_from(["before", "after"]), st.integers(0, 6), st.just(True)),
        st.tuples(st.just("run"), skus, st.just(1), st.just(True)),
    ),
    min_size=2,
    max_size=10,
)


class Killed(BaseException):
    """The process was killed."""


class Dying:
    """Calls to Shopify and to the table of slips, of which one kills the process: before it, or after it was done."""

    def __init__(self, app: App, at: int, when: str) -> None:
        self._left = at
        self._when = when
        self._admin = app.shipments.admins[app.rules.key]
        self._slips = app.shipments.shipments

    async def run(self, query: Query, variables: Any) -> dict[str, Any]:
        self._strike("before")
        answer = await self._admin.run(query, variables)
        self._strike("after")
        return answer

    async def put(self, stored: StoredSlip) -> StoredSlip:
        self._strike("before")
        answer = await self._slips.put(stored)
        self._strike("after")
        return answer

    def _strike(self, when: str) -> None:
        if when == self._when:
            self._left -= 1
            if self._left < 0:
                raise Killed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slips, name)


class World:
    """One order, what its warehouses did, and what people did to it in Shopify."""

    def __init__(self, app: App, third_party: str) -> None:
        self.app = app
        rules = two_places(shipments={"third_party": third_party})
        self.one = Shipped(app, *LINES, rules=rules)
        self.one.shop.scopes |= {"write_third_party_fulfillment_orders"}
        self.one.open_second_location()
        self.service = self.one.open_second_location(service="Fulfilla")
        for sku in ORDERED:
            self.one.stock(sku, "HAM", 1000)
        self.slips: list[tuple[str, str]] = []
        """Number of each slip, and the SKU on it."""
        self.by_hand: Counter[str] = Counter()
        self.numbers = 0

    def pack(self, sku: str, count: int, warehouse: str, *, tracked: bool, over: bool = False) -> None:
        parcels = [self._parcel()] if tracked else []
        part = Part(self._lot(sku), Decimal(count), warehouse, over=over)
        (slip,) = self.app.fo.slips.pack(self.one.sales_order, Shipment([part], parcels=parcels))
        self.slips.append((slip, sku))

    def correct(self, sku: str, count: int) -> None:
        self.app.fo.slips.correct(self.one.row(self._slip(sku)), {self._lot(sku): Decimal(count)})

    def track(self, sku: str) -> None:
        self.app.fo.slips.track(self.one.row(self._slip(sku)), [self._parcel()])

    def fulfil(self, sku: str, count: int) -> None:
        if self._step("fulfill", lines=[{"line": self._line(sku), "quantity": count}]):
            self.by_hand[sku] += count

    def hold(self, sku: str, count: int) -> None:
        """Some units, or all of the fulfilment order."""
        lines = [{"line": self._line(sku), "quantity": 1}] if count == 1 else []
        self._step("hold", lines=lines)

    def release(self) -> None:
        held = next((part for part in self.one.order.fulfillment_orders if part.holds), None)
        if held is not None:
            self._step("release", fulfillment_order=held.id)

    def move(self, place: int, count: int) -> None:
        """The first fulfilment order that is open, or the last."""
        is_open = [part for part in self.one.order.fulfillment_orders if not part.is_closed and not part.holds]
        if is_open:
            self._step("move", fulfillment_order=is_open[-1 if count == 2 else 0].id, to=place)

    def ask_service(self, status: str) -> None:
        self.move(self.service, 1)
        part = next((each for each in self.one.order.fulfillment_orders if self._is_at_service(each)), None)
        if status and part is not None:
            self._step("service", fulfillment_order=part.id, status=status)

    @property
    def delivered(self) -> Counter[str]:
        """Units on all packing slips, by SKU."""
        units: Counter[str] = Counter()
        for row in self.one.rows("CustPackingSlipTransBiEntities"):
            units[str(row["ItemId"])] += int(row["Qty"])
        return units

    @property
    def shown(self) -> Counter[str]:
        units: Counter[str] = Counter()
        for each in self.one.shown:
            units.update(each)
        return units

    @property
    def blocked(self) -> Counter[str]:
        """Units that are held or at a third party, by SKU."""
        names = {line.id: str(line.sku) for line in self.one.order.lines}
        units: Counter[str] = Counter()
        for part in self.one.order.fulfillment_orders:
            moves = self.app.rules.shipments.third_party == "move" and part.request_status == "UNSUBMITTED"
            if not part.is_closed and (part.holds or (self._is_at_service(part) and not moves)):
                for row in part.lines:
                    units[names[row.line_id]] += row.remaining
        return units

    async def run(self) -> list[str]:
        """A run of the timer that finds everything again, as the copies of waiting events would be."""
        progress = self.app.shipments.snapshots.documents["shipments/nordlys/progress"]  # type: ignore[attr-defined]
        progress["sources"]["slips"]["sent"] = {}
        return await self.app.push_shipments()

    async def crash(self, when: str, at: int) -> None:
        """A run whose process is killed; the next one has other ports."""
        alive = self.app.shipments
        dying = Dying(self.app, at, when)
        admins = {self.app.rules.key: cast("AdminClient", dying)}
        self.app.shipments = replace(alive, admins=admins, shipments=cast("Shipments", dying))
        try:
            await self.run()
        except Killed:
            self.app._shipped.clear()
        finally:
            self.app.shipments = alive

    def _is_at_service(self, part: FulfillmentOrder) -> bool:
        return not part.is_closed and part.location_id == self.service

    def _step(self, name: str, **wish: Any) -> bool:
        known = len(self.one.simulated.steps)
        self.one.simulated.step(name, wish)
        return len(self.one.simulated.steps) > known

    def _line(self, sku: str) -> int:
        return next(each.id for each in self.one.order.lines if each.sku == sku)

    def _lot(self, sku: str) -> str:
        return str(next(line["InventoryLotId"] for line in self.one.lines if line["ItemNumber"] == sku))

    def _slip(self, sku: str) -> str:
        return next(number for number, its in reversed(self.slips) if its == sku)

    def _parcel(self) -> Parcel:
        self.numbers += 1
        return Parcel(f"JJD{self.numbers}")


@settings(max_examples=25, deadline=None)
@given(steps, st.sampled_from(["tell", "move"]))
def test_each_line_is_fulfilled_for_what_left_or_what_others_fulfilled_and_the_rest_is_told(
    history: list[Step], third_party: str
) -> None:
    asyncio.run(play(history, third_party))


async def play(history: list[Step], third_party: str) -> None:
    async with app_in_process() as app:
        world = World(app, third_party)
        await world.one.deliver()
        await app.push_shipments()
        for step, name, count, flag in history:
            await act(world, step, name, count, flag=flag)
        app.shopify.simulator.faults.clear()
        for _ in range(3):
            ends = await world.run()
        codes = {code for end in ends for code in end.split(", ")} - {"Shopify has all shipments"}
        assert codes <= TELLING, ends
        shown, delivered, blocked = world.shown, world.delivered, world.blocked
        for sku, ordered in ORDERED.items():
            wanted = min(ordered, max(delivered[sku], world.by_hand[sku]))
            assert shown[sku] == min(wanted, ordered - blocked[sku]), (sku, history)
        assert bool(codes) == any(delivered[sku] > shown[sku] for sku in ORDERED), (codes, history)
        assert await app.parked() == codes
        told = Counter(number for notice in world.one.order.notices for number in notice.numbers[:1])
        assert max(told.values(), default=0) <= 1, told


async def act(world: World, step: str, name: str, count: int, *, flag: bool) -> None:
    if step == "crash":
        await world.crash(name, count)
    faults = world.app.shopify.simulator.faults
    acts: dict[str, Callable[[], object]] = {
        "pack from AMS": lambda: world.pack(name, count, "AMS", tracked=flag),
        "pack from HAM": lambda: world.pack(name, count, "HAM", tracked=flag),
        "deliver too much": lambda: world.pack(name, count, "AMS", tracked=flag, over=True),
        "correct": lambda: world.correct(name, count),
        "track": lambda: world.track(name),
        "by hand": lambda: world.fulfil(name, count),
        "hold": lambda: world.hold(name, count),
        "release": world.release,
        "move": lambda: world.move(HOME if name == "AMS" else SECOND, count),
        "third party": lambda: world.ask_service(name),
        "lose": lambda: faults.add({"kind": "reset_after_commit", "operation": name}),
    }
    try:
        acts.get(step, lambda: None)()
    except (PostingError, StopIteration):
        return  # F&O does not let it, or there is no slip
    if flag:
        await world.app.push_shipments()
