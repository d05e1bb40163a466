"""A refund as Shopify's webhooks give it -> Refund."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from shared.mapping.shopify.fields import (
    Amounts,
    Block,
    blocks,
    count,
    identifier,
    moment,
    optional_block,
    optional_identifier,
    refuse,
    text,
    text_lines,
)
from shared.mapping.shopify.terms import Terms
from shared.mapping.shopify.transaction import read_transactions
from shared.model import (
    Adjustment,
    AdjustmentReason,
    Money,
    Refund,
    RefundLine,
    Restock,
    Transaction,
    TransactionStatus,
    smallest_unit,
    total,
)


def read_refund(
    block: Block, terms: Terms, path: str = "refund", *, untaxed_shipping: Container[int | None] = ()
) -> Refund:
    """The refund without its order. Which of its goods had been shipped needs the order (read_state), as do the taxes
    of its duties and fees.

    `untaxed_shipping` has the ids of the order's shipping lines without tax, and None if no shipping line has any.

    An adjustment is positive when the buyer gets more: Shopify's sign is the opposite. Raises RefusedError
    NOT_AN_ORDER, NEGATIVE_AMOUNT and what read_transaction raises.
    """
    returned = optional_block(block, "return", path)
    transactions = read_transactions(blocks(block, "transactions", path), terms, f"{path}.transactions")
    pending = _pending_rows(block, terms, transactions, path)
    refund = Refund(
        id=identifier(block, "id", path),
        order_id=identifier(block, "order_id", path),
        created_at=moment(block, "processed_at" if block.get("created_at") is None else "created_at", path),
        note=text_lines(block, "note", path),
        lines=_lines(block, terms.booked, path),
        adjustments=_adjustments(block, terms, terms.booked, path, pending, untaxed_shipping=untaxed_shipping),
        duties=_duties(block, terms, terms.booked, path),
        transactions=transactions,
        return_id=None if returned is None else identifier(returned, "id", f"{path}.return"),
    )
    if not terms.two_currencies:
        return refund
    presented = replace(
        refund,
        lines=_lines(block, terms.presented, path),
        adjustments=_adjustments(block, terms, terms.presented, path, pending, untaxed_shipping=untaxed_shipping),
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


def _adjustments(
    block: Block,
    terms: Terms,
    amounts: Amounts,
    path: str,
    pending: frozenset[int],
    *,
    untaxed_shipping: Container[int | None],
) -> tuple[Adjustment, ...]:
    """Refunded shipping stands in the adjustments, tax included, and again in lines of its own: it counts once.
    Refunded fees are no adjustments of Shopify's, and come last.

    REST has the tax of refunded shipping in the adjustments alone, GraphQL in the lines alone.
    """
    found = [
        replace(
            each,
            reason=AdjustmentReason.PENDING
            if at in pending
            else AdjustmentReason.REFUND_DISCREPANCY
            if each.reason == AdjustmentReason.PENDING
            else each.reason,
        )
        for at, each in enumerate(_plain_adjustments(block, terms, amounts, path))
    ]
    fees = tuple(_fees(block, amounts, path))
    rows = _optional_blocks(block, "refund_shipping_lines", path)
    in_adjustments = [each for each in found if each.reason == AdjustmentReason.SHIPPING]
    if not in_adjustments:
        shipping = (
            _shipping(each, amounts, f"{path}.refund_shipping_lines[{at}]", untaxed_shipping)
            for at, each in enumerate(rows)
        )
        return (*shipping, *found, *fees)
    if rows:
        subtotals = [
            amounts.required(each, "subtotal_amount", f"{path}.refund_shipping_lines[{at}]")
            for at, each in enumerate(rows)
        ]
        _require_same_shipping(total(subtotals, amounts.currency), in_adjustments, len(rows), path)
    return (*found, *fees)


def _fees(block: Block, amounts: Amounts, path: str) -> Iterator[Adjustment]:
    """Additional fees given back. Shopify shows no tax of them here, and GraphQL does not show them at all."""
    amount = amounts.optional(block, "total_additional_fees_set", path)
    if block.get("total_additional_fees_set") is None:
        rows = enumerate(_optional_blocks(block, "additional_fees", path))
        amount = total(
            (amounts.required(each, "price", f"{path}.additional_fees[{at}]") for at, each in rows), amounts.currency
        )
    if amount:
        yield Adjustment(AdjustmentReason.FEES, amount, amounts.zero)


def _require_same_shipping(lines: Money, adjustments: Sequence[Adjustment], count: int, path: str) -> None:
    """Refuses shipping of which lines and adjustments give different amounts, beyond the rounding of each line."""
    adjusted = total((each.amount for each in adjustments), lines.currency)
    before_tax = total((each.amount - each.tax for each in adjustments), lines.currency)
    rounding = smallest_unit(lines.currency) * count
    if min(abs(lines - adjusted).amount, abs(lines - before_tax).amount) > rounding:
        refuse(path, "refund_shipping_lines", str(lines), f"{adjusted} as in order_adjustments")


def _plain_adjustments(block: Block, terms: Terms, amounts: Amounts, path: str) -> list[Adjustment]:
    return [
        _adjustment(each, terms, amounts, f"{path}.order_adjustments[{at}]")
        for at, each in enumerate(blocks(block, "order_adjustments", path))
    ]


def _pending_rows(block: Block, terms: Terms, transactions: Sequence[Transaction], path: str) -> frozenset[int]:
    """The positions of the adjustments that only say that money of the refund is, or was, on its way.

    Shopify writes "Refund discrepancy" +X for a pending transaction of X, and "Pending refund discrepancy" -X when it
    succeeds: the two cancel out, so that the refund is worth the same before and after. A row without its counterpart
    is an adjustment like any other; one of +X that is called pending already is the older form of the first row.
    """
    amounts = terms.presented if terms.two_currencies else terms.booked
    gained = [each.amount for each in _plain_adjustments(block, terms, amounts, path)]
    reasons = [_reason(each, path) for each in blocks(block, "order_adjustments", path)]
    open_rows = [at for at, reason in enumerate(reasons) if reason == AdjustmentReason.REFUND_DISCREPANCY]
    found = {at for at, reason in enumerate(reasons) if reason == AdjustmentReason.PENDING and gained[at].amount < 0}
    reversals = [
        (at, -gained[at]) for at, reason in enumerate(reasons) if reason == AdjustmentReason.PENDING and at not in found
    ]
    on_the_way = [(None, -each.paid) for each in transactions if each.status is TransactionStatus.PENDING]
    for reversal, amount in (*reversals, *on_the_way):
        row = next((at for at in open_rows if gained[at] == amount), None)
        if row is not None:
            open_rows.remove(row)
            found |= {row} if reversal is None else {row, reversal}
    return frozenset(found)


def _adjustment(block: Block, terms: Terms, amounts: Amounts, path: str) -> Adjustment:
    """Its tax is added to its amount, whatever the order's prices hold (REST: OrderAdjustment.tax_amount)."""
    amount = -amounts.required(block, "amount", path, signed=True)
    tax = -amounts.required(block, "tax_amount", path, signed=True)
    return Adjustment(_reason(block, path), amount + tax if terms.taxes_included else amount, tax)


def _shipping(block: Block, amounts: Amounts, path: str, untaxed_shipping: Container[int | None]) -> Adjustment:
    """A refund without adjustments shows the tax in `tax_amount_set` or not at all: then there must be none to give
    back.
    """
    subtotal = amounts.required(block, "subtotal_amount", path)
    is_shown = block.get("tax_amount_set") is not None or block.get("tax_amount") is not None
    is_untaxed = None in untaxed_shipping or optional_identifier(block, "shipping_line_id", path) in untaxed_shipping
    tax = amounts.required(block, "tax_amount", path) if is_shown or not is_untaxed else amounts.zero
    return Adjustment(AdjustmentReason.SHIPPING, subtotal, tax)


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
