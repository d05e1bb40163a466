from dataclasses import replace

import pytest

from shared.mapping.orders.record import digest
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide, DeliveryMethod
from tests.builders.orders import Payload, address, line, order_payload, parsed, tax_line
from tests.builders.sales import EU, with_rules

RULES = with_rules(EU, orders={"hold_tag": "Check", "requested_date_attribute": "deliver on"})


def digest_of(payload: Payload) -> str:
    return digest(read_order(parsed(payload), store="nordlys", side=CurrencySide.SHOP), RULES)


def test_the_digest_is_the_same_in_every_process():
    assert digest_of(order_payload()) == digest_of(order_payload())
    assert len(digest_of(order_payload())) == 64


@pytest.mark.parametrize(
    "same",
    [
        {"updated_at": "2026-11-22T11:00:00+01:00"},
        {"created_at": "2026-11-22T09:15:00Z"},
        {"financial_status": "refunded"},
        {"line_items": [line(price="10.000")]},
        {"note": "Leave at the door"},
        {"tags": "vip"},
        {"note_attributes": [{"name": "gift", "value": "yes"}]},
    ],
)
def test_an_update_that_changes_nothing_keeps_the_digest(same: Payload):
    assert digest_of(order_payload() | same) == digest_of(order_payload())


@pytest.mark.parametrize(
    "change",
    [
        {"cancelled_at": "2026-11-22T10:15:01+01:00"},
        {"created_at": "2026-11-22T10:15:01+01:00"},
        {"tags": "vip, CHECK"},
        {"note_attributes": [{"name": "deliver on", "value": "2026-12-24"}]},
        {"shipping_address": address(city="Utrecht")},
        {"shipping_address": None},
        {"line_items": [line(quantity=2)]},
        {"line_items": [line(sku="SKU-12")]},
        {"line_items": [line(taxes=[tax_line("1.00")])]},
        {"total_price_set": None, "total_price": "15.01"},
        {"customer": None},
    ],
)
def test_what_means_something_to_the_business_changes_the_digest(change: Payload):
    assert digest_of(order_payload() | change) != digest_of(order_payload())


def test_what_only_graphql_has_keeps_the_digest():
    order = read_order(parsed(order_payload()), store="nordlys", side=CurrencySide.SHOP)
    fetched = tuple(replace(each, barcode="8710400000013") for each in order.lines)
    assert digest(replace(order, lines=fetched), RULES) == digest(order, RULES)
    assert digest(replace(order, delivery=DeliveryMethod.PICK_UP, served_by=1), RULES) == digest(order, RULES)


def test_only_the_version_is_left_out():
    order = read_order(parsed(order_payload()), store="nordlys", side=CurrencySide.SHOP)
    assert digest(replace(order, store="prairie"), RULES) != digest(order, RULES)
    assert digest(replace(order, version=order.created_at), RULES) == digest(order, RULES)
