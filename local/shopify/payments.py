"""An order's transactions: sales, authorizations, captures, voids and refunds."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from local.shopify.balance import capturable, open_authorizations, outstanding
from local.shopify.cart import CartError
from local.shopify.money import MoneyBag, rounded
from local.shopify.order import Order
from local.shopify.records import Transaction
from local.shopify.state import Shop

#: Gateways whose payments staff records; the others report to Shopify themselves.
MANUAL = frozenset({"manual", "cash", "bank_deposit", "money_order", "cash_on_delivery"})
_STATUSES = ("SUCCESS", "PENDING", "FAILURE", "ERROR")


def pay(shop: Shop, order: Order, params: Mapping[str, Any]) -> Transaction:
    """A sale: {gateway, amount?, currency?, exchange_rate?, status?, cash_rounding?}.

    `amount` is in the buyer's currency and defaults to all that is owed. With the shop's as `currency`, it is in
    the shop's currency, and was paid in it. `exchange_rate` (buyer's per shop's currency) is that of the payment.
    """
    return _take(shop, order, params, "SALE")


def authorize(shop: Shop, order: Order, params: Mapping[str, Any]) -> Transaction:
    """An authorization, as a sale, and {multi_capturable?: true, expires_at?}; nothing is paid until it is captured."""
    return _take(shop, order, params, "AUTHORIZATION")


def _take(shop: Shop, order: Order, params: Mapping[str, Any], kind: str) -> Transaction:
    if order.cancelled_at:
        raise CartError("a cancelled order cannot be paid")
    owed = outstanding(order)
    if kind == "SALE" and owed.presentment <= 0:
        raise CartError("Order cannot be marked as paid.")
    settles = _settled(order, params, owed)
    if settles.presentment <= 0:
        raise CartError("Amount must be greater than zero")
    return _record(shop, order, kind, params, settles, gateway=params.get("gateway", "shopify_payments"))


def capture(shop: Shop, order: Order, params: Mapping[str, Any]) -> Transaction:
    """Capture an authorization: {parent?, amount?, exchange_rate?, status?, final?}; by default the first, in full."""
    parent = _authorization(order, params)
    left = capturable(order, parent)
    amount = _amount(params, left, order)
    if amount <= 0:
        raise CartError("Amount must be greater than zero for capture transactions")
    if amount > left:
        raise CartError("Amount exceeds capturable amount")
    rest = parent.settles
    for each in (t for t in order.transactions if t.parent_id == parent.id and t.kind == "CAPTURE"):
        if each.status in ("SUCCESS", "PENDING"):
            rest -= each.settles
    return _record(shop, order, "CAPTURE", params, rest.settled_by(amount), gateway=parent.gateway, parent=parent)


def void(shop: Shop, order: Order, params: Mapping[str, Any]) -> Transaction:
    """Void an authorization of which nothing was captured: {parent?}."""
    parent = _authorization(order, params)
    if capturable(order, parent) != parent.settles.presentment:
        raise CartError("a captured authorization cannot be voided")
    return _record(shop, order, "VOID", params, parent.settles, gateway=parent.gateway, parent=parent)


def give_back(
    shop: Shop, order: Order, params: Mapping[str, Any], settles: MoneyBag, *, gateway: str, parent: Transaction | None
) -> Transaction:
    """A refund transaction: {exchange_rate?, status?, cash_rounding?}."""
    return _record(shop, order, "REFUND", params, settles, gateway=gateway, parent=parent)


def settle_pending(order: Order, params: Mapping[str, Any]) -> Transaction:
    """A pending transaction succeeds or fails: {transaction, status?}."""
    found = next((t for t in order.transactions if t.id == params["transaction"]), None)
    status = params.get("status", "success").upper()
    if found is None or found.status != "PENDING":
        raise CartError("only a pending transaction can be settled")
    if status not in ("SUCCESS", "FAILURE", "ERROR"):
        raise CartError(f"a pending transaction cannot become {status!r}")
    found.status = status
    return found


def _authorization(order: Order, params: Mapping[str, Any]) -> Transaction:
    open_ = open_authorizations(order)
    found = [each for each in open_ if params.get("parent") in (None, each.id)]
    if not found:
        raise CartError("Parent transaction should be a successful authorization")
    return found[0]


def _amount(params: Mapping[str, Any], default: Decimal, order: Order) -> Decimal:
    return rounded(Decimal(str(params["amount"])), order.presentment_currency) if "amount" in params else default


def _settled(order: Order, params: Mapping[str, Any], owed: MoneyBag) -> MoneyBag:
    """What a payment settles, in both currencies; an excess is converted at the order's rate."""
    if _in_shop_currency(order, params):
        amount = rounded(Decimal(str(params["amount"])), order.currency) if "amount" in params else owed.shop
        if amount == owed.shop:
            return owed
        return bag(order, rounded(amount * order.exchange_rate, order.presentment_currency), shop=amount)
    return settling(order, owed, _amount(params, owed.presentment, order))


