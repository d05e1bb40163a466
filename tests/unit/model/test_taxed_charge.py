"""A charge with its taxes: added up, and the share that a part of the order has."""

from dataclasses import replace
from decimal import Decimal

from shared.model.order import TaxedCharge
from tests.builders.sales import euros, tax

CHARGE = TaxedCharge(euros("10.00"), (tax(euros("2.10")), replace(tax(euros("0.31")), rate=Decimal("0.03"))))


def test_a_share_of_a_charge_has_the_same_share_of_each_tax_rounded() -> None:
    third = CHARGE.scaled(euros("20.00"), euros("60.00"))
    assert third.amount == euros("3.33")
    assert [each.amount for each in third.taxes] == [euros("0.70"), euros("0.10")]
    assert [each.rate for each in third.taxes] == [each.rate for each in CHARGE.taxes]


def test_the_whole_is_not_rounded() -> None:
    exact = TaxedCharge(euros("3.333"), ())
    assert exact.scaled(euros("7.00"), euros("7.00")) == exact


def test_charges_with_the_same_taxes_add_up_tax_by_tax() -> None:
    both = CHARGE.plus(euros("1.00"), (tax(euros("0.21")), tax(euros("0.03"))))
    assert (both.amount, [each.amount for each in both.taxes]) == (euros("11.00"), [euros("2.31"), euros("0.34")])
