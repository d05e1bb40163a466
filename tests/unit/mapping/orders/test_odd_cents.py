"""Lines whose price or discount of one piece is no whole cents, by the rule orders.odd_cents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.model import Money, OrderLine
from shared.rules import StoreRules
from tests.builders.fo_orders import FoModel
from tests.builders.sales import EU, euros, line, order, plan, tax, with_rules

CHARGE = with_rules(EU, orders={"odd_cents": "charge"})
FIELDS = ("OrderedSalesQuantity", "SalesPrice", "SalesPriceQuantity", "LineDiscountAmount", "FixedPriceCharges")


def priced(sold: OrderLine, rules: StoreRules = CHARGE) -> tuple[Decimal, ...]:
    (planned,) = plan(order(sold), with_rules(rules, currencies=("EUR", "JPY"))).lines
    assert planned.amount == sold.net
    return tuple(planned.record[name] for name in FIELDS)


def off(quantity: int, discount: str, line_id: int = 1) -> OrderLine:
    """Pieces of 10.00 each, and what is off all of them."""
    return line(line_id, euros("10.00"), quantity, discount=euros(discount))


@pytest.mark.parametrize(
    ("quantity", "discount", "of_one", "charge"),
    [
        (3, "10.00", "3.33", "-0.01"),  # Microsoft's own example: 30.00 - 9.99 - 0.01 = 20.00
        (3, "5.00", "1.67", "0.01"),  # 30.00 - 5.01 + 0.01 = 25.00
        (6, "0.03", "0.01", "0.03"),  # 60.00 - 0.06 + 0.03 = 59.97
        (3, "30.00", "10.00", "0.00"),
        (4, "10.00", "2.50", "0.00"),
        (1, "3.33", "3.33", "0.00"),
    ],
)
def test_a_discount_is_of_one_piece_and_the_rest_a_charge(quantity: int, discount: str, of_one: str, charge: str):
    assert priced(off(quantity, discount)) == (quantity, 10, 1, Decimal(of_one), Decimal(charge))


def test_a_price_that_is_no_whole_cents_is_rounded_too():
    """A marketplace's tax of 0.05 leaves 29.95 of three pieces: 3 x 9.98 + 0.01."""
    marketplace = tax(euros("0.05"), channel_liable=True)
    sold = line(1, euros("10.00"), 3, taxes=(marketplace,))
    (planned,) = plan(order(sold), with_rules(CHARGE, tax={"marketplace": "take_out"})).lines
    assert [planned.record[name] for name in FIELDS] == [3, Decimal("9.98"), 1, 0, Decimal("0.01")]
    assert planned.amount == euros("29.95")


def test_a_currency_without_cents_has_charges_of_whole_units():
    yen = Money(Decimal(1000), "JPY")
    assert priced(line(1, yen, 3, discount=replace(yen, amount=Decimal(100)))) == (3, 1000, 1, 33, -1)


def test_by_default_no_charge_is_sent():
    (planned,) = plan(order(off(3, "10.00"))).lines
    assert "FixedPriceCharges" not in planned.record


def test_cash_taken_back_has_no_charge():
    rules = with_rules(CHARGE, orders={"rounding_item": "ROUNDING"}, payments={"rounding_account": None})
    *_, rounding = plan(order(off(1, "0.00"), cash_rounding=euros("-0.02")), rules).lines
    assert [rounding.record[name] for name in FIELDS] == [-1, Decimal("0.02"), 1, 0, 0]


def test_the_parts_of_several_warehouses_have_their_own_charges():
    ams, ham = EU.warehouses
    divided = Allocation(ams, {1: (AllocatedPart(4, ams), AllocatedPart(3, ham))}, ("divided",))
    parts = plan(order(off(7, "10.00")), CHARGE, divided).lines
    # 10.00 off seven pieces: 5.71 off four (1.43 each, 0.01 back), 4.29 off three (1.43 each).
    assert [[part.record[name] for name in FIELDS] for part in parts] == [
        [4, 10, 1, Decimal("1.43"), Decimal("0.01")],
        [3, 10, 1, Decimal("1.43"), Decimal("0.00")],
    ]
    assert [part.amount for part in parts] == [euros("34.29"), euros("25.71")]


