"""A small world in which the stock flow can be stopped at every call: Shopify, F&O and what the app remembers.

Nothing here runs by itself. A push is stepped call by call, and between any two steps the test sells, imports,
receives, cancels, or steps another push.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from shared.errors import ThrottledError, TransientError
from shared.mapping.stock.figures import FigureOutcome
from shared.model import Component, SoldUnits, source_of
from shared.rules import Flows, StockRules, Warehouse
from shared.store.links import OrderLink, PendingSale
from shared.sync.stock.flow import push_stock

EPOCH = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SEVERAL = 13
"""SKUs."""
WAREHOUSE_OF = {1: "AMS", 2: "HAM"}
HTTP_TIMEOUT = 30


class StoreStub:
    """The part of a store's rules that the flow uses."""

    key = "nordlys"
    company = "nleu"
    flows = Flows(stock=True, products=True)

    def __init__(self, stock: StockRules, locations: tuple[int, ...]):
        self.stock = stock
        self.warehouses = tuple(
            Warehouse(id=WAREHOUSE_OF[place], site="EU", location=place, country="NL", countries=("*",))
            for place in locations
        )
        self.orders = type("Orders", (), {"product_identity": "item", "first_day": None})


class Pause:
    """Hands control back to whoever steps the push."""

    def __await__(self) -> Generator[None]:
        yield


@dataclass
class Order:
    id: int
    location: int
    units: int
    skus: dict[int, str]
    """Inventory item -> its SKU when the order was placed."""
    created: int
    visible: int
    """When Shopify's search shows it."""
    placed: int = field(init=False)
    """Units of its first event."""
    ordered: int = field(init=False)
    """Units with those that an edit removed since."""
    edits: list[tuple[int, int]] = field(default_factory=list)
    """When, and when Shopify's search shows that."""
    fo_units: int = 0
    """What F&O holds."""
    fo_version: int = -1
    """The state of the order that F&O has: when Shopify changed it last."""
    link_units: int | None = None
    """What its link says of them; None while the app writes a change, or does not know whether F&O took it."""
    link_version: int = -1
    parked_version: int = -1
    cancelled: int | None = None
    is_given_back: bool = False
    """Not cancelled, but refunded whole at that time."""
    unreadable: bool = False
    booked: str | None = None
    """The warehouse that F&O holds it against."""
    known: bool = False
    parked: bool = False
    sold: tuple[SoldUnits, ...] = ()
    """What its link stores while it is parked."""
    gone: bool = False
    """Shipped, or cancelled in F&O too: F&O holds nothing for it any more."""
    shipped: bool = False
    back_in_shopify: bool = False
    """Returned and restocked, or its fulfillment cancelled: Shopify has added its units to what is available."""
    return_expected: bool = False
    """Its goods are back, and F&O has not received them."""

    def __post_init__(self):
        self.ordered = self.placed = self.units

    @property
    def updated(self) -> int:
        return max(self.created, *(when for when, _ in self.edits), self.cancelled or self.created)

    @property
    def is_current(self) -> bool:
        """F&O and the link have its latest state."""
        return self.known and self.link_units == self.fo_units == self.units

    def updated_as_shown(self, time: int) -> int:
        """By Shopify's search."""
        visible = (when for when, shown_at in self.edits if shown_at <= time)
        return max(self.created, *visible, self.cancelled or self.created)


@dataclass(eq=False)
class Phantom:
    """Units that Shopify offers by itself although nobody has them, until a run that could see them has ended."""

    units: int
    visible: int
    """When Shopify's search shows the change."""


