"""For any consistent order the money is read and proved; a single amount off by the smallest unit never passes."""

from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import RefusedError
from shared.mapping.evidence import Proof
from shared.mapping.orders.proof import prove
from shared.mapping.orders.record import digest
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide, Money, minor_digits, total
from tests.builders.orders import (
    Payload,
    custom_line,
    in_presentment,
    line,
    order_payload,
    parsed,
    shipping_line,
    tax_line,
    tip_line,
)
from tests.builders.sales import EU

# How long an example takes says something about the machine, not about the order.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CURRENCIES = ("EUR", "JPY", "KWD")
PRESENTMENT = {"EUR": ("JPY", 100), "JPY": ("EUR", 2), "KWD": ("JPY", 1000)}


def written(units: int, currency: str) -> str:
    digits = minor_digits(currency)
    return format(Decimal(units).scaleb(-digits), f".{digits}f")


@st.composite
def taxes(draw: st.DrawFn, currency: str) -> list[Payload]:
    amounts = draw(st.lists(st.integers(0, 5_000), max_size=3))
    return [tax_line(written(amount, currency), currency=currency) for amount in amounts]


@st.composite
def sold_line(draw: st.DrawFn, currency: str, line_id: int) -> Payload:
    units, quantity = draw(st.integers(0, 100_000)), draw(st.integers(1, 9))
    first = draw(st.integers(0, units * quantity))
    second = draw(st.integers(0, units * quantity - first))
    make = draw(st.sampled_from([line, custom_line]))
    return make(
        line_id,
        price=written(units, currency),
        quantity=quantity,
        discounts=[written(each, currency) for each in (first, second) if each],
        taxes=draw(taxes(currency)),
        currency=currency,
        gift_card=draw(st.booleans()),
    )


@st.composite
def delivery(draw: st.DrawFn, currency: str, line_id: int) -> Payload:
    units = draw(st.integers(0, 5_000))
    discount = draw(st.integers(0, units))
    return shipping_line(
        line_id,
        price=written(units, currency),
        discounts=[written(discount, currency)] if discount else [],
        taxes=draw(taxes(currency)),
        currency=currency,
    )


@st.composite
def orders(draw: st.DrawFn) -> Payload:
    """A consistent order with a presentment side, in a currency with two, no or three decimals."""
    currency = draw(st.sampled_from(CURRENCIES))
    lines = [draw(sold_line(currency, 1 + at)) for at in range(draw(st.integers(1, 4)))]
    tip = draw(st.sampled_from([0, 2, 300]))
    if tip:
        lines.append(tip_line(written(tip, currency), 90, currency=currency))
    amount = st.none() | st.integers(0, 3_000).map(lambda units: written(units, currency))
    payload = order_payload(
        lines=lines,
        shipping=[draw(delivery(currency, 51 + at)) for at in range(draw(st.integers(0, 2)))],
        currency=currency,
        taxes_included=draw(st.booleans()),
        tip=written(tip, currency),
        duties=draw(amount),
        fees=draw(amount),
    )
    return parsed(in_presentment(payload, *PRESENTMENT[currency]))


@dataclass(frozen=True)
class Place:
    """Where an amount stands in a payload: its block, and the key of its set there."""

    block: Payload
    key: str

    def shift(self, units: int, side: CurrencySide) -> None:
        money = self.block[self.key]["shop_money" if side is CurrencySide.SHOP else "presentment_money"]
        currency = money["currency_code"]
        shifted = Decimal(money["amount"]) + Decimal(units).scaleb(-minor_digits(currency))
        money["amount"] = format(shifted, "f")


def places(payload: Payload) -> list[Place]:
    """Every amount that the total depends on. (Cash rounding is settled with the payment, beside the total.)"""
    keys = ("total_price_set", "total_tax_set", "original_total_duties_set", "original_total_additional_fees_set")
    parts = (*payload["line_items"], *payload["shipping_lines"])
    return [
        *(Place(payload, key) for key in keys if payload[key]),
        *(Place(part, key) for part in parts for key in ("price_set", "discounted_price_set") if key in part),
        *(Place(tax, "price_set") for part in parts for tax in part["tax_lines"]),
        *(Place(each, "amount_set") for part in parts for each in part["discount_allocations"]),
    ]


