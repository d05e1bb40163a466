"""Reading what was authorised and paid of an order, and capturing authorised money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Authorization, Captured, Money, OrderPayments, RefundedMoney, total
from shared.shopify import queries
from shared.shopify.admin.answers import Json, user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of, number_of

_TRANSACTIONS: Final = 50
"""Where captures_state.graphql cuts off."""
_AUTHORIZATIONS: Final = frozenset({"AUTHORIZATION", "EMV_AUTHORIZATION"})
_INCOMING: Final = frozenset({"SALE", "CAPTURE"})
_PENDING: Final = frozenset({"PENDING", "AWAITING_RESPONSE"})
_FAILED: Final = frozenset({"FAILURE", "ERROR"})
_CANCEL: Final = "CANCEL"
_TAKES_FINAL: Final = "shopify_payments"
"""The only gateway at which a capture can release the rest of its authorisation."""


async def read_payments(admin: AdminClient, order_id: int) -> OrderPayments | None:
    """The order's money; None for an order that Shopify does not have.

    Raises what AdminClient.run does, and RefusedError SHOPIFY_SHAPE for more transactions than are read.
    """
    variables = {"order": gid_of("Order", order_id)}
    found: Json | None = (await admin.run(queries.load("captures_state"), variables))["order"]
    if found is None:
        return None
    transactions: list[Json] = found["transactions"]
    if len(transactions) >= _TRANSACTIONS:
        problem = f"an order has {_TRANSACTIONS} transactions or more"
        raise RefusedError(ErrorCode.SHOPIFY_SHAPE, what="captures_state", problem=problem)
    placed = _money(found["totalPriceSet"])
    currency = placed.currency
    own = [each for each in transactions if _money(each["amountSet"]).currency == currency]
    captures = tuple(_captured(each) for each in own if each["kind"] == "CAPTURE" and each["parentTransaction"])
    pending = total(
        (_money(each["amountSet"]) for each in own if each["kind"] in _INCOMING and each["status"] in _PENDING),
        currency,
    )
    voided = {_parent(each) for each in own if each["kind"] == "VOID" and each["status"] == "SUCCESS"}
    return OrderPayments(
        placed=(_money(found["totalPriceSet"], "shopMoney"), placed),
        received=_money(found["totalReceivedSet"]) + pending,
        outstanding=_money(found["totalOutstandingSet"]) - pending,
        is_cancelled=found["cancelledAt"] is not None,
        authorizations=tuple(
            _authorization(each, captures, voided)
            for each in own
            if each["kind"] in _AUTHORIZATIONS and each["status"] == "SUCCESS"
        ),
        captures=captures,
        refunds=tuple(_refunded(each, taxes_included=found["taxesIncluded"]) for each in found["refunds"]),
        is_pending=bool(pending),
    )


async def capture(admin: AdminClient, order_id: int, authorization_id: int, amount: Money, *, is_final: bool) -> None:
    """Captures the amount, in the buyer's currency. `is_final` releases the rest of the authorisation.

    Raises RefusedError CAPTURE_REFUSED with Shopify's words, CAPTURE_DECLINED where the payment provider did not pay,
    and OutcomeUnknownError: Shopify takes no idempotency key, so that the order has to be read before another attempt.
    """
    wish = {
        "id": gid_of("Order", order_id),
        "parentTransactionId": gid_of("OrderTransaction", authorization_id),
        "amount": amount.amount,
        "currency": amount.currency,
        **({"finalCapture": True} if is_final else {}),
    }
    payload = (await admin.run(queries.load("captures_make"), {"input": wish}))["orderCapture"]
    if errors := user_errors(payload):
        raise RefusedError(
            ErrorCode.CAPTURE_REFUSED, amount=amount, message="; ".join(error.message for error in errors)
        )
    made = payload["transaction"]
    if made["status"] in _FAILED:
        raise RefusedError(ErrorCode.CAPTURE_DECLINED, amount=amount, reason=made["errorCode"] or made["status"])


def _authorization(node: Json, captures: Iterable[Captured], voided: Iterable[int]) -> Authorization:
    """A pending capture is part of what Shopify shows as open: it is taken off here."""
    number, amount = number_of(node["id"]), _money(node["amountSet"])
    taken = total(
        (each.amount for each in captures if each.authorization_id == number and each.counts), amount.currency
    )
    is_multiple = bool(node["multiCapturable"])
    expires = node["authorizationExpiresAt"]
    return Authorization(
        id=number,
        gateway=node["gateway"] or "",
        uncaptured=amount - taken,
        left=amount - taken if node["manuallyCapturable"] else Money(Decimal(0), amount.currency),
        is_multiple=is_multiple,
        takes_final=is_multiple and node["gateway"] == _TAKES_FINAL,
        is_voided=number in voided,
        authorized_at=datetime.fromisoformat(node["processedAt"] or node["createdAt"]),
        expires_at=datetime.fromisoformat(expires) if expires else None,
    )


def _captured(node: Json) -> Captured:
    counts = node["status"] == "SUCCESS" or node["status"] in _PENDING
    return Captured(number_of(node["id"]), _parent(node), _money(node["amountSet"]), counts)


def _refunded(node: Json, *, taxes_included: bool) -> RefundedMoney:
    """Of a long refund the first lines: what is not known of it is not captured."""
    lines = node["refundLineItems"]
    kinds = {each["restockType"] for each in lines["nodes"]}
    amount = _money(node["totalRefundedSet"])
    parts = ("subtotalSet",) if taxes_included else ("subtotalSet", "totalTaxSet")
    back = (_money(each[part]) for each in lines["nodes"] if each["restockType"] != _CANCEL for part in parts)
    return RefundedMoney(
        refund_id=number_of(node["id"]),
        amount=amount,
        returned=total(back, amount.currency),
        has_lines=bool(kinds),
        cancels=kinds == {_CANCEL} and not lines["pageInfo"]["hasNextPage"],
    )


def _parent(node: Json) -> int:
    return number_of(node["parentTransaction"]["id"])


def _money(bag: Json, side: str = "presentmentMoney") -> Money:
    return Money(Decimal(bag[side]["amount"]), bag[side]["currencyCode"])
