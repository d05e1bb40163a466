"""The mapping of one order, compared with reading its JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from bench.figures import Figure, at_most, microseconds
from local.stack import ROOT
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.orders.allocation import allocate, needs
from shared.mapping.orders.items import resolve
from shared.mapping.orders.plan import plan_sales_order
from shared.mapping.orders.proof import prove
from shared.mapping.orders.record import digest
from shared.mapping.shopify.order import read_order
from shared.mapping.taxes.place import ship_to
from shared.model import Item, OnHand
from shared.rules import StoreRules, load_store, load_tenant


def measure(payload: dict[str, Any]) -> list[Figure]:
    """`payload` is an order of five lines as Shopify's webhook has it, of the store nordlys."""
    body = json.dumps(payload).encode()
    rules = load_store(ROOT / "config/stores/nordlys.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    catalogue = {line["sku"]: Item(line["sku"]) for line in payload["line_items"]}
    on_hand = [_row(item) for item in catalogue.values()]
    parsed = json.loads(body, parse_float=Decimal)
    plain = microseconds(lambda: json.loads(body))
    exact = microseconds(lambda: json.loads(body, parse_float=Decimal))
    mapped = microseconds(lambda: _map(parsed, rules, catalogue, on_hand))
    return [
        Figure("order payload of 5 lines", len(body) / 1000, "kB"),
        Figure("json.loads of it", plain, "µs"),
        Figure("json.loads of it with exact decimals", exact, "µs"),
        Figure("mapping it (read, prove, digest, allocate, plan)", mapped, "µs"),
        at_most("mapping / json.loads", mapped / plain, "ratio", 12),
    ]


def _map(parsed: Any, rules: StoreRules, catalogue: dict[str, Item], on_hand: list[OnHand]) -> None:
    order = read_order(parsed, store=rules.key, side=rules.currency_side)
    prove(order)
    digest(order, rules)
    items = resolve(order, rules, catalogue)
    wanted = needs(order, items)
    allocation = allocate(wanted, on_hand, rules, destination=ship_to(order), location_id=order.location_id)
    account = customer_identity(order, rules)
    customer_record(order, rules, account)
    plan_sales_order(order, rules, customer_account=account, items=items, allocation=allocation)


def _row(item: Item) -> OnHand:
    nothing, much = Decimal(0), Decimal(1000)
    return OnHand(item, "EU", "AMS", much, nothing, much, nothing, nothing)
