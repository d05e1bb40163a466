"""A Shopify order as it is now, as its webhooks and the REST API give it -> OrderState."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.shopify.edits.agreements import AgreementNode, Agreements, as_agreed, read_agreements
from shared.mapping.shopify.edits.charges import charges_of, give_back_charges
from shared.mapping.shopify.edits.figures import Figures, figures_of, read_figures
from shared.mapping.shopify.edits.readings import reduce
from shared.mapping.shopify.edits.returns import (
    NOT_REFUNDED,
    as_refund,
    charge_fees,
    find_returned,
    may_have_come_back,
    read_return_fees,
    refuse_unclear,
)
from shared.mapping.shopify.edits.shares import Goods
from shared.mapping.shopify.fields import Block, blocks, count, identifier, moment, refuse, text
from shared.mapping.shopify.order import read_order
from shared.mapping.shopify.refund import read_refund
from shared.mapping.shopify.taxes import name_unusual_rates
from shared.mapping.shopify.terms import Terms, read_terms
from shared.model import (
    Adjustment,
    AdjustmentReason,
    CurrencySide,
    Money,
    OpenReturns,
    Order,
    OrderRecord,
    OrderState,
    Rate,
    Refund,
    RefundLine,
    RefundRecord,
    Restock,
    Risk,
)

_NOT_SHIPPED: Final = {"cancelled", "error", "failure"}
"""A fulfilment's status in REST, where it came to nothing."""
_UNDECIDED: Final = (Restock.NO_RESTOCK, Restock.LEGACY_RESTOCK)
"""Neither shows whether the goods had been shipped."""


def read_state(
    payload: Any,
    *,
    store: str,
    side: CurrencySide,
    now: datetime | None = None,
    known: OrderRecord | None = None,
    agreements: Sequence[AgreementNode] | None = None,
) -> OrderState:
    """What is to be delivered now, what was given back, what was shipped. The payload has no payments.

    The payload comes from `json.loads(body, parse_float=Decimal)`. An order with no edit and no refund is read as by
    read_order. Otherwise, line by line: removed units are gone; refunded units are gone if they were never shipped
    (restock type cancel, or no other when the fulfilments do not cover them: goods given back are not shipped later);
    what was delivered stays. The restock type of the refund lines shows afterwards which it was: CANCEL, or one of the
    others.

    `known` is the record of an order that is booked: lines keep their kind, and a refund that was decided about stays
    what it was, although its parcel is cancelled since.

    `agreements` are the order's sales agreements (shared.shopify.orders.fetch_agreements). They show what edits left of
    each line, for an order that was refused with STATE_SUM_DIFFERS without them; what came back in returns and is not
    refunded, for one whose `returned` is None without them; and the fees of returns, which belong to refunds.

    Raises RefusedError as read_order, read_refund and read_transaction do, STATE_SUM_DIFFERS if what is left does not
    sum to Shopify's current totals in any of the ways in which they can be understood, and RETURN_UNCLEAR.
    """
    order = read_order(payload, store=store, side=side, now=now, known=known)
    terms = read_terms(payload, side)
    parcels, first_shipped_at = _parcels(payload)
    shipped = _units_of(parcels)
    found = blocks(payload, "refunds", "")
    figures = read_figures(payload, terms.booked, duties_included=terms.duties_included)
    costs_now = _costs_now(payload, terms, figures)
    line_blocks = blocks(payload, "line_items", "")
    if not found and _complete(line_blocks) and figures == figures_of(order, figures):
        return OrderState(
            order=order,
            refunds=(),
            transactions=None,
            risk=Risk.NONE,
            shipped=shipped,
            parcels=parcels,
            rate=_rate(payload, terms),
            costs_now=costs_now,
            readings=name_unusual_rates(payload, order),
        )
    untaxed = _untaxed_shipping(order)
    refunds = [read_refund(block, terms, f"refunds[{at}]", untaxed_shipping=untaxed) for at, block in enumerate(found)]
    for refund in refunds:
        if refund.order_id != order.id:
            raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=f"refund {refund.id} is of order {refund.order_id}")
    fees = {} if agreements is None else read_return_fees(agreements, terms)
    refunds, open_fees = charge_fees(refunds, fees, known.refunds if known else {})
    refunds, found_fees = give_back_charges(refunds, charges_of(payload, order, terms, figures), terms)
    goods = _goods(line_blocks, refunds)
    returned, agreed = None, None
    if agreements is not None:
        agreed = read_agreements(agreements, terms.booked)
        goods, lines = find_returned(order, goods, refunds, agreed)
        returned = OpenReturns(lines, open_fees)
        if order.cancelled_at is None:
            refuse_unclear(order, goods, shipped)
    elif order.cancelled_at is not None or not may_have_come_back(goods, refunds, shipped):
        returned = OpenReturns()
    given_back = [*refunds, as_refund(returned, order)] if returned else refunds
    settled = _settle(given_back, goods, shipped, first_shipped_at, known.refunds if known else {})
    reduced, readings = _reduce(order, goods, settled, figures, agreed)
    return OrderState(
        order=reduced,
        refunds=tuple(_without_pending(refund) for refund in settled if refund.id != NOT_REFUNDED),
        transactions=None,
        risk=Risk.NONE,
        shipped=shipped,
        parcels=parcels,
        readings=(*name_unusual_rates(payload, order), *found_fees, *readings),
        rate=_rate(payload, terms),
        costs_now=costs_now,
        returned=returned,
    )


