"""Refunds of goods, shipping, duties and money, separately or together.

After every refund but that of a return, the worth of its parts less its adjustments is what was paid out, and what is
outstanding is the same as before, or nothing. An adjustment favours the merchant when it
is positive (less was paid out than the parts are worth), the buyer when it is negative (goodwill).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from local.shopify.balance import net_payment, owed_to_buyer, refundable
from local.shopify.cart import CartError
from local.shopify.events import Event, find_line, transaction_events
from local.shopify.money import MoneyBag, rest_amount, rounded, total
from local.shopify.order import LineItem, Order, ShippingLine
from local.shopify.payments import give_back, settle_pending, settling
from local.shopify.records import Adjustment, Refund, RefundDuty, RefundFee, RefundLine, RefundShipping, Transaction
from local.shopify.routing import give_up
from local.shopify.state import Shop
from local.shopify.stock import bring_back

REASONS = ("REFUND_DISCREPANCY", "RESTOCK", "DAMAGE", "CUSTOMER")


def refund(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """One refund.

    {lines?, shipping?, duties?, fees?, amount?, restocking_fee?, reason?, transactions?, status?, note?}

    `lines`: [{line, quantity, restock: return|cancel|no_restock, location_id?}]; `shipping`: true or an amount;
    `duties`: true refunds those of the lines; `fees`: true refunds all that is left of them. `amount` (buyer's
    currency, default: what the buyer is owed for it) is refunded to the payments in their order, or as `transactions`
    gives: [{parent, amount, exchange_rate?}].
    With `return_id`, the goods are those that its processing took off the order.
    """
    return _Refunding(shop, order, params, owed_to_buyer(order)).run()


def settle(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """A pending transaction succeeds or fails. A refund that succeeds gets the opposite of its open adjustment."""
    transaction = settle_pending(order, params)
    owner = next((each for each in order.refunds if transaction in each.transactions), None)
    if owner:
        owner.updated_at = shop.clock()
        if transaction.succeeded:
            owner.adjustments.append(Adjustment(shop.next_id(), "PENDING_REFUND_DISCREPANCY", -transaction.settles))
    return transaction_events([transaction])


@dataclass(slots=True)
class _Refunding:
    shop: Shop
    order: Order
    params: Mapping[str, Any]
    before: MoneyBag
    lines: list[RefundLine] = field(default_factory=list)
    shipping: list[RefundShipping] = field(default_factory=list)
    duties: list[RefundDuty] = field(default_factory=list)
    fees: list[RefundFee] = field(default_factory=list)

    @property
    def _of_return(self) -> bool:
        return "return_id" in self.params

    def run(self) -> list[Event]:
        shop, order = self.shop, self.order
        self._check()
        for row in self.params.get("lines", []):
            self._give_back_goods(row)
        self._give_back_shipping()
        self._give_back_fees()
        now = shop.clock()
        made = Refund(
            shop.next_id(),
            order.id,
            now,
            now,
            self.params.get("note", ""),
            self.lines,
            self.shipping,
            self.duties,
            return_id=self.params.get("return_id"),
            fees=self.fees,
        )
        owed = owed_to_buyer(order)
        made.transactions = self._pay_back(owed)
        made.adjustments = self._adjust(made.transactions, owed)
        order.refunds.append(made)
        return [Event("refunds/create", made), *transaction_events(made.transactions)]

    def _check(self) -> None:
        """Refuses a refund of which any part is impossible."""
        params, order = self.params, self.order
        wanted: dict[int, int] = {}
        for row in params.get("lines", []):
            line, restock = find_line(order, row["line"]), row.get("restock", "no_restock")
            wanted[line.id] = wanted.get(line.id, 0) + row["quantity"]
            refundable_units = line.returned.quantity if self._of_return else line.current_quantity
            if row["quantity"] < 1 or wanted[line.id] > refundable_units:
                raise CartError("Quantity cannot refund more items than were purchased")
            if restock not in ("return", "cancel", "no_restock"):
                raise CartError(f"no such restock type: {restock!r}")
            if restock == "cancel" and wanted[line.id] > line.unfulfilled:
                raise CartError(f"only {line.unfulfilled} of {line.title!r} can still be cancelled")
            if row.get("location_id", order.location_id) not in self.shop.locations:
                raise CartError(f"no location has the id {row['location_id']}")
        if params.get("reason", "REFUND_DISCREPANCY") not in REASONS:
            raise CartError(f"no such reason: {params['reason']!r}")
        left = total((shipping_line.left for shipping_line in order.shipping_lines), order.zero).presentment
        shipping = params.get("shipping", 0)
        if shipping is not True and not 0 <= Decimal(str(shipping or 0)) <= left:
            raise CartError(f"only {left} of shipping is left to refund")
        rows = params.get("transactions", [{"amount": params.get("amount", 0)}])
        amount = sum((Decimal(str(row["amount"])) for row in rows), Decimal(0))
        net = sum((refundable(order, each) for each in order.transactions), Decimal(0))
        if not 0 <= amount <= net:
            texts = [rest_amount(each, order.presentment_currency) for each in (amount, net)]
            raise CartError(f"Refund amount ${texts[0]} is greater than net payment received ${texts[1]}")
        for row in params.get("transactions", []):
            self._parent(row)

    def _give_back_goods(self, row: Mapping[str, Any]) -> None:
        shop, order = self.shop, self.order
        line, count = find_line(order, row["line"]), row["quantity"]
        restock = row.get("restock", "no_restock")
        duties_of = line.current_quantity + line.returned.quantity
        all_left = line.current_quantity
        from_shelf = count if restock == "cancel" else max(0, count - (all_left - line.unfulfilled))
        takes_stock = not (line.tip or self._of_return)
        taken_from = give_up(shop, order, line, from_shelf, restock=restock == "cancel") if takes_stock else None
        location_id = int(row.get("location_id", taken_from or order.location_id))
        if restock == "return" and takes_stock:
            bring_back(shop, line, count, location_id)
        taken = line.refund_returned(count) if self._of_return else line.remove(count)
        self.lines.append(
            RefundLine(
                id=shop.next_id(),
                line_id=line.id,
                quantity=count,
                restock=restock,
                location_id=None if restock == "no_restock" else location_id,
                subtotal=line.net(taken),
                tax=total(taken.taxes, order.zero),
            )
        )
        if self.params.get("duties"):
            self._give_back_duties(line, count, duties_of)

    def _give_back_duties(self, line: LineItem, count: int, of: int) -> None:
        for duty in line.duties:
            (part,) = MoneyBag.portions([duty.price - duty.refunded], count, of)
            duty.refunded += part
            self.duties.append(RefundDuty(duty.id, part))

    def _give_back_fees(self) -> None:
        for fee in self.order.fees if self.params.get("fees") else ():
            left = fee.price - fee.refunded
            if left:
                fee.refunded += left
                self.fees.append(RefundFee(fee.id, fee.name, left))

    def _give_back_shipping(self) -> None:
        params = self.params.get("shipping")
        left = None if params is True else Decimal(str(params or 0))
        for shipping_line in self.order.shipping_lines:
            here = shipping_line.left.presentment if left is None else min(left, shipping_line.left.presentment)
            if here:
                self.shipping.append(self._reduce(shipping_line, here))
                left = None if left is None else left - here

    def _reduce(self, shipping_line: ShippingLine, amount: Decimal) -> RefundShipping:
        whole = shipping_line.left
        subtotal = whole.settled_by(rounded(amount, self.order.presentment_currency))
        taxes = MoneyBag.portions(shipping_line.taxes_left, subtotal.presentment, whole.presentment)
        shipping_line.refunded += subtotal
        pairs = zip(shipping_line.refunded_taxes, taxes, strict=True)
        shipping_line.refunded_taxes = tuple(known + part for known, part in pairs)
        shop = self.shop
        return RefundShipping(shop.next_id(), shop.next_id(), shipping_line.id, subtotal, total(taxes, self.order.zero))

    def _pay_back(self, owed: MoneyBag) -> list[Transaction]:
        params, order = self.params, self.order
        if "transactions" in params:
            rows = [(self._parent(row), Decimal(str(row["amount"])), row) for row in params["transactions"]]
        else:
            parts = self.lines or self.shipping or self.fees
            default = (owed - self.before if parts and not self._of_return else owed).presentment
            fee = Decimal(str(params.get("restocking_fee", 0)))
            rows = self._from_first(max(Decimal(str(params.get("amount", default))) - fee, Decimal(0)))
        amounts = [rounded(amount, order.presentment_currency) for _, amount, _ in rows]
        rest = settling(order, owed, sum(amounts, Decimal(0)))
        made = []
        for (parent, _, row), amount in zip(rows, amounts, strict=True):
            settles = rest.settled_by(amount)
            rest -= settles
            currency = {"currency": parent.amount.presentment_currency}
            status = {key: params[key] for key in ("status", "exchange_rate", "cash_rounding") if key in params}
            details = {**status, **row, **currency}
            made.append(give_back(self.shop, order, details, settles, gateway=parent.gateway, parent=parent))
        return made

    def _from_first(self, amount: Decimal) -> list[tuple[Transaction, Decimal, Mapping[str, Any]]]:
        rows: list[tuple[Transaction, Decimal, Mapping[str, Any]]] = []
        for payment in self.order.transactions:
            here = min(amount, refundable(self.order, payment))
            if here > 0:
                rows.append((payment, here, {}))
                amount -= here
        return rows

    def _parent(self, row: Mapping[str, Any]) -> Transaction:
        found = next((t for t in self.order.transactions if t.id == row.get("parent")), None)
        if found is None or refundable(self.order, found) < Decimal(str(row["amount"])):
            raise CartError("Transactions require a parent_id associated with the order")
        return found

    def _adjust(self, transactions: list[Transaction], owed: MoneyBag) -> list[Adjustment]:
        given = [each for each in transactions if each.status in ("SUCCESS", "PENDING")]
        back = total((each.settles for each in given), self.order.zero)
        for_parts = owed - self.before
        if self._of_return:
            difference = self.order.zero
        elif back.presentment < for_parts.presentment:
            difference = for_parts - back
        elif back.presentment > owed.presentment:
            difference = owed - back
        else:
            difference = self.order.zero
        default = "RESTOCK" if "restocking_fee" in self.params else "REFUND_DISCREPANCY"
        reasons = [(self.params.get("reason", default), difference)] if difference else []
        reasons += [("REFUND_DISCREPANCY", each.settles) for each in given if each.status == "PENDING"]
        return [Adjustment(self.shop.next_id(), reason, amount) for reason, amount in reasons]


def everything(order: Order, *, restock: bool, refund_money: bool) -> dict[str, Any]:
    """The document of a refund of all that is left, as a cancellation makes it."""
    lines = [
        {
            "line": line.id,
            "quantity": line.current_quantity,
            "restock": "cancel" if restock and line.unfulfilled == line.current_quantity else "no_restock",
        }
        for line in order.lines
        if line.current_quantity
    ]
    amount = max(net_payment(order).presentment, Decimal(0)) if refund_money else Decimal(0)
    return {"lines": lines, "shipping": True, "duties": True, "amount": str(amount)}
