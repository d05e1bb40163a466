"""What is planned for a change, and which cell of the matrix decided: values, compared and printed."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.changes import Action
from shared.mapping.orders.differences import Aspect
from shared.mapping.orders.header import header_changes, header_fingerprints, without_past
from shared.mapping.orders.holds import hold_reason, releases_left
from shared.mapping.orders.matching import LinkedOrder, own_lines
from shared.model import FoStatus, HoldReason, LineKind, Order, OrderState, Risk
from shared.rules import ChangeKind, Decision
from tests.builders.fo_orders import FoModel
from tests.builders.sales import EU, address, buyer, euros, line, order, plan, shipping, tax, with_rules

RULES = with_rules(EU, orders={"requested_date_attribute": "deliver on", "hold_tag": "Check", "duties_item": "DUTIES"})
CANCELLED = datetime(2026, 11, 3, tzinfo=UTC)


def vat(amount: str):
    return [tax(euros(amount), "0.21")]


def bought(*lines, **other) -> Order:
    return order(*(lines or (line(1, euros("10.00"), 3, taxes=vat("5.21")),)), **other)


TENTS = line(1, euros("10.00"), 3, taxes=vat("5.21"))
FREIGHT = (shipping(euros("5.00"), taxes=vat("0.87")),)
CHANGES = {
    ChangeKind.LINE_ADDED: (bought(), bought(TENTS, line(2, euros("1.00")))),
    ChangeKind.LINE_REMOVED: (bought(TENTS, line(2, euros("1.00"))), bought()),
    ChangeKind.QUANTITY_UP: (bought(), bought(line(1, euros("10.00"), 4, taxes=vat("6.94")))),
    ChangeKind.QUANTITY_DOWN: (bought(), bought(line(1, euros("10.00"), 2, taxes=vat("3.47")))),
    ChangeKind.PRICE: (bought(), bought(line(1, euros("10.00"), 3, discount=euros("1.00"), taxes=vat("5.03")))),
    ChangeKind.SHIPPING: (bought(shipping=FREIGHT), bought(shipping=(shipping(euros("7.00"), taxes=vat("1.21")),))),
    ChangeKind.ADDRESS: (bought(), bought(shipping_address=address(city="Utrecht"))),
    ChangeKind.CONTACT: (bought(), bought(buyer=buyer(email="new@example.com"))),
    ChangeKind.PO_NUMBER: (bought(), bought(po_number="PO-77")),
    ChangeKind.REQUESTED_DATE: (bought(), bought(attributes=(("deliver on", "2026-12-24"),))),
    ChangeKind.DELIVERY_MODE: (bought(shipping=FREIGHT), bought(shipping=(replace(FREIGHT[0], code="EXPRESS"),))),
    ChangeKind.CANCEL: (bought(), replace(bought(cancelled_at=CANCELLED), lines=())),
}


def planned(kind: ChangeKind, status: FoStatus, rules=RULES):
    before, after = CHANGES[kind]
    model = FoModel(before, rules, status)
    if status is FoStatus.PARTLY_DELIVERED:
        model.progress(model.lot("products:1"), delivered=1)
    for each in model.order.lines:
        all_of_it = int(each.quantity)
        match status:
            case FoStatus.DELIVERED:
                model.progress(each.lot, delivered=all_of_it)
            case FoStatus.INVOICED:
                model.progress(each.lot, delivered=all_of_it, invoiced=all_of_it)
            case FoStatus.CANCELLED:
                model.progress(each.lot, cancelled=True)
    return model, model.plan(after)


@pytest.mark.parametrize("status", FoStatus)
@pytest.mark.parametrize("kind", ChangeKind)
def test_each_cell_decides_its_change(kind: ChangeKind, status: FoStatus):
    model, (changes, target) = planned(kind, status)
    decision = RULES.changes.decide(kind, status)
    cells = [cell for cell in changes.cells if cell.kind is kind]
    if kind is ChangeKind.CANCEL and status is FoStatus.CANCELLED:
        assert str(changes) == "nothing to do"  # there is nothing left to cancel
        return
    assert status in {cell.status for cell in cells}, str(changes)
    assert all(cell.decision is RULES.changes.decide(kind, cell.status) for cell in cells)
    match decision:
        case Decision.IGNORE | Decision.HOLD:
            assert changes.steps == ()
        case _:
            model.carry_out(changes, target)


def test_a_plan_can_be_read():
    before = bought(TENTS, line(2, euros("1.00")))
    now = bought(
        line(1, euros("10.00"), 2, taxes=vat("3.47")),
        line(3, euros("4.00")),
        shipping_address=address(city="Utrecht"),
    )
    changes, _ = FoModel(before, EU).plan(now)
    assert str(changes).splitlines() == [
        "change the order SN1: another address (DeliveryAddressCity = Utrecht, IsDeliveryAddressOrderSpecific = Yes)",
        "change the line SN1 LOT-1: TENT-2P on line 1: quantity 3 -> 2 (OrderedSalesQuantity = 2)",
        "remove the line SN1 LOT-2: 1 of 1 x TENT-2P given up (products:2)",
        "add a line SN1: 1 x TENT-2P more",
    ]
    assert str(changes.cells[0]) == "another address: [changes.address] open = apply"


def test_one_held_change_holds_them_all():
    model = FoModel(bought(), EU, FoStatus.PICKED)
    changes, _ = model.plan(bought(line(1, euros("10.00"), 2, taxes=vat("3.47")), po_number="PO-1"))
    assert changes.steps == ()
    assert [cell.kind for cell in changes.held] == [ChangeKind.QUANTITY_DOWN]


def test_new_lines_take_numbers_that_no_line_has():
    model = FoModel(bought(TENTS, line(2, euros("1.00"))), EU)
    model.carry_out(*model.plan(bought(TENTS)))
    changes, _ = model.plan(bought(TENTS, line(3, euros("1.00")), line(4, euros("1.00"))))
    (step,) = changes.steps
    assert step.action is Action.ADD_LINE
    assert [each.number for each in step.lines] == [2, 3]


def test_the_first_line_of_an_order_without_lines_in_fo_is_its_line_1():
    model = FoModel(bought(), EU)
    model.fo = replace(model.order, lines=())
    changes, _ = model.plan(bought(TENTS, line(2, euros("1.00"))))
    assert [each.number for step in changes.steps for each in step.lines if each.source_id == 2] == [1]


def test_pieces_that_left_keep_their_price_and_the_rest_takes_the_change():
    model = FoModel(bought(line(1, euros("10.00"), 3, discount=euros("1.00"), taxes=vat("5.03"))), EU)
    model.progress(model.lot("products:1"), delivered=3, invoiced=3)
    now = bought(line(1, euros("10.00"), 5, discount=euros("1.00"), taxes=vat("8.50")))
    changes, target = model.plan(now)
    assert [step.action for step in changes.steps] == [Action.NEW_ORDER]
    model.carry_out(changes, target)
    assert [each.amount for each in model.order.lines] == [Decimal("29.00"), Decimal("20.00")]


def test_a_line_that_was_cancelled_in_fo_takes_the_units_that_shopify_gave_up():
    model = FoModel(bought(), EU)
    model.progress(model.lot("products:1"), cancelled=True)
    changes, _ = model.plan(bought(line(1, euros("10.00"), 1, taxes=vat("1.74"))))
    assert changes.steps == changes.held == ()
    assert {cell.status for cell in changes.ignored} == {FoStatus.CANCELLED}


@pytest.mark.parametrize("invoiced", [False, True])
def test_duties_of_a_cancelled_order_are_reduced_until_they_are_invoiced(*, invoiced):
    model = FoModel(bought(duties=euros("5.73")), RULES)
    duties = model.lot(f"duties:{bought().id}")
    if invoiced:
        model.progress(duties, delivered=1, invoiced=1)
    changes, _ = model.plan(replace(bought(duties=euros("1.51"), cancelled_at=CANCELLED), lines=()))
    if invoiced:
        assert [cell.status for cell in changes.held] == [FoStatus.INVOICED]
    assert [step.fields for step in changes.steps if step.lot == duties] == (
        [] if invoiced else [{"SalesPrice": Decimal("1.51")}]
    )


@pytest.mark.parametrize("has_theirs", [True, False])
def test_a_cancelled_order_is_removed_unless_staff_added_a_line_to_it(*, has_theirs):
    model = FoModel(bought(), EU)
    (ours,) = model.order.lines
    theirs = replace(ours, lot="THEIRS", number=Decimal(9), external="")
    model.fo = replace(model.order, lines=(ours, theirs) if has_theirs else (ours,))
    changes, _ = model.plan(replace(bought(cancelled_at=CANCELLED), lines=()))
    assert [step.lot for step in changes.steps if step.action is Action.REMOVE_LINE] == [ours.lot]
    assert any(step.action is Action.REMOVE_ORDER for step in changes.steps) is not has_theirs


@pytest.mark.parametrize("delivered", [0, 3])
def test_shipping_that_was_not_given_back_is_owed_only_for_goods_that_left(delivered):
    model = FoModel(bought(TENTS, shipping=FREIGHT), EU)
    if delivered:
        model.progress(model.lot("products:1"), delivered=delivered)
    freight = model.lot("shipping:900")
    changes, _ = model.plan(replace(bought(TENTS, shipping=FREIGHT, cancelled_at=CANCELLED), lines=()))
    touched = {cell.what.rpartition("(")[2] for cell in changes.cells}
    assert ("shipping:900)" in touched) is not bool(delivered)
    assert (freight in {step.lot for step in changes.steps}) is not bool(delivered)


def divided(discount: str = "0.00") -> FoModel:
    """Three pieces in AMS and two in HAM, at 10.00 less the discount."""
    model = FoModel(bought(pieces(3)), EU)
    model.carry_out(*model.plan(bought(pieces(5, discount)), warehouse=1))
    return model


def pieces(quantity: int, discount: str = "0.00"):
    return line(1, euros("10.00"), quantity, discount=euros(discount))


@pytest.mark.parametrize(("warehouse", "expected"), [(0, [4, 2]), (1, [3, 3])])
def test_of_two_open_lines_the_one_of_the_warehouse_that_has_the_piece_grows(warehouse, expected):
    model = divided()
    changes, target = model.plan(bought(pieces(6)), warehouse=warehouse)
    (step,) = changes.steps
    assert (step.action, step.lot) == (Action.CHANGE_LINE, model.order.lines[warehouse].lot)
    model.carry_out(changes, target)
    assert [each.quantity for each in model.order.lines] == expected


@pytest.mark.parametrize(("shipped", "grows"), [(0, 1), (1, 0)])
def test_of_two_lines_the_one_that_is_still_open_grows(shipped, grows):
    model = divided()
    lines = model.order.lines
    model.progress(lines[shipped].lot, delivered=int(lines[shipped].quantity))
    changes, _ = model.plan(bought(pieces(6)), warehouse=grows)
    (step,) = changes.steps
    assert (step.action, step.lot) == (Action.CHANGE_LINE, lines[grows].lot)
    assert {cell.status for cell in changes.cells} == {FoStatus.PARTLY_DELIVERED}


def test_pieces_of_a_line_that_left_its_warehouse_are_added_beside_it():
    model = divided()
    ams, _ham = model.order.lines
    model.progress(ams.lot, delivered=3)
    changes, target = model.plan(bought(pieces(6)), warehouse=0)
    (step,) = changes.steps
    assert step.action is Action.ADD_LINE
    model.carry_out(changes, target)
    assert [(each.warehouse, each.quantity) for each in model.order.lines] == [("AMS", 3), ("HAM", 2), ("AMS", 1)]


def test_a_line_that_fo_closed_before_all_of_it_left_takes_no_more_pieces():
    model = divided()
    ams, ham = model.order.lines
    model.fo = replace(model.order, lines=(replace(ams, status=FoStatus.INVOICED), ham))
    (step,) = model.plan(bought(pieces(6)), warehouse=0)[0].steps
    assert (step.action, [each.record["ShippingWarehouseId"] for each in step.lines]) == (Action.ADD_LINE, ["AMS"])


def of_download(quantity):
    return line(1, euros("10.00"), quantity, requires_shipping=False)


def two_downloads() -> FoModel:
    """A download on two lines: a person divided it."""
    model = FoModel(bought(of_download(1)), EU)
    (first,) = model.order.lines
    two = Decimal(2)
    second = replace(first, lot="LOT-9", number=two, quantity=two, remaining=two, amount=Decimal(20))
    model.fo = replace(model.order, lines=(first, second))
    model.memory = replace(model.memory, sources={first.lot: "products:1", "LOT-9": "products:1"})
    return model


def test_of_two_lines_without_stock_the_last_open_one_grows():
    model = two_downloads()
    (step,) = model.plan(bought(of_download(5)))[0].steps
    assert (step.lot, step.fields["OrderedSalesQuantity"]) == ("LOT-9", 4)
    model.progress("LOT-9", delivered=2, invoiced=2)
    (step,) = model.plan(bought(of_download(5)))[0].steps
    assert (step.lot, step.fields["OrderedSalesQuantity"]) == ("LOT-1", 3)


def further(rules=EU) -> FoModel:
    """An order that was invoiced, and another one with a line that was bought later."""
    model = FoModel(bought(), rules)
    model.progress(model.lot("products:1"), delivered=3, invoiced=3)
    model.carry_out(*model.plan(bought(TENTS, line(2, euros("4.00")))))
    assert [header.number for header in model.order.headers] == ["SN1", "SN1B"]
    return model


def test_a_further_order_takes_what_is_added_later():
    model = further()
    (step,) = model.plan(bought(TENTS, line(2, euros("4.00")), line(3, euros("5.00"))))[0].steps
    assert (step.action, step.order) == (Action.ADD_LINE, "SN1B")


def test_a_further_order_that_is_closed_takes_nothing_more():
    model = further()
    model.progress(model.order.lines[-1].lot, delivered=1, invoiced=1)
    (step,) = model.plan(bought(TENTS, line(2, euros("4.00")), line(3, euros("5.00"))))[0].steps
    assert (step.action, step.order) == (Action.NEW_ORDER, "SN1")


def test_the_lines_of_a_further_order_that_staff_deleted_are_left_to_them():
    model = further()
    model.fo = replace(model.order, headers=model.order.headers[:1], lines=model.order.lines[:1])
    changes, _ = model.plan(bought(TENTS, line(2, euros("4.00"))))
    assert changes.steps == changes.held == ()
    assert [(cell.source, cell.by_staff) for cell in changes.ignored] == [("products:2", True)]


def test_the_lines_of_a_further_order_that_staff_deleted_are_sold_anew_where_shopify_decides():
    model = further(with_rules(EU, changes={"by_staff": "overrule"}))
    model.fo = replace(model.order, headers=model.order.headers[:1], lines=model.order.lines[:1])
    changes, target = model.plan(bought(TENTS, line(2, euros("4.00"))))
    (step,) = changes.steps
    assert (step.action, [each.source for each in step.lines]) == (Action.NEW_ORDER, ["products:2"])
    model.carry_out(changes, target)
    assert model.amount == bought(TENTS, line(2, euros("4.00"))).total.amount


def test_a_further_order_that_staff_cancelled_is_not_written_to():
    model = further()
    model.progress(model.order.lines[-1].lot, cancelled=True)
    assert model.order.headers[-1].status is FoStatus.CANCELLED
    now = bought(TENTS, line(2, euros("4.00")), shipping_address=address(city="Utrecht"))
    changes, _ = model.plan(now)
    assert [step.order for step in changes.steps] == []
    assert {(cell.kind, cell.status) for cell in changes.cells} == {(ChangeKind.ADDRESS, FoStatus.INVOICED)}


def test_an_order_that_staff_cancelled_whole_is_still_decided_about():
    model = FoModel(bought(), EU)
    model.progress(model.lot("products:1"), cancelled=True)
    changes, _ = model.plan(bought(shipping_address=address(city="Utrecht")))
    assert (ChangeKind.ADDRESS, FoStatus.CANCELLED) in {(cell.kind, cell.status) for cell in changes.cells}


def test_what_was_cancelled_in_fo_takes_fewer_pieces_before_what_is_open():
    model = divided()
    ams, ham = (each.lot for each in model.order.lines)
    model.progress(ams, cancelled=True)
    changes, _ = model.plan(bought(pieces(3)))
    assert changes.steps == ()
    assert ham not in {step.lot for step in changes.steps}


def test_fewer_pieces_are_taken_off_what_is_open_of_every_line_before_what_was_shipped_of_any():
    model = divided()
    ham = model.order.lines[1]
    model.progress(ham.lot, delivered=1)
    model.carry_out(*model.plan(bought(pieces(3))))
    assert [(each.warehouse, each.quantity) for each in model.order.lines] == [("AMS", 2), ("HAM", 1)]


def test_a_line_that_is_reduced_to_what_was_shipped_is_decided_about_by_its_own_status():
    model = FoModel(bought(pieces(3)), EU)
    model.progress(model.lot("products:1"), delivered=2)
    changes, _ = model.plan(bought(pieces(2)))
    assert [(cell.kind, cell.status) for cell in changes.cells] == [
        (ChangeKind.QUANTITY_DOWN, FoStatus.PARTLY_DELIVERED)
    ]


def test_a_line_that_was_reduced_to_nothing_is_none_of_ours_any_more():
    model = FoModel(bought(), EU)
    (only,) = model.order.lines
    cancelled = replace(only, status=FoStatus.CANCELLED)
    for quantity, own in ((Decimal(0), {}), (Decimal(3), {"products:1": [cancelled]})):
        model.fo = replace(model.order, lines=(replace(cancelled, quantity=quantity),))
        assert own_lines(model.order, bought(), EU, model.memory) == own


def test_a_part_that_keeps_its_pieces_keeps_its_price():
    model = divided("1.00")
    (step,) = model.plan(bought(pieces(6, "1.00")), warehouse=1)[0].steps
    assert step.fields["OrderedSalesQuantity"] == 3
    model.carry_out(*model.plan(bought(pieces(6, "1.00")), warehouse=1))
    assert [each.amount for each in model.order.lines] == [Decimal("30.00"), Decimal("29.00")]


def test_a_discount_goes_to_the_part_that_has_not_left():
    model = divided()
    ams, ham = (each.lot for each in model.order.lines)
    model.progress(ams, delivered=3)
    changes, target = model.plan(bought(pieces(5, "4.00")))
    assert [step.lot for step in changes.steps] == [ham]
    model.carry_out(changes, target)
    assert [each.amount for each in model.order.lines] == [Decimal("30.00"), Decimal("16.00")]


def test_a_price_that_is_left_alone_is_not_sent_with_a_quantity():
    rules = with_rules(EU, changes={"price": {"open": "ignore"}})
    model = FoModel(bought(pieces(3)), rules)
    (step,) = model.plan(bought(pieces(2, "4.00")))[0].steps
    assert step.fields == {"OrderedSalesQuantity": 2}


def test_a_divided_line_loses_pieces_from_its_last_part_first():
    model = FoModel(bought(), EU)
    model.carry_out(*model.plan(bought(line(1, euros("10.00"), 5, taxes=vat("8.68"))), warehouse=1))
    assert [(each.warehouse, each.quantity) for each in model.order.lines] == [("AMS", 3), ("HAM", 2)]
    model.carry_out(*model.plan(bought(line(1, euros("10.00"), 4, taxes=vat("6.94")))))
    assert [(each.warehouse, each.quantity) for each in model.order.lines] == [("AMS", 3), ("HAM", 1)]
    model.carry_out(*model.plan(bought(line(1, euros("10.00"), 2, taxes=vat("3.47")))))
    assert [(each.warehouse, each.quantity) for each in model.order.lines] == [("AMS", 2)]


def test_charges_are_distinguished_by_item_where_the_link_has_no_lines():
    sale = bought(TENTS, duties=euros("4.00"), shipping=FREIGHT)
    model = FoModel(sale, RULES)
    own = own_lines(model.order, sale, RULES, LinkedOrder())
    assert sorted(own) == ["duties:5551234567890", "products:1", "shipping:900"]


def test_a_line_of_ours_without_a_known_source_is_left_to_a_person():
    sale = bought()
    model = FoModel(sale, EU)
    (only,) = model.order.lines
    model.fo = replace(model.order, lines=(replace(only, external="CUSTOMER-ITEM-7"),))
    with pytest.raises(RefusedError) as refused:
        own_lines(model.order, sale, EU, LinkedOrder(lots=frozenset({only.lot})))
    assert refused.value.code == "FO_LINE_UNKNOWN"


@pytest.mark.parametrize(("external", "is_ours"), [("1", True), ("", False), ("99", False), ("CUSTOMER-ITEM", True)])
def test_a_promised_line_is_ours_unless_a_person_took_its_number(external: str, is_ours: object):
    sale = bought()
    model = FoModel(sale, EU)
    (only,) = model.order.lines
    model.fo = replace(model.order, lines=(replace(only, external=external, number=Decimal("1.00")),))
    memory = LinkedOrder(sources={"LOT-9": "products:9"}, promised={"1": "products:1"})
    assert bool(own_lines(model.order, sale, EU, memory)) is is_ours


def test_a_header_field_is_emptied_only_where_the_order_lost_it():
    header = plan(bought(po_number="PO-1"), EU).header
    now = plan(bought(shipping_address=None, billing_address=None, location_id=71001001), EU).header
    assert "DeliveryAddressCity" not in now
    assert header_changes(now, header, {}) == {ChangeKind.PO_NUMBER: {"CustomerRequisitionNumber": "#1001"}}


@pytest.mark.parametrize("delivered", [2, 3])
def test_the_mode_of_delivery_follows_shopify_while_something_is_to_be_delivered(delivered):
    model = FoModel(bought(TENTS, shipping=FREIGHT), EU)
    model.progress(model.lot("products:1"), delivered=delivered)
    changes, _ = model.plan(bought(TENTS, shipping=(replace(FREIGHT[0], code="EXPRESS"),)))
    moved = [cell for cell in changes.cells if cell.aspect is Aspect.DELIVERY and cell.source == "products:1"]
    assert bool(moved) is (delivered < 3)


def test_an_order_that_loses_its_only_shipping_has_no_mode_of_delivery_any_more():
    goods, freight = line(1, euros("10.00"), 3), (shipping(euros("0.00")),)
    model = FoModel(bought(goods, shipping=freight), EU)
    assert {each.fields["DeliveryModeCode"] for each in model.order.lines} == {"STD"}
    model.carry_out(*model.plan(bought(goods)))
    assert model.order.headers[0].fields["DeliveryModeCode"] == ""
    assert {each.fields["DeliveryModeCode"] for each in model.order.lines} == {""}
    changes, _ = model.plan(bought(goods))
    assert not changes.cells


def test_an_order_that_never_had_shipping_keeps_the_mode_of_delivery_that_fo_or_a_person_gave_it():
    model = FoModel(bought(), EU)
    header = model.order.headers[0]
    lines = tuple(replace(each, fields={**each.fields, "DeliveryModeCode": "EXPR"}) for each in model.order.lines)
    fields = {**header.fields, "DeliveryModeCode": "EXPR"}
    model.fo = replace(model.order, headers=(replace(header, fields=fields),), lines=lines)
    for remembered in (model.memory.fingerprints, {}):
        model.memory = replace(model.memory, fingerprints=remembered)
        changes, _ = model.plan(bought())
        assert not changes.cells


def test_a_state_that_fo_found_by_the_postal_code_is_no_difference():
    header = plan(bought(), EU).header
    in_fo = {**header, "DeliveryAddressStateId": "NH"}
    assert header_changes(header, in_fo, {}) == {}
    moved = plan(bought(shipping_address=address(city="Utrecht")), EU).header
    (changed,) = header_changes(moved, in_fo, header_fingerprints(header)).values()
    assert changed["DeliveryAddressStateId"] == ""


@pytest.mark.parametrize(
    ("risk", "asked", "tags", "held", "reason"),
    [
        (Risk.HIGH, True, (), "", HoldReason.RISK),
        (Risk.MEDIUM, True, (), "risk", None),
        (Risk.NONE, False, (), "risk", HoldReason.RISK),
        (Risk.NONE, False, (), "", None),
        (Risk.NONE, False, ("vip", "CHECK"), "", HoldReason.TAG),
        (Risk.HIGH, True, ("check",), "tag", HoldReason.RISK),
        (Risk.NONE, False, (), "tag", None),
        (Risk.NONE, True, (), HoldReason.FULFILMENT.value, HoldReason.FULFILMENT),
        (Risk.HIGH, True, ("check",), HoldReason.FULFILMENT.value, HoldReason.FULFILMENT),
    ],
)
def test_an_order_is_held_for_its_risk_or_its_tag(risk, asked, tags, held, reason):
    sale = bought(tags=tags)
    state = OrderState(order=sale, refunds=(), transactions=() if asked else None, risk=risk, shipped={})
    assert hold_reason(state, RULES, held=held) is reason


def test_an_order_is_held_for_a_hold_in_shopify_last():
    risky = OrderState(order=bought(), refunds=(), transactions=(), risk=Risk.HIGH, shipped={})
    calm = replace(risky, risk=Risk.NONE)
    assert hold_reason(risky, RULES, is_held_in_shop=True) is HoldReason.RISK
    assert hold_reason(risky, RULES, is_held_in_shop=True, released=("risk",)) is HoldReason.SHOP
    assert hold_reason(calm, RULES, is_held_in_shop=True) is HoldReason.SHOP
    assert hold_reason(calm, RULES, held="hold in Shopify") is None


@pytest.mark.parametrize(
    ("again", "held", "reason"),
    [
        (True, "", HoldReason.STAFF),
        (True, "tag", HoldReason.STAFF),
        (False, HoldReason.STAFF.value, None),
        (None, HoldReason.STAFF.value, HoldReason.STAFF),
        (None, "", None),
    ],
)
def test_an_order_is_held_while_fo_would_send_again_what_others_fulfilled(again, held, reason):
    state = OrderState(order=bought(), refunds=(), transactions=(), risk=Risk.NONE, shipped={}, would_send_again=again)
    assert hold_reason(state, RULES, held=held) is reason
    assert bool(releases_left({"fulfilled by staff": "why"}, state, RULES, is_held_in_shop=False)) is (
        again is not False
    )


@pytest.mark.parametrize(
    ("released", "reason"),
    [
        ((), HoldReason.RISK),
        (("risk",), HoldReason.TAG),
        (("tag",), HoldReason.RISK),
        (("change",), HoldReason.RISK),
        (("risk", "tag"), None),
    ],
)
def test_an_order_is_held_for_the_first_reason_that_no_person_released_it_from(released, reason):
    state = OrderState(order=bought(tags=("check",)), refunds=(), transactions=(), risk=Risk.HIGH, shipped={})
    assert hold_reason(state, RULES, released=released) is reason


@pytest.mark.parametrize(
    ("risk", "asked", "tags", "cancelled", "in_shop", "left"),
    [
        (Risk.HIGH, True, ("check",), None, False, {"risk", "tag", "change"}),
        (Risk.LOW, True, ("check",), None, False, {"tag", "change"}),
        (Risk.NONE, False, (), None, False, {"risk", "change"}),  # a webhook has no risk
        (Risk.NONE, True, (), CANCELLED, False, {"change", "cancellation"}),
        (Risk.NONE, True, (), None, True, {"change", "hold in Shopify"}),
    ],
)
def test_a_release_ends_with_its_reason(risk, asked, tags, cancelled, in_shop, left):  # noqa: PLR0917 - a table
    sale = bought(tags=tags, cancelled_at=cancelled)
    state = OrderState(order=sale, refunds=(), transactions=() if asked else None, risk=risk, shipped={})
    released = {"risk": "why", "tag": "why", "change": "why", "cancellation": "why"}
    released[HoldReason.SHOP] = "why"
    assert releases_left(released, state, RULES, is_held_in_shop=in_shop) == dict.fromkeys(left, "why")


@pytest.mark.parametrize(
    ("risk", "asked", "held", "reason"),
    [
        (Risk.NONE, True, "", HoldReason.ASSESSMENT),
        (Risk.MEDIUM, True, "", HoldReason.ASSESSMENT),
        (Risk.HIGH, True, HoldReason.ASSESSMENT, HoldReason.RISK),
        (Risk.NONE, True, HoldReason.RISK, HoldReason.ASSESSMENT),
        (Risk.NONE, False, HoldReason.ASSESSMENT, HoldReason.ASSESSMENT),
        (Risk.NONE, False, "", None),
    ],
)
def test_an_order_is_held_while_its_risk_is_being_assessed(risk, asked, held, reason):
    transactions = () if asked else None
    state = OrderState(bought(), (), transactions, risk, {}, is_being_assessed=asked)
    assert hold_reason(state, RULES, held=held) is reason
    without = with_rules(RULES, orders={"hold_risks": ()})
    assert hold_reason(state, without) is None


def test_the_day_that_the_buyer_wants_is_the_orders_day():
    header = plan(bought(attributes=(("deliver on", "2026-12-24"),)), RULES).header
    assert header["RequestedShippingDate"] == "2026-12-24T12:00:00Z"
    assert "RequestedReceiptDate" not in header
    unclear = plan(bought(attributes=(("deliver on", "Christmas"),)), RULES)
    assert unclear.header["RequestedShippingDate"] == "2026-11-02T12:00:00Z"
    assert unclear.left_behind == ("the attributes deliver on",)


def test_downloads_need_no_warehouse_to_become_more():
    ebook = line(1, euros("10.00"), 1, requires_shipping=False)
    model = FoModel(bought(ebook), EU)
    now = bought(replace(ebook, quantity=3), line(2, euros("2.00"), kind=LineKind.PRODUCT, requires_shipping=False))
    changes, target = model.plan(now)
    model.carry_out(changes, target)
    assert model.amount == now.total.amount


def test_the_fingerprint_of_the_date_is_that_of_releases_that_wrote_a_receipt_date_too():
    header = {"RequestedShippingDate": "2026-12-24T12:00:00Z"}
    assert header_fingerprints(header)["requested_date"] == "9e3bf55f97de55fb"


@pytest.mark.parametrize(("day", "written"), [("23", "24"), ("24", "24"), ("25", "25")])
def test_a_ship_date_is_not_written_once_it_has_passed(day, written):
    header = {"RequestedShippingDate": f"2026-12-{day}T12:00:00Z", "Email": "ada@example.com"}
    assert without_past(header, date(2026, 12, 24)) == header | {
        "RequestedShippingDate": f"2026-12-{written}T12:00:00Z"
    }
    assert without_past({"Email": "ada@example.com"}, date(2026, 12, 24)) == {"Email": "ada@example.com"}