def read_and_prove(payload: Any, side: CurrencySide) -> Proof:
    return prove(read_order(payload, store="nordlys", side=side))


@unhurried
@given(payload=orders(), side=st.sampled_from(CurrencySide))
def test_a_consistent_order_is_read_and_proved(payload: Payload, side: CurrencySide):
    untouched = deepcopy(payload)
    order = read_order(payload, store="nordlys", side=side)
    evidence = prove(order)
    assert total((row.shopify for row in evidence.components), order.currency) == order.total
    assert order.total.is_whole()
    assert digest(order, EU) == digest(read_order(payload, store="nordlys", side=side), EU)
    assert payload == untouched


@unhurried
@given(payload=orders(), side=st.sampled_from(CurrencySide), units=st.sampled_from([-1, 1]), data=st.data())
def test_a_single_amount_off_by_one_unit_is_always_refused(
    payload: Payload, side: CurrencySide, units: int, data: st.DataObject
):
    found = places(payload)
    place = found[data.draw(st.integers(0, len(found) - 1))]
    place.shift(units, side)
    with pytest.raises(RefusedError) as refused:
        read_and_prove(payload, side)
    assert refused.value.code in {"SUM_DIFFERS", "NEGATIVE_AMOUNT", "NOT_AN_ORDER"}


@unhurried
@given(payload=orders(), units=st.sampled_from([-1, 1]))
def test_a_tip_off_by_one_unit_is_always_refused(payload: Payload, units: int):
    currency = payload["currency"]
    tip = int(Decimal(payload["total_tip_received"]).scaleb(minor_digits(currency))) + units
    payload["total_tip_received"] = written(tip, currency)
    with pytest.raises(RefusedError) as refused:
        read_and_prove(payload, CurrencySide.SHOP)
    assert refused.value.code in {"SUM_DIFFERS", "NEGATIVE_AMOUNT"}


@unhurried
@given(payload=orders(), side=st.sampled_from(CurrencySide))
def test_the_other_side_is_never_mixed_in(payload: Payload, side: CurrencySide):
    order = read_order(payload, store="nordlys", side=side)
    amounts = [order.total, order.total_tax, order.duties, order.additional_fees, order.cash_rounding]
    amounts += [each for part in order.lines for each in (part.unit_price, part.discount, part.net)]
    amounts += [each for part in order.shipping for each in (part.price, part.discount)]
    amounts += [tax.amount for tax in order.taxes]
    key = "currency" if side is CurrencySide.SHOP else "presentment_currency"
    assert {each.currency for each in amounts} == {payload[key]}


@unhurried
@given(
    units=st.integers(-(10**12), 10**12),
    currency=st.sampled_from(CURRENCIES),
    weights=st.lists(st.integers(0, 10**6) | st.decimals(0, 10**6, places=3), min_size=1, max_size=20).filter(any),
)
def test_shares_of_an_amount_sum_to_it_and_are_fair(units: int, currency: str, weights: list[int | Decimal]):
    amount = Money(Decimal(written(units, currency)), currency)
    shares = amount.split(weights)
    assert total(shares, currency) == amount
    assert all(share.is_whole() for share in shares)
    unit, everything = Decimal(1).scaleb(-minor_digits(currency)), sum(map(Decimal, weights))
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.amount - amount.amount * Decimal(weight) / everything) < unit


@unhurried
@given(amount=st.decimals(-(10**9), 10**9, places=6), currency=st.sampled_from(CURRENCIES))
def test_rounding_moves_an_amount_by_half_a_unit_at_most(amount: Decimal, currency: str):
    money = Money(amount, currency)
    assert money.rounded().is_whole()
    assert abs((money.rounded() - money).amount) * 2 <= Decimal(1).scaleb(-minor_digits(currency))
    assert money.rounded().rounded() == money.rounded()
    assert -(money.rounded()) == (-money).rounded()
