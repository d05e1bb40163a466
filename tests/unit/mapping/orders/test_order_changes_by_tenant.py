"""What is planned for a change in each kind of F&O company (config/tenants)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shared.mapping.orders.changes import Action, header_writes, plan_changes, while_written
from shared.mapping.orders.header import FIELDS
from shared.mapping.orders.matching import match_lines, own_lines, place_lines
from shared.model import FoStatus
from shared.rules import ChangeKind, Decision
from tests.builders.fo_orders import FoModel
from tests.builders.sales import EU, address, buyer, euros, items_of, line, order, plan, shipping, tax, with_rules

CANCELLED = datetime(2026, 11, 3, tzinfo=UTC)
RULES = with_rules(EU, orders={"requested_date_attribute": "deliver on"})
FREIGHT = (shipping(euros("5.00"), taxes=[tax(euros("0.87"))]),)
UTRECHT = address(city="Utrecht", postal_code="3511 AX")


def kind(rules=RULES, **answers):
    return with_rules(rules, tenant=answers)


def bought(*quantities: int, **other):
    lines = [
        line(at, euros("10.00"), quantity, taxes=[tax(euros("1.74") * quantity)])
        for at, quantity in enumerate(quantities, start=1)
        if quantity
    ]
    return order(*lines, **other)


def sent(changes) -> dict[str, dict]:
    """By lot, and "" for the header, the fields that are sent."""
    return {step.lot: step.fields for step in changes.steps}


WHOLE = {
    "DeliveryAddressName": "Ada Lovelace",
    "DeliveryAddressStreet": "Damrak 1\n2 hoog",
    "DeliveryAddressCity": "Utrecht",
    "DeliveryAddressZipCode": "3511 AX",
    "DeliveryAddressCountryRegionId": "NLD",
    "DeliveryBuildingCompliment": "",
    "IsDeliveryAddressOrderSpecific": "Yes",
}
CHANGED = {name: WHOLE[name] for name in ("DeliveryAddressCity", "DeliveryAddressZipCode")}


@pytest.mark.parametrize(("answer", "on_lines"), [("follow", False), ("keep", True), ("unknown", True)])
def test_an_address_is_sent_to_the_lines_unless_they_follow_their_header(answer, on_lines):
    model = FoModel(bought(2, 1), kind(header_changes=answer))
    changes, _ = model.plan(bought(2, 1, shipping_address=UTRECHT))
    header = {"": {**CHANGED, "IsDeliveryAddressOrderSpecific": "Yes"}}
    assert sent(changes) == header | ({"LOT-1": WHOLE, "LOT-2": WHOLE} if on_lines else {})
    assert [step.reason for step in changes.steps][1:] == (
        [f"TENT-2P on line {at}: another address" for at in (1, 2)] if on_lines else []
    )
    (cell,) = {cell for cell in changes.cells if cell.kind is ChangeKind.ADDRESS}
    assert (cell.decision, cell.source) == (Decision.APPLY, "")


def test_a_date_is_sent_to_the_lines_with_what_else_changes_on_them():
    model = FoModel(bought(2, 1), kind(header_changes="keep"))
    changes, _ = model.plan(bought(3, 0, attributes=(("deliver on", "2026-12-24"),)))
    day = {"RequestedShippingDate": "2026-12-24T12:00:00Z"}
    lines = {step.lot: step for step in changes.steps if step.lot}
    assert lines["LOT-1"].fields == {"OrderedSalesQuantity": 3, **day}
    assert [cell.kind for cell in lines["LOT-1"].cells] == [ChangeKind.QUANTITY_UP, ChangeKind.REQUESTED_DATE]
    assert lines["LOT-1"].reason == ("TENT-2P on line 1: quantity 2 -> 3; TENT-2P on line 1: another requested date")
    assert lines["LOT-2"].action is Action.REMOVE_LINE
    assert lines["LOT-2"].fields == {}


def test_a_line_that_is_given_up_gets_no_address():
    rules = kind(with_rules(RULES, changes={"cancellation": "zero_remaining"}), header_changes="keep")
    model = FoModel(bought(2, 1, 3), rules)
    model.progress("LOT-3", delivered=2)
    model.rules = kind(with_rules(rules, changes={"address": {"partly_delivered": "apply"}}))
    fields = sent(model.plan(bought(2, 0, 2, shipping_address=UTRECHT))[0])
    assert fields["LOT-1"] == WHOLE
    assert fields["LOT-2"] == {"OrderedSalesQuantity": 0}
    assert fields["LOT-3"] == {"OrderedSalesQuantity": 2}


def test_both_an_address_and_a_date_of_a_line_are_one_write():
    model = FoModel(bought(2), kind(header_changes="keep"))
    changes, _ = model.plan(bought(2, shipping_address=UTRECHT, attributes=(("deliver on", "2026-12-24"),)))
    assert [step.action for step in changes.steps] == [Action.CHANGE_HEADER, Action.CHANGE_LINE]
    assert {"DeliveryAddressCity", "RequestedShippingDate"} <= changes.steps[1].fields.keys()


def test_lines_that_are_delivered_or_not_ours_get_no_address():
    model = FoModel(bought(2, 1, 1), kind(with_rules(RULES, changes={"address": {"partly_delivered": "apply"}})))
    model.rules = kind(model.rules, header_changes="keep")
    model.progress("LOT-1", delivered=2)
    model.progress("LOT-2", delivered=1, invoiced=1)
    theirs = replace(model.order.lines[2], lot="THEIRS", number=Decimal(9), external="")
    model.fo = replace(model.order, lines=(*model.order.lines, theirs))
    changes, _ = model.plan(bought(2, 1, 1, shipping_address=UTRECHT))
    assert sorted(sent(changes)) == ["", "LOT-3"]


@pytest.mark.parametrize("decision", ["hold", "ignore"])
def test_where_the_header_keeps_its_address_so_do_its_lines(decision):
    rules = kind(with_rules(RULES, changes={"address": {"open": decision}}), header_changes="keep")
    changes, _ = FoModel(bought(2, 1), rules).plan(bought(2, 1, shipping_address=UTRECHT))
    assert changes.steps == ()
    assert [cell.what for cell in (*changes.held, *changes.ignored)] == ["another address"]


def after_a_write(model: FoModel, now, fingerprints, written):
    """The plan of the next reading, with the fingerprints that the link has."""
    own = own_lines(model.order, now, model.rules, model.memory)
    matched = match_lines(now, items_of(now), own, model.rules, fingerprints)
    placement = place_lines(matched, now, model.rules, None)
    target = plan(now, model.rules, placement.allocation)
    return plan_changes(target, model.order, placement, model.rules, fingerprints=fingerprints, written=written)


@pytest.mark.parametrize("answer", ["follow", "keep", "unknown"])
@pytest.mark.parametrize("is_same_run", [True, False])
def test_lines_that_did_not_take_what_their_header_got_are_written(answer, is_same_run):
    model = FoModel(bought(2, 1), kind(header_changes="keep"))
    now = bought(2, 1, shipping_address=UTRECHT)
    changes, target = model.plan(now)
    before, header = model.order, changes.steps[0]
    fingerprints = while_written(model.memory.fingerprints, changes.steps, model.memory.sources)
    assert fingerprints["address"] == ""
    model.change_header(header, target)
    model.rules = kind(header_changes=answer)
    written = header_writes(changes.steps, before) if is_same_run else {}
    again = after_a_write(model, now, fingerprints, written)
    assert sorted(sent(again)) == ["LOT-1", "LOT-2"]
    assert sent(again)["LOT-1"]["DeliveryAddressCity"] == "Utrecht"
    assert again.steps[0].reason == "TENT-2P on line 1: another address than its header"
    assert while_written({**fingerprints, "address": "x"}, again.steps, model.memory.sources)["address"] == ""


def test_what_f_and_o_corrected_on_the_header_is_what_its_lines_get():
    model = FoModel(bought(2), kind(header_changes="follow"))
    now = bought(2, shipping_address=UTRECHT)
    changes, _ = model.plan(now)
    fingerprints = while_written(model.memory.fingerprints, changes.steps, {})
    written = header_writes(changes.steps, model.order)
    assert written == {
        "SN1": {ChangeKind.ADDRESS: {"DeliveryAddressCity": "Amsterdam", "DeliveryAddressZipCode": "1012 LG"}}
    }
    (header,) = model.order.headers
    corrected = {**header.fields, "DeliveryAddressCity": "UTRECHT", "DeliveryAddressZipCode": "3511AX"}
    model.fo = replace(model.order, headers=(replace(header, fields=corrected),))
    again = after_a_write(model, now, fingerprints, written)
    (step,) = again.steps
    assert step.lot == "LOT-1"
    assert (step.fields["DeliveryAddressCity"], step.fields["DeliveryAddressZipCode"]) == ("UTRECHT", "3511AX")


def test_a_header_that_is_as_before_it_was_written_is_written_again():
    model = FoModel(bought(2), kind(header_changes="follow"))
    now = bought(2, shipping_address=UTRECHT)
    changes, _ = model.plan(now)
    fingerprints = while_written(model.memory.fingerprints, changes.steps, {})
    again = after_a_write(model, now, fingerprints, header_writes(changes.steps, model.order))
    assert sent(again) == {"": CHANGED}


def test_lines_of_an_order_that_did_not_move_are_left_as_staff_have_them():
    model = FoModel(bought(2, 1), kind(header_changes="keep"))
    first, second = model.order.lines
    model.fo = replace(
        model.order, lines=(first, replace(second, fields={**second.fields, "DeliveryAddressCity": "X"}))
    )
    changes, _ = model.plan(bought(3, 1))
    assert [step.lot for step in changes.steps] == ["LOT-1"]


def with_city_on_its_line(model: FoModel, city: str) -> None:
    (only,) = model.order.lines
    model.fo = replace(model.order, lines=(replace(only, fields={**only.fields, "DeliveryAddressCity": city}),))


def test_of_an_order_of_which_nothing_is_remembered_the_lines_stay():
    model = FoModel(bought(2), kind(header_changes="keep"))
    with_city_on_its_line(model, "Leiden")
    assert after_a_write(model, bought(2), {}, {}).steps == ()


def test_an_address_that_is_withheld_is_none_for_the_lines():
    model = FoModel(bought(2), kind(header_changes="keep"))
    with_city_on_its_line(model, "Leiden")
    withheld = bought(2, shipping_address=None, billing_address=None, location_id=71001001)
    changes, _ = model.plan(withheld)
    assert ChangeKind.ADDRESS not in {cell.kind for cell in changes.cells}


def test_what_no_parcel_follows_is_not_compared_once_it_was_written():
    model = FoModel(bought(2, shipping=FREIGHT), kind(header_changes="keep"))
    now = bought(2, buyer=buyer(email="new@example.com"))
    changes, _ = model.plan(now)
    assert {ChangeKind.CONTACT, ChangeKind.DELIVERY_MODE} <= {cell.kind for cell in changes.cells}
    fingerprints = while_written(model.memory.fingerprints, changes.steps, model.memory.sources)
    again = after_a_write(model, now, fingerprints, header_writes(changes.steps, model.order))
    assert {cell.kind for cell in again.cells} == {ChangeKind.SHIPPING}


def test_an_address_on_a_line_takes_nothing_from_what_is_known_of_the_line():
    model = FoModel(bought(2), kind(header_changes="keep"))
    changes, _ = model.plan(bought(2, shipping_address=UTRECHT))
    left = while_written(model.memory.fingerprints, changes.steps, model.memory.sources)
    assert left["products:1"] == model.memory.fingerprints["products:1"]
    assert {name for name in left if left[name] == ""} == {"address"}


# ---- warehouse management


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (FoStatus.OPEN, FoStatus.PICKED),
        (FoStatus.CONFIRMED, FoStatus.PICKED),
        (FoStatus.PICKED, FoStatus.PICKED),
        (FoStatus.PARTLY_DELIVERED, FoStatus.PICKED),
        (FoStatus.DELIVERED, FoStatus.DELIVERED),
        (FoStatus.INVOICED, FoStatus.INVOICED),
        (FoStatus.CANCELLED, FoStatus.CANCELLED),
    ],
)
def test_what_the_warehouse_works_on_counts_as_picked(status, expected):
    fo = FoModel(bought(2, 1), EU, status).order
    seen = fo.in_warehouse({"LOT-2"})
    assert [each.status for each in seen.lines] == [status, expected]
    assert [each.status for each in seen.headers] == [expected]
    assert fo.in_warehouse(()) == fo


def test_only_the_sales_order_that_the_warehouse_works_on_counts_as_picked():
    model = FoModel(bought(2), EU)
    model.progress("LOT-1", delivered=2, invoiced=2)
    model.carry_out(*model.plan(bought(2, 1)))
    seen = model.order.in_warehouse({"LOT-2"})
    assert [each.status for each in seen.headers] == [FoStatus.INVOICED, FoStatus.PICKED]


# ---- amounts, and how open lines are given up


@pytest.mark.parametrize("answer", ["kept", "recomputed", "unknown"])
def test_an_amount_of_nothing_has_f_and_o_compute_it_where_it_would_keep_the_old_one(answer):
    model = FoModel(bought(2, shipping=FREIGHT), kind(line_amount=answer))
    now = bought(3, shipping=(replace(FREIGHT[0], code="EXPRESS"),), shipping_address=UTRECHT)
    fields = sent(model.plan(now)[0])
    assert fields["LOT-1"] == {"OrderedSalesQuantity": 3, "DeliveryModeCode": "EXPR"} | (
        {"LineAmount": 0} if answer == "kept" else {}
    )
    assert fields["LOT-2"] == {"DeliveryModeCode": "EXPR"}


@pytest.mark.parametrize(
    ("cancellation", "status", "answers", "expected"),
    [
        # the order, and what becomes of a line that nothing left of
        ("delete_lines", FoStatus.OPEN, {}, Action.REMOVE_LINE),
        ("delete_lines", FoStatus.OPEN, {"confirmed_order_deleted": "no"}, Action.REMOVE_LINE),
        ("delete_lines", FoStatus.CONFIRMED, {"confirmed_order_deleted": "yes"}, Action.REMOVE_LINE),
        ("delete_lines", FoStatus.CONFIRMED, {"confirmed_order_deleted": "unknown"}, Action.REMOVE_LINE),
        ("delete_lines", FoStatus.CONFIRMED, {"confirmed_order_deleted": "no"}, Action.CHANGE_LINE),
        ("delete_lines", FoStatus.OPEN, {"zero_quantity": "refused"}, Action.REMOVE_LINE),
        (
            "delete_lines",
            FoStatus.CONFIRMED,
            {"confirmed_order_deleted": "no", "zero_quantity": "refused"},
            'zero_quantity = "refused"',
        ),
        ("zero_remaining", FoStatus.OPEN, {}, Action.CHANGE_LINE),
        ("zero_remaining", FoStatus.OPEN, {"zero_quantity": "unknown"}, Action.CHANGE_LINE),
        ("zero_remaining", FoStatus.OPEN, {"delivered_quantity": "refused"}, Action.CHANGE_LINE),
    ],
)
@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_line_is_given_up_as_its_company_takes_it(cancellation, status, answers, expected, *, is_cancelled):
    rules = kind(with_rules(RULES, changes={"cancellation": cancellation}), **answers)
    model = FoModel(bought(2, 1), rules, status)
    now = replace(bought(2, 1, cancelled_at=CANCELLED), lines=()) if is_cancelled else bought(2)
    changes, _ = model.plan(now)
    if isinstance(expected, Action):
        assert [step.action for step in changes.steps if step.lot == "LOT-2"] == [expected]
        assert changes.held == ()
        return
    assert changes.steps == ()
    assert {cell.refused_by for cell in changes.held} == {expected}
    assert {cell.decision for cell in changes.held} == {Decision.HOLD}
    assert str(changes.held[0]).endswith(f": {expected} in config/tenants")


@pytest.mark.parametrize("answer", ["taken", "unknown", "refused"])
@pytest.mark.parametrize("is_cancelled", [True, False])
def test_the_rest_of_a_line_is_given_up_where_its_company_takes_it(answer, *, is_cancelled):
    model = FoModel(bought(3), kind(delivered_quantity=answer, zero_quantity="refused"))
    model.progress("LOT-1", delivered=2)
    changes, _ = model.plan(bought(2, cancelled_at=CANCELLED) if is_cancelled else bought(2))
    if answer == "refused":
        assert changes.steps == ()
        assert [cell.refused_by for cell in changes.held] == ['delivered_quantity = "refused"']
    else:
        assert sent(changes) == {"LOT-1": {"OrderedSalesQuantity": 2}}


def test_another_quantity_than_what_left_does_not_depend_on_the_answer():
    model = FoModel(bought(4), kind(delivered_quantity="refused"))
    model.progress("LOT-1", delivered=2)
    assert sent(model.plan(bought(3))[0]) == {"LOT-1": {"OrderedSalesQuantity": 3}}


@pytest.mark.parametrize("decision", ["hold", "ignore"])
def test_what_the_rules_do_not_send_is_not_refused(decision):
    rules = with_rules(RULES, changes={"quantity_down": {"partly_delivered": decision}})
    model = FoModel(bought(3), kind(rules, delivered_quantity="refused"))
    model.progress("LOT-1", delivered=2)
    changes, _ = model.plan(bought(2))
    assert [cell.refused_by for cell in (*changes.held, *changes.ignored)] == [""]


@pytest.mark.parametrize("answer", ["taken", "unknown", "refused"])
@pytest.mark.parametrize("invoiced", [0, 2])
def test_what_is_added_goes_where_a_line_is_taken(answer, invoiced):
    model = FoModel(bought(2, 1), kind(invoiced_order_lines=answer))
    model.progress("LOT-1", delivered=2, invoiced=invoiced)
    changes, target = model.plan(bought(2, 1, 1))
    is_refused = answer == "refused" and bool(invoiced)
    (step,) = changes.steps
    assert (step.action, len(step.lines)) == (Action.NEW_ORDER if is_refused else Action.ADD_LINE, 1)
    model.carry_out(changes, target)
    (step,) = model.plan(bought(2, 1, 1, 1))[0].steps
    assert (step.action, step.order) == (Action.ADD_LINE, "SN1B" if is_refused else "SN1")


def test_a_line_beside_one_that_was_delivered_goes_into_the_further_order_of_a_locked_one():
    model = FoModel(bought(2, 1, 1), kind(invoiced_order_lines="refused"))
    model.progress("LOT-1", delivered=2, invoiced=2)
    model.progress("LOT-2", delivered=1)
    model.carry_out(*model.plan(bought(2, 1, 1, 1)))
    (step,) = model.plan(bought(2, 2, 1, 1))[0].steps
    assert (step.cells[0].decision, step.action, step.order) == (Decision.NEW_LINE, Action.ADD_LINE, "SN1B")


def test_nothing_is_refused_of_a_line_that_is_delivered():
    rules = with_rules(RULES, changes={"line_removed": {"delivered": "apply"}})
    model = FoModel(bought(2, 1), kind(rules, delivered_quantity="refused"))
    model.progress("LOT-2", delivered=1)
    changes, _ = model.plan(bought(2))
    assert changes.held == changes.steps == ()


def test_of_a_line_that_a_locked_order_has_more_go_into_the_further_one():
    model = FoModel(bought(2, 1), kind(invoiced_order_lines="refused"))
    model.progress("LOT-1", delivered=2, invoiced=2)
    model.carry_out(*model.plan(bought(2, 1, 1)))
    (step,) = model.plan(bought(3, 1, 1))[0].steps
    assert (step.action, step.order) == (Action.ADD_LINE, "SN1B")


def test_every_field_of_a_header_that_lines_have_is_one_that_follows():
    assert set(FIELDS[ChangeKind.ADDRESS]) == WHOLE.keys() - {"IsDeliveryAddressOrderSpecific"} | {
        "DeliveryAddressStateId"
    }
