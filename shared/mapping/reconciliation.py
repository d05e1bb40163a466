"""An order in Shopify compared with its documents in F&O, long after booking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.errors import ErrorCode, RefusedError
from shared.mapping.orders.changes import ChangePlan
from shared.mapping.orders.matching import OwnLines
from shared.mapping.orders.plan import SalesOrderPlan
from shared.mapping.payments.differences import PaymentDifference
from shared.model import FoStatus, Money, Order, Refund, total


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference."""

    refusal: RefusedError
    """Its code and texts; never raised."""
    what: str
    shopify: str
    """Shopify's amount, or a word where there is none."""
    fo: str

    def as_dict(self) -> dict[str, str]:
        return {
            "code": self.refusal.code,
            "what": self.what,
            "shopify": self.shopify,
            "fo": self.fo,
            "owner": self.refusal.entry.owner.value,
            "next_step": self.refusal.next_step,
        }


@dataclass(frozen=True, slots=True)
class Sums:
    """The sum of the sales order's lines, without tax on top of the prices."""

    shopify: Money
    fo: Money


def sums(order: Order, target: SalesOrderPlan | None, own: OwnLines) -> Sums:
    """`target` is None for an order that is given up: what is still owed of it is its total. Lines that people
    cancelled in F&O come to nothing.
    """
    due = order.total if target is None else total((line.amount for line in target.lines), order.currency)
    lines = (line for its in own.values() for line in its if line.status is not FoStatus.CANCELLED)
    return Sums(due, total((Money(line.amount, order.currency) for line in lines), order.currency))


def sales_order_finding(number: str, plan: ChangePlan, compared: Sums) -> Finding | None:
    """What a plan would change on the sales order, or hold for a person. What the rules ignore is no difference."""
    changes = [str(step) for step in plan.steps] + [str(cell) for cell in plan.held]
    if not changes:
        return None
    what, shopify, fo = "; ".join(changes), str(compared.shopify), str(compared.fo)
    refusal = RefusedError(ErrorCode.SALES_ORDER_DIFFERS, sales_order=number, what=what, shopify=shopify, fo=fo)
    return Finding(refusal, what, shopify, fo)


def gone_finding(number: str, order: Order) -> Finding:
    refusal = RefusedError(ErrorCode.FO_ORDER_GONE, sales_order=number)
    return Finding(refusal, f"sales order {number}", str(order.total), "nothing")


def payment_finding(number: str, difference: PaymentDifference) -> Finding:
    shopify, fo = _amounts(difference.shopify), _amounts(difference.fo)
    what = f"payment {difference.payment_id}" if difference.payment_id else "a payment line without payment id"
    refusal = RefusedError(ErrorCode.PAYMENT_DIFFERS, sales_order=number, what=what, shopify=shopify, fo=fo)
    return Finding(refusal, what, shopify, fo)


def refund_findings(
    number: str, order: Order, refunds: Iterable[Refund], booked: Mapping[int, Money | None]
) -> list[Finding]:
    """`booked` is by refund id what was credited, None for one that is under way."""
    findings = []
    for refund in refunds:
        worth, credited = refund.worth(taxes_included=order.taxes_included), booked.get(refund.id)
        if credited is None or credited == worth:
            continue
        what = f"refund {refund.id}"
        refusal = RefusedError(ErrorCode.REFUND_DIFFERS, sales_order=number, what=what, shopify=worth, fo=credited)
        findings.append(Finding(refusal, what, str(worth), str(credited)))
    return findings


def _amounts(amounts: Iterable[Money]) -> str:
    return " and ".join(map(str, amounts)) or "nothing"
