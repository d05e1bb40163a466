"""Shopify's transactions of one order compared with F&O's payment lines, for the sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.mapping.payments.plan import amount_on_account, moved_money, payment_ids, plan_payments
from shared.model import FoRow, Money, OrderState, total
from shared.rules import StoreRules


@dataclass(frozen=True, slots=True)
class PaymentDifference:
    payment_id: str
    """ "" for lines without one, which people write."""
    shopify: tuple[Money, ...]
    """What F&O should have on the customer's account: one amount, or none."""
    fo: tuple[Money, ...]
    """What its lines hold; several where a payment is booked more than once."""

    def __str__(self) -> str:
        sides = (" and ".join(map(str, amounts)) or "nothing" for amounts in (self.fo, self.shopify))
        return f"payment {self.payment_id or '(no id)'}: {' in F&O, '.join(sides)} in Shopify"


def payment_differences(
    state: OrderState, rules: StoreRules, *, customer_account: str, sales_order: str, lines: Iterable[FoRow]
) -> tuple[PaymentDifference, ...]:
    """By payment id, where both differ. `lines` are all lines of F&O for the sales order, those that staff wrote too.

    What a transaction should settle is computed as if all others were booked right: exchange differences and
    their rounding depend on the order in which payments were booked. Raises what plan_payments raises.
    """
    found: defaultdict[str, list[Money]] = defaultdict(list)
    for line in lines:
        found[line["PaymentId"]].append(Money(amount_on_account(line), line["CurrencyCode"]))
    moved = moved_money(state, rules)
    currency = state.order.currency
    booked = {}
    for each in moved:
        own = [amount for key in payment_ids([each]) for amount in found.get(key, ()) if amount.currency == currency]
        if own:
            booked[each.id] = total(own, currency)
    due: dict[str, Money] = {}
    for each in moved:
        others = {number: amount for number, amount in booked.items() if number != each.id}
        planned = plan_payments(state, rules, customer_account=customer_account, sales_order=sales_order, booked=others)
        due |= {line.record["PaymentId"]: line.amount for line in planned if line.transaction_id == each.id}
    return tuple(
        PaymentDifference(key, shopify, fo)
        for key in sorted(due.keys() | found.keys())
        if (shopify := (due[key],) if key in due else ()) != (fo := tuple(found.get(key, ())))
    )
