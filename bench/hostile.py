"""How long one hostile order keeps the process from everything else, at most.

Every kind is as large as the body may be, and goes the way of a body from the webhook to the planned sales order and
into the log. What is larger than `LARGE` is read in a thread of its own there; the event loop goes on meanwhile, and
what it is held for is measured by how late it is woken.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any, Final

from bench.figures import Figure, at_most
from local.stack import ROOT
from shared.errors import ErrorCode, RefusedError
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.orders.allocation import allocate, needs
from shared.mapping.orders.items import resolve
from shared.mapping.orders.plan import plan_sales_order
from shared.mapping.orders.proof import prove
from shared.mapping.orders.record import digest
from shared.mapping.shopify.events import order_id_of, read_signals
from shared.mapping.shopify.state import read_state
from shared.mapping.taxes.place import ship_to
from shared.model import Item, OnHand, Order
from shared.rules import StoreRules, load_store, load_tenant
from shared.settings import Secret
from shared.shopify.webhooks import verify_webhook
from shared.sync.orders.reading import LARGE, apart, read_json
from shared.telemetry import redact

type Payload = dict[str, Any]

_SMALL: Final = 250_000
_LARGEST: Final = 5_000_000
_MS_SMALL: Final = 100
_MS_PER_MB: Final = 300
_TICK: Final = 0.001
_BASE: Final[Payload] = json.loads((ROOT / "bench/order.json").read_text(encoding="utf-8"))

TEXTS: Final = {
    "letters": "a",
    "words": "a ",
    "dots": "a.",
    "at signs": "@",
    "addresses": "a@b.",
    "phones": "+1",
    "phones with dashes": "+1-",
    "tokens": "eyJ.",
    "tokens in one word": "eyJa",
    "marks": "\u0316\u0301",
    "joiners": "\U0001f468\u200d",
    "blanks": " ",
    "lines": "\n",
    "controls": "\x01",
    "accents": "é",
}
_MINI: Final[Payload] = {
    "id": 1,
    "quantity": 1,
    "title": "x",
    "sku": "S",
    "product_id": 1,
    "variant_id": 1,
    "gift_card": False,
    "requires_shipping": True,
    "tax_lines": [],
    "discount_allocations": [],
}


async def measure() -> list[Figure]:
    """The worst of all kinds, for bodies up to 250 KB and for the largest, and of the log's masking."""
    rules = load_store(ROOT / "config/stores/nordlys.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    await _held(_BASE, rules)  # what is loaded at the first order
    small = [(await _held(payload, rules, rounds=3), name) for name, payload in hostile(_SMALL)]
    large = [(await _held(payload, rules), name) for name, payload in hostile(_LARGEST)]
    masked = [(_seconds(unit * (_SMALL // len(unit))), name) for name, unit in TEXTS.items()]
    held, worst = max(small)
    held_large, worst_large = max(large)
    mask, worst_text = max(masked)
    per_mb = held_large * 1e3 / (_LARGEST / 1e6)
    return [
        at_most(f"event loop held by a body of 250 KB ({worst})", held * 1e3, "ms", _MS_SMALL),
        at_most(f"the same for 5 MB, for each MB ({worst_large})", per_mb, "ms", _MS_PER_MB),
        at_most(f"masking 250,000 characters for the log ({worst_text})", mask * 1e3, "ms", _MS_SMALL),
    ]


def hostile(size: int) -> Iterator[tuple[str, Payload]]:
    """Orders of about this many bytes, each with endless many of one thing."""
    for name, unit in TEXTS.items():
        text = unit * (size // len(json.dumps(unit, ensure_ascii=False).encode()[1:-1]))
        yield f"note of {name}", {**_BASE, "note": text}
        yield f"street of {name}", _with("shipping_address", address1=text)
        yield f"title of {name}", {**_BASE, "line_items": [{**_BASE["line_items"][0], "title": text}]}
        yield f"names of {name}", _with("customer", first_name=text[: len(text) // 2], last_name=text[len(text) // 2 :])
        yield f"tags of {name}", {**_BASE, "tags": text}
    attribute = {"name": "x", "value": "y"}
    yield "tags", {**_BASE, "tags": "a," * (size // 2)}
    yield "attributes", {**_BASE, "note_attributes": [attribute] * _times(attribute, size)}
    yield "brackets", {**_BASE, "note": None, "client_details": [[]] * (size // 4)}
    yield "digits", {**_BASE, "client_details": [int("9" * 4000)] * (size // 4002)}
    mini = {**_MINI, "price_set": _money("1.00")}
    tax = {"title": "t", "rate": 0.0001, "price_set": _money("0.00")}
    discount = {"amount_set": _money("0.00")}
    edited = {**mini, "quantity": 3, "current_quantity": 1, "tax_lines": [{**tax, "price_set": _money("0.10")}]}
    yield "lines", {**_BASE, "line_items": _numbered(mini, _times(mini, size))}
    yield "taxes", {**_BASE, "line_items": [{**mini, "tax_lines": [tax] * _times(tax, size)}]}
    yield "discounts", {**_BASE, "line_items": [{**mini, "discount_allocations": [discount] * _times(discount, size)}]}
    yield "edited lines", {**_BASE, "line_items": _numbered(edited, _times(edited, size))}
    for units in (1_000, 1_000_000):
        many = {**edited, "quantity": units}
        yield f"edits of {units:,} units", {**_BASE, "line_items": _numbered(many, _times(many, size))}
    yield "one edit of a million units", {**_BASE, "line_items": [{**edited, "quantity": 1_000_000}]}
    yield from _refunded(mini, size)


def _refunded(mini: Payload, size: int) -> Iterator[tuple[str, Payload]]:
    back = {"id": 1, "line_item_id": 1, "quantity": 1, "restock_type": "cancel", "subtotal_set": _money("1.00")}
    back |= {"total_tax_set": _money("0.00"), "subtotal": 1, "total_tax": 0}
    refund = {"id": 1, "order_id": _BASE["id"], "created_at": _BASE["created_at"], "refund_line_items": [back]}
    refund |= {"order_adjustments": [], "transactions": [], "refund_shipping_lines": []}
    count = _times(refund, size)
    line = {**mini, "quantity": count + 1, "current_quantity": 1}
    yield "refunds", {**_BASE, "line_items": [line], "refunds": _numbered(refund, count)}
    count = _times(back, size)
    line = {**mini, "quantity": count + 1, "current_quantity": 1}
    whole = {**refund, "refund_line_items": _numbered(back, count)}
    yield "lines of a refund", {**_BASE, "line_items": [line], "refunds": [whole]}


def _with(block: str, **changes: str) -> Payload:
    return {**_BASE, block: {**_BASE[block], **changes}}


def _money(amount: str) -> Payload:
    money = {"amount": amount, "currency_code": "EUR"}
    return {"shop_money": money, "presentment_money": money}


def _times(part: Payload, size: int) -> int:
    return size // len(json.dumps(part))


def _numbered(part: Payload, count: int) -> list[Payload]:
    return [{**part, "id": at + 1} for at in range(count)]


async def _held(payload: Payload, rules: StoreRules, *, rounds: int = 1) -> float:
    """For how many seconds the event loop was held at most, from the webhook to the plan; the best of the rounds, since
    other load on the machine only adds to it.
    """
    body = json.dumps(payload, ensure_ascii=False).encode()
    return min([await _once(body, rules) for _ in range(rounds)])


async def _once(body: bytes, rules: StoreRules) -> float:
    late = 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK)
            late = max(late, time.perf_counter() - began - _TICK)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(_TICK)
    try:
        await _handle(body, rules)
    except RefusedError:
        pass  # parked; the time until then counts
    finally:
        await asyncio.sleep(2 * _TICK)
        watching.cancel()
    return late


async def _handle(body: bytes, rules: StoreRules) -> None:
    """The stages of an order; between two of them the app waits for storage, F&O or Shopify."""
    _verify(body)
    await asyncio.sleep(0)
    is_large = len(body) > LARGE
    payload = await apart(partial(read_json, body), is_large=is_large)
    order_id_of(payload, "orders/updated")
    read_signals(payload)
    await asyncio.sleep(0)
    reading = partial(read_state, payload, store=rules.key, side=rules.currency_side)
    order = (await apart(reading, is_large=is_large)).order
    await asyncio.sleep(0)
    await _plan(order, rules)


def _verify(body: bytes) -> None:
    headers = {
        "x-shopify-topic": "orders/updated",
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(b"new", body, sha256)).decode(),
        "x-shopify-shop-domain": "shop",
        "x-shopify-webhook-id": "1",
    }
    secrets = [Secret("new")]
    verify_webhook(headers, body, secrets=secrets, shop_domain="shop")


async def _plan(order: Order, rules: StoreRules) -> None:
    """The app reads items, stock and the customer from F&O in between."""
    try:
        prove(order)
    except RefusedError as refusal:
        if refusal.code != ErrorCode.SUM_DIFFERS:
            raise
    await asyncio.sleep(0)
    digest(order, rules)
    items = resolve(order, rules, {line.sku: Item(line.sku or "x") for line in order.lines})
    much, nothing = Decimal(10_000_000), Decimal(0)
    on_hand = [OnHand(item, "EU", "AMS", much, nothing, much, nothing, nothing) for item in set(items.values())]
    await asyncio.sleep(0)
    found = allocate(needs(order, items), on_hand, rules, destination=ship_to(order), location_id=order.location_id)
    await asyncio.sleep(0)
    account = customer_identity(order, rules)
    customer_record(order, rules, account)
    await asyncio.sleep(0)
    plan_sales_order(order, rules, customer_account=account, items=items, allocation=found)


def _seconds(text: str) -> float:
    """To mask the text, the best of three."""
    times = []
    for _ in range(3):
        redact.cache_clear()
        began = time.perf_counter()
        redact(text)
        times.append(time.perf_counter() - began)
    return min(times)
