"""The payments of one order, booked in F&O's payment journals: each transaction once.

Read the records, claim the transactions without one, write what is missing, record it. An interrupted attempt leaves a
claim that expires, and journal lines that the next attempt finds in their journals before it writes. Nothing is looked
up of a transaction without a record that is younger than the table of records: no attempt was made at it. Only where
lines may be elsewhere are all journals searched for the payment ids, which F&O has no index for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.d365.odata.answers import settling_time
from shared.d365.payment_journals import JournalDraft, PaymentJournals
from shared.errors import ConnectorError, ErrorCode, RefusedError, TransientError
from shared.mapping.payments.plan import (
    JournalKey,
    JournalLine,
    amount_on_account,
    journals_of,
    moved_money,
    payment_ids,
    plan_payments,
    transaction_of,
)
from shared.mapping.payments.proof import prove_payments
from shared.mapping.payments.settlement import is_outgoing
from shared.model import Money, OrderState, Part, Transaction, total
from shared.model.fo_order import FoRow
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.payments import CLOCKS, Payment, Payments
from shared.telemetry import emit

_BY_HAND: Final = timedelta(minutes=30)
"""Before that nobody books by hand what waits. A search by payment ids has F&O read all journals."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PaymentPorts:
    records: Payments
    journals: PaymentJournals
    now: Callable[[], datetime] = _utc_now


@dataclass(frozen=True, slots=True)
class PaymentsReport:
    """F&O has every payment. `note` describes what was done, `evidence` proves that it is right."""

    note: str
    written: int = 0
    """Transactions whose lines this call wrote."""
    adopted: int = 0
    """Transactions whose lines an earlier attempt wrote."""
    evidence: Mapping[str, object] = field(default_factory=dict)


async def converge_payments(
    state: OrderState, *, link: OrderLink | None, rules: StoreRules, ports: PaymentPorts, is_replay: bool = False
) -> PaymentsReport:
    """Books every transaction that moved money in F&O, incoming and outgoing, refunds too.

    A state without transactions has only the money of its refunds. Raises TransientError while F&O does not have the
    sales order or another worker has claimed a transaction, RefusedError (see plan_payments; FO_PAYMENT_TWICE,
    FO_FOREIGN_PAYMENT, and PAYMENT_WITHOUT_ORDER for money that is kept for an order that F&O will not get).
    `is_replay`: a person has dealt with a payment that F&O had twice.
    """
    if rules.payments is None:
        return PaymentsReport("payments are not booked for this store")
    moved = moved_money(state, rules)
    proof = prove_payments(state).as_dict() if state.transactions is not None else {}
    known = await ports.records.of_order(state.order.store, state.order.id) if moved else {}
    missing = [each for each in moved if each.id not in known or known[each.id].settled is None]
    written = adopted = 0
    if missing:
        if link is None or not link.sales_order:
            return _without_order(state, moved)
        task = _PaymentBooking(state, link, rules, ports, known, is_replay=is_replay)
        adopted, written = await task.run(missing)
        known = task.known
    return PaymentsReport(
        note=_note(moved, written, adopted),
        written=written,
        adopted=adopted,
        evidence={"shopify": proof, "fo": _booked(known, state.order.currency)},
    )


