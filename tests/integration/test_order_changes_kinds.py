"""Changes of a sales order in each kind of F&O company, over HTTP against the simulator.

A kind is what F&O does (POST /_sim/parameters) and what config/tenants says of it: right, nothing, or wrong.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fixtures.order_changes import NUMBER, ChangeScenario, moved, running_change_scenario, sale

from local.d365.faults import Fault
from shared.errors import DeniedError, RefusedError
from shared.model import Order
from tests.builders.sales import EU, address, with_rules

CANCELLED = datetime(2026, 11, 3, tzinfo=UTC)
RULES = with_rules(EU, orders={"requested_date_attribute": "deliver on"})


def tenant(rules=RULES, **answers):
    return with_rules(rules, tenant=answers)


@pytest.fixture
async def scenario() -> AsyncIterator[ChangeScenario]:
    async with running_change_scenario() as one:
        yield one


def cities(rows) -> list[str]:
    return [row["DeliveryAddressCity"] for row in rows]


# ---- address, dates and mode of delivery reach the lines

KINDS = [
    # tenant's answer, what F&O does, writes of an order with two lines and a charge
    ("follow", "Always", ["PATCH SalesOrderHeadersV4"]),
    ("keep", "Never", ["POST $batch"]),
    ("keep", "Prompt", ["POST $batch"]),
    ("unknown", "Always", ["POST $batch"]),
    ("unknown", "Never", ["POST $batch"]),
    ("follow", "Never", ["PATCH SalesOrderHeadersV4", "POST $batch"]),
    ("follow", "Prompt", ["PATCH SalesOrderHeadersV4", "POST $batch"]),
]


@pytest.mark.parametrize(("answer", "mode", "writes"), KINDS)
@pytest.mark.parametrize("is_confirmed", [False, True])
async def test_another_address_reaches_every_open_line(scenario, answer, mode, writes, is_confirmed):
    rules = tenant(header_changes=answer)
    await scenario.set_parameters(update_order_lines=mode)
    await scenario.create(sale(2, 1), rules)
    if is_confirmed:
        await scenario.post("confirm")
    await scenario.change(sale(2, 1, shipping_address=moved()), rules)
    assert (await scenario.header())["DeliveryAddressCity"] == "Utrecht"
    assert cities(await scenario.lines()) == ["Utrecht"] * 3
    assert {row["DeliveryAddressStreet"] for row in await scenario.lines()} == {"Oudegracht 10"}
    assert scenario.wire.writes == writes
    scenario.wire.writes.clear()
    await scenario.change(sale(2, 1, shipping_address=moved()), rules)
    assert scenario.wire.writes == []


async def test_where_lines_follow_an_address_costs_two_reads(scenario):
    """The header before it is written, and the lines, whose address the parcels have, after it."""
    await scenario.create(sale(2, 1), tenant(header_changes="follow"))
    scenario.wire.reads.clear()
    await scenario.change(sale(2, 1, shipping_address=moved()), tenant(header_changes="follow"))
    assert Counter(scenario.wire.reads) == {"SalesOrderHeadersV4": 1, "SalesOrderLinesV3": 1}


async def test_an_edit_reads_the_order_once_and_its_lines_once_more(scenario):
    await scenario.create(sale(2, 1), tenant(header_changes="follow"))
    scenario.wire.reads.clear()
    await scenario.change(sale(1, 1), tenant(header_changes="follow"))
    reads = {"SalesOrderHeadersV2": 1, "SalesLineBiEntities": 1, "SalesOrderLinesV3": 1}
    assert Counter(scenario.wire.reads) == reads


@pytest.mark.parametrize("answer", ["follow", "keep"])
async def test_an_address_goes_to_a_line_that_staff_priced_otherwise_and_the_price_stays(scenario, answer):
    await scenario.create(sale(2, 1), tenant(header_changes=answer))
    await scenario.correct("products:12", SalesPrice=Decimal(7))
    await scenario.change(sale(2, 1, shipping_address=moved()), tenant(header_changes=answer))
    assert cities(await scenario.lines()) == ["Utrecht"] * 3
    assert [row["SalesPrice"] for row in await scenario.lines()].count(Decimal(7)) == 1


@pytest.mark.parametrize(("answer", "mode", "writes"), KINDS)
async def test_another_date_and_mode_of_delivery_reach_every_open_line(scenario, answer, mode, writes):
    rules = tenant(header_changes=answer)
    await scenario.set_parameters(update_order_lines=mode)
    await scenario.create(sale(2, 1), rules)
    express = sale(2, 1, attributes=(("deliver on", "2026-12-24"),))
    express = replace(express, shipping=(replace(express.shipping[0], code="EXPRESS"),))
    await scenario.change(express, rules)
    header, rows = await scenario.header(), await scenario.lines()
    assert (header["RequestedShippingDate"][:10], header["DeliveryModeCode"]) == ("2026-12-24", "EXPR")
    assert {(row["RequestedShippingDate"][:10], row["DeliveryModeCode"]) for row in rows} == {("2026-12-24", "EXPR")}


@pytest.mark.parametrize(("answer", "mode", "writes"), KINDS)
async def test_of_a_partly_delivered_order_the_open_lines_get_the_address(scenario, answer, mode, writes):
    rules = tenant(with_rules(RULES, changes={"address": {"partly_delivered": "apply"}}), header_changes=answer)
    await scenario.set_parameters(update_order_lines=mode)
    await scenario.create(sale(2, 1), rules)
    await scenario.pack({11: 2})
    await scenario.change(sale(2, 1, shipping_address=moved()), rules)
    assert cities(await scenario.lines()) == ["Amsterdam", "Utrecht", "Utrecht"]


@pytest.mark.parametrize(("answer", "mode", "writes"), KINDS)
async def test_an_address_and_an_edit_go_together(scenario, answer, mode, writes):
    rules = tenant(header_changes=answer)
    await scenario.set_parameters(update_order_lines=mode)
    await scenario.create(sale(2, 1), rules)
    edited = sale(3, 0, 1, shipping_address=moved())
    await scenario.change(edited, rules)
    assert await scenario.quantities() == {"11": 3, "13": 1, "900": 1}
    assert cities(await scenario.lines()) == ["Utrecht"] * 3
    assert await scenario.amount() == edited.total.amount


@pytest.mark.parametrize(("answer", "mode", "writes"), KINDS)
@pytest.mark.parametrize("breaks_after", [1, 2])
async def test_a_lost_answer_leaves_no_line_with_the_old_address(scenario, answer, mode, writes, breaks_after):
    rules = tenant(header_changes=answer)
    await scenario.set_parameters(update_order_lines=mode)
    await scenario.create(sale(2, 1), rules)
    if breaks_after > len(writes):
        return
    scenario.wire.breaks_after = breaks_after
    after = sale(2, 1, shipping_address=moved())
    with pytest.raises(Exception, match="no answer to"):
        await scenario.change(after, rules)
    scenario.pass_by(minutes=4)
    await scenario.change(after, rules)
    assert cities(await scenario.lines()) == ["Utrecht"] * 3


async def test_an_address_that_f_and_o_does_not_keep_is_no_success(scenario):
    rules = tenant(header_changes="keep")
    await scenario.set_parameters(update_order_lines="Never")
    await scenario.create(sale(2), rules)
    scenario.wire.drops = b'"DeliveryAddressCity":"Utrecht"'
    for _ in range(2):  # nor is it one for the next event
        with pytest.raises(RefusedError) as refused:
            await scenario.change(sale(2, shipping_address=address(city="Utrecht")), rules)
        assert refused.value.code == "CHANGE_NOT_TAKEN"
        assert "another address" in refused.value.cause
        assert "Utrecht" not in refused.value.cause  # the buyer's data are no part of an error
        assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    scenario.wire.drops = None
    await scenario.change(sale(2, shipping_address=address(city="Utrecht")), rules)
    assert cities(await scenario.lines()) == ["Utrecht"] * 2
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"


@pytest.mark.parametrize(("answer", "mode"), [("follow", "Always"), ("follow", "Never"), ("keep", "Never")])
async def test_an_address_that_f_and_o_corrects_is_taken(scenario, answer, mode):
    rules = tenant(header_changes=answer)
    await scenario.set_parameters(update_order_lines=mode)
    await scenario.create(sale(2), rules)
    corrects = Fault(
        "override", "PATCH", "SalesOrderHeadersV4", times=None, field="DeliveryAddressCity", value="UTRECHT"
    )
    scenario.simulator.faults.add(corrects)
    await scenario.change(sale(2, shipping_address=moved()), rules)
    assert (await scenario.header())["DeliveryAddressCity"] == "UTRECHT"
    assert cities(await scenario.lines()) == ["UTRECHT"] * 2
    scenario.wire.writes.clear()
    await scenario.change(sale(2, shipping_address=moved()), rules)
    assert scenario.wire.writes == []


@pytest.mark.parametrize("answer", ["follow", "keep", "unknown"])
async def test_an_address_that_staff_gave_to_a_line_stays_until_the_buyer_moves(scenario, answer):
    rules = tenant(header_changes=answer)
    await scenario.create(sale(2, 1), rules)
    await scenario.correct("products:12", DeliveryAddressCity="Leiden")
    await scenario.change(sale(3, 1), rules)
    assert cities(await scenario.lines()) == ["Amsterdam", "Leiden", "Amsterdam"]
    await scenario.change(sale(3, 1, shipping_address=moved()), rules)
    assert cities(await scenario.lines()) == ["Utrecht"] * 3


async def test_lines_that_staff_added_keep_their_address(scenario):
    rules = tenant(header_changes="keep")
    await scenario.set_parameters(update_order_lines="Never")
    await scenario.create(sale(2), rules)
    theirs = {
        "dataAreaId": "nleu",
        "SalesOrderNumber": NUMBER,
        "ItemNumber": "MUG-ENAMEL",
        "SalesPrice": Decimal("9.99"),
    }
    await scenario.fo.create("SalesOrderLinesV3", theirs)
    await scenario.change(sale(2, shipping_address=moved()), rules)
    assert cities(await scenario.lines()) == ["Utrecht", "Utrecht", "Amsterdam"]


# ---- warehouse management: what is released counts as picked

STAGES = ["released", "on_wave", "packed"]
HELD: dict[str, Order] = {
    "address": sale(2, 1, shipping_address=moved()),
    "fewer pieces": sale(1, 1),
    "a line less": sale(0, 1),
    "cancelled": sale(2, 1, cancelled_at=CANCELLED),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("answer", ["yes", "unknown"])
@pytest.mark.parametrize("edited", HELD.values(), ids=HELD)
async def test_what_the_warehouse_works_on_is_left_to_a_person(scenario, stage, answer, edited):
    rules = tenant(warehouse_management=answer)
    await scenario.create(sale(2, 1), rules)
    await scenario.post("confirm")
    await scenario.release({11: 2}, stage)
    before = await scenario.lines()
    with pytest.raises(RefusedError) as refused:
        await scenario.change(edited, rules)
    assert refused.value.code == "CHANGE_HELD"
    assert "which is released to the warehouse or picked" in refused.value.cause
    header = await scenario.header()
    assert (header["DeliveryAddressCity"], header["IsSalesProcessingStopped"]) == ("Amsterdam", "Yes")
    kept = {row["InventoryLotId"] for row in await scenario.lines()}
    assert scenario.lot("products:11") in kept
    if edited is not HELD["cancelled"]:  # a cancellation gives up what nobody works on
        assert await scenario.lines() == before


@pytest.mark.parametrize("answer", ["yes", "unknown"])
async def test_of_what_is_not_released_lines_change_as_ever(scenario, answer):
    rules = tenant(warehouse_management=answer)
    await scenario.create(sale(2, 3), rules)
    await scenario.release({11: 2})
    await scenario.change(sale(2, 1), rules)
    assert await scenario.quantities() == {"11": 2, "12": 1, "900": 1}


@pytest.mark.parametrize("answer", ["yes", "unknown"])
async def test_more_of_what_is_released_is_a_new_line(scenario, answer):
    rules = tenant(warehouse_management=answer)
    await scenario.create(sale(2), rules)
    await scenario.release({11: 2})
    await scenario.change(sale(3), rules)
    tents = [row["OrderedSalesQuantity"] for row in await scenario.lines() if row["ItemNumber"] == "TENT-2P"]
    assert tents == [2, 1]


@pytest.mark.parametrize("answer", ["yes", "unknown"])
async def test_the_rest_of_what_left_can_be_given_up(scenario, answer):
    rules = tenant(warehouse_management=answer)
    await scenario.create(sale(3), rules)
    await scenario.release({11: 2})
    await scenario.pack({11: 2})
    await scenario.change(sale(2), rules)
    assert await scenario.quantities() == {"11": 2, "900": 1}


@pytest.mark.parametrize(
    ("answer", "edited", "reads"),
    [
        ("yes", sale(1, 1), 1),
        ("unknown", sale(1, 1), 1),
        ("no", sale(1, 1), 0),
        ("yes", sale(2, 1, po_number="PO-7"), 0),  # the matrix decides alike
        ("yes", sale(2, 1), 0),
    ],
)
async def test_the_warehouse_is_asked_once_and_only_for_what_depends_on_it(scenario, answer, edited, reads):
    rules = tenant(warehouse_management=answer)
    await scenario.create(sale(2, 1), rules)
    scenario.wire.reads.clear()
    await scenario.change(edited, rules)
    assert scenario.wire.reads.count("WHSSalesLineBiEntities") == reads


async def test_a_company_without_the_set_goes_on_and_tells_it(scenario):
    del scenario.simulator.schema.sets["WHSSalesLineBiEntities"]
    rules = tenant(warehouse_management="unknown")
    await scenario.create(sale(2), rules)
    report = await scenario.change(sale(1), rules)
    assert await scenario.quantities() == {"11": 1, "900": 1}
    assert "F&O does not show whether the warehouse works on it" in report.note


async def test_a_user_who_may_not_read_the_set_goes_on_and_tells_it(scenario):
    scenario.wire.denies = "WHSSalesLineBiEntities"
    rules = tenant(warehouse_management="unknown")
    await scenario.create(sale(2), rules)
    report = await scenario.change(sale(1), rules)
    assert await scenario.quantities() == {"11": 1, "900": 1}
    assert "F&O does not show whether the warehouse works on it" in report.note


async def test_where_there_is_warehouse_management_the_set_must_be_seen(scenario):
    rules = tenant(warehouse_management="yes")
    await scenario.create(sale(2), rules)
    scenario.wire.denies = "WHSSalesLineBiEntities"
    with pytest.raises(DeniedError, match="FO_DENIED"):
        await scenario.change(sale(1), rules)
    scenario.wire.denies = ""
    del scenario.simulator.schema.sets["WHSSalesLineBiEntities"]
    with pytest.raises(RefusedError, match="FO_SET_MISSING"):
        await scenario.change(sale(1), rules)
    assert await scenario.quantities() == {"11": 2, "900": 1}
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"


# ---- amounts of changed lines

EDITS = {
    "more pieces": sale(3, 1),
    "fewer pieces": sale(1, 1),
    "a discount": sale(2, 1, discount="10.00"),
    "an odd discount": sale(2, 1, discount="0.01"),
    "shipping": sale(2, 1, freight="7.00"),
    "all of it": sale(3, 0, 1, freight="7.00", discount="3.00"),
}


@pytest.mark.parametrize("edited", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize(("answer", "calculates"), [("kept", False), ("kept", True), ("recomputed", True)])
async def test_amounts_are_right_whether_f_and_o_computes_them_or_not(scenario, edited, answer, calculates):
    rules = tenant(line_amount=answer)
    await scenario.set_parameters(calculate_line_net_amount=calculates)
    await scenario.create(sale(2, 1), rules)
    await scenario.change(edited, rules)
    assert await scenario.amount() == edited.total.amount


@pytest.mark.parametrize("answer", ["recomputed", "unknown"])
async def test_an_amount_that_f_and_o_keeps_is_held_and_the_parameter_is_named(scenario, answer):
    rules = tenant(line_amount=answer)
    await scenario.set_parameters(calculate_line_net_amount=False)
    await scenario.create(sale(2), rules)
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(3), rules)
    assert refused.value.code == "CHANGE_NOT_TAKEN"
    assert "*Calculate line net amount*" in refused.value.next_step
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    await scenario.change(sale(3), tenant(line_amount="kept"))
    assert await scenario.amount() == sale(3).total.amount
    assert (await scenario.header())["IsSalesProcessingStopped"] == "No"


@pytest.mark.parametrize("cancellation", ["delete_lines", "zero_remaining"])
async def test_what_is_given_up_costs_nothing_where_f_and_o_keeps_amounts(scenario, cancellation):
    rules = tenant(with_rules(RULES, changes={"cancellation": cancellation}), line_amount="kept")
    await scenario.set_parameters(calculate_line_net_amount=False)
    await scenario.create(sale(3, 1), rules)
    await scenario.pack({11: 2})
    await scenario.change(sale(2, cancelled_at=CANCELLED), rules)
    assert await scenario.amount() == sale(2).total.amount


# ---- how open lines are given up


async def given_up(scenario: ChangeScenario) -> set[str]:
    """Statuses of the lines that are left."""
    return {row["SalesOrderLineStatus"] for row in await scenario.lines()}


@pytest.mark.parametrize(
    ("answer", "takes", "left"),
    [("yes", True, set()), ("unknown", True, set()), ("no", False, {"Canceled"}), ("no", True, {"Canceled"})],
)
async def test_a_confirmed_order_is_cancelled_as_its_company_takes_it(scenario, answer, takes, left):
    rules = tenant(confirmed_order_deleted=answer)
    await scenario.set_parameters(deletes_confirmed_lines=takes)
    await scenario.create(sale(2, 1), rules)
    await scenario.post("confirm")
    await scenario.change(sale(2, 1, cancelled_at=CANCELLED), rules)
    assert await given_up(scenario) == left
    assert await scenario.amount() == 0


async def test_an_order_that_is_not_confirmed_is_deleted_whatever_its_company_does_later(scenario):
    rules = tenant(confirmed_order_deleted="no")
    await scenario.create(sale(2, 1), rules)
    await scenario.change(sale(2, 1, cancelled_at=CANCELLED), rules)
    assert await scenario.header() is None


REFUSED = [
    # the cancellation; tenant's answers; what F&O does
    ("delete_lines", {"zero_quantity": "refused", "confirmed_order_deleted": "no"}, {}),
    ("delete_lines", {"confirmed_order_deleted": "unknown"}, {"deletes_confirmed_lines": False}),
    ("zero_remaining", {"zero_quantity": "unknown"}, {"takes_zero_quantity": False}),
]


@pytest.mark.parametrize(("cancellation", "answers", "parameters"), REFUSED)
async def test_a_cancellation_that_f_and_o_does_not_take_is_held(scenario, cancellation, answers, parameters):
    rules = tenant(with_rules(RULES, changes={"cancellation": cancellation}), **answers)
    bought = sale(2, 1)
    await scenario.set_parameters(**parameters)
    await scenario.create(bought, rules)
    await scenario.post("confirm")
    with pytest.raises(RefusedError) as refused:
        await scenario.change(replace(bought, cancelled_at=CANCELLED), rules)
    assert refused.value.code == "CHANGE_REFUSED"
    assert "*Deliver remainder*" in refused.value.next_step
    assert "2 of 2 x TENT-2P given up" in refused.value.cause
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    assert await scenario.quantities() == {"11": 2, "12": 1, "900": 1}
    await scenario.post("cancel")
    scenario.wire.writes.clear()
    await scenario.change(replace(bought, cancelled_at=CANCELLED), rules)
    assert scenario.wire.writes == []


@pytest.mark.parametrize(("answer", "takes"), [("refused", True), ("unknown", False), ("taken", False)])
async def test_the_rest_of_a_line_that_f_and_o_does_not_give_up_is_held(scenario, answer, takes):
    rules = tenant(delivered_quantity=answer)
    await scenario.set_parameters(takes_delivered_quantity=takes)
    await scenario.create(sale(3), rules)
    await scenario.pack({11: 2})
    scenario.wire.writes.clear()
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(2), rules)
    assert refused.value.code == "CHANGE_REFUSED"
    assert "quantity 3 -> 2" in refused.value.cause
    sent = [write for write in scenario.wire.writes if "Lines" in write]
    assert bool(sent) is (answer != "refused")
    assert ("config/tenants says delivered_quantity" in refused.value.cause) is (answer == "refused")
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"


# ---- a sales order of which something is invoiced


async def test_what_is_added_to_a_locked_order_goes_into_a_further_one(scenario):
    rules = tenant(invoiced_order_lines="refused")
    await scenario.set_parameters(locks_invoiced_orders=True)
    await scenario.create(sale(2, 1), rules)
    await scenario.pack({11: 2})
    await scenario.post("invoice")
    edited = sale(3, 1, 1)
    await scenario.change(edited, rules)
    assert await scenario.quantities() == {"11": 2, "12": 1, "900": 1}
    assert await scenario.quantities(f"{NUMBER}B") == {"11": 1, "13": 1}
    assert await scenario.amount(NUMBER, f"{NUMBER}B") == edited.total.amount
    await scenario.change(sale(3, 1, 1, 1), rules)
    assert await scenario.quantities(f"{NUMBER}B") == {"11": 1, "13": 1, "14": 1}
    assert await scenario.header(f"{NUMBER}C") is None


async def test_what_a_locked_order_does_not_take_is_held_where_nobody_knew(scenario):
    rules = tenant(invoiced_order_lines="unknown")
    await scenario.set_parameters(locks_invoiced_orders=True)
    await scenario.create(sale(2, 1), rules)
    await scenario.pack({11: 2})
    await scenario.post("invoice")
    with pytest.raises(RefusedError) as refused:
        await scenario.change(sale(2, 1, 1), rules)
    assert refused.value.code == "CHANGE_REFUSED"
    assert 'invoiced_order_lines = "refused"' in refused.value.next_step
    assert (await scenario.header())["IsSalesProcessingStopped"] == "Yes"
    await scenario.change(sale(2, 1, 1), tenant(invoiced_order_lines="refused"))
    assert await scenario.quantities(f"{NUMBER}B") == {"13": 1}
