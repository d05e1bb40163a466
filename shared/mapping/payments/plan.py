"""Money that moved for an order -> lines of F&O's customer payment journals.

A line is on the customer's account: credited for money that came in, debited for money that went out. What one
transaction moves is up to three lines that belong together: the money itself, what cash was rounded by, and the
exchange difference. They sum to what the transaction settles of the order, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.errors import ErrorCode, RefusedError
from shared.mapping.dimensions import JOURNAL_FIELDS, dimensioned
from shared.mapping.fo.fields import fit, noon
from shared.mapping.orders.proof import refuse_test_order
from shared.mapping.payments.settlement import is_outgoing, settlements
from shared.model import FoRow, Money, Order, OrderState, Transaction
from shared.rules import PaymentMethod, PaymentRules, StoreRules


class Purpose(StrEnum):
    """What a line is for; the value marks its payment id, which is the transaction's otherwise."""

    MONEY = ""
    ROUNDING = "-R"
    EXCHANGE = "-X"


@dataclass(frozen=True, slots=True)
class JournalKey:
    """The journal that lines collect in: one for each store, day and currency."""

    store: str
    name: str
    """F&O's journal name."""
    day: date
    currency: str

    @property
    def description(self) -> str:
        """The text by which the journal is found again in F&O: at most 60 characters."""
        return f"shopify {self.store} {self.day:%Y-%m-%d} {self.currency}"


@dataclass(frozen=True, slots=True)
class JournalLine:
    transaction_id: int
    purpose: Purpose
    journal: JournalKey
    amount: Money
    """On the customer's account: above zero it is credited."""
    record: FoRow
    """CustomerPaymentJournalLines, without company, journal and line number."""


def plan_payments(
    state: OrderState,
    rules: StoreRules,
    *,
    customer_account: str,
    sales_order: str,
    booked: Mapping[int, Money],
) -> tuple[JournalLine, ...]:
    """The lines of all money that moved and is not booked, in the order of the transactions.

    `booked` is what the transactions settled whose lines F&O has. Raises RefusedError PAYMENT_WITHOUT_RULE,
    AMOUNT_WITHOUT_RULE for rounding or an exchange difference without account, PAYMENT_WITHOUT_RATE,
    TEST_ORDER.
    """
    if rules.payments is None:
        return ()
    moved = moved_money(state, rules)
    worth = settlements(state, moved, booked, rounding_is_ordered=rules.rounding_booked_with == "order")
    planner = _JournalPlanner(state, rules, rules.payments, customer_account, sales_order)
    return tuple(
        line
        for transaction in moved
        if transaction.id not in booked
        for line in planner.lines(transaction, worth[transaction.id])
    )


def moved_money(state: OrderState, rules: StoreRules) -> tuple[Transaction, ...]:
    """Every transaction that moved money, once, by id; with those of the refunds, for a state without transactions.

    Raises RefusedError TEST_ORDER for a test order that the store does not book, and for a test payment of any other
    order: no money moved.
    """
    in_refunds = (each for refund in state.refunds for each in refund.transactions)
    known = {each.id: each for each in (*in_refunds, *(state.transactions or ()))}
    moved = tuple(known[number] for number in sorted(known) if known[number].moves_money and known[number].amount)
    if state.order.is_test:
        refuse_test_order(state.order, rules)
    elif any(each.is_test for each in moved):
        raise RefusedError(ErrorCode.TEST_ORDER, store=rules.key)
    return moved


def journals_of(transactions: Iterable[Transaction], order: Order, rules: StoreRules) -> list[JournalKey]:
    """Every journal that the rules book one of these transactions in; none for one that no rule fits."""
    if rules.payments is None:
        return []
    booked = ((each, rules.payments.method_for(each.gateway, order.currency)) for each in transactions)
    keys = (_journal(each, method, order, rules.payments, rules.zone) for each, method in booked if method)
    return list(dict.fromkeys(keys))


def _journal(
    transaction: Transaction, method: PaymentMethod, order: Order, payments: PaymentRules, zone: ZoneInfo
) -> JournalKey:
    return JournalKey(
        store=order.store,
        name=method.journal or payments.journal,
        day=transaction.processed_at.astimezone(zone).date(),
        currency=order.currency,
    )