def _reduce(
    order: Order,
    goods: Mapping[int, Goods],
    refunds: Sequence[Refund],
    figures: Figures,
    agreements: Agreements | None,
) -> tuple[Order, tuple[str, ...]]:
    """What is left by the totals alone, where they explain it: so the order is read alike with agreements and without.
    Otherwise by what the agreements left of each line.
    """
    try:
        return reduce(order, goods, refunds, figures)
    except RefusedError as unclear:
        agreed = None if agreements is None else as_agreed(order, goods, agreements.lines)
        if agreed is None or unclear.code != ErrorCode.STATE_SUM_DIFFERS:
            raise
    reduced, readings = reduce(*agreed, refunds, figures)
    return reduced, (*readings, "edited lines have what the order's sales agreements left of them")


def _untaxed_shipping(order: Order) -> frozenset[int | None]:
    """The ids of the shipping lines without tax, and None if none of them is taxed."""
    untaxed = {line.id for line in order.shipping if not any(tax.amount for tax in line.taxes)}
    return frozenset(untaxed | {None} if len(untaxed) == len(order.shipping) else untaxed)


def _costs_now(payload: Block, terms: Terms, booked: Figures) -> tuple[Money, Money] | None:
    if not terms.two_currencies:
        return None
    presented = read_figures(payload, terms.presented, duties_included=terms.duties_included)
    return booked.total, presented.total


def _rate(payload: Block, terms: Terms) -> Rate | None:
    """Both totals of the order as it was placed are at its own rate; payments have rates of theirs."""
    if not terms.two_currencies:
        return None
    rate = Rate(terms.booked.required(payload, "total_price", ""), terms.presented.required(payload, "total_price", ""))
    return rate if rate.paid else None


def _without_pending(refund: Refund) -> Refund:
    """The refund without adjustments that only last while its money is on the way, which are not booked."""
    return replace(
        refund, adjustments=tuple(each for each in refund.adjustments if each.reason != AdjustmentReason.PENDING)
    )


def _complete(line_blocks: Sequence[Block]) -> bool:
    return all(block.get("current_quantity") in (None, block["quantity"]) for block in line_blocks)


def _parcels(payload: Block) -> tuple[Mapping[int, Mapping[int, int]], datetime | None]:
    """Fulfilment -> order line -> units, of those that left; and when the first one did."""
    parcels: dict[int, Counter[int]] = {}
    first: datetime | None = None
    for at, parcel in enumerate(blocks(payload, "fulfillments", "")):
        path = f"fulfillments[{at}]"
        if text(parcel, "status", path) in _NOT_SHIPPED:
            continue
        left = moment(parcel, "created_at", path)
        first = left if first is None else min(first, left)
        units = parcels.setdefault(identifier(parcel, "id", path), Counter())
        for position, line in enumerate(blocks(parcel, "line_items", path)):
            where = f"{path}.line_items[{position}]"
            units[identifier(line, "id", where)] += count(line, "quantity", where, least=0)
    return {parcel: dict(units) for parcel, units in parcels.items()}, first


def _units_of(parcels: Mapping[int, Mapping[int, int]]) -> Mapping[int, int]:
    units: Counter[int] = Counter()
    for lines in parcels.values():
        units.update(lines)
    return dict(units)


