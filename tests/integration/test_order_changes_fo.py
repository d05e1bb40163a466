"""F&O's sales order follows the order in Shopify, as far as F&O lets it, against the simulator."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fixtures.order_changes import HELD_FOR_RISK, NUMBER, ChangeScenario, moved, running_change_scenario, sale

from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.model import Risk
from tests.builders.sales import EU, euros, with_rules

CANCELLED = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture
async def scenario() -> AsyncIterator[ChangeScenario]:
    async with running_change_scenario() as one:
        yield one


async def test_an_order_that_did_not_change_is_not_written(scenario):
    await scenario.create(sale(2, 1))
    report = await scenario.change(sale(2, 1))
    assert scenario.wire.writes == []
    assert report.note == "F&O has the order as it is"


async def test_another_address_is_one_write(scenario):
    await scenario.create(sale(2, 1))
    await scenario.change(sale(2, 1, shipping_address=moved()))
    assert scenario.wire.writes == ["PATCH SalesOrderHeadersV4"]
    header = await scenario.header()
    assert (header["DeliveryAddressCity"], header["DeliveryAddressZipCode"]) == ("Utrecht", "3511 AX")
    assert {row["DeliveryAddressCity"] for row in await scenario.lines()} == {"Utrecht"}


async def test_an_edit_of_three_lines_is_one_batch(scenario):
    await scenario.create(sale(2, 1, 1, 0))
    edited = sale(3, 0, 2, 1, freight="7.00")
    report = await scenario.change(edited)
    assert scenario.wire.writes == ["POST $batch"]
    assert await scenario.quantities() == {"11": 3, "13": 2, "14": 1, "900": 1}
    assert await scenario.amount() == edited.total.amount
    assert report.evidence["fo"]["totals"][-1]["shopify"] == str(edited.total)
    again = await scenario.change(edited)
    assert scenario.wire.writes == ["POST $batch"]
    assert again.link.sources == report.link.sources


async def test_a_discount_reaches_the_line(scenario):
    await scenario.create(sale(3))
    cheaper = sale(3, discount="10.00")
    await scenario.change(cheaper)
    assert scenario.wire.writes == ["PATCH SalesOrderLinesV3"]
    assert await scenario.amount() == cheaper.total.amount


async def test_more_pieces_leave_from_where_there_are_some_and_existing_lines_stay(scenario):
    await scenario.create(sale(2))
    scenario.warehouse = 1
    await scenario.change(sale(5))
    tents = [row for row in await scenario.lines() if row["ItemNumber"] == "TENT-2P"]
    assert [(row["ShippingWarehouseId"], row["OrderedSalesQuantity"]) for row in tents] == [("AMS", 2), ("HAM", 3)]
    assert [[need.quantity for need in wanted] for wanted in scenario.allocated] == [[3]]
    await scenario.change(sale(3))
    assert await scenario.quantities() == {"11": 3, "900": 1}


async def test_a_line_that_a_person_added_stays_and_is_not_ours(scenario):
    await scenario.create(sale(2, 1))
    theirs = await scenario.fo.create(
        "SalesOrderLinesV3",
        {"dataAreaId": "nleu", "SalesOrderNumber": NUMBER, "ItemNumber": "MUG-ENAMEL", "SalesPrice": Decimal("9.99")},
    )
    edited = sale(2, 0)
    await scenario.change(edited)
    assert theirs["InventoryLotId"] in {row["InventoryLotId"] for row in await scenario.lines()}
    assert await scenario.amount() == edited.total.amount + Decimal("9.99")
    await scenario.change(replace(edited, cancelled_at=CANCELLED))
    assert [row["InventoryLotId"] for row in await scenario.lines()] == [theirs["InventoryLotId"]]


async def test_what_a_person_corrected_in_the_header_stays_until_shopify_changes_it(scenario):
    await scenario.create(sale(2))
    key = {"dataAreaId": "nleu", "SalesOrderNumber": NUMBER}
    await scenario.fo.update("SalesOrderHeadersV4", key, {"DeliveryAddressStreet": "Damrak 1, at the back"})
    await scenario.change(sale(3))
    assert (await scenario.header())["DeliveryAddressStreet"] == "Damrak 1, at the back"
    await scenario.change(sale(3, shipping_address=moved()))
    assert (await scenario.header())["DeliveryAddressStreet"] == "Oudegracht 10"


@pytest.mark.parametrize("stage", ["confirm", None])
async def test_a_cancelled_order_leaves_nothing_open(scenario, stage):
    await scenario.create(sale(2, 1))
    if stage:
        await scenario.post(stage)
    await scenario.change(sale(2, 1, cancelled_at=CANCELLED))
    assert await scenario.lines() == []
    header = await scenario.header()
    assert (header is None) == (stage is None)  # a confirmed order stays, without lines
    scenario.wire.writes.clear()
    await scenario.change(sale(2, 1, cancelled_at=CANCELLED))
    assert scenario.wire.writes == []


async def test_a_cancelled_order_may_stay_as_a_trace(scenario):
    rules = with_rules(EU, changes={"cancellation": "zero_remaining"})
    await scenario.create(sale(2, 1), rules)
    await scenario.change(sale(2, 1, cancelled_at=CANCELLED), rules)
    assert {row["SalesOrderLineStatus"] for row in await scenario.lines()} == {"Canceled"}
    assert (await scenario.header())["SalesOrderStatus"] == "Canceled"
    scenario.wire.writes.clear()
    await scenario.change(sale(2, 1, cancelled_at=CANCELLED), rules)
    assert scenario.wire.writes == []


async def test_a_picked_order_that_is_cancelled_is_held_for_a_person(scenario):
    await scenario.create(sale(2))
    await scenario.post("pick")
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(2, cancelled_at=CANCELLED))
    assert refused.value.code == "CHANGE_HELD"
    assert "picked" in refused.value.cause
    assert "The order is held in F&O." in refused.value.next_step
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    assert await scenario.quantities() == {"11": 2, "900": 1}
    scenario.wire.writes.clear()
    with pytest.raises(RefusedError, match="CHANGE_HELD"):
        await scenario.change(sale(2, cancelled_at=CANCELLED))
    assert scenario.wire.writes == []


async def test_cancelling_a_partly_delivered_order_cancels_the_rest_and_reports_what_was_delivered(scenario):
    await scenario.create(sale(3, 1))
    await scenario.pack({11: 2})
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(cancelled_at=CANCELLED))
    assert refused.value.code == "CHANGE_HELD"
    assert "2 x TENT-2P were shipped" in refused.value.cause
    assert await scenario.quantities() == {"11": 2}


async def test_the_rest_is_given_up_quietly_where_shopify_knows_what_left(scenario):
    await scenario.create(sale(3, 1))
    await scenario.pack({11: 2})
    await scenario.change(sale(2, cancelled_at=CANCELLED))
    assert await scenario.quantities() == {"11": 2, "900": 1}


@pytest.mark.parametrize("stage", ["pack", "invoice"])
async def test_fewer_pieces_than_have_left_are_a_persons(scenario, stage):
    await scenario.create(sale(3))
    await scenario.post("pack")
    if stage == "invoice":
        await scenario.post("invoice")
    before = await scenario.lines()
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(2))
    assert refused.value.code == "CHANGE_HELD"
    assert "quantity 3 -> 2" in refused.value.cause
    assert await scenario.lines() == before
    # All goods have left: a hold would only stop the invoice.
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"


async def test_a_held_order_goes_on_when_the_change_was_undone(scenario):
    await scenario.create(sale(3))
    await scenario.post("pick")
    with pytest.raises(RefusedError, match="CHANGE_HELD"):
        await scenario.change(sale(2))
    await scenario.change(sale(3))
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"
    assert scenario.link.held == ""


async def test_what_f_and_o_refuses_is_held_and_said_in_its_words(scenario):
    await scenario.create(sale(3, 1))
    await scenario.post("pick")
    await scenario.pack({11: 1})  # the order is partly delivered now, and the rest of it is still picked
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(2, 1))
    assert refused.value.code == "CHANGE_REFUSED"
    assert "are picked" in refused.value.cause
    assert "quantity 3 -> 2" in refused.value.cause
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"


async def test_what_the_rules_cannot_say_holds_the_order_until_they_can(scenario):
    await scenario.create(sale(3))
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(3, duties=euros(4)))
    assert refused.value.code == "AMOUNT_WITHOUT_RULE"
    assert scenario.link.held == "change"
    await scenario.change(sale(3, duties=euros(4)), with_rules(EU, orders={"duties_item": "FREIGHT"}))
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"
    assert await scenario.amount() == sale(3).total.amount + 4


async def test_what_f_and_o_does_not_keep_is_noticed(scenario):
    await scenario.create(sale(2))
    scenario.wire.drops = b'"OrderedSalesQuantity":3'
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(3))
    assert refused.value.code == "CHANGE_NOT_TAKEN"
    assert "quantity 2 -> 3" in refused.value.cause
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"


async def test_more_pieces_after_delivery_are_a_new_line(scenario):
    await scenario.create(sale(2))
    await scenario.post("pack")
    await scenario.change(sale(5))
    tents = [row for row in await scenario.lines() if row["ItemNumber"] == "TENT-2P"]
    assert [row["OrderedSalesQuantity"] for row in tents] == [2, 3]
    assert await scenario.amount() == sale(5).total.amount
    scenario.wire.writes.clear()
    await scenario.change(sale(5))
    assert scenario.wire.writes == []


async def test_more_after_the_invoice_is_a_further_order(scenario):
    await scenario.create(sale(2))
    await scenario.post("pack")
    await scenario.post("invoice")
    report = await scenario.change(sale(3, 1))
    assert report.link.further == (f"{NUMBER}B",)
    assert await scenario.quantities(f"{NUMBER}B") == {"11": 1, "12": 1}
    assert await scenario.amount(NUMBER, f"{NUMBER}B") == sale(3, 1).total.amount
    header = await scenario.header(f"{NUMBER}B")
    assert header["CustomersOrderReference"] == "shopify-nordlys-5551234567890-2"
    scenario.wire.writes.clear()
    await scenario.change(sale(3, 1))
    assert scenario.wire.writes == []
    await scenario.change(sale(4, 1))
    assert await scenario.quantities(f"{NUMBER}B") == {"11": 2, "12": 1}
    assert await scenario.header(f"{NUMBER}C") is None


async def test_a_further_order_takes_what_is_added_later(scenario):
    await scenario.create(sale(2, 1))
    await scenario.post("pack")
    await scenario.post("invoice")
    await scenario.change(sale(2, 1, 1))
    await scenario.change(sale(3, 1, 1, 1))
    assert await scenario.quantities(f"{NUMBER}B") == {"11": 1, "13": 1, "14": 1}
    assert await scenario.header(f"{NUMBER}C") is None


async def test_a_further_order_at_risk_is_held_too(scenario):
    await scenario.create(sale(2))
    await scenario.post("pack")
    await scenario.post("invoice")
    await scenario.change(sale(3), risk=Risk.HIGH)
    assert (await scenario.header(f"{NUMBER}B"))["IsSalesProcessingStopped"] == "Yes"
    await scenario.change(sale(3))
    assert (await scenario.header(f"{NUMBER}B"))["IsSalesProcessingStopped"] == "No"


async def test_what_is_picked_stays_picked_when_more_is_wanted(scenario):
    await scenario.create(sale(2))
    await scenario.post("pick")
    await scenario.change(sale(3))
    tents = [row for row in await scenario.lines() if row["ItemNumber"] == "TENT-2P"]
    assert [row["OrderedSalesQuantity"] for row in tents] == [2, 1]


async def test_a_change_can_be_ignored_by_rule(scenario):
    rules = with_rules(EU, changes={"address": {"open": "ignore"}})
    await scenario.create(sale(2), rules)
    report = await scenario.change(sale(3, shipping_address=moved()), rules)
    assert (await scenario.header())["DeliveryAddressCity"] == "Amsterdam"
    assert report.evidence["left_alone"] == ["another address: [changes.address] open = ignore"]


async def test_a_risky_order_is_held_until_the_risk_is_gone(scenario):
    await scenario.create(sale(2))
    await scenario.change(sale(2), risk=Risk.HIGH)
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    assert scenario.link.held == HELD_FOR_RISK
    await scenario.change(sale(2), risk=Risk.LOW)
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"


async def test_an_order_that_a_person_released_is_not_held_again_for_the_same_risk(scenario):
    await scenario.create(sale(2), held=HELD_FOR_RISK)
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    key = {"dataAreaId": "nleu", "SalesOrderNumber": NUMBER}
    await scenario.fo.update("SalesOrderHeadersV4", key, {"IsSalesProcessingStopped": "No"})
    await scenario.change(sale(3), risk=Risk.HIGH)
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"


async def test_the_hold_of_a_person_is_not_released(scenario):
    await scenario.create(sale(2))
    key = {"dataAreaId": "nleu", "SalesOrderNumber": NUMBER}
    await scenario.fo.update("SalesOrderHeadersV4", key, {"IsSalesProcessingStopped": "Yes"})
    await scenario.change(sale(3), risk=Risk.HIGH)
    await scenario.change(sale(3))
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"


async def test_an_order_that_f_and_o_lost_is_said_to_be_lost(scenario):
    await scenario.create(sale(2))
    await scenario.fo.delete("SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": NUMBER})
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(3))
    assert refused.value.code == "FO_ORDER_GONE"


async def test_a_link_of_former_times_finds_its_lines_by_shopifys_ids(scenario):
    await scenario.create(sale(2, 1))
    scenario.stored.link = replace(scenario.link, sources={}, fingerprints={})
    await scenario.change(sale(3, 0))
    assert await scenario.quantities() == {"11": 3, "900": 1}
    assert sorted(scenario.link.sources.values()) == ["products:11", "shipping:900"]


EDITS = {
    "edit": sale(3, 0, 2, 1, freight="7.00", shipping_address=moved()),
    "cancel": sale(2, 1, 1, cancelled_at=CANCELLED),
    "nothing left": sale(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("crash", ["after the write", "at the first put", "at the last put"])
async def test_a_crash_leaves_what_the_next_run_completes(scenario, edit, crash):
    await scenario.create(sale(2, 1, 1))
    if crash == "after the write":
        scenario.wire.breaks_after = 1
    else:
        scenario.stored.fails_at = 1 if crash == "at the first put" else 2
    crashes = 0
    for _ in range(2):
        try:
            await scenario.change(edit)
        except TransientError:
            crashes += 1
            scenario.wire.breaks_after = scenario.stored.fails_at = None
            scenario.pass_by(minutes=8)
    assert crashes
    if edit.cancelled_at or not edit.lines:
        assert await scenario.lines() == []
    else:
        assert await scenario.quantities() == {"11": 3, "13": 2, "14": 1, "900": 1}
        assert await scenario.amount() == edit.total.amount
    scenario.wire.writes.clear()
    await scenario.change(edit)
    assert scenario.wire.writes == []


async def test_a_line_that_f_and_o_adds_after_its_gateway_gave_up_is_there_once(scenario):
    edit = sale(2, 4, 1)
    await scenario.create(sale(2, 0, 1))
    scenario.wire.is_slow = True
    with pytest.raises(OutcomeUnknownError):
        await scenario.change(edit)
    with pytest.raises(TransientError, match="may still be writing") as waits:
        await scenario.change(edit)
    assert timedelta(minutes=3, seconds=59) < (waits.value.retry_after or timedelta(0)) <= timedelta(minutes=4)
    await scenario.wire.end_late()
    scenario.pass_by(minutes=4)
    await scenario.change(edit)
    assert await scenario.quantities() == {"11": 2, "12": 4, "13": 1, "900": 1}
    assert await scenario.amount() == edit.total.amount


async def test_what_an_edit_wrote_late_does_not_undo_the_next_one(scenario):
    await scenario.create(sale(3))
    scenario.wire.is_slow = True
    for edit in (sale(2), sale(5)):
        with pytest.raises(TransientError, match=r"with 504|may still be writing"):
            await scenario.change(edit)
    await scenario.wire.end_late()
    scenario.pass_by(minutes=4)
    await scenario.change(sale(5))
    assert await scenario.amount() == sale(5).total.amount


async def test_a_change_that_f_and_o_refuses_may_be_sent_again_at_once(scenario):
    await scenario.create(sale(3))
    await scenario.post("pick")
    with pytest.raises(RefusedError, match="CHANGE_REFUSED"):
        await scenario.change(sale(2, 1), with_rules(EU, changes={"quantity_down": {"picked": "apply"}}))
    assert scenario.link.claimed_until is None


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_crash_about_a_further_order_makes_no_second_one(scenario, at):
    await scenario.create(sale(2))
    await scenario.post("pack")
    await scenario.post("invoice")
    if at == 1:
        scenario.wire.breaks_after = 1
    else:
        scenario.stored.fails_at = at - 1
    with pytest.raises(TransientError, match=r"the app was stopped|no answer"):
        await scenario.change(sale(3, 1))
    scenario.wire.breaks_after = scenario.stored.fails_at = None
    scenario.pass_by(minutes=8)
    await scenario.change(sale(3, 1))
    assert await scenario.amount(NUMBER, f"{NUMBER}B") == sale(3, 1).total.amount
    assert await scenario.header(f"{NUMBER}C") is None
    scenario.wire.writes.clear()
    await scenario.change(sale(3, 1))
    assert scenario.wire.writes == []


# ---- more changes than F&O takes in one request

FEW = with_rules(EU, orders={"lines_per_request": 2})


async def test_a_large_change_goes_in_several_requests_while_the_order_is_held(scenario):
    await scenario.create(sale(1, 1, 1, 1, 1))
    await scenario.change(sale(2, 2, 2, 2, 2), FEW)
    assert await scenario.quantities() == dict.fromkeys(("11", "12", "13", "14", "15"), 2) | {"900": 1}
    assert scenario.wire.writes == [
        "PATCH SalesOrderHeadersV4",
        "POST $batch",
        "POST $batch",
        "PATCH SalesOrderLinesV3",
        "PATCH SalesOrderHeadersV4",
    ]
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"
    assert scenario.link.held == ""


async def test_a_change_that_fits_into_one_request_holds_nothing(scenario):
    await scenario.create(sale(1, 1))
    await scenario.change(sale(2, 2), FEW)
    assert scenario.wire.writes == ["POST $batch"]


@pytest.mark.parametrize("breaks_after", [1, 2, 3, 4])
async def test_a_large_change_that_was_cut_off_is_held_and_completed(scenario, breaks_after):
    await scenario.create(sale(1, 1, 1, 1, 1))
    scenario.wire.breaks_after = breaks_after
    with pytest.raises(TransientError, match="no answer"):
        await scenario.change(sale(2, 2, 2, 2, 2), FEW)
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    scenario.wire.breaks_after = None
    scenario.pass_by(minutes=4)
    await scenario.change(sale(2, 2, 2, 2, 2), FEW)
    assert await scenario.quantities() == dict.fromkeys(("11", "12", "13", "14", "15"), 2) | {"900": 1}
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"


async def test_a_large_change_ends_no_hold_of_another_reason(scenario):
    await scenario.create(sale(1, 1, 1, 1, 1), held=HELD_FOR_RISK)
    await scenario.change(sale(2, 2, 2, 2, 2), FEW, risk=Risk.HIGH)
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    assert scenario.link.held == HELD_FOR_RISK
