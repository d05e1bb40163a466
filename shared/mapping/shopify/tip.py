"""Where a payload has an order's tip: as one of the lines, or beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.shopify.fields import Amounts, Block, currency, identifier
from shared.model import CurrencySide, LineKind, Money, OrderLine, total

_TIP_TITLE: Final = "tip"


def place_tip(
    payload: Block,
    lines: tuple[OrderLine, ...],
    line_blocks: list[Block],
    amounts: Amounts,
    recorded: Mapping[int, LineKind],
) -> tuple[OrderLine, ...]:
    """The order's lines, with its tip among them as a line of kind TIP.

    Shopify gives a tip as total_tip_received and, as far as is known, also as a line without a product, named "Tip".
    The name alone is no proof, since staff can add a line of any name. So the tip is what also has the amount of
    total_tip_received: the lines of that name together or, where none has it (other languages), a single line of
    that amount, without product, shipping, discount and tax. Without such a line the tip is beside the
    lines: a line is made of it, which has the order's id.

    An order that is booked keeps its tip where it was found then: `recorded` has the kinds of its lines, and a tip
    beside them under the order's id.

    total_tip_received has no `_set`, it is in the shop's currency. Raises RefusedError NOT_AN_ORDER for a tip beside
    the lines when the other currency is wanted, in which the payload has no amount of it.
    """
    shop = Amounts(CurrencySide.SHOP, currency(payload, "currency", ""))
    tip = shop.bare(payload, "total_tip_received", "")
    if not tip:
        return lines
    if any(line.kind is LineKind.TIP for line in lines):
        return lines
    order_id = identifier(payload, "id", "")
    found = set() if order_id in recorded else _tip_lines(lines, line_blocks, tip, shop)
    if found:
        return tuple(replace(line, kind=LineKind.TIP) if line.id in found else line for line in lines)
    if shop.currency != amounts.currency:
        problem = f"total_tip_received is in {shop.currency} only, and no line has it in {amounts.currency}"
        raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=problem)
    return (*lines, _line_beside(order_id, tip))


def _tip_lines(lines: tuple[OrderLine, ...], line_blocks: list[Block], tip: Money, shop: Amounts) -> set[int]:
    """The ids of the lines that are the tip; none if that is not certain."""
    candidates = {
        line.id: shop.required(block, "price", f"line_items[{position}]") * line.quantity
        for position, (line, block) in enumerate(zip(lines, line_blocks, strict=True))
        if line.kind is LineKind.CUSTOM and not line.requires_shipping and not line.discount
    }
    named = {line.id for line in lines if line.id in candidates and line.title.casefold() == _TIP_TITLE}
    if named:
        return named if total((candidates[line_id] for line_id in named), tip.currency) == tip else set()
    untaxed = {line.id for line in lines if not line.taxes}
    fitting = {line_id for line_id, amount in candidates.items() if amount == tip and line_id in untaxed}
    return fitting if len(fitting) == 1 else set()


def _line_beside(order_id: int, tip: Money) -> OrderLine:
    return OrderLine(
        id=order_id,
        kind=LineKind.TIP,
        sku="",
        title="Tip",
        quantity=1,
        unit_price=tip,
        discount=tip * 0,
        taxes=(),
        requires_shipping=False,
    )
