"""A Shopify order as its webhooks and the REST API give it -> Order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.bounds import refuse_beyond_bounds
from shared.mapping.shopify.addresses import read_address
from shared.mapping.shopify.buyer import read_buyer
from shared.mapping.shopify.fields import (
    Amounts,
    Block,
    blocks,
    count,
    currency,
    exact_text,
    flag,
    identifier,
    moment,
    optional_block,
    optional_flag,
    optional_identifier,
    refuse,
    required_text,
    text,
    text_lines,
)
from shared.mapping.shopify.taxes import (
    TaxedPart,
    charged_taxes,
    read_taxed_duties,
    read_taxed_fees,
    read_taxes,
    with_taxes_of_duties,
)
from shared.mapping.shopify.tip import place_tip
from shared.model import (
    CurrencySide,
    LineKind,
    Money,
    Order,
    OrderLine,
    OrderRecord,
    ShippingLine,
    is_sample,
    total,
)

# Clocks of different machines, and orders that an app enters ahead, may differ by this much; more is a mistake.
_TOLERANCE: Final = timedelta(days=2)


def read_order(
    payload: Any,
    *,
    store: str,
    side: CurrencySide,
    now: datetime | None = None,
    known: OrderRecord | None = None,
) -> Order:
    """The order as a model value, its amounts on one side (shop or presentment currency).

    The payload comes from `json.loads(body, parse_float=Decimal)`. Other keys are ignored.
    Its quantities and amounts are those of the order as it was placed; read_state has what edits and refunds left.
    `now` bounds its dates from above. `known` is the order's record: a line that was booked keeps its kind, whatever
    became of its product.

    Raises RefusedError: ORDER_TOO_LARGE, NOT_AN_ORDER naming the JSON path, NEGATIVE_AMOUNT, DATE_ABSURD, NO_LINES,
    UNKNOWN_COUNTRY, TAX_RATE_UNCLEAR.
    Whether the amounts sum up is checked later (shared.mapping.orders.proof).
    """
    if type(payload) is not dict:
        refuse("", "the body", payload, "an object")
    refuse_beyond_bounds(payload)
    order_id = identifier(payload, "id", "")
    version, created_at, cancelled_at = _dates(payload, now)
    amounts = Amounts(side, currency(payload, _CURRENCY_KEYS[side], ""))
    is_test = flag(payload, "test", "")
    line_blocks = blocks(payload, "line_items", "")
    if not line_blocks:
        raise RefusedError(ErrorCode.NO_LINES)
    shipping_block = optional_block(payload, "shipping_address", "")
    billing_block = optional_block(payload, "billing_address", "")
    shipping_address = read_address(shipping_block, "shipping_address")
    billing_address = read_address(billing_block, "billing_address")
    destination = shipping_address or billing_address
    kinds = {line_id: line.kind for line_id, line in known.lines.items()} if known else {}
    taxes_included = flag(payload, "taxes_included", "")
    order_lines = tuple(
        _line(block, f"line_items[{at}]", amounts, kinds, included=taxes_included)
        for at, block in enumerate(line_blocks)
    )
    sample = is_sample(order_id, is_test=is_test)
    shipping = tuple(
        _shipping_line(block, f"shipping_lines[{at}]", amounts, included=taxes_included, sample=sample)
        for at, block in enumerate(blocks(payload, "shipping_lines", ""))
        if not optional_flag(block, "is_removed", f"shipping_lines[{at}]")
    )
    order_lines, shipping = _with_charged_taxes(order_lines, shipping, included=taxes_included)
    duties_included = optional_flag(payload, "duties_included", "")
    if duties_included:
        order_lines = tuple(
            replace(
                line,
                taxes=with_taxes_of_duties(line.taxes, block, f"line_items[{at}]", amounts, included=taxes_included),
            )
            for at, (line, block) in enumerate(zip(order_lines, line_blocks, strict=True))
        )
    _refuse_repeated_ids(order_lines)
    return Order(
        store=store,
        id=order_id,
        name=required_text(payload, "name", ""),
        version=version,
        created_at=created_at,
        cancelled_at=cancelled_at,
        currency=amounts.currency,
        taxes_included=taxes_included,
        lines=place_tip(payload, order_lines, line_blocks, amounts, kinds),
        shipping=shipping,
        duties=amounts.zero if duties_included else amounts.optional(payload, "original_total_duties_set", ""),
        additional_fees=amounts.optional(payload, "original_total_additional_fees_set", ""),
        cash_rounding=amounts.signed(payload, "total_cash_rounding_payment_adjustment_set", ""),
        total=amounts.required(payload, "total_price", ""),
        total_tax=amounts.required(payload, "total_tax", ""),
        buyer=read_buyer(
            payload,
            billing=billing_block,
            shipping=shipping_block,
            country=destination.country if destination else None,
        ),
        shipping_address=shipping_address,
        billing_address=billing_address,
        location_id=optional_identifier(payload, "location_id", ""),
        po_number=text(payload, "po_number", ""),
        note=text_lines(payload, "note", ""),
        attributes=_attributes(payload),
        tags=tuple(filter(None, (tag.strip() for tag in text(payload, "tags", "").split(",")))),
        is_test=is_test,
        channel=text(payload, "source_name", ""),
        taxed_duties=() if duties_included else read_taxed_duties(line_blocks, amounts, included=taxes_included),
        taxed_fees=read_taxed_fees(payload, amounts, included=taxes_included),
    )


_CURRENCY_KEYS: Final = {CurrencySide.SHOP: "currency", CurrencySide.PRESENTMENT: "presentment_currency"}


def _dates(payload: Block, now: datetime | None) -> tuple[datetime, datetime, datetime | None]:
    """updated_at, created_at, cancelled_at: nothing happens to an order after its last update, or after now."""
    updated_at = moment(payload, "updated_at", "")
    created_at = moment(payload, "created_at", "")
    cancelled_at = None if payload.get("cancelled_at") is None else moment(payload, "cancelled_at", "")
    for key, value, latest in (
        ("updated_at", updated_at, now),
        ("created_at", created_at, updated_at),
        ("cancelled_at", cancelled_at, updated_at),
    ):
        if value is not None and latest is not None and value - latest > _TOLERANCE:
            raise RefusedError(ErrorCode.DATE_ABSURD, field=key, value=value.isoformat())
    return updated_at, created_at, cancelled_at


def _with_charged_taxes(
    lines: tuple[OrderLine, ...], shipping: tuple[ShippingLine, ...], *, included: bool
) -> tuple[tuple[OrderLine, ...], tuple[ShippingLine, ...]]:
    """Lines and shipping without the tax lines that nothing was charged for."""
    parts = [
        *(TaxedPart(line.net, line.taxes) for line in lines),
        *(TaxedPart(line.net, line.taxes) for line in shipping),
    ]
    charged = charged_taxes(parts, included=included)
    taxed_lines = zip(lines, charged[: len(lines)], strict=True)
    taxed_shipping = zip(shipping, charged[len(lines) :], strict=True)
    return (
        tuple(line if taxes == line.taxes else replace(line, taxes=taxes) for line, taxes in taxed_lines),
        tuple(line if taxes == line.taxes else replace(line, taxes=taxes) for line, taxes in taxed_shipping),
    )


def _refuse_repeated_ids(order_lines: tuple[OrderLine, ...]) -> None:
    seen: set[int] = set()
    for position, line in enumerate(order_lines):
        if line.id in seen:
            refuse(f"line_items[{position}]", "id", line.id, "an id of its own")
        seen.add(line.id)


def _line(block: Block, path: str, amounts: Amounts, kinds: Mapping[int, LineKind], *, included: bool) -> OrderLine:
    line_id = identifier(block, "id", path)
    price = amounts.required(block, "price", path)
    quantity = count(block, "quantity", path, least=1)
    discount = _allocated(block, path, amounts)
    if price * quantity < discount:
        raise RefusedError(
            ErrorCode.NEGATIVE_AMOUNT, what=f"{path} after discounts", amount=price * quantity - discount
        )
    return OrderLine(
        id=line_id,
        kind=kinds.get(line_id) or _kind(block, path),
        sku=exact_text(block, "sku", path),
        title=text(block, "title", path),
        quantity=quantity,
        unit_price=price,
        discount=discount,
        taxes=read_taxes(block, path, amounts, net=price * quantity - discount, included=included),
        requires_shipping=flag(block, "requires_shipping", path),
        variant_id=optional_identifier(block, "variant_id", path),
        barcode=text(block, "barcode", path),
    )


def _kind(block: Block, path: str) -> LineKind:
    """By the line's product. A deleted product leaves its id; a tip is found later, by its amount."""
    if flag(block, "gift_card", path):
        return LineKind.GIFT_CARD
    product_id = optional_identifier(block, "product_id", path)
    variant_id = optional_identifier(block, "variant_id", path)
    return LineKind.CUSTOM if product_id is None and variant_id is None else LineKind.PRODUCT