@dataclass
class World:
    """It sells sets: every SKU has the same stock and is in every order, so that one figure stands for all."""

    locations: tuple[int, ...] = (1,)
    skus: int = 1
    stock: StockRules = field(default_factory=StockRules)
    on_hand_is_read_before_orders: bool = False
    writes_compare: bool = True
    time: int = 0
    physical: Counter[str] = field(default_factory=Counter)
    blocked: dict[str, int] = field(default_factory=dict)
    """By warehouse: physical units with another inventory status than Available."""
    available: dict[int, int] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)
    levels_changed: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Location -> its changes: when, and when Shopify's search shows that."""
    phantoms: list[Phantom] = field(default_factory=list)
    phantoms_sold: int = 0
    orders: list[Order] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)
    answers: dict[str, tuple[str, list]] = field(default_factory=dict)
    renumbered: int = 0
    """How often."""
    fo_has_rows: bool = True
    rows_without: set[int] = field(default_factory=set)
    """Locations whose warehouses have no row."""
    fo_has_items: bool = True
    absent: dict[int, dict[str, object] | None] = field(default_factory=dict)
    """Inventory item -> what Shopify shows instead of its level; None for a deleted one."""
    refused: set[int] = field(default_factory=set)
    """Inventory items whose figures Shopify does not let be set."""
    budget_is_spent: bool = False
    """Shopify does not answer the next call; a write may have happened all the same."""

    def __post_init__(self):
        self.rules = StoreStub(self.stock, self.locations)
        self.skus_now = {100 + number: f"TENT-{number}P" for number in range(1, self.skus + 1)}
        self.available = dict.fromkeys(self.locations, 0)
        self.changed = dict.fromkeys(self.locations, -3600)
        self.levels_changed = {place: [] for place in self.locations}

    # ---- what happens in the world

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.time)

    def receive(self, location: int, units: int) -> None:
        self.physical[WAREHOUSE_OF[location]] += units

    def sell(self, location: int, units: int, *, lag: int = 0) -> Order | None:
        """A buyer takes what Shopify shows, if it shows enough."""
        if self.available[location] < units:
            return None
        self._move(location, -units, lag=lag)
        self._sell_phantoms(units)
        order = Order(1000 + len(self.orders), location, units, self.skus_now, self.time, self.time + lag)
        self.orders.append(order)
        return order

    def edit(self, order: Order, more: int, *, lag: int = 0) -> bool:
        """Staff add units to an order, if Shopify shows enough, or remove some: in a later second than that of its
        last change, since nothing tells two states of one second apart.
        """
        if more > self.available[order.location] or order.units + more < 1:
            return False
        self._move(order.location, -more, lag=lag)
        if more > 0:
            self._sell_phantoms(more)
        order.units += more
        order.ordered += max(0, more)
        order.edits.append((max(self.time, order.updated + 1), self.time + lag))
        return True

    def begin_change(self, order: Order) -> None:
        """The app is about to write a change: the link does not say any more what F&O has."""
        order.link_units = None

    def write_change(self, order: Order) -> None:
        """F&O gets the order as it is now; the app has not yet written down that it did."""
        at = next(place for place, warehouse in WAREHOUSE_OF.items() if warehouse == order.booked)
        self.phantoms_sold += max(0, order.units - order.fo_units - self.promisable(at))
        self.begin_change(order)
        order.fo_units, order.fo_version = order.units, order.updated

    def park_change(self, order: Order) -> None:
        """Nobody has decided yet about what the order has now."""
        more = order.units - order.fo_units
        order.sold = tuple(SoldUnits(sku, more, _variant_of(item)) for item, sku in order.skus.items() if more > 0)
        order.parked_version = order.updated

    def cancel(self, order: Order) -> None:
        order.cancelled = self.time
        self._move(order.location, order.units)

    def give_back(self, order: Order) -> None:
        """It is refunded whole and restocked, and not cancelled."""
        order.is_given_back = True
        self.cancel(order)

    def book(self, order: Order, location: int, *, as_placed: bool = False) -> None:
        """F&O has the sales order; the app has not yet written down that it does. With `as_placed`, it has the state
        of the order's first event.

        Allocation takes another warehouse than the location's own only if that has the goods. Where none has them, as
        after a move, F&O has a back order.
        """
        units = order.placed if as_placed else order.units
        places = (location, order.location, *self.locations)
        place = next((each for each in places if self.promisable(each) >= units), order.location)
        self.phantoms_sold += max(0, units - self.promisable(place))
        order.booked = WAREHOUSE_OF[place]
        order.fo_units, order.fo_version = units, order.created if as_placed else order.updated

    def link(self, order: Order) -> None:
        order.known, order.parked, order.unreadable = True, False, False
        order.link_units, order.link_version, order.sold = order.fo_units, order.fo_version, ()

    def ship(self, order: Order) -> None:
        self.physical[order.booked] -= order.fo_units
        order.gone = order.shipped = True

    def restock(self, order: Order, *, lag: int = 0) -> None:
        """A return is received and restocked in Shopify. F&O has not received it yet."""
        order.back_in_shopify = order.return_expected = True
        self._move(order.location, order.units, lag=lag)

    def receive_return(self, order: Order) -> None:
        order.return_expected = False
        self.physical[WAREHOUSE_OF[order.location]] += order.units

    def cancel_fulfillment(self, order: Order, *, lag: int = 0) -> None:
        """Staff cancel the fulfillment of a shipped order: Shopify offers goods that are gone."""
        order.back_in_shopify = True
        self.correct(order.location, order.units, lag=lag)

    def correct(self, location: int, units: int, *, lag: int = 0) -> None:
        """Staff correct what Shopify shows, without a reason in F&O."""
        self._move(location, units, lag=lag)
        self._offer_phantoms(units, lag)

    def move(self, order: Order, location: int, *, lag: int = 0) -> None:
        """Its fulfillment order is moved. A location that does not have the goods shows less than nothing, and the
        other one offers more than there is.
        """
        self._offer_phantoms(order.units - max(0, self.available[location]), lag)
        self._move(order.location, order.units, lag=lag)
        self._move(location, -order.units, lag=lag)
        order.location = location

    def park(self, order: Order, *, by_older_release: bool = False) -> None:
        """The link of an order that an older release parked has no variant ids."""
        order.parked, order.link_version = True, order.updated
        order.sold = tuple(
            SoldUnits(sku, order.units, None if by_older_release else _variant_of(item))
            for item, sku in order.skus.items()
        )

    def renumber(self) -> None:
        """Every variant and its F&O item get another number; orders keep the SKUs that they were placed with."""
        self.renumbered += 1
        self.skus_now = {item: f"TENT-{item}-{self.renumbered}" for item in self.skus_now}

    def withhold(self, *, is_sold: bool = False) -> None:
        """The rules do not sell the variants any more, or do again."""
        variants = [] if is_sold else [[_variant_of(item), sku, *[""] * 5] for item, sku in self.skus_now.items()]
        self.documents["products/nordlys/withheld"] = json.dumps({"variants": variants})

    def respell(self) -> None:
        """Every variant gets its SKU in another case, which F&O ignores."""
        self.skus_now = {item: sku.swapcase() for item, sku in self.skus_now.items()}

    def free(self, order: Order) -> None:
        """F&O has cancelled it too."""
        order.gone, order.parked, order.unreadable = True, False, False

    def _move(self, location: int, units: int, *, lag: int = 0) -> None:
        self.available[location] += units
        self.changed[location] = self.time
        self.levels_changed[location].append((self.time, self.time + lag))

    def _offer_phantoms(self, units: int, lag: int) -> None:
        if units > 0:
            self.phantoms.append(Phantom(units, self.time + lag))

    def _sell_phantoms(self, units: int) -> None:
        """Nobody can know which units a buyer took: the test allows for as many as possible."""
        for phantom in self.phantoms:
            taken = min(units, phantom.units)
            phantom.units -= taken
            self.phantoms_sold += taken
            units -= taken

    # ---- what must hold

    def assert_nothing_is_oversold(self) -> None:
        sold = sum(order.units for order in self.orders if not order.gone and order.cancelled is None)
        have = sum(self.physical.values()) + sum(order.units for order in self.orders if order.return_expected)
        assert sold <= have + self.phantoms_sold, f"{sold} units are sold, {have} exist"

    def promisable(self, location: int) -> int:
        warehouse = WAREHOUSE_OF[location]
        held = sum(order.fo_units for order in self.orders if order.booked == warehouse and not order.gone)
        return max(0, self.physical[warehouse] - held)

    # ---- the push, call by call

    def push(self) -> Push:
        admin, fo = FakeAdmin(self), FakeFo(self)
        admin.fo = fo
        state = FakeState(self)
        coroutine = push_stock(
            self.rules, admin=admin, fo=fo, links=state, snapshots=state, now=self.now, sleep=state.sleep
        )
        return Push(self, coroutine)