class _PaymentBooking:
    """Books the missing payments of one order."""

    def __init__(
        self,
        state: OrderState,
        link: OrderLink,
        rules: StoreRules,
        ports: PaymentPorts,
        known: Mapping[int, Payment],
        *,
        is_replay: bool,
    ) -> None:
        self._state = state
        self._link = link
        self._rules = rules
        self._ports = ports
        self.known = dict(known)
        self._is_replay = is_replay
        self._twice: dict[int, Money] = {}
        """Transactions of which F&O has a payment line twice, and what one of the lines is worth."""

    async def run(self, missing: Sequence[Transaction]) -> tuple[int, int]:
        """How many transactions were found in F&O, and how many were written."""
        order = self._state.order
        claimed: set[int] = set()
        try:
            doubtful = self._doubtful(missing)
            attempted = await self._attempted(missing, doubtful)
            for number in (each.id for each in missing):
                payment = self.known.get(number, Payment(order.store, order.id, number))
                self.known[number] = await self._ports.records.claim(payment, self._ports.now())
                claimed.add(number)
            found, refusal = await self._adopt(attempted, doubtful)
            await self._write(self._plan())
            if refusal is not None:
                raise refusal
            for number in claimed:
                if self.known[number].settled is None:  # cash that was rounded down to zero has no line
                    await self._store(number, total((), order.currency), "", ())
        except ConnectorError as error:
            await self._release(claimed, error)
            raise
        return found, len(missing) - found

    def _doubtful(self, missing: Sequence[Transaction]) -> frozenset[int]:
        """Transactions whose lines may be in another journal than the rules say: an earlier attempt does not know
        whether it wrote them, or they were refused, or have waited for long, and staff may have written them.
        """
        waits = self._link.payments_wait
        is_parked = Part.PAYMENTS in self._link.parked_parts and not waits
        if self._is_replay or is_parked or Part.READING in self._link.parked_parts:
            return frozenset(each.id for each in missing)
        fresh = self._ports.now() - _BY_HAND
        return frozenset(
            each.id
            for each in missing
            if (waits and each.processed_at < fresh)
            or (each.id in self.known and self.known[each.id].claimed_until is not None)
        )

    async def _attempted(self, missing: Sequence[Transaction], doubtful: Collection[int]) -> list[Transaction]:
        """Transactions that F&O may have: an attempt at any other would have left its record. One of a time to come, as
        an import may set it, shows nothing.
        """
        now = self._ports.now()
        since = await self._ports.records.complete_since(self._state.order.store, now)
        return [
            each
            for each in missing
            if each.id in self.known or each.id in doubtful or not since < each.processed_at <= now + CLOCKS
        ]

    async def _find(self, attempted: Sequence[Transaction], doubtful: Collection[int]) -> list[FoRow]:
        company, journals = self._link.company, self._ports.journals
        keys = journals_of(attempted, self._state.order, self._rules)
        numbers = [number for key in keys for number in await journals.numbers(self._draft(key))]
        rows = await journals.find(company, payment_ids(attempted), numbers)
        found = {transaction_of(row["PaymentId"]) for row in rows}
        if elsewhere := [each for each in attempted if each.id in doubtful and each.id not in found]:
            rows += await journals.search(company, payment_ids(elsewhere))
        return rows

    async def _adopt(
        self, attempted: Sequence[Transaction], doubtful: Collection[int]
    ) -> tuple[int, RefusedError | None]:
        """Records the transactions that F&O has, with F&O's amounts. Returns how many, and the refusal of one that F&O
        has twice: it is not recorded, so that no later event closes what is parked. A replay records its first line: a
        person has deleted or reversed the other.
        """
        currency = self._state.order.currency
        ours = f"{self._link.sales_order} in {currency}"
        by_id: defaultdict[str, list[FoRow]] = defaultdict(list)
        for row in await self._find(attempted, doubtful):
            found = f"{row['PaymentReference']} in {row['CurrencyCode']}"
            if found != ours:
                raise RefusedError(
                    ErrorCode.FO_FOREIGN_PAYMENT, payment=row["PaymentId"], found=found, sales_order=ours
                )
            by_id[row["PaymentId"]].append(row)
        refusal: RefusedError | None = None
        by_transaction: defaultdict[int, list[FoRow]] = defaultdict(list)
        for payment_id, rows in by_id.items():
            number = transaction_of(payment_id)
            by_transaction[number].append(rows[0])
            if len(rows) > 1 and not self._is_replay:
                self._twice[number] = total((), currency)
                journals = ", ".join(row["JournalBatchNumber"] for row in rows)
                refusal = RefusedError(
                    ErrorCode.FO_PAYMENT_TWICE, payment=payment_id, count=len(rows), journals=journals
                )
        for number, rows in by_transaction.items():
            amount = total((Money(amount_on_account(row), currency) for row in rows), currency)
            if number in self._twice:
                self._twice[number] = amount
            else:
                lines = tuple(int(row["LineNumber"]) for row in rows)
                await self._store(number, amount, rows[0]["JournalBatchNumber"], lines)
        return len(by_transaction.keys() - self._twice.keys()), refusal

    def _plan(self) -> tuple[JournalLine, ...]:
        recorded = {number: each.settled for number, each in self.known.items() if each.settled is not None}
        booked = {**recorded, **self._twice}
        return plan_payments(
            self._state,
            self._rules,
            customer_account=self._link.customer_account,
            sales_order=self._link.sales_order,
            booked=booked,
        )

    async def _write(self, lines: Sequence[JournalLine]) -> None:
        """Writes the lines to their journals: all lines of one journal or none."""
        by_journal: defaultdict[JournalDraft, list[JournalLine]] = defaultdict(list)
        for line in lines:
            by_journal[self._draft(line.journal)].append(line)
        for draft, its in by_journal.items():
            slot = await self._ports.journals.book(draft, [line.record for line in its])
            for number in dict.fromkeys(line.transaction_id for line in its):
                own = [at for at, line in enumerate(its) if line.transaction_id == number]
                amount = total((its[at].amount for at in own), self._state.order.currency)
                await self._store(number, amount, slot.journal, tuple(slot.lines[at] for at in own))

    def _draft(self, key: JournalKey) -> JournalDraft:
        return JournalDraft(company=self._link.company, name=key.name, description=key.description)

    async def _store(self, number: int, amount: Money, journal: str, lines: tuple[int, ...]) -> None:
        payment = replace(self.known[number], settled=amount, journal=journal, lines=lines, claimed_until=None)
        self.known[number] = await self._ports.records.put(payment)
        if lines:
            emit("payment.booked", company=self._link.company, journal=journal)

    async def _release(self, claimed: set[int], error: ConnectorError) -> None:
        """Ends the claims, so that the next attempt may begin: at once, or when F&O has finished a call without an
        answer.
        """
        wait = settling_time(error)
        until = self._ports.now() + wait if wait else None
        for number in claimed:
            if self.known[number].settled is None:
                released = replace(self.known[number], claimed_until=until)
                self.known[number] = await self._ports.records.put(released)