def _shipping_line(block: Block, path: str, amounts: Amounts, *, included: bool, sample: bool) -> ShippingLine:
    """Since API version 2024-07 discounted_price counts every discount, so both ways to it must agree.

    They do not in the samples that Shopify sends as test notifications.
    """
    price = amounts.required(block, "price", path)
    discount = _allocated(block, path, amounts)
    discounted = amounts.required(block, "discounted_price", path)
    if price - discount != discounted and not sample:
        expected = f"{price - discount}, its price less its discount_allocations"
        refuse(path, "discounted_price", discounted, expected)
    return ShippingLine(
        id=identifier(block, "id", path),
        code=text(block, "code", path),
        title=text(block, "title", path),
        price=price,
        discount=discount,
        taxes=read_taxes(block, path, amounts, net=price - discount, included=included),
    )


def _allocated(block: Block, path: str, amounts: Amounts) -> Money:
    """The discounts as Shopify allocated them. (A line's total_discount is 0.00 even where there are some.)"""
    return total(
        (
            amounts.required(allocation, "amount", f"{path}.discount_allocations[{at}]")
            for at, allocation in enumerate(blocks(block, "discount_allocations", path))
        ),
        amounts.currency,
    )


def _attributes(payload: Block) -> tuple[tuple[str, str], ...]:
    if payload.get("note_attributes") is None:
        return ()
    return tuple(
        (text(each, "name", path), text_lines(each, "value", path))
        for path, each in (
            (f"note_attributes[{at}]", each) for at, each in enumerate(blocks(payload, "note_attributes", ""))
        )
    )