@dataclass
class Push:
    world: World
    coroutine: object
    visible: list[Phantom] | None = None
    """Phantoms that the run can see: there when it begins, in Shopify's search too."""
    done: bool = False
    report: object = None
    failed: TransientError | None = None

    def step(self) -> None:
        if self.visible is None:
            self.visible = [each for each in self.world.phantoms if each.visible <= self.world.time]
        try:
            self.coroutine.send(None)
        except StopIteration as end:
            self.done, self.report = True, end.value
            world = self.world
            # Products that are renumbered during the run have no item, or no row, in F&O.
            looked_at = self.report.unchanged
            looked_at += sum(each.outcome is not FigureOutcome.NO_ROW for each in self.report.figures)
            if not self.report.halted and looked_at == world.skus * len(world.locations):
                world.phantoms = [each for each in world.phantoms if each not in self.visible]
        except TransientError as error:
            self.done, self.failed = True, error

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            if not self.done:
                self.step()

    def finish(self):
        while not self.done:
            self.step()
        return self.report

    def step_until(self, call: str) -> None:
        """Stops just before the next call of that name, or of one that begins so, takes effect."""
        while not self.done:
            self.step()
            if FakeAdmin.about_to.startswith(call):
                return
        raise AssertionError(f"the push ended without {call}")


