"""Tax rates that are no fractions: percent figures, and none."""

from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, OrderState
from tests.builders.orders import Payload, line, order_payload, parsed, shipping_line, tax_line


def read(payload: Payload) -> OrderState:
    return read_state(parsed(payload), store="nordlys", side=CurrencySide.SHOP)


def tax(amount: str, shown: str | None) -> Payload:
    return tax_line(amount) | {"rate": None if shown is None else Decimal(shown)}


def sold(*taxes: Payload, price: str = "100.00", included: bool = True) -> Payload:
    return order_payload(lines=[line(price=price, taxes=list(taxes))], shipping=[], taxes_included=included)


def rate_of(payload: Payload) -> str:
    (tax,) = read(payload).order.lines[0].taxes
    return f"{tax.rate.normalize():f}"


@pytest.mark.parametrize(
    ("price", "included", "amount", "shown", "rate"),
    [
        ("100.00", True, "17.36", "21", "0.21"),  # 82.64 at 21 %
        ("100.00", False, "21.00", "21", "0.21"),
        ("100.00", False, "4.00", "4.0", "0.04"),
        ("100.00", False, "8.25", "8.25", "0.0825"),
        ("10.00", False, "15.00", "1.5", "1.5"),  # 150 %
        ("19.99", False, "4.20", "19", "0.21"),  # the figure is wrong: 19.99 at 21 % is 4.1979
        ("19.99", False, "1.65", None, "0.0825"),  # 1.649175; 8.3 % would be 1.66
        ("100.00", True, "17.36", None, "0.21"),
        ("100.00", False, "0.27", "4.0", "0.0027"),  # a charge by the order, not by its price
        ("0.00", False, "0.00", "21", "0.21"),
        ("100.00", False, "0.00", None, "0"),
        ("100.00", False, "21.50", "0.21", "0.21"),  # a fraction stands, whatever the amount
    ],
)
def test_a_rate_is_what_the_amounts_prove(price: str, *, included: bool, amount: str, shown: str | None, rate: str):
    assert rate_of(sold(tax(amount, shown), price=price, included=included)) == rate


def test_a_rate_that_is_absent_is_read_as_one_that_is_null():
    without = tax_line("21.00")
    del without["rate"]
    assert rate_of(sold(without, included=False)) == "0.21"


def test_rates_of_shipping_are_proved_too_and_both_are_told():
    payload = order_payload(
        lines=[line(price="100.00", taxes=[tax("17.36", "21")])],
        shipping=[shipping_line(price="10.00", taxes=[tax("1.74", None)])],
    )
    state = read(payload)
    assert state.order.shipping[0].taxes[0].rate == Decimal("0.21")
    assert state.readings == (
        "the rate of VAT, 21.0 in Shopify, is 0.21 by the amounts",
        "the rate of VAT, not given in Shopify, is 0.21 by the amounts",
    )


@pytest.mark.parametrize(
    ("price", "amount", "shown"),
    [
        ("0.00", "1.00", None),  # a tax on nothing
        ("0.00", "1.00", "21.0"),
        ("0.01", "0.01", "1.2"),  # 1.2 % and 120 % both are a cent
        ("1.00", "2.00", None),
    ],
)
def test_a_rate_that_the_amounts_do_not_give_is_refused(price: str, amount: str, shown: str | None):
    with pytest.raises(RefusedError) as refused:
        read(sold(tax(amount, shown), price=price, included=False))
    assert refused.value.code == "TAX_RATE_UNCLEAR"
    assert refused.value.details["where"] == "line_items[0].tax_lines[0]"
    assert refused.value.details["rate"] == (shown or "none")
