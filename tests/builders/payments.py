"""Transactions of an order, and strict fakes of F&O and the tables that they are booked in, in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.d365.payment_journals import PaymentJournals
from shared.errors import OutcomeUnknownError, RefusedError
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
from shared.store.payments import Payments
from shared.store.shared_rows import SharedRows
from shared.sync.payments import PaymentPorts
from tests.builders.memory_table import MemoryTable
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


class CutOff(BaseException):
    """The process is gone, in the middle of its work."""


class Fuse:
    """Cuts the process off at a chosen step: before or after one of its writes to F&O or to its own tables."""

    def __init__(self) -> None:
        self.left: int | None = None

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise CutOff


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
    scans: int = 0
    """Searches of payment lines without their journal, which no index helps."""
    in_use: set[str] = field(default_factory=set)
    """Journals that a user has open."""
    losses: dict[str, list[bool]] = field(default_factory=dict)
    """By call, whether its next answers are lost after (True) or before (False) F&O served it."""
    before_write: Callable[[], None] | None = None
    """Happens once, between the look at F&O and the write."""
    step: Callable[[], None] = lambda: None
    """Is called before and after every write."""

    async def query(
        self, entity_set: str, *, company: str, where: str, select: Sequence[str], order_by=()
    ) -> list[dict[str, Any]]:
        await self._begin(f"GET {entity_set}")
        table = self.headers if "Headers" in entity_set else self.lines
        conditions = re.findall(rf"(\w+) eq {_TEXT}", where)
        wanted: dict[str, set[str]] = {}
        for name, value in conditions:
            wanted.setdefault(name, set()).add(value.replace("''", "'").casefold())
        assert conditions, where
        self.scans += "Lines" in entity_set and "JournalBatchNumber" not in where
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
        lost = await self._begin(f"POST {entity_set}", self.step)
        number = f"{len(self.headers) + 1:05d}"
        row = {**record, "JournalBatchNumber": number, "IsPosted": "No"}
        self.headers[record["dataAreaId"], number] = row
        self._end(lost=lost)
        return dict(row)

    async def change_set(self, operations: Sequence[Any]) -> list[dict[str, Any]]:
        if self.before_write is not None:
            happening, self.before_write = self.before_write, None
            happening()
        lost = await self._begin("change set", self.step)
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
        if row["JournalBatchNumber"] in self.in_use:
            raise _refused(f"Journal {row['JournalBatchNumber']} is in use by another user.")
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

    async def _begin(self, call: str, step: Callable[[], None] = lambda: None) -> bool:
        """Counts the call; whether its answer will be lost."""
        self.calls.append(call)
        await asyncio.sleep(0)
        step()
        coming = self.losses.get(call)
        if not coming:
            return False
        if not coming.pop(0):
            raise OutcomeUnknownError("the line broke before F&O saw it")
        return True

    def _end(self, *, lost: bool) -> None:
        self.step()
        if lost:
            raise OutcomeUnknownError("the line broke after F&O had served it")


def _refused(infolog: str) -> RefusedError:
    return RefusedError("FO_REJECTED", what="a change set", infolog=infolog)


class Books:
    """One company's F&O, one app's tables, and a clock; `instance()` is a further worker process of the app."""

    def __init__(self) -> None:
        self.fuse = Fuse()
        self.fo = MemoryFo(step=self.fuse.step)
        self.table = MemoryTable(step=self.fuse.step)
        self.clock = Clock()

    def journals(self) -> PaymentJournals:
        rows = SharedRows(self.table, "journals")  # type: ignore[arg-type]  # a fake, in memory
        return PaymentJournals(self.fo, rows, now=self.clock)  # type: ignore[arg-type]  # likewise

    def instance(self) -> PaymentPorts:
        payments = Payments(self.table)  # type: ignore[arg-type]  # likewise
        return PaymentPorts(payments, self.journals(), now=self.clock)

    def ids(self) -> list[str]:
        """The payment ids of all lines in F&O."""
        return sorted(row["PaymentId"] for row in self.fo.lines.values())