@dataclass
class FakeAdmin:
    about_to = ""
    world: World
    fo: FakeFo | None = None

    async def run(self, query, variables):
        FakeAdmin.about_to = query.name
        asked_at = self.world.time
        await Pause()
        FakeAdmin.about_to = ""
        if self.world.time - asked_at > HTTP_TIMEOUT:
            raise TransientError("no answer in time")
        if self.world.budget_is_spent:
            self.world.budget_is_spent = False
            if query.name == "StockSet":
                self.StockSet(**variables)
            raise ThrottledError("the query budget is spent")
        answer = getattr(self, query.name)(**variables)
        await Pause()
        return answer

    def StockVariants(self, after):  # noqa: N802 - GraphQL's name
        nodes = [
            {
                "id": f"gid://shopify/ProductVariant/{_variant_of(number)}",
                "sku": sku,
                "requiresComponents": False,
                "inventoryItem": {"id": _gid(number), "tracked": True},
            }
            for number, sku in self.world.skus_now.items()
        ]
        return {"productVariants": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}

    def StockLevels(self, items, location):  # noqa: N802
        return {"nodes": [self._item(gid, location) for gid in items]}

    def StockChangedLevels(self, locations, query, after):  # noqa: N802
        since = datetime.fromisoformat(query.partition("'")[2].rstrip("'"))
        return {"nodes": [self._changed_levels(int(gid.rpartition("/")[2]), since) for gid in locations]}

    def _changed_levels(self, place, since):
        visible = [when for when, shown_at in self.world.levels_changed[place] if shown_at <= self.world.time]
        is_found = any(EPOCH + timedelta(seconds=when) >= since for when in visible)
        gids = [_gid(number) for number in self.world.skus_now] if is_found else []
        levels = [
            {
                "item": {"id": gid, "tracked": True},
                "updatedAt": self._text(self.world.changed[place]),
                "quantities": [{"quantity": self.world.available[place]}],
            }
            for gid in gids
        ]
        page = {"nodes": levels, "pageInfo": {"hasNextPage": False, "endCursor": None}}
        return {"id": f"gid://shopify/Location/{place}", "inventoryLevels": page}

    def _item(self, gid, location):
        if self.world.on_hand_is_read_before_orders:
            self.fo.early = self.fo.rows()
        place = int(location.rpartition("/")[2])
        number = int(gid.rpartition("/")[2])
        if number in self.world.absent:
            shown = self.world.absent[number]
            return None if shown is None else {"id": gid, **shown}
        level = {
            "updatedAt": self._text(self.world.changed[place]),
            "quantities": [{"quantity": self.world.available[place]}],
        }
        return {"id": gid, "tracked": True, "inventoryLevel": level}

    def StockOrders(self, query, sort, after):  # noqa: N802
        since = datetime.fromisoformat(query.partition("'")[2].rstrip("'"))
        time = self.world.time
        nodes = [
            self._times(order)
            for order in self.world.orders
            if order.visible <= time
            and EPOCH + timedelta(seconds=order.updated_as_shown(time) if sort == "UPDATED_AT" else order.created)
            >= since
        ]
        return {"orders": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}

    def StockOrderTimes(self, orders):  # noqa: N802
        return {"nodes": [self._times(self._find(gid)) for gid in orders]}

    def _times(self, order: Order):
        return {
            "id": f"gid://shopify/Order/{order.id}",
            "createdAt": self._text(order.created),
            "updatedAt": self._text(order.updated),
            "cancelledAt": None if order.is_given_back else self._text(order.cancelled),
            "currentSubtotalLineItemsQuantity": order.units if order.cancelled is None else 0,
        }

    def _find(self, gid: str) -> Order:
        return next(order for order in self.world.orders if gid == f"gid://shopify/Order/{order.id}")

    def StockOrderUnits(self, orders):  # noqa: N802
        return {"nodes": [self._order(self._find(gid)) for gid in orders]}

    def _order(self, order: Order):
        last = {"hasNextPage": False, "endCursor": None}
        gids = [_gid(number) for number in self.world.skus_now]
        left = order.units if order.cancelled is None else 0
        lines = [
            {
                "id": gid.replace("InventoryItem", "LineItem"),
                "quantity": order.ordered,
                "currentQuantity": left,
                "variant": {"inventoryItem": {"id": gid}},
            }
            for gid in gids
        ]
        counts = {"totalQuantity": order.units, "remainingQuantity": order.units}
        parts = [{"inventoryItemId": gid, **counts} for gid in gids]
        part = {
            "status": "CANCELLED" if order.cancelled is not None else "OPEN",
            "assignedLocation": {"location": {"id": f"gid://shopify/Location/{order.location}"}},
            "lineItems": {"nodes": parts, "pageInfo": last},
        }
        return {
            "lineItems": {"nodes": lines, "pageInfo": last},
            "fulfillmentOrders": {"nodes": [part], "pageInfo": last},
        }

    def StockSet(self, input, key):  # noqa: N802, A002
        content = json.dumps(input)
        if key not in self.world.answers:
            self.world.answers[key] = (content, self._set(input["quantities"]))
        first, errors = self.world.answers[key]
        assert first == content, "an idempotency key was used for two intents"
        return {"inventorySetQuantities": {"userErrors": errors}}

    def _set(self, rows):
        places = [int(row["locationId"].rpartition("/")[2]) for row in rows]
        errors = [
            {
                "code": "CHANGE_FROM_QUANTITY_STALE",
                "field": ["input", "quantities", str(index), "changeFromQuantity"],
                "message": "The changeFromQuantity value does not match persisted value.",
            }
            for index, (row, place) in enumerate(zip(rows, places, strict=True))
            if self.world.writes_compare and row["changeFromQuantity"] != self.world.available[place]
        ]
        errors += [
            {"code": "INVALID", "field": ["input", "quantities", str(index), "quantity"], "message": "It is locked."}
            for index, row in enumerate(rows)
            if int(row["inventoryItemId"].rpartition("/")[2]) in self.world.refused
        ]
        figures = {(place, row["quantity"]) for row, place in zip(rows, places, strict=True)}
        assert len(figures) == len(set(places)), "SKUs with the same stock were given different figures"
        if not errors:
            for row, place in zip(rows, places, strict=True):
                self.world._move(place, row["quantity"] - self.world.available[place])
        return errors

    def _text(self, moment: int | None) -> str | None:
        return None if moment is None else f"{EPOCH + timedelta(seconds=moment):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class FakeFo:
    world: World
    early: list | None = None

    async def query(self, entity_set, **what):
        await Pause()
        rows = {
            "WarehousesOnHandV2": self.rows,
            "WarehouseInventoryStatusesOnHandV2": self.rows_by_status,
            "ItemCoverageSettingsV2": list,
            "ReleasedProductsV2": self.items,
        }
        answer = self.early if self.early is not None and entity_set == "WarehousesOnHandV2" else rows[entity_set]()
        await Pause()
        return answer

    async def pages(self, entity_set, **what):
        yield await self.query(entity_set, **what)

    def items(self):
        pieces = {
            **dict.fromkeys(["IsBatchNumberActive", "IsSerialNumberActive", "IsCatchWeightProduct"], "No"),
            **dict.fromkeys(["InventoryUnitSymbol", "SalesUnitSymbol"], "ea"),
        }
        skus = self.world.skus_now.values() if self.world.fo_has_items else ()
        return [{"ItemNumber": sku.upper(), **pieces} for sku in skus]

    def rows_by_status(self):
        """With what is blocked in a row of its own."""
        managed = {"AreWarehouseManagementProcessesUsed": "Yes"}
        for row in self.rows():
            units = Decimal(self.world.blocked.get(row["InventoryWarehouseId"], 0))
            blocked = {"OnHandQuantity": units, "AvailableOnHandQuantity": units, "OnOrderQuantity": Decimal(0)}
            left = {name: row[name] - units for name in ("OnHandQuantity", "AvailableOnHandQuantity")}
            yield row | managed | left | {"InventoryStatusId": "Available"}
            yield row | managed | blocked | {"InventoryStatusId": "Blocked"}

    def rows(self):
        blank = dict.fromkeys(
            ["ProductColorId", "ProductConfigurationId", "ProductSizeId", "ProductStyleId", "ProductVersionId"], ""
        )
        return [
            {
                **blank,
                "ItemNumber": sku.upper(),
                "InventorySiteId": "EU",
                "InventoryWarehouseId": WAREHOUSE_OF[place],
                "OnHandQuantity": Decimal(self.world.physical[WAREHOUSE_OF[place]]),
                "ReservedOnHandQuantity": Decimal(0),
                "AvailableOnHandQuantity": Decimal(self.world.physical[WAREHOUSE_OF[place]]),
                "OrderedQuantity": Decimal(0),
                "OnOrderQuantity": Decimal(
                    sum(o.fo_units for o in self.world.orders if o.booked == WAREHOUSE_OF[place] and not o.gone)
                ),
            }
            for sku in sorted(self.world.skus_now.values(), key=str.upper)
            for place in self.world.locations
            if self.world.fo_has_rows and place not in self.world.rows_without
        ]


