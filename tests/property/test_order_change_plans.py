"""Whatever was changed in Shopify and done in F&O meanwhile: a plan that is carried out leaves nothing to plan."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.model import FoStatus, LineKind, Money, Order, OrderLine, TaxLine
from shared.rules import ChangeKind
from tests.builders.fo_orders import FoModel
from tests.builders.sales import EU, address, euros, line, order, shipping, tax, with_rules

ITEMS = {"duties_item": "DUTIES", "fees_item": "FEES", "tip_item": "TIP", "custom_line_item": "CUSTOM"}
RULES = with_rules(EU, orders=ITEMS)
MATRICES = st.sampled_from(
    [
        RULES,
        with_rules(RULES, changes={"cancellation": "zero_remaining"}),
        with_rules(RULES, changes={"quantity_up": {"open": "new_line"}, "line_added": {"open": "new_order"}}),
        with_rules(RULES, changes={"price": {"open": "ignore"}, "address": {"open": "ignore"}}),
        with_rules(RULES, changes={"by_staff": "overrule"}),
        with_rules(RULES, tenant={"header_changes": "keep", "line_amount": "kept", "confirmed_order_deleted": "no"}),
        with_rules(RULES, tenant={"invoiced_order_lines": "refused", "delivered_quantity": "refused"}),
        with_rules(RULES, orders={"odd_cents": "charge"}),
        with_rules(RULES, orders={"odd_cents": "charge"}, changes={"cancellation": "zero_remaining"}),
        with_rules(RULES, orders={"odd_cents": "charge"}, changes={"quantity_up": {"open": "new_line"}}),
    ]
)
TIP = 31
EARLY = st.sampled_from([FoStatus.OPEN, FoStatus.CONFIRMED, FoStatus.PICKED])


@st.composite
def lines(draw: st.DrawFn, line_id: int) -> OrderLine:
    quantity, price = draw(st.integers(1, 6)), draw(st.integers(0, 3000))
    discount = draw(st.one_of(st.just(0), st.integers(0, price * quantity)))
    return line(
        line_id,
        cents(price),
        quantity,
        discount=cents(discount),
        taxes=draw(taxes(price * quantity - discount)),
        kind=draw(st.sampled_from([LineKind.PRODUCT, LineKind.PRODUCT, LineKind.CUSTOM])),
    )


def cents(amount: int) -> Money:
    return euros(Decimal(amount) / 100)


@st.composite
def taxes(draw: st.DrawFn, net: int) -> list[TaxLine]:
    """The VAT in a price, full, reduced or none."""
    rate = draw(st.sampled_from(["0.21", "0.09", ""]))
    return [tax(cents(round(net * Decimal(rate) / (1 + Decimal(rate)))), rate)] if rate and net else []


@st.composite
def orders(draw: st.DrawFn) -> Order:
    ids = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4, unique=True))
    freight = draw(st.integers(0, 900))
    tip = [line(TIP, cents(draw(st.integers(1, 500))), kind=LineKind.TIP)] if draw(st.booleans()) else []
    return order(
        *[draw(lines(line_id)) for line_id in sorted(ids)],
        *tip,
        shipping=(shipping(cents(freight), taxes=draw(taxes(freight))),) if draw(st.booleans()) else (),
        duties=cents(draw(st.sampled_from([0, 0, 573]))),
        additional_fees=cents(draw(st.sampled_from([0, 0, 98]))),
        tags=draw(st.sampled_from([(), ("hold",)])),
        shipping_address=draw(st.sampled_from([address(), address(city="Utrecht")])),
        po_number=draw(st.sampled_from(["", "PO-1"])),
    )


@st.composite
def edited(draw: st.DrawFn, before: Order) -> Order:
    """The order after an edit: some of its lines as they were, the others anything."""
    after = draw(orders())
    same = {each.id: each for each in before.lines if draw(st.booleans())}
    kept = [same.pop(each.id, each) for each in after.lines]
    return order(
        *sorted([*kept, *same.values()], key=lambda each: each.id),
        shipping=before.shipping if draw(st.booleans()) else after.shipping,
        shipping_address=after.shipping_address,
        po_number=after.po_number,
        duties=before.duties if draw(st.booleans()) else after.duties,
        additional_fees=before.additional_fees if draw(st.booleans()) else after.additional_fees,
        tags=after.tags,
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[FoModel, Order]:
    """An order in F&O of which anything may have left or been invoiced, and the order as Shopify has it now."""
    before = draw(orders())
    model = FoModel(before, draw(MATRICES), draw(EARLY))
    for one in model.order.lines:
        delivered = draw(st.one_of(st.just(0), st.integers(0, int(one.quantity))))
        invoiced = draw(st.sampled_from([0, delivered]))
        if delivered:
            model.progress(one.lot, delivered=delivered, invoiced=invoiced)
    return model, draw(edited(before))


@given(histories(), st.integers(0, 1))
def test_what_was_carried_out_is_not_planned_again(history: tuple[FoModel, Order], warehouse: int):
    model, now = history
    changes, target = model.plan(now, warehouse)
    assert not (changes.held and changes.steps)
    model.carry_out(changes, target)
    again, _ = model.plan(now, warehouse)
    assert again.steps == (), str(again)
    assert again.held == changes.held


@given(histories(), st.integers(0, 1))
def test_open_lines_have_their_headers_address(history: tuple[FoModel, Order], warehouse: int):
    model, now = history
    changes, target = model.plan(now, warehouse)
    assume(not any(cell.kind is ChangeKind.ADDRESS for cell in (*changes.held, *changes.ignored)))
    assume(not changes.held)
    model.carry_out(changes, target)
    for one in model.fo.lines if model.fo is not None else ():
        if one.is_open:
            header = model.order.header(one.order)
            assert one.fields["DeliveryAddressCity"] == header.fields["DeliveryAddressCity"]


@given(histories(), st.integers(0, 1))
def test_the_sum_is_shopifys_when_nothing_is_held_or_ignored(history: tuple[FoModel, Order], warehouse: int):
    model, now = history
    changes, target = model.plan(now, warehouse)
    assume(not changes.held and not changes.ignored)
    model.carry_out(changes, target)
    assert model.amount == now.total.amount


@given(histories(), st.sampled_from(["price_unit", "charge"]), st.integers(0, 1))
def test_the_sum_is_shopifys_when_the_rule_for_odd_cents_changed(
    history: tuple[FoModel, Order], odd: str, warehouse: int
):
    model, now = history
    model.rules = with_rules(model.rules, orders={"odd_cents": odd})
    changes, target = model.plan(now, warehouse)
    assume(not changes.held and not changes.ignored)
    model.carry_out(changes, target)
    assert model.amount == now.total.amount
    again, _ = model.plan(now, warehouse)
    assert again.steps == (), str(again)


@given(histories(), orders(), st.integers(0, 1))
def test_later_changes_find_the_order_as_the_earlier_left_it(
    history: tuple[FoModel, Order], later: Order, warehouse: int
):
    model, now = history
    for state in (now, later, now):
        changes, target = model.plan(state, warehouse)
        assume(not changes.held and not changes.ignored)
        model.carry_out(changes, target)
        assert model.amount == state.total.amount


@given(histories())
def test_a_cancelled_order_has_nothing_open(history: tuple[FoModel, Order]):
    model, now = history
    cancelled = order(*now.lines, shipping=now.shipping, cancelled_at=datetime(2026, 11, 3, tzinfo=UTC))
    changes, target = model.plan(cancelled)
    model.carry_out(changes, target)
    assume(model.fo is not None)
    decided = {cell.status for cell in changes.held if cell.kind is ChangeKind.CANCEL}
    if FoStatus.PICKED not in decided and not any(cell.refused_by for cell in changes.held):
        charged = {each.lot for each in model.order.lines if each.item == EU.orders.shipping_item and each.remaining}
        assert all(not each.remaining or each.lot in charged for each in model.order.lines)
    again, _ = model.plan(cancelled)
    assert again.steps == ()


@given(quantity=st.integers(2, 7), price=st.integers(1, 3000), off=st.integers(0, 21_000), done=st.integers(0, 6))
def test_what_was_shipped_of_a_cancelled_line_costs_its_share(quantity: int, price: int, off: int, done: int):
    shipped, discount = min(done, quantity - 1), min(off, price * quantity)
    sale = order(line(1, cents(price), quantity, discount=cents(discount)))
    for odd, cancellation in product(("price_unit", "charge"), ("delete_lines", "zero_remaining")):
        rules = with_rules(RULES, orders={"odd_cents": odd}, changes={"cancellation": cancellation})
        model = FoModel(sale, rules)
        if shipped:
            model.progress("LOT-1", delivered=shipped)
        changes, target = model.plan(replace(sale, cancelled_at=datetime(2026, 11, 3, tzinfo=UTC)))
        model.carry_out(changes, target)
        share = Decimal((price * quantity - discount) * shipped) / quantity / 100
        assert (model.amount if model.fo else 0) == share.quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(histories())
def test_lines_of_a_person_are_in_no_plan(history: tuple[FoModel, Order]):
    model, now = history
    theirs = model.order.lines[-1].lot
    sources = {lot: source for lot, source in model.memory.sources.items() if lot != theirs}
    assume(sources)
    model.memory = type(model.memory)(sources=sources, fingerprints=model.memory.fingerprints)
    changes, _ = model.plan(now)
    assert theirs not in {step.lot for step in changes.steps}
