"""What is remembered of an order: the decisions about it, from which later events start, and a fingerprint of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from shared.mapping.orders.holds import is_hold_tag_among
from shared.mapping.orders.plan import SalesOrderPlan
from shared.model import (
    COMPONENTS,
    Address,
    AdjustmentReason,
    Buyer,
    Component,
    CurrencySide,
    Item,
    LineKind,
    LineRecord,
    Money,
    Order,
    OrderLine,
    OrderRecord,
    Refund,
    RefundRecord,
    Restock,
    ShippingLine,
    TaxedCharge,
    TaxLine,
)
from shared.rules import StoreRules

_KINDS: Final[Mapping[Component, LineKind]] = {component: kind for kind, component in COMPONENTS.items()}


def add_lines(record: OrderRecord, order: Order, items: Mapping[int, Item]) -> OrderRecord:
    """The record with the order's lines that it does not have yet; `items` is by order line id."""
    new = {
        line.id: LineRecord(line.kind, items[line.id], line.sku, line.variant_id)
        for line in order.lines
        if line.id not in record.lines
    }
    return replace(record, lines={**record.lines, **new}) if new else record


def add_refunds(record: OrderRecord, refunds: Iterable[Refund]) -> OrderRecord:
    """The record with the refunds that it does not have yet, as the state divides them."""
    new = {refund.id: _refund_record(refund) for refund in refunds if refund.id not in record.refunds}
    return replace(record, refunds={**record.refunds, **new}) if new else record


def with_decisions(record: OrderRecord, plan: SalesOrderPlan) -> OrderRecord:
    """The record with the place of sale, the tax groups and how the goods are delivered, as the plan has them."""
    return replace(
        record,
        place=plan.place,
        tax_groups={**record.tax_groups, **plan.tax_groups},
        delivery_modes={**record.delivery_modes, **plan.delivery_modes},
        delivery=plan.delivery or record.delivery,
        served_by=plan.served_by if plan.delivery is not None else record.served_by,
    )


def reconstruct(side: CurrencySide, lines: Iterable[tuple[str, Item]], credited: Mapping[int, bool]) -> OrderRecord:
    """The record of an order that a release without records booked.

    `lines` are F&O's lines: what each stands for in Shopify (source_of), and its item. `credited` is, by refund id,
    whether a booked refund has documents of its own; one without any made the sales order smaller.
    """
    known: dict[int, LineRecord] = {}
    for source, item in lines:
        component, _, shopify_id = source.rpartition(":")
        kind = _KINDS.get(Component(component))
        if kind is not None:
            known[int(shopify_id)] = LineRecord(kind, item)
    return OrderRecord(
        side=side,
        lines=known,
        refunds={
            refund_id: RefundRecord(
                cancelled=None,
                shipping_off_order=not has_documents,
                duties_off_order=not has_documents,
                fees_off_order=not has_documents,
            )
            for refund_id, has_documents in credited.items()
        },
        is_reconstructed=True,
    )


def _refund_record(refund: Refund) -> RefundRecord:
    cancelled: Counter[int] = Counter()
    for line in refund.lines:
        if line.restock is Restock.CANCEL:
            cancelled[line.line_id] += line.quantity
    off_order = {each.reason for each in refund.adjustments if each.on_order}
    return RefundRecord(
        cancelled=dict(cancelled),
        shipping_off_order=AdjustmentReason.SHIPPING in off_order,
        duties_off_order=AdjustmentReason.DUTIES in off_order,
        fees_off_order=AdjustmentReason.FEES in off_order,
        return_fees=refund.return_fees,
    )


def digest(order: Order, rules: StoreRules) -> str:
    """SHA-256, in hex, over all of the order that reaches F&O: not its version, its note, or tags and attributes
    without a rule.

    Equal amounts (5.0, 5.00) and equal instants (another offset) give equal digests.
    """
    heard = replace(
        order,
        note="",
        tags=("hold",) if is_hold_tag_among(order.tags, rules) else (),
        attributes=tuple(each for each in order.attributes if each[0] == rules.orders.requested_date_attribute),
    )
    content = json.dumps(_plain(heard), default=_plain, separators=(",", ":"))
    return sha256(content.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A value of the model as JSON knows it: amounts as shortest strings, instants in UTC, the rest as lists."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return _PARTS[type(value)](value)


_LEFT_OUT: Final = {
    (Order, "version"),
    (Order, "delivery"),
    (Order, "served_by"),
    (OrderLine, "variant_id"),
    (OrderLine, "barcode"),
}
"""Webhooks have no barcode and no delivery method; the latter is recorded. The id of a variant goes when its product is
deleted, which changes nothing of the order.
"""
_PARTS: Final[Mapping[type, Callable[[Any], tuple[Any, ...]]]] = {
    kind: attrgetter(*(field.name for field in fields(kind) if (kind, field.name) not in _LEFT_OUT))
    for kind in (Order, OrderLine, ShippingLine, TaxedCharge, TaxLine, Money, Buyer, Address)
}
