from dataclasses import FrozenInstanceError, replace

import pytest

from shared.errors import RefusedError
from shared.mapping.evidence import Proof
from shared.mapping.orders.proof import prove
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide, Order, total
from tests.builders.orders import (
    custom_line,
    line,
    money_set,
    order_payload,
    parsed,
    shipping_line,
    tax_line,
    tip_line,
)


def order_of(**parts) -> Order:
    return read_order(parsed(order_payload(**parts)), store="nordlys", side=CurrencySide.SHOP)


def amounts(evidence: Proof) -> dict[str, str]:
    return {row.name: str(row.shopify) for row in evidence.components}


def test_the_evidence_names_every_part():
    evidence = prove(
        order_of(
            lines=[
                line(1, price="10.00", quantity=2, discounts=["1.00"], taxes=[tax_line("3.99")]),
                custom_line(2, price="4.00"),
                line(3, price="25.00", gift_card=True),
                tip_line("3.00", 4),
            ],
            shipping=[shipping_line(price="5.00", discounts=["2.00"], taxes=[tax_line("0.63")])],
            taxes_included=False,
            tip="3.00",
            duties="6.00",
            fees="0.50",
            total_cash_rounding_payment_adjustment_set=money_set("0.03"),
        )
    )
    assert evidence.as_dict() == {
        "subject": "#1001",
        "components": [
            {"name": "products", "shopify": "20.00 EUR"},
            {"name": "custom lines", "shopify": "4.00 EUR"},
            {"name": "gift cards sold", "shopify": "25.00 EUR"},
            {"name": "tips", "shopify": "3.00 EUR"},
            {"name": "discounts", "shopify": "-1.00 EUR"},
            {"name": "shipping", "shopify": "5.00 EUR"},
            {"name": "shipping discounts", "shopify": "-2.00 EUR"},
            {"name": "tax", "shopify": "4.62 EUR"},
            {"name": "duties", "shopify": "6.00 EUR"},
            {"name": "additional fees", "shopify": "0.50 EUR"},
        ],
        "totals": [
            {"name": "total tax", "shopify": "4.62 EUR"},
            {"name": "cash rounding", "shopify": "0.03 EUR"},
            {"name": "total", "shopify": "65.12 EUR"},
        ],
        "notes": ["tax on top of prices", "tip is a line", "cash rounding settled with the payment"],
    }
    assert total((row.shopify for row in evidence.components), "EUR") == evidence.total


def test_tax_within_the_prices_is_no_part_of_the_sum():
    evidence = prove(order_of(lines=[line(taxes=[tax_line("1.74")])], taxes_included=True))
    assert amounts(evidence) == {"products": "10.00 EUR", "shipping": "5.00 EUR"}
    assert (str(evidence.row("total tax").shopify), evidence.notes) == ("1.74 EUR", ("prices include tax",))


def test_a_tip_without_a_line_is_recorded_as_such():
    evidence = prove(order_of(tip="3.00"))
    assert amounts(evidence)["tips"] == "3.00 EUR"
    assert evidence.notes == ("prices include tax", "tip beside the lines")


def test_a_tip_that_the_total_does_not_hold_is_refused():
    with pytest.raises(RefusedError) as caught:
        prove(order_of(total_tip_received="3.00"))
    assert (caught.value.code, caught.value.details["difference"]) == ("SUM_DIFFERS", "3.00 EUR")


def test_cash_rounding_in_the_total_is_refused():
    rounded = {"total_cash_rounding_payment_adjustment_set": money_set("0.03"), "total_price_set": money_set("15.03")}
    with pytest.raises(RefusedError) as caught:
        prove(order_of(**rounded))
    assert (caught.value.code, caught.value.details["difference"]) == ("SUM_DIFFERS", "-0.03 EUR")


def test_a_total_that_is_off_by_a_cent_is_refused():
    with pytest.raises(RefusedError) as caught:
        prove(order_of(total_price_set=money_set("15.01")))
    assert caught.value.code == "SUM_DIFFERS"
    assert caught.value.proof == {
        "subject": "#1001",
        "lines": [
            {"name": "1 x SKU-11", "shopify": "10.00 EUR"},
            {"name": "shipping: Standard", "shopify": "5.00 EUR"},
        ],
        "components": [{"name": "products", "shopify": "10.00 EUR"}, {"name": "shipping", "shopify": "5.00 EUR"}],
        "totals": [
            {"name": "total of the parts", "shopify": "15.00 EUR"},
            {"name": "total", "shopify": "15.01 EUR", "difference": "-0.01 EUR"},
        ],
        "notes": ["prices include tax"],
    }
    assert caught.value.details == {"sum": "15.00 EUR", "total": "15.01 EUR", "difference": "-0.01 EUR"}


def test_taxes_that_do_not_sum_up_are_refused_even_within_prices():
    with pytest.raises(RefusedError) as caught:
        prove(order_of(lines=[line(taxes=[tax_line("1.74")])], total_tax_set=money_set("1.75")))
    assert (caught.value.code, caught.value.details["sum"]) == ("SUM_DIFFERS", "1.74 EUR of tax")
    assert caught.value.proof["taxes"] == [{"name": "VAT 21 % on 1 x SKU-11", "shopify": "1.74 EUR"}]
    assert caught.value.proof["totals"][:2] == [
        {"name": "total tax of the parts", "shopify": "1.74 EUR"},
        {"name": "total tax", "shopify": "1.75 EUR", "difference": "-0.01 EUR"},
    ]


def test_the_sample_order_is_never_booked_even_if_it_adds_up():
    with pytest.raises(RefusedError) as caught:
        prove(order_of(test=True, id=820982911946154508))
    assert caught.value.code == "TEST_NOTIFICATION"


def test_a_test_order_of_a_shop_is_proved_like_any_other():
    assert str(prove(order_of(test=True)).total) == "15.00 EUR"
    with pytest.raises(RefusedError) as caught:
        prove(order_of(test=True, total_price_set=money_set("15.01")))
    assert caught.value.code == "SUM_DIFFERS"


def test_evidence_cannot_be_altered():
    evidence = prove(order_of())
    with pytest.raises(FrozenInstanceError):
        evidence.subject = "another"  # type: ignore[misc]  # that it is refused is the point


def test_a_line_missing_from_the_model_is_noticed():
    order = order_of(lines=[line(1), line(2)])
    with pytest.raises(RefusedError, match="SUM_DIFFERS"):
        prove(replace(order, lines=order.lines[:1]))
