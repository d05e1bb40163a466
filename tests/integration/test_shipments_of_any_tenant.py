"""Environments that cannot search packing slips by time, or show none: Shopify gets the same shipments from each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from local.d365.slips import LINES, SLIPS, TRACKING, VERSIONS
from local.d365.tenant import Tenant
from shared.errors import RefusedError
from shared.rules import StoreRules
from shared.sync.shipments.run import push_shipments
from shared.sync.shipments.sources import open_orders
from tests.builders.both_sides import App, app_in_process
from tests.builders.flat_shipments import ENTITY, HIDDEN, SET, options_with_entity, refresh
from tests.builders.sales import with_rules
from tests.builders.shipped_order import BAG, EU, MAP, Shipped

UNSTAMPED: Final = {key: value for key, value in ENTITY.items() if key != "changed_at"}
BY_NUMBER: Final = {key: value for key, value in ENTITY.items() if key != "lot"} | {"line_number": "OrderLine"}
UNTRACKED: Final = {key: value for key, value in ENTITY.items() if not key.startswith("tracking")}
NO_TIMES: Final = {LINES: frozenset({"CreatedOn"}), VERSIONS: frozenset({"VersionDateTime"})}
NO_STAMPS: Final = {
    **NO_TIMES,
    "SalesLineBiEntities": frozenset({"SysModifiedDateTime"}),
    "SalesTableBiEntities": frozenset({"SysModifiedDateTime"}),
}


def nothing(_: App) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """A kind of environment: what its file says, what it refuses, and what happens in it beside the postings."""

    says: dict[str, Any]
    is_like: Tenant
    after_posting: Callable[[App], None] = field(default=nothing)

    @property
    def rules(self) -> StoreRules:
        return with_rules(EU, tenant=self.says)


def flat(entity: dict[str, Any], *, hidden: frozenset[str] = HIDDEN, **says: Any) -> Kind:
    lacks = {"packing_slips": "no", "order_stamps": "no"} | ({"slip_tracking": "no"} if TRACKING in hidden else {})
    like = Tenant(lacks=hidden, refuses_filter=NO_STAMPS)
    return Kind(lacks | says | {"shipments_entity": entity}, like, lambda app: refresh(app.fo))


KINDS: Final = {
    "by time": Kind({"slip_search": "by_time", "packing_slips": "yes", "slip_tracking": "yes"}, Tenant()),
    "by line": Kind({"slip_search": "by_line"}, Tenant(lacks=frozenset({VERSIONS}), refuses_filter=NO_TIMES)),
    "by order": Kind({"slip_search": "by_order"}, Tenant(lacks=frozenset({VERSIONS}), refuses_filter=NO_STAMPS)),
    "own entity": flat(ENTITY),
    "own entity without a stamp": flat(UNSTAMPED),
    "own entity by line number": flat(BY_NUMBER),
    "own entity without numbers": flat(UNTRACKED, hidden=frozenset({SLIPS, LINES, VERSIONS})),
}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with app_in_process(options_with_entity(tmp_path)) as one:
        yield one


async def booked(app: App, kind: Kind, *lines: dict[str, Any]) -> Shipped:
    one = Shipped(app, *lines, rules=kind.rules)
    await one.deliver()
    app.fo.books.tenant = kind.is_like
    await app.push_shipments()
    assert one.shown == []
    return one


async def run(app: App, kind: Kind) -> list[str]:
    kind.after_posting(app)
    return await app.push_shipments()


async def test_a_shipment_its_correction_and_the_rest_come_out_alike(app: App, kind: Kind) -> None:
    one = await booked(app, kind, BAG, MAP)
    slip = one.pack("JJD1", BAG_DOWN=2, MAP_NORDIC=1)
    await run(app, kind)
    assert one.shown == [{"BAG-DOWN": 2, "MAP-NORDIC": 1}]
    assert one.mails == [("JJD1",)]
    assert one.order.live_fulfillments[0].tracking_company == "DHL Express"
    one.correct(slip, BAG_DOWN=1)
    await run(app, kind)
    assert one.shown == [{"BAG-DOWN": 1, "MAP-NORDIC": 1}]
    one.pack("JJD2", BAG_DOWN=2)
    await run(app, kind)
    assert one.shown == [{"BAG-DOWN": 1, "MAP-NORDIC": 1}, {"BAG-DOWN": 2}]
    assert one.mails == [("JJD1",), ("JJD2",)]
    assert await run(app, kind) == []


async def test_a_cancelled_slip_takes_its_fulfilment_with_it(app: App, kind: Kind) -> None:
    one = await booked(app, kind, BAG)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await run(app, kind)
    assert one.shown == [{"BAG-DOWN": 3}]
    one.cancel_slip(slip)
    await run(app, kind)
    assert one.shown == []


async def test_a_number_that_comes_later_is_added(app: App, kind: Kind) -> None:
    one = await booked(app, kind, BAG)
    slip = one.pack(BAG_DOWN=3)
    await run(app, kind)
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 3}], [])
    one.track(slip, "JJD1", "JJD2")
    await run(app, kind)
    assert one.mails == [("JJD1", "JJD2")]


@pytest.mark.parametrize("kind", [KINDS["by order"], KINDS["own entity"]], ids=["by order", "own entity"])
async def test_without_stamps_of_sales_lines_the_open_orders_show_what_fo_gave_up(app: App, kind: Kind) -> None:
    one = await booked(app, kind, BAG)
    app.fo.posting.give_up(one.sales_order, {one.lines[0]["InventoryLotId"]: Decimal(1)})
    await run(app, kind)
    assert await app.parked() == {"GIVEN_UP_IN_FO"}
    assert one.shown == []


async def test_goods_that_the_own_entity_does_not_show_yet_are_not_given_up(app: App) -> None:
    one = await booked(app, KINDS["own entity"], BAG)
    one.pack("JJD1", BAG_DOWN=2)
    await app.push_shipments()
    assert (one.shown, await app.parked()) == ([], set())
    await run(app, KINDS["own entity"])
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 2}], set())


async def test_without_numbers_of_any_kind_goods_are_shown_and_nobody_asks_for_numbers(app: App) -> None:
    kind = Kind({"slip_tracking": "no"}, Tenant(lacks=frozenset({TRACKING})))
    one = await booked(app, kind, BAG)
    one.pack(BAG_DOWN=3)
    await run(app, kind)
    assert one.shown == [{"BAG-DOWN": 3}]
    assert await run(app, kind) == []


async def test_an_environment_that_refuses_the_filter_is_told_until_its_file_says_so(app: App) -> None:
    kind = Kind({}, Tenant(refuses_filter=NO_TIMES))
    one = Shipped(app, BAG, rules=kind.rules)
    await one.deliver()
    app.fo.books.tenant = kind.is_like
    with pytest.RaisesGroup(pytest.RaisesExc(RefusedError, match="CreatedOn")):
        await push_shipments(app.shipments)


async def test_a_field_of_another_type_is_named(app: App) -> None:
    kind = flat(ENTITY | {"quantity": "DeliveryNote"})
    one = await booked(app, kind, BAG)
    one.pack("JJD1", BAG_DOWN=3)
    await run(app, kind)
    assert await app.parked() == {"SHIPMENTS_ENTITY_WRONG"}
    assert "Correct the entity" in (await app.next_steps())[0]
    assert f"{SET}, from which shipments are read, has “" in (await app.causes())[0]
    assert "in DeliveryNote, which is no number" in (await app.causes())[0]


async def test_a_moment_of_another_type_is_named(app: App) -> None:
    kind = flat(UNSTAMPED | {"created_at": "Carrier"})
    one = await booked(app, kind, BAG)
    one.pack("JJD1", BAG_DOWN=3)
    await run(app, kind)
    assert "has “DHL” in Carrier, which is no date and time" in (await app.causes())[0]


# ---- the open orders in turn


def orders_known(app: App) -> dict[str, Any]:
    found: dict[str, Any] = app.shipments.snapshots.documents["shipments/nordlys/open"]  # type: ignore[attr-defined]
    return found


async def test_what_did_not_move_is_neither_sent_nor_remembered(app: App) -> None:
    kind = KINDS["by order"]
    await booked(app, kind, BAG)
    assert await run(app, kind) == []
    assert orders_known(app)["known"] == {}


async def test_an_invoiced_order_is_asked_for_no_more_until_it_changes(app: App) -> None:
    kind = KINDS["by order"]
    one = await booked(app, kind, BAG)
    one.pack("JJD1", BAG_DOWN=3)
    await run(app, kind)
    app.fo.posting.invoice(one.sales_order)
    await run(app, kind)
    app.fo.clear_calls()
    for _ in range(3):
        assert await run(app, kind) == []
    assert app.fo.http_calls["GET /data/SalesLineBiEntities"] == 0
    assert len(orders_known(app)["known"]) == 1
    link = await app.link(one.order.id)
    assert link is not None
    assert link.applied_at is not None
    later = link.applied_at.replace(year=link.applied_at.year + 1)
    app.now = lambda: later
    rows = app.links._table.rows  # type: ignore[attr-defined]
    for row in rows.values():
        row["applied_at"] = later.isoformat()
    await run(app, kind)
    assert app.fo.http_calls["GET /data/SalesLineBiEntities"] == 1


async def test_an_old_order_is_asked_for_no_more_and_forgotten(app: App) -> None:
    kind = KINDS["by order"]
    one = await booked(app, kind, BAG)
    one.pack("JJD1", BAG_DOWN=1)
    await run(app, kind)
    assert len(orders_known(app)["known"]) == 1
    began = app.now()
    app.now = lambda: began.replace(year=began.year + 1)
    one.pack("JJD2", BAG_DOWN=1)
    await run(app, kind)
    assert one.shown == [{"BAG-DOWN": 1}]
    assert orders_known(app)["known"] == {}


async def test_each_run_asks_for_the_next_orders_and_a_round_for_all(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS["by order"]
    one = await booked(app, kind, BAG)
    link = await app.link(one.order.id)
    assert link is not None
    rows = app.links._table.rows  # type: ignore[attr-defined]
    (known,) = [row for key, row in rows.items() if key[1].startswith("order-")]
    others = 4
    for number in range(others):
        key = f"order-{one.order.id + 1 + number:020d}"
        rows[known["PartitionKey"], key] = type(known)(
            {**known, "RowKey": key, "sales_order": f"OTHER-{number}"}, f"e{number}"
        )
    monkeypatch.setattr(open_orders, "ORDERS", 2)
    began = orders_known(app)["round"]
    app.fo.clear_calls()
    one.pack("JJD1", BAG_DOWN=3)
    ends, places = [], []
    for _ in range(6):  # of two, two and one order: two rounds
        ends += await run(app, kind)
        places.append(orders_known(app)["after"] - one.order.id)
    assert [end.split("; ")[0] for end in ends] == ["shipments: 1 fulfilments made"]
    assert places[:2] == places[3:5] == [1, 3]
    assert orders_known(app)["round"] == began + 2
    in_the_session = 1  # units given up
    assert app.fo.http_calls["GET /data/SalesLineBiEntities"] == 6 + in_the_session


async def test_ten_thousand_open_orders_cost_ten_reads_a_minute_at_most() -> None:
    assert open_orders.READS * open_orders.ORDERS_A_READ == open_orders.ORDERS
    rounds = -(-10_000 // open_orders.ORDERS)
    assert rounds <= 65  # minutes, as docs/shipments.md says