def changed(model: FoModel, sold: OrderLine) -> list[dict[str, Decimal]]:
    """What is sent for the line as it is now; F&O has it to the cent afterwards."""
    changes, target = model.plan(order(sold))
    assert not changes.held
    model.carry_out(changes, target)
    assert model.amount == sold.net.amount
    return [step.fields for step in changes.steps]


def test_fewer_pieces_get_a_discount_and_a_charge_of_their_own():
    model = FoModel(order(off(3, "10.00")), CHARGE)
    sent = changed(model, off(2, "6.67"))
    # 6.67 off two: 3.335 each is 3.34, and 0.01 is charged.
    assert sent == [
        {"OrderedSalesQuantity": 2, "LineDiscountAmount": Decimal("3.34"), "FixedPriceCharges": Decimal("0.01")}
    ]


def test_the_charge_goes_with_the_odd_cents():
    model = FoModel(order(off(3, "10.00")), CHARGE)
    assert changed(model, off(2, "6.66")) == [{"OrderedSalesQuantity": 2, "FixedPriceCharges": Decimal("0.00")}]


@pytest.mark.parametrize(("before", "after"), [(CHARGE, EU), (EU, CHARGE)])
def test_another_rule_changes_no_line_that_has_its_amount(before: StoreRules, after: StoreRules):
    model = FoModel(order(off(3, "10.00")), before)
    model.rules = after
    assert changed(model, off(3, "10.00")) == []


def test_without_the_rule_a_charge_of_before_is_taken_away_with_the_next_price():
    model = FoModel(order(off(3, "10.00")), CHARGE)
    model.rules = EU
    assert changed(model, off(3, "11.00")) == [
        {"SalesPrice": 30, "SalesPriceQuantity": 3, "LineDiscountAmount": 11, "FixedPriceCharges": 0}
    ]


def test_pieces_in_another_warehouse_keep_the_first_line_as_it_is():
    """Goods of which staff may have shipped some keep their price where more is bought."""
    rules = with_rules(CHARGE, changes={"quantity_up": {"open": "new_line"}})
    model = FoModel(order(off(3, "10.00")), rules)
    changes, target = model.plan(order(off(6, "20.00")), warehouse=1)
    (added,) = changes.steps
    assert [[each.record[name] for name in FIELDS] for each in added.lines] == [
        [3, 10, 1, Decimal("3.33"), Decimal("-0.01")]
    ]
    model.carry_out(changes, target)
    assert model.amount == 40


@pytest.mark.parametrize(("cancellation", "left"), [("delete_lines", 1), ("zero_remaining", 1), ("zero_remaining", 0)])
def test_a_cancelled_line_leaves_no_charge_of_what_did_not_ship(cancellation: str, left: int):
    sale = order(off(3, "5.00"))
    model = FoModel(sale, with_rules(CHARGE, changes={"cancellation": cancellation}))
    if left:
        model.progress("LOT-1", delivered=left)
    changes, target = model.plan(replace(sale, cancelled_at=datetime(2026, 11, 3, tzinfo=UTC)))
    model.carry_out(changes, target)
    # 25.00 for three is 8.33 for one: 10.00 - 1.67, without the charge of 0.01.
    assert model.amount == (Decimal("8.33") if left else 0)


def test_a_line_of_a_rounded_price_keeps_it_too():
    """A marketplace's tax of 0.05 of three pieces is no whole cents of one: 3 x 9.98 + 0.01 before the discount."""
    rules = with_rules(CHARGE, tax={"marketplace": "take_out"}, changes={"quantity_up": {"open": "new_line"}})

    def bought(quantity: int, discount: str, marketplace: str) -> OrderLine:
        return replace(off(quantity, discount), taxes=(tax(euros(marketplace), channel_liable=True),))

    model = FoModel(order(bought(3, "10.00", "0.05")), rules)
    assert model.amount == Decimal("19.95")
    now = order(bought(6, "21.00", "0.10"))
    changes, target = model.plan(now, warehouse=1)
    (added,) = changes.steps
    assert [each.amount for each in added.lines] == [euros("18.95")]
    model.carry_out(changes, target)
    assert model.amount == Decimal("38.90")
