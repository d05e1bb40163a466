"""Money that moves for an order, and everything it meets on its way: F&O and the tables, in memory and strict."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from shared.d365.payment_journals import PaymentJournals
from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.model import (
    Money,
    Order,
    OrderState,
    Rate,
    Refund,
    Risk,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.payments import Payment
from shared.sync.payments import PaymentPorts
from tests.builders.sales import EU, euros, line, order, with_rules

ACCOUNT = "C7001001001001"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
METHODS = [
    {"gateway": "paypal", "method": "PAYPAL", "offset_type": "bank", "offset_account": "PAYPAL"},
    {"gateway": "gift_card", "method": "GIFTCARD", "offset_type": "ledger", "offset_account": "213100"},
    {"gateway": "shopify_store_credit", "method": "CREDIT", "offset_type": "ledger", "offset_account": "213110"},
    {"gateway": "*", "method": "SHOPPAY", "offset_type": "bank", "offset_account": "SHOP-EUR"},
]


def rules(base: StoreRules = EU, orders: Mapping[str, Any] | None = None, **changes: Any) -> StoreRules:
    """A store that books payments of every gateway, exchange differences and rounding."""
    table = {
        "journal": "SHOPPAY",
        "methods": tuple(METHODS),
        "exchange_account": "618160",
        "rounding_account": "618170",
    } | changes
    return with_rules(base, payments=table, orders=dict(orders or {}))


def transaction(
    number: int = 1,
    amount: Money | str = "100.00",
    *,
    kind: TransactionKind = TransactionKind.SALE,
    paid: Money | None = None,
    rounding: str = "0",
    **other: Any,
) -> Transaction:
    booked = euros(amount) if isinstance(amount, str) else amount
    plain = Transaction(
        id=number,
        kind=kind,
        status=TransactionStatus.SUCCESS,
        gateway="shopify_payments",
        amount=booked,
        paid=paid or booked,
        exchange_rate=None if paid is None or not paid else booked.amount / paid.amount,
        cash_rounding=Money(Decimal(rounding), booked.currency),
        processed_at=NOON,
        parent_id=None,
        is_test=False,
    )
    return replace(plain, **other)


def state(
    *transactions: Transaction,
    sale: Order | None = None,
    total: Money | str = "100.00",
    refunds: Sequence[Refund] = (),
    rate: Rate | None = None,
) -> OrderState:
    owed = euros(total) if isinstance(total, str) else total
    return OrderState(
        order=sale or order(line(price=owed)),
        refunds=tuple(refunds),
        transactions=transactions,
        risk=Risk.NONE,
        shipped={},
        rate=rate,
    )


def link(one: OrderState, **other: Any) -> OrderLink:
    plain = OrderLink(
        store=one.order.store,
        order_id=one.order.id,
        version=NOON,
        sales_order=f"SN{one.order.id}",
        company="nleu",
        customer_account=ACCOUNT,
    )
    return replace(plain, **other)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


class MemoryPayments:
    """What shared.store.payments.Payments does, over a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, int], Payment] = {}
        self.etags = count(1)
        self.dies_at: int | None = None

    async def of_order(self, store: str, order_id: int) -> dict[int, Payment]:
        await asyncio.sleep(0)
        return {key[2]: row for key, row in self.rows.items() if key[:2] == (store, order_id)}

    async def claim(self, payment: Payment, now: datetime) -> Payment:
        if payment.claimed_until is not None and now < payment.claimed_until:
            raise TransientError("claimed", retry_after=payment.claimed_until - now)
        return await self.put(replace(payment, claimed_until=now + timedelta(minutes=5)))

    async def put(self, payment: Payment) -> Payment:
        await asyncio.sleep(0)
        if self.dies_at is not None:
            self.dies_at -= 1
            if self.dies_at < 0:
                raise KeyboardInterrupt
        key = (payment.store, payment.order_id, payment.transaction_id)
        current = self.rows.get(key)
        if (current.etag if current else None) != payment.etag:
            raise TransientError("changed by another worker")
        self.rows[key] = replace(payment, etag=str(next(self.etags)))
        return self.rows[key]


