"""What returns brought back and charged, by Shopify's sales agreements.

A unit of a processed return leaves the line's current quantity, and the order's current totals, before anybody refunds
it, just as a unit that an edit removed. The fees of the return are sales too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.shopify.edits.agreements import AgreedLine, AgreementNode, Agreements, amount_of_sale
from shared.mapping.shopify.edits.shares import Goods, part_of
from shared.mapping.shopify.terms import Terms
from shared.model import (
    Money,
    OpenReturns,
    Order,
    Refund,
    RefundLine,
    RefundRecord,
    Restock,
    ReturnFee,
    total,
)

NOT_REFUNDED: Final = 0
"""The id of the refund that stands for what is not refunded yet."""

type ReturnFees = Mapping[int | None, Mapping[str, ReturnFee]]
"""By return and reason; None where the agreement names no return."""


def read_return_fees(nodes: Iterable[AgreementNode], terms: Terms) -> ReturnFees:
    """The fees that the agreements charge, less what they took back. Raises RefusedError NOT_AN_ORDER."""
    found: dict[int | None, dict[str, ReturnFee]] = {}
    for at, agreement in enumerate(nodes):
        source = agreement.get("return")
        fees = found.setdefault(None if source is None else int(source["id"].rpartition("/")[2]), {})
        for position, sale in enumerate(agreement["sales"]):
            if sale.get("lineType") != "FEE":
                continue
            path = f"agreements[{at}].sales[{position}]"
            charged, tax = (amount_of_sale(sale, key, path, terms.booked) for key in ("totalAmount", "totalTaxAmount"))
            fee = ReturnFee(
                reason=(sale.get("fee") or {}).get("__typename", ""),
                amount=charged if terms.taxes_included else charged - tax,
                tax=tax,
                presented=amount_of_sale(sale, "totalAmount", path, terms.presented) if terms.two_currencies else None,
            )
            _add(fees, fee)
    return found


def charge_fees(
    refunds: Sequence[Refund], fees: ReturnFees, known: Mapping[int, RefundRecord]
) -> tuple[list[Refund], tuple[ReturnFee, ...]]:
    """The refunds with the fees that each is less by, and the fees that no refund is less by yet.

    A refund that is known keeps its fees. What is left of a return's fees belongs to its first refund that is not.
    """
    left = {source: dict(its) for source, its in fees.items()}
    for refund in refunds:
        for fee in known[refund.id].return_fees if refund.id in known else ():
            if refund.return_id in left:
                _add(left[refund.return_id], -fee)
    charged = []
    for refund in sorted(refunds, key=lambda each: (each.created_at, each.id)):
        if refund.id in known:
            its = known[refund.id].return_fees
        else:
            its = _not_nothing(left.pop(refund.return_id, {})) if refund.return_id is not None else ()
        seen = [fee.presented for fee in its if fee.presented is not None]
        presented = None if refund.presented is None else refund.presented - total(seen, refund.presented.currency)
        charged.append(replace(refund, return_fees=its, presented=presented))
    return charged, tuple(fee for its in left.values() for fee in _not_nothing(its))


def _add(fees: dict[str, ReturnFee], fee: ReturnFee) -> None:
    fees[fee.reason] = fees[fee.reason].plus(fee) if fee.reason in fees else fee


def _not_nothing(fees: Mapping[str, ReturnFee]) -> tuple[ReturnFee, ...]:
    return tuple(fee for fee in fees.values() if fee.amount or fee.tax)


def may_have_come_back(goods: Mapping[int, Goods], refunds: Sequence[Refund], shipped: Mapping[int, int]) -> bool:
    """Whether units that are missing from a line may be back from the buyer: some of it were shipped and not refunded.

    No edit removes units that were shipped.
    """
    return any(
        some.removed and shipped.get(line_id, 0) > sum(back.quantity for back in _delivered(refunds, line_id))
        for line_id, some in goods.items()
    )


def find_returned(
    order: Order, goods: Mapping[int, Goods], refunds: Sequence[Refund], agreements: Agreements
) -> tuple[dict[int, Goods], tuple[RefundLine, ...]]:
    """The goods without what returns brought back among what edits removed, and that, as lines to be refunded."""
    edited, lines = dict(goods), []
    for line in order.lines:
        some, agreed, back = goods.get(line.id), agreements.lines.get(line.id), agreements.returned.get(line.id)
        if some is None or agreed is None or back is None:
            continue
        units = min(some.removed, agreed.quantity - (some.ordered - some.removed))
        if not 0 < units <= back.quantity:
            continue
        edited[line.id] = replace(some, removed=some.removed - units)
        amount, tax = _worth(units, back, _delivered(refunds, line.id), taxes_included=order.taxes_included)
        subtotal = amount if order.taxes_included else amount - tax
        lines.append(RefundLine(line.id, units, Restock.RETURN, None, subtotal, tax))
    return edited, tuple(lines)


def _worth(
    units: int, back: AgreedLine, refunded: Sequence[RefundLine], *, taxes_included: bool
) -> tuple[Money, Money]:
    """The amount, with tax, and the tax of the units that are not refunded, of all that came back of a line."""
    if sum(each.quantity for each in refunded) == back.quantity - units:
        on_top = 0 if taxes_included else 1
        given = total((each.subtotal + each.tax * on_top for each in refunded), back.amount.currency)
        return back.amount - given, back.tax - total((each.tax for each in refunded), back.tax.currency)
    return part_of(back.amount, units, back.quantity), part_of(back.tax, units, back.quantity)


def _delivered(refunds: Sequence[Refund], line_id: int) -> list[RefundLine]:
    return [
        back
        for refund in refunds
        for back in refund.lines
        if back.line_id == line_id and back.restock is not Restock.CANCEL
    ]


def refuse_unclear(order: Order, goods: Mapping[int, Goods], shipped: Mapping[int, int]) -> None:
    """Refuses units that are missing from a line after they were shipped, and that no return explains.

    Raises RefusedError RETURN_UNCLEAR.
    """
    for line in order.lines:
        some = goods.get(line.id)
        if some is not None and some.removed > max(0, some.ordered - shipped.get(line.id, 0)):
            raise RefusedError(ErrorCode.RETURN_UNCLEAR, units=some.removed, line=line.id, title=line.title)


def as_refund(returned: OpenReturns, order: Order) -> Refund:
    """What is not refunded yet in the form of a refund, so that the order is computed with both alike."""
    return Refund(
        id=NOT_REFUNDED,
        order_id=order.id,
        created_at=order.version,
        note="",
        lines=returned.lines,
        adjustments=(),
        duties=order.total * 0,
        transactions=(),
        return_id=None,
        return_fees=returned.fees,
    )