@dataclass
class FakeState:
    """Links and snapshots."""

    world: World

    async def sleep(self, seconds: float) -> None:
        await Pause()

    async def known(self, store, order_ids):
        await Pause()
        return {
            order.id: EPOCH + timedelta(seconds=max(order.link_version, order.parked_version))
            for order in self.world.orders
            if order.known and order.id in set(order_ids)
        }

    async def get_several(self, store, order_ids):
        await Pause()
        return {order.id: self._link(store, order) for order in self.world.orders if order.id in set(order_ids)}

    def _link(self, store, order: Order):
        units = {} if order.link_units is None else {"quantity": str(order.link_units)}
        return OrderLink(
            store,
            order.id,
            EPOCH + timedelta(seconds=order.link_version),
            sales_order="S1" if order.known else "",
            parked_version=EPOCH + timedelta(seconds=order.parked_version),
            fingerprints={source_of(Component.PRODUCTS, item): json.dumps(units) for item in order.skus},
        )

    async def parked(self, store):
        await Pause()
        return [
            PendingSale(
                order.id,
                () if order.unreadable and not order.parked else order.sold,
                None,
                is_readable=order.parked or order.known,
                version=EPOCH + timedelta(seconds=order.link_version) if order.parked else None,
            )
            for order in self.world.orders
            if order.parked or order.unreadable or (order.known and order.sold)
        ]

    async def read(self, name):
        await Pause()
        text = self.world.documents.get(name)
        return (json.loads(text), str(self.world.versions[name])) if text else (None, None)

    async def write(self, name, value, etag):
        await Pause()
        current = str(self.world.versions[name]) if name in self.world.documents else None
        if etag != current:
            raise TransientError("written by another run")
        self.world.documents[name] = json.dumps(value)
        self.world.versions[name] += 1
        return str(self.world.versions[name])


def _variant_of(inventory_item: int) -> int:
    return 9000 + inventory_item


def _gid(number: int) -> str:
    return f"gid://shopify/InventoryItem/{number}"