def _goods(line_blocks: Sequence[Block], refunds: Sequence[Refund]) -> dict[int, Goods]:
    """How many units of each line are left, and how many were removed, by the quantities."""
    refunded: Counter[int] = Counter()
    for refund in refunds:
        for line in refund.lines:
            refunded[line.line_id] += line.quantity
    known: dict[int, Goods] = {}
    for at, block in enumerate(line_blocks):
        path = f"line_items[{at}]"
        line_id = identifier(block, "id", path)
        ordered, back = count(block, "quantity", path, least=1), refunded.pop(line_id, 0)
        left = ordered - back
        if block.get("current_quantity") is not None:  # absent before API version 2024-01
            left = count(block, "current_quantity", path, least=0)
        if left + back > ordered:
            refuse(path, "current_quantity", left, f"{ordered - back} at most: {ordered} ordered, {back} refunded")
        known[line_id] = Goods(ordered=ordered, removed=ordered - left - back, left=left)
    for line_id in refunded:
        raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=f"line {line_id} is refunded but not in the order")
    return known


def _settle(
    refunds: Sequence[Refund],
    goods: Mapping[int, Goods],
    shipped: Mapping[int, int],
    first_shipped_at: datetime | None,
    known: Mapping[int, RefundRecord],
) -> tuple[Refund, ...]:
    """The refunds, oldest first, each line either of goods that never left or of goods that did.

    Shipping, duties and fees that were given back before the first parcel left are off the order as well. A refund that
    is known was decided about before.
    """
    unshipped = _unshipped(refunds, goods, shipped)
    settled = []
    for refund in sorted(refunds, key=lambda each: (each.created_at, each.id)):
        record = known.get(refund.id)
        cancelled = dict(record.cancelled) if record is not None and record.cancelled is not None else None
        changed = replace(
            refund, lines=tuple(part for line in refund.lines for part in _parts(line, unshipped, cancelled))
        )
        early = first_shipped_at is None or refund.created_at < first_shipped_at
        shipping = early if record is None else record.shipping_off_order
        duties = early if record is None else record.duties_off_order
        fees = early if record is None else record.fees_off_order
        settled.append(_off_the_order(changed, shipping=shipping, duties=duties, fees=fees))
    return tuple(settled)


def _off_the_order(refund: Refund, *, shipping: bool, duties: bool, fees: bool) -> Refund:
    off = {
        AdjustmentReason.SHIPPING.value: shipping,
        AdjustmentReason.DUTIES.value: duties,
        AdjustmentReason.FEES.value: fees,
    }
    adjustments = [replace(each, on_order=off.get(each.reason, False)) for each in refund.adjustments]
    if not duties or not refund.duties:
        return replace(refund, adjustments=tuple(adjustments))
    nothing = refund.duties * 0
    adjustments.append(Adjustment(AdjustmentReason.DUTIES, refund.duties, nothing, on_order=True))
    return replace(refund, adjustments=tuple(adjustments), duties=nothing)


def _unshipped(refunds: Sequence[Refund], goods: Mapping[int, Goods], shipped: Mapping[int, int]) -> dict[int, int]:
    """Units by line that were refunded or are left, and that no fulfilment covers."""
    kept = Counter({line_id: some.left for line_id, some in goods.items()})
    for refund in refunds:
        for line in refund.lines:
            if line.restock is not Restock.CANCEL:
                kept[line.line_id] += line.quantity
    return {line_id: max(0, units - shipped.get(line_id, 0)) for line_id, units in kept.items()}


def _parts(line: RefundLine, unshipped: dict[int, int], cancelled: dict[int, int] | None) -> list[RefundLine]:
    """The line, in two where some of its goods were shipped and some were not.

    `cancelled` are the units that the refund's record has as never shipped, by line; None without a record.
    """
    if cancelled is not None:
        early = min(line.quantity, cancelled.get(line.line_id, 0))
        cancelled[line.line_id] = cancelled.get(line.line_id, 0) - early
        if line.restock is Restock.CANCEL:
            line = replace(line, restock=Restock.NO_RESTOCK)
        else:
            unshipped[line.line_id] = max(0, unshipped[line.line_id] - early)
    elif line.restock not in _UNDECIDED:
        return [line]
    else:
        early = min(line.quantity, unshipped[line.line_id])
        unshipped[line.line_id] -= early
    if early in (0, line.quantity):
        return [line if not early else replace(line, restock=Restock.CANCEL)]
    weights = (early, line.quantity - early)
    subtotals, taxes = line.subtotal.split(weights), line.tax.split(weights)
    return [
        replace(line, quantity=quantity, restock=restock, subtotal=subtotal, tax=tax)
        for quantity, restock, subtotal, tax in zip(
            weights, (Restock.CANCEL, line.restock), subtotals, taxes, strict=True
        )
    ]