def payment_ids(transactions: Iterable[Transaction]) -> list[str]:
    """Every PaymentId that lines of these transactions may have."""
    return [f"{each.id}{purpose}" for each in transactions for purpose in Purpose]


def transaction_of(payment_id: str) -> int:
    return int(payment_id.partition("-")[0])


class _JournalPlanner:
    """Writes the lines of one order."""

    def __init__(
        self, state: OrderState, rules: StoreRules, payments: PaymentRules, customer_account: str, sales_order: str
    ) -> None:
        self._order = state.order
        self._rules = rules
        self._payments = payments
        self._common: FoRow = {
            "AccountType": "Cust",
            "AccountDisplayValue": escaped(customer_account, rules.tenant.account_delimiter),
            "CurrencyCode": state.order.currency,
            "TransactionText": fit("TransactionText", f"Shopify {state.order.name}"),
            "PaymentReference": fit("PaymentReference", sales_order),
            "IsPrepayment": "No",
        }
        for field in JOURNAL_FIELDS:
            self._common |= dimensioned(field, state.order, rules)

    def lines(self, transaction: Transaction, settles: Money) -> Iterator[JournalLine]:
        """The transaction's lines, whose amounts sum to what it settles."""
        method = self._payments.method_for(transaction.gateway, self._order.currency)
        if method is None:
            raise RefusedError(
                ErrorCode.PAYMENT_WITHOUT_RULE,
                transaction=transaction.id,
                amount=transaction.amount,
                gateway=transaction.gateway,
                store=self._order.store,
            )
        sign = -1 if is_outgoing(transaction) else 1
        rounding = transaction.cash_rounding * sign
        money = transaction.amount * sign + rounding
        rounded = rounding * 0
        if self._rules.rounding_booked_with != "order":
            rounded = -rounding
        exchange = settles - money - rounded
        parts: Sequence[tuple[Purpose, Money, FoRow]] = (
            (Purpose.MONEY, money, self._into(method)),
            (Purpose.ROUNDING, rounded, self._against("rounding_account", "cash rounding", rounded)),
            (Purpose.EXCHANGE, exchange, self._against("exchange_account", "an exchange difference", exchange)),
        )
        zone = self._rules.zone
        journal = _journal(transaction, method, self._order, self._payments, zone)
        profile = {"PostingProfile": method.posting_profile} if method.posting_profile else {}
        for purpose, amount, offset in parts:
            if amount:
                record = {
                    **self._common,
                    **profile,
                    **offset,
                    "PaymentId": fit("PaymentId", f"{transaction.id}{purpose}"),
                    "TransactionDate": noon(transaction.processed_at, zone),
                    "CreditAmount" if amount.amount > 0 else "DebitAmount": abs(amount.amount),
                }
                yield JournalLine(transaction.id, purpose, journal, amount, record)

    def _into(self, method: PaymentMethod) -> FoRow:
        bank = method.offset_type == "bank"
        account = method.offset_account
        return {
            "PaymentMethodName": method.method,
            "OffsetAccountType": "Bank" if bank else "Ledger",
            # A main account stands in the rules with its dimensions, as F&O displays it.
            "OffsetAccountDisplayValue": escaped(account, self._rules.tenant.account_delimiter) if bank else account,
        }

    def _against(self, key: str, what: str, amount: Money) -> FoRow:
        account = getattr(self._payments, key)
        if not amount:
            return {}
        if account is None:
            raise RefusedError(
                ErrorCode.AMOUNT_WITHOUT_RULE, what=what, amount=amount, key=f"payments.{key}", store=self._order.store
            )
        return {"OffsetAccountType": "Ledger", "OffsetAccountDisplayValue": account}


def escaped(account: str, delimiter: str) -> str:
    r"""An account as F&O's display values write it: with the delimiter `-`, a hyphen within it is `\-`."""
    return account.replace(delimiter, f"\\{delimiter}")


def amount_on_account(record: Mapping[str, object]) -> Decimal:
    """What a line of F&O credits the customer's account with; below zero for a debit."""
    return Decimal(str(record["CreditAmount"])) - Decimal(str(record["DebitAmount"]))