class MemoryRows:
    """Rows with ETags, as shared.store.payments.JournalRows has them."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[dict[str, Any], str]] = {}
        self.etags = count(1)

    async def load(self, name: str) -> tuple[Mapping[str, Any] | None, str | None]:
        await asyncio.sleep(0)
        return self.rows.get(name, (None, None))

    async def save(self, name: str, row: Mapping[str, Any], etag: str | None) -> str | None:
        await asyncio.sleep(0)
        if self.rows.get(name, (None, None))[1] != etag:
            return None
        self.rows[name] = (dict(row), str(next(self.etags)))
        return self.rows[name][1]


_TEXT = r"'((?:[^']|'')*)'"
_LINE_FIELDS = {
    *("dataAreaId", "JournalBatchNumber", "LineNumber", "AccountType", "AccountDisplayValue", "CreditAmount"),
    *("DebitAmount", "CurrencyCode", "TransactionDate", "TransactionText", "OffsetAccountType", "PostingProfile"),
    *("OffsetAccountDisplayValue", "PaymentMethodName", "PaymentReference", "PaymentId", "IsPrepayment"),
}


@dataclass
class MemoryFo:
    """F&O's payment journals as the OData client shows them. It refuses whatever F&O would, and more."""

    headers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    lines: dict[tuple[str, str, Decimal], dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    losses: dict[str, list[bool]] = field(default_factory=dict)
    """By call, whether its next answers are lost after (True) or before (False) F&O served it."""
    before_write: Callable[[], None] | None = None
    """Happens once, between the look at F&O and the write."""

    async def query(
        self, entity_set: str, *, company: str, where: str, select: Sequence[str], order_by=(), top=None
    ) -> list[dict[str, Any]]:
        await self._begin(f"GET {entity_set}")
        table = self.headers if "Headers" in entity_set else self.lines
        conditions = re.findall(rf"(\w+) eq {_TEXT}", where)
        wanted: dict[str, set[str]] = {}
        for name, value in conditions:
            wanted.setdefault(name, set()).add(value.replace("''", "'").casefold())
        assert conditions, where
        return [
            {name: row[name] for name in ("dataAreaId", *select)}
            for row in list(table.values())
            if row["dataAreaId"] == company
            and all(str(row[name]).casefold() in values for name, values in wanted.items())
        ]

    async def get(self, entity_set: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        await self._begin(f"GET {entity_set}")
        assert entity_set == "CustomerPaymentJournalHeaders"
        found = self.headers.get((key["dataAreaId"], key["JournalBatchNumber"]))
        return dict(found) if found else None

    async def create(self, entity_set: str, record: Mapping[str, Any]) -> dict[str, Any]:
        assert entity_set == "CustomerPaymentJournalHeaders"
        assert set(record) == {"dataAreaId", "JournalName", "Description"}
        assert len(record["Description"]) <= 60
        lost = await self._begin(f"POST {entity_set}")
        number = f"{len(self.headers) + 1:05d}"
        row = {**record, "JournalBatchNumber": number, "IsPosted": "No"}
        self.headers[record["dataAreaId"], number] = row
        self._end(lost=lost)
        return dict(row)

    async def change_set(self, operations: Sequence[Any]) -> list[dict[str, Any]]:
        if self.before_write is not None:
            happening, self.before_write = self.before_write, None
            happening()
        lost = await self._begin("change set")
        new = {}
        for operation in operations:
            assert (operation.method, operation.entity_set) == ("POST", "CustomerPaymentJournalLines")
            key, row = self._line(dict(operation.body))
            if key in self.lines or key in new:
                raise _refused("The record already exists.")
            new[key] = row
        self.lines |= new
        self._end(lost=lost)
        return list(new.values())

    def post(self, number: str, company: str = "nleu") -> None:
        self.headers[company, number]["IsPosted"] = "Yes"

    def balance(self, currency: str = "EUR") -> Money:
        """What all lines together credit to customers."""
        own = [row for row in self.lines.values() if row["CurrencyCode"] == currency]
        return Money(sum((row["CreditAmount"] - row["DebitAmount"] for row in own), Decimal(0)), currency)

    def _line(self, row: dict[str, Any]) -> tuple[tuple[str, str, Decimal], dict[str, Any]]:
        assert set(row) <= _LINE_FIELDS
        journal = self.headers.get((row["dataAreaId"], row["JournalBatchNumber"]))
        if journal is None:
            raise _refused("The journal does not exist.")
        if journal["IsPosted"] == "Yes":
            raise _refused("The journal is posted.")
        row = {"CreditAmount": Decimal(0), "DebitAmount": Decimal(0)} | row
        credit, debit = row["CreditAmount"], row["DebitAmount"]
        assert credit >= 0
        assert debit >= 0
        assert (credit > 0) != (debit > 0)
        assert row["AccountType"] == "Cust"
        assert not re.search(r"(?<!\\)-", row["AccountDisplayValue"])
        assert row["TransactionDate"].endswith("T12:00:00Z")
        assert row["OffsetAccountType"] in ("Bank", "Ledger")
        assert row["OffsetAccountDisplayValue"]
        assert 0 < len(row["PaymentId"]) <= 20
        assert 0 < len(row["PaymentReference"]) <= 20
        if row.get("PaymentMethodName") == "UNKNOWN":
            raise _refused("The value 'UNKNOWN' in field 'Method of payment' is not found.")
        return (row["dataAreaId"], row["JournalBatchNumber"], row["LineNumber"]), row

    async def _begin(self, call: str) -> bool:
        """Counts the call; whether its answer will be lost."""
        self.calls.append(call)
        await asyncio.sleep(0)
        coming = self.losses.get(call)
        if not coming:
            return False
        if not coming.pop(0):
            raise OutcomeUnknownError("the line broke before F&O saw it")
        return True

    def _end(self, *, lost: bool) -> None:
        if lost:
            raise OutcomeUnknownError("the line broke after F&O had served it")


def _refused(infolog: str) -> RefusedError:
    return RefusedError("FO_REJECTED", what="a change set", infolog=infolog)


@dataclass
class Books:
    """One company's F&O, one app's tables, and a clock; `instance()` is a further worker process of the app."""

    fo: MemoryFo = field(default_factory=MemoryFo)
    payments: MemoryPayments = field(default_factory=MemoryPayments)
    rows: MemoryRows = field(default_factory=MemoryRows)
    clock: Clock = field(default_factory=Clock)

    def instance(self) -> PaymentPorts:
        journals = PaymentJournals(self.fo, self.rows, now=self.clock)  # type: ignore[arg-type]  # a fake, over a dict
        return PaymentPorts(self.payments, journals, now=self.clock)  # type: ignore[arg-type]  # likewise
