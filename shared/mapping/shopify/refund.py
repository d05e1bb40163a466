"""A refund as Shopify's webhooks give it -> Refund."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from shared.mapping.shopify.fields import (
    Amounts,
    Block,
    blocks,
    count,
    exact_text,
    identifier,
    moment,
    optional_block,
    optional_identifier,
    refuse,
    text,
)
from shared.mapping.shopify.terms import Terms
from shared.mapping.shopify.transaction import read_transactions
from shared.mapping.text import lines
from shared.model import Adjustment, AdjustmentReason, Money, Refund, RefundLine, Restock, total


def read_refund(block: Block, terms: Terms, path: str = "refund") -> Refund:
    """The refund without its order. Which of its goods had been shipped needs the order (read_state).

    An adjustment is positive when the buyer gets more: Shopify's sign is the opposite. Raises RefusedError
    NOT_AN_ORDER, NEGATIVE_AMOUNT and what read_transaction raises.
    """
    returned = optional_block(block, "return", path)
    refund = Refund(
        id=identifier(block, "id", path),
        order_id=identifier(block, "order_id", path),
        created_at=moment(block, "processed_at" if block.get("created_at") is None else "created_at", path),
        note=lines(exact_text(block, "note", path)),
        lines=_lines(block, terms.booked, path),
        adjustments=_adjustments(block, terms, terms.booked, path),
        duties=_duties(block, terms, terms.booked, path),
        transactions=read_transactions(blocks(block, "transactions", path), terms, f"{path}.transactions"),
        return_id=None if returned is None else identifier(returned, "id", f"{path}.return"),
    )
    if not terms.two_currencies:
        return refund
    presented = replace(
        refund,
        lines=_lines(block, terms.presented, path),
        adjustments=_adjustments(block, terms, terms.presented, path),
        duties=_duties(block, terms, terms.presented, path),
    )
    return replace(refund, presented=presented.worth(taxes_included=terms.taxes_included))


def _lines(block: Block, amounts: Amounts, path: str) -> tuple[RefundLine, ...]:
    return tuple(
        _line(each, amounts, f"{path}.refund_line_items[{at}]")
        for at, each in enumerate(blocks(block, "refund_line_items", path))
    )


def _line(block: Block, amounts: Amounts, path: str) -> RefundLine:
    restock = text(block, "restock_type", path)
    if restock not in set(Restock):
        refuse(path, "restock_type", block.get("restock_type"), "a documented one")
    return RefundLine(
        line_id=identifier(block, "line_item_id", path),
        quantity=count(block, "quantity", path, least=1),
        restock=Restock(restock),
        location_id=optional_identifier(block, "location_id", path),
        subtotal=amounts.required(block, "subtotal", path),
        tax=amounts.required(block, "total_tax", path),
    )


def _adjustments(block: Block, terms: Terms, amounts: Amounts, path: str) -> tuple[Adjustment, ...]:
    """Refunded shipping is one of them, and since 2024-04 a list of its own too: what both contain counts once."""
    found = [
        _adjustment(each, terms, amounts, f"{path}.order_adjustments[{at}]")
        for at, each in enumerate(blocks(block, "order_adjustments", path))
    ]
    shipping = [
        _shipping(each, amounts, f"{path}.refund_shipping_lines[{at}]")
        for at, each in enumerate(_optional_blocks(block, "refund_shipping_lines", path))
    ]
    if shipping and _sum(each for each in found if each.reason == AdjustmentReason.SHIPPING) == _sum(shipping):
        found = [each for each in found if each.reason != AdjustmentReason.SHIPPING]
    return (*shipping, *found)


def _sum(adjustments: Iterable[Adjustment]) -> tuple[Decimal, Decimal]:
    amounts = [(each.amount.amount, each.tax.amount) for each in adjustments]
    return sum((amount for amount, _ in amounts), Decimal(0)), sum((tax for _, tax in amounts), Decimal(0))


def _adjustment(block: Block, terms: Terms, amounts: Amounts, path: str) -> Adjustment:
    """Its tax is added to its amount, whatever the order's prices hold (REST: OrderAdjustment.tax_amount)."""
    amount = -amounts.required(block, "amount", path, signed=True)
    tax = -amounts.required(block, "tax_amount", path, signed=True)
    return Adjustment(_reason(block, path), amount + tax if terms.taxes_included else amount, tax)


def _shipping(block: Block, amounts: Amounts, path: str) -> Adjustment:
    subtotal = amounts.required(block, "subtotal_amount", path)
    return Adjustment(AdjustmentReason.SHIPPING, subtotal, amounts.required(block, "tax_amount", path))


def _reason(block: Block, path: str) -> str:
    """A kind of its own for shipping; else the reason in one word, as GraphQL has it ("Refund discrepancy")."""
    kind = text(block, "kind", path)
    if kind == AdjustmentReason.SHIPPING:
        return kind
    return (text(block, "reason", path) or kind or "discrepancy").casefold().replace(" ", "_")


def _duties(block: Block, terms: Terms, amounts: Amounts, path: str) -> Money:
    """Duties beside the lines; zero where duties_included says that the prices, and so the lines, contain them."""
    if terms.duties_included:
        return amounts.zero
    if block.get("total_duties_set") is not None:
        return amounts.optional(block, "total_duties_set", path)
    found = enumerate(_optional_blocks(block, "duties", path))
    return total((amounts.required(each, "amount", f"{path}.duties[{at}]") for at, each in found), amounts.currency)


def _optional_blocks(block: Block, key: str, path: str) -> list[Block]:
    return [] if block.get(key) is None else blocks(block, key, path)