def _without_order(state: OrderState, moved: Sequence[Transaction]) -> PaymentsReport:
    if not state.order.is_given_up:
        raise TransientError(f"payments of {state.order.name} wait until F&O has its sales order")
    if not _is_refunded_in_full(moved):
        raise RefusedError(ErrorCode.PAYMENT_WITHOUT_ORDER, transactions=", ".join(str(each.id) for each in moved))
    return PaymentsReport("given up before it reached F&O, and all money was refunded: nothing to book")


def _is_refunded_in_full(moved: Sequence[Transaction]) -> bool:
    """Whether all money received was refunded, and cash rounding was reversed too."""
    currency = moved[0].paid.currency
    signs = [-1 if is_outgoing(each) else 1 for each in moved]
    return (
        all(each.paid.currency == currency for each in moved)
        and not total((each.paid * sign for each, sign in zip(moved, signs, strict=True)), currency)
        and not sum(each.cash_rounding.amount * sign for each, sign in zip(moved, signs, strict=True))
    )


def _note(moved: Sequence[Transaction], written: int, adopted: int) -> str:
    if not moved:
        return "no money has moved"
    if not written and not adopted:
        return "F&O has all money that moved"
    found = f", {adopted} found in F&O, written by an earlier attempt" if adopted else ""
    return f"{written} of {len(moved)} transactions booked{found}"


def _booked(known: Mapping[int, Payment], currency: str) -> dict[str, object]:
    """The order's payments in F&O, as text."""
    booked = [(each, each.settled) for _, each in sorted(known.items()) if each.settled]
    return {
        "settled": str(total((settled for _, settled in booked), currency)),
        "transactions": {
            str(each.transaction_id): f"{settled} in journal {each.journal}, lines {', '.join(map(str, each.lines))}"
            for each, settled in booked
        },
    }
