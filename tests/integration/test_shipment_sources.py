"""What a run of push_shipments finds: each row of F&O once, whatever the overlap, and each source by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from local.d365.faults import Fault
from local.d365.slips import TRACKING
from local.d365.tenant import Tenant
from shared.errors import DeniedError, RefusedError, TransientError
from shared.sync.shipments.run import push_shipments
from tests.builders.both_sides import App, app_in_process
from tests.builders.sales import with_rules
from tests.builders.shipped_order import BAG, EU, MAP, shipped

PROGRESS: Final = "shipments/nordlys/progress"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


def sources(app: App) -> dict[str, Any]:
    found: dict[str, Any] = app.shipments.snapshots.documents[PROGRESS]["sources"]
    return found


async def test_the_overlap_sends_no_row_again_when_another_row_leaves_it(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    one.pack("JJD1", BAG_DOWN=1)
    app.fo.books.clock = lambda: datetime.now(UTC) + timedelta(minutes=10)
    one.pack("JJD2", BAG_DOWN=1)
    assert len(await app.push_shipments()) == 1
    slips = sources(app)["slips"]
    (rows,) = slips["sent"].values()
    assert len(rows) == 2
    slips["seen"] = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
    assert await app.push_shipments() == []
    (rows,) = sources(app)["slips"]["sent"].values()
    assert len(rows) == 1


async def test_the_watermark_is_the_newest_stamp_and_never_goes_back(app: App) -> None:
    one = await shipped(app, BAG)
    began = sources(app)["slips"]["seen"]
    one.pack("JJD1", BAG_DOWN=1)
    await app.push_shipments()
    seen = sources(app)["slips"]["seen"]
    assert seen >= began
    app.fo.books.tenant = replace(app.fo.books.tenant, cancelled_slips="go")
    await app.push_shipments()
    assert sources(app)["slips"]["seen"] == seen


async def test_rows_of_no_interest_move_the_watermark(app: App) -> None:
    """Of a shop's sales orders and lines few are ever given up, cancelled or picked up: the others are not read for
    ever.
    """
    one = await shipped(app, BAG)
    later = datetime.now(UTC) + timedelta(hours=1)
    app.fo.books.clock = lambda: later
    one.pack("JJD1", BAG_DOWN=1)
    await app.push_shipments()
    await app.push_shipments()
    stamp = later.replace(microsecond=0)
    for name in ("sales_orders", "remains"):
        assert datetime.fromisoformat(sources(app)[name]["seen"]) == stamp, name


async def test_a_source_that_fo_lacks_stops_no_other_and_is_told(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack(BAG_DOWN=3)
    await app.push_shipments()
    before = sources(app)["slips"]
    one.track(slip, "JJD1")
    app.fo.books.tenant = Tenant(lacks=frozenset({"CustPackingSlipVersionBiEntities"}))
    with pytest.RaisesGroup(pytest.RaisesExc(RefusedError, match="FO_SET_MISSING")):
        await push_shipments(app.shipments)
    assert sources(app)["slips"] == before
    assert await app.handle_shipped() == ["shipments: 1 given other tracking numbers"]
    assert one.mails == [("JJD1",)]


@pytest.mark.parametrize(("kind", "error"), [("denied", DeniedError), ("bad_gateway", TransientError)])
async def test_a_source_that_fo_denies_or_does_not_answer_stops_no_other(
    app: App, kind: Any, error: type[TransientError]
) -> None:
    one = await shipped(app, BAG)
    slip = one.pack(BAG_DOWN=3)
    await app.push_shipments()
    before = sources(app)["slips"]
    one.track(slip, "JJD1")
    app.fo.faults.add(Fault(kind, entity_set="CustPackingSlipVersionBiEntities", times=None))
    with pytest.RaisesGroup(error):
        await push_shipments(app.shipments)
    assert sources(app)["slips"] == before
    assert await app.handle_shipped() == ["shipments: 1 given other tracking numbers"]


async def test_where_fo_is_busy_what_was_found_is_sent_and_nothing_else_is_asked(app: App) -> None:
    one = await shipped(app, BAG)
    one.pack("JJD1", BAG_DOWN=3)
    app.fo.faults.add(Fault("throttle", entity_set="SalesLineBiEntities", times=None))
    await push_shipments(app.shipments)
    assert await app.handle_shipped() == ["shipments: 1 fulfilments made"]


async def test_two_sources_make_one_event_of_an_order(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack(BAG_DOWN=1)
    await app.push_shipments()
    one.track(slip, "JJD1")
    one.pack("JJD2", BAG_DOWN=2)
    assert await app.push_shipments() == ["shipments: 1 fulfilments made, 1 given other tracking numbers"]


async def test_a_number_ends_the_wait_of_its_slip(app: App) -> None:
    one = await shipped(app, BAG, rules=with_rules(EU, shipments={"waits": ({"minutes": 600},)}))
    slip = one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == ["waits"]
    assert (await app.push_shipments(), one.shown) == ([], [])
    one.track(slip, "JJD1")
    assert await app.push_shipments() == ["shipments: 1 fulfilments made"]
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 3}], [("JJD1",)])
    assert await app.ship_waiting() == ["Shopify has all shipments"]
    assert await app.push_shipments() == []


async def test_a_slip_that_has_its_number_is_not_sent_again_for_one_that_never_gets_any(app: App) -> None:
    one = await shipped(app, BAG)
    one.pack("JJD1", BAG_DOWN=1)
    one.pack(BAG_DOWN=2)
    assert await app.push_shipments() == ["shipments: 2 fulfilments made"]
    assert await app.push_shipments() == []


async def test_the_number_of_a_parcel_that_is_packed_later_is_added(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    one.track(slip, "JJD2")
    assert await app.push_shipments() == ["shipments: 1 given other tracking numbers"]
    assert one.mails == [("JJD1",)]
    app.now = lambda: datetime.now(UTC) + timedelta(hours=3)
    one.track(slip, "JJD3")
    assert await app.push_shipments() == []


async def test_a_number_that_shopify_refuses_is_told_once(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack(BAG_DOWN=3)
    await app.push_shipments()
    one.track(slip, "JJD1")
    body = {"data": {"fulfillmentTrackingInfoUpdate": {"userErrors": [{"field": None, "message": "no"}]}}}
    app.shopify.simulator.faults.add({"kind": "other_answer", "operation": "ShipmentsTrack", "body": body})
    assert await app.push_shipments() == ["SHIPMENT_REFUSED"]
    assert await app.push_shipments() == []


async def test_a_late_number_of_a_summary_slip_reaches_the_orders_that_fo_does_not_write_it_to(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.row(one.pack(BAG_DOWN=3))
    await app.push_shipments()
    app.fo.books.add(
        app.fo.books.schema.sets[TRACKING],
        {
            "dataAreaId": "nleu",
            "SalesOrderNumber": "SN-FIRST",
            "PackingSlipNumber": slip.values["PackingSlipId"],
            "DeliveryDate": slip.values["DeliveryDate"],
            "TrackingNumber": "JJD1",
            "TrackingURL": "",
        },
    )
    assert await app.push_shipments() == ["shipments: 1 given other tracking numbers"]
    assert one.mails == [("JJD1",)]