def settling(order: Order, owed: MoneyBag, amount: Decimal) -> MoneyBag:
    """`amount` of the buyer's currency in both: in proportion up to what is owed, then at the order's rate."""
    if 0 <= amount <= owed.presentment:
        return owed.settled_by(amount)
    return owed + bag(order, amount - owed.presentment)


def bag(order: Order, amount: Decimal, *, shop: Decimal | None = None) -> MoneyBag:
    """An amount in the buyer's currency, converted to the shop's at the order's rate."""
    worth = rounded(amount / order.exchange_rate, order.currency) if shop is None else shop
    return MoneyBag(worth, order.currency, amount, order.presentment_currency)


def _in_shop_currency(order: Order, params: Mapping[str, Any]) -> bool:
    currency = params.get("currency", order.presentment_currency)
    if currency not in (order.currency, order.presentment_currency):
        raise CartError(f"a payment is in {order.presentment_currency} or {order.currency}, not {currency}")
    return bool(currency != order.presentment_currency)


def _record(
    shop: Shop,
    order: Order,
    kind: str,
    params: Mapping[str, Any],
    settles: MoneyBag,
    *,
    gateway: str,
    parent: Transaction | None = None,
) -> Transaction:
    status = params.get("status", "success").upper()
    if status not in _STATUSES:
        raise CartError(f"a transaction cannot be {status!r}")
    moment = shop.clock()
    transaction = Transaction(
        id=shop.next_id(),
        number=len(order.transactions) + 1,
        kind=kind,
        status=status,
        gateway=gateway,
        amount=_moved(order, params, settles),
        settles=settles,
        created_at=max(moment, order.created_at),
        parent_id=parent.id if parent else None,
        rounding=_rounding(order, params),
        multi_capturable=params.get("multi_capturable", True),
        expires_at=datetime.fromisoformat(params["expires_at"]) if "expires_at" in params else None,
        is_final=params.get("final", False),
    )
    order.transactions.append(transaction)
    return transaction


def _moved(order: Order, params: Mapping[str, Any], settles: MoneyBag) -> MoneyBag:
    """What the provider moved: the buyer's amount, converted at the payment's rate."""
    if _in_shop_currency(order, params):
        return MoneyBag(settles.shop, order.currency, settles.shop, order.currency)
    if "exchange_rate" not in params:
        return settles
    shop_amount = rounded(settles.presentment / Decimal(str(params["exchange_rate"])), order.currency)
    return MoneyBag(shop_amount, order.currency, settles.presentment, order.presentment_currency)


def _rounding(order: Order, params: Mapping[str, Any]) -> MoneyBag | None:
    """The cash rounding, in the buyer's currency: the register received amount + rounding."""
    if "cash_rounding" not in params:
        return None
    return bag(order, rounded(Decimal(str(params["cash_rounding"])), order.presentment_currency))
