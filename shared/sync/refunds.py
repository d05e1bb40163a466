"""The refunds of one order, credited in F&O: each refund once.

Read the records, read what F&O has delivered, plan, write, record. An interrupted attempt leaves documents that the
next attempt finds by their references. One worker handles all events of an order; should there be two after all, the
row of the refund lets only one of them begin.

A credit does not wait for the refund's money: sync/payments.py books that when it moves. Returned goods wait until F&O
has invoiced them, since a return order is against an invoice; after refunds.wait_hours the refund is parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from shared.d365.free_text_invoices import InvoiceDraft, create_invoice
from shared.d365.odata.answers import settling_time
from shared.d365.odata.client import ODataClient
from shared.d365.returns import AcceptReturn, ReturnDraft, ReturnOrder, create_return
from shared.d365.sold_lines import SoldLine, read_sold_lines
from shared.d365.tax import TaxSetups, tax_setup_of
from shared.errors import ConnectorError, ErrorCode, NotYetError, RefusedError, TransientError
from shared.mapping.orders.proof import refuse_test_order
from shared.mapping.reconciliation import refund_money_findings
from shared.mapping.refunds.documents import PlannedDocument
from shared.mapping.refunds.lots import SoldLot
from shared.mapping.refunds.plan import RefundPlan, needs_lots, plan_refund
from shared.mapping.refunds.proof import credited_by_lot, prove_invoice, prove_return
from shared.model import Component, FoRow, Money, Order, OrderState, Refund, source_of, total
from shared.rules import StoreRules
from shared.store.links import LEASE, OrderLink
from shared.store.refunds import BookedRefund, Refunds, refuse_claimed_refund
from shared.telemetry import emit

_LOOK_AGAIN: Final = timedelta(hours=1)
"""F&O's batch jobs invoice several times a day."""


@dataclass(frozen=True, slots=True)
class RefundPorts:
    records: Refunds
    fo: ODataClient
    taxes: TaxSetups


@dataclass(frozen=True, slots=True)
class RefundsReport:
    """F&O has every refund. `note` describes what was done, `evidence` proves that it is right."""

    note: str
    documents: tuple[str, ...] = ()
    """Written or found by this call, by kind and number."""
    evidence: Mapping[str, object] = field(default_factory=dict)


async def converge_refunds(
    state: OrderState, *, link: OrderLink | None, rules: StoreRules, ports: RefundPorts, now: datetime
) -> RefundsReport:
    """Credits every refund in F&O that F&O does not have.

    One that cannot be booked does not stop the others; its error is raised at the end, errors that may be retried
    before those that a person has to decide. Raises TransientError while F&O lacks the sales order or its invoice, and
    RefusedError: see plan_refund, create_return, create_invoice; REFUND_NOT_INVOICED, REFUND_CHANGED,
    REFUND_WITHOUT_ORDER, TEST_ORDER.
    """
    if rules.refunds is None:
        return RefundsReport("refunds are not booked for this store")
    if not state.refunds:
        return RefundsReport("no refunds")
    if rules.masters.refunds == "fo":
        return RefundsReport(f"{len(state.refunds)} refunds not booked: F&O decides about refunds of this store")
    refuse_test_order(state.order, rules)
    known = await ports.records.of_order(state.order.store, state.order.id)
    task = _RefundBooking(
        state.order, link, rules, ports, now=now, wait=timedelta(hours=rules.refunds.wait_hours), known=known
    )
    errors: list[ConnectorError] = []
    for refund in state.refunds:
        try:
            if await task.converge(refund):
                task.payouts += _payout(refund, state)
        except (RefusedError, TransientError) as error:
            errors.append(error)
    if errors:
        raise min(errors, key=lambda each: isinstance(each, RefusedError))
    return RefundsReport(task.note(len(state.refunds)), tuple(task.documents), task.evidence)


class _RefundBooking:
    """Books the refunds of one order, one after the other."""

    def __init__(
        self,
        order: Order,
        link: OrderLink | None,
        rules: StoreRules,
        ports: RefundPorts,
        *,
        now: datetime,
        wait: timedelta,
        known: Mapping[int, BookedRefund],
    ) -> None:
        self._order = order
        self._link = link
        self._rules = rules
        self._ports = ports
        self._now = now
        self._longest_wait = wait
        self._known = dict(known)
        self._sold: list[SoldLine] | None = None
        self._booked = 0
        self.documents: list[str] = []
        self.payouts: list[str] = []
        """Differences between what was credited and what was paid out."""
        self.evidence: dict[str, object] = {}

    async def converge(self, refund: Refund) -> bool:
        """Whether the refund was booked by this call."""
        value = refund.worth(taxes_included=self._order.taxes_included)
        row = self._known.get(refund.id)
        if row is not None and row.worth is not None:
            await self._refuse_change(row, row.worth, value)
            return False
        plan = await self._plan(refund, value)
        if row is None:
            row = await self._put(BookedRefund(self._order.store, self._order.id, refund.id, since=self._now))
        if plan.waits_for:
            self._wait(plan, row)
        plan, row = await self._write_once(refund, value, plan, row)
        await self._put(replace(row, worth=value, claimed_until=None))
        emit("refund.booked", company=plan.company, documents=len(row.documents))
        self._booked += 1
        self.documents += row.documents
        if plan.evidence is not None:
            self.evidence[str(refund.id)] = {**plan.evidence.as_dict(), "documents": list(row.documents)}
        return True

    def note(self, refunds: int) -> str:
        if not self._booked:
            return "F&O has all refunds"
        found = f": {', '.join(self.documents)}" if self.documents else ", all of it off the sales order already"
        return "; ".join((f"{self._booked} of {refunds} refunds credited{found}", *self.payouts))

    async def _refuse_change(self, row: BookedRefund, booked: Money, value: Money) -> None:
        """Raises, once, for a refund that is worth less than was credited, since its money failed: a person corrects
        it.
        """
        if value == booked or str(value) == row.parked_worth:
            return
        await self._put(replace(row, parked_worth=str(value)))
        documents = " and ".join(row.documents) or "the sales order"
        raise RefusedError(
            ErrorCode.REFUND_CHANGED, refund=row.refund_id, booked=booked, now=value, documents=documents
        )

    async def _plan(self, refund: Refund, value: Money, booked: Mapping[str, Money] | None = None) -> RefundPlan:
        link = self._link
        known = link.record if link is not None else None
        takes_back = needs_lots(refund, self._order, self._rules, known)
        tax_setup = await tax_setup_of(self._rules.company, self._ports.taxes, verify=self._rules.tax.verify)
        if link is not None and link.sales_order:
            return plan_refund(
                refund,
                self._order,
                self._rules,
                customer_account=link.customer_account,
                sales_order=link.sales_order,
                sold=await self._lots(link, refund) if takes_back else (),
                tax_setup=tax_setup,
                known=known,
                booked=booked,
            )
        # Without a sales order, only a refund that needs no document can be booked.
        if not takes_back:
            plan = plan_refund(
                refund, self._order, self._rules, customer_account="", sales_order="", tax_setup=tax_setup
            )
            if plan.invoice is None:
                return plan
        if not self._order.is_given_up:
            raise TransientError(f"refunds of {self._order.name} wait until F&O has its sales order")
        raise RefusedError(ErrorCode.REFUND_WITHOUT_ORDER, refund=refund.id, amount=value)

    async def _lots(self, link: OrderLink, refund: Refund) -> list[SoldLot]:
        """F&O's lots of the order, less the units of the other refunds."""
        if self._sold is None:
            self._sold = [
                line
                for number in (link.sales_order, *link.further)
                for line in await read_sold_lines(self._ports.fo, link.company, number)
            ]
        returned: Counter[str] = Counter()
        for row in self._known.values():
            if row.refund_id != refund.id:
                returned.update(row.returned)
        sources = {source_of(Component.PRODUCTS, line.id): line.id for line in self._order.lines}
        return [
            _lot(line, sources[link.sources[line.lot]], returned[line.lot])
            for line in self._sold
            if link.sources.get(line.lot) in sources
        ]

    def _wait(self, plan: RefundPlan, row: BookedRefund) -> None:
        goods = ", ".join(plan.waits_for)
        sales_order = self._link.sales_order if self._link else ""
        waited = self._now - row.since
        if waited >= self._longest_wait:
            hours = waited // timedelta(hours=1)
            raise RefusedError(
                ErrorCode.REFUND_NOT_INVOICED, refund=plan.refund_id, goods=goods, sales_order=sales_order, hours=hours
            )
        raise NotYetError(
            f"refund {plan.refund_id} waits until F&O has invoiced {goods} on {sales_order}", retry_after=_LOOK_AGAIN
        )

    async def _write_once(
        self, refund: Refund, value: Money, plan: RefundPlan, row: BookedRefund
    ) -> tuple[RefundPlan, BookedRefund]:
        """Claims the refund while its documents are written, since F&O numbers them. After a call without an answer
        the claim lasts until F&O has surely finished: a look-up before that could miss a document.

        Returns the plan too, with F&O's amounts where those may differ from what is sent.
        """
        if plan.invoice is None and plan.return_order is None:
            return plan, row
        refuse_claimed_refund(row, self._now)
        row = await self._put(replace(row, claimed_until=self._now + LEASE))
        try:
            if plan.copied and not row.return_order:
                plan = await self._write_as_booked(refund, value, plan)
            return plan, await self._write(plan, self._known[refund.id])
        except ConnectorError as failure:
            wait = settling_time(failure)
            latest = self._known[row.refund_id]
            await self._put(replace(latest, claimed_until=self._now + wait if wait else None))
            raise

    async def _write_as_booked(self, refund: Refund, value: Money, sent: RefundPlan) -> RefundPlan:
        """Writes the return order held, then what F&O's amounts leave to credit beside it, and releases it.

        Returns the plan with F&O's amounts.
        """
        plan, document = sent, sent.return_order
        if document is None:
            raise ValueError("only a return order has copied prices")

        async def accept(number: str, lines: Sequence[FoRow]) -> None:
            nonlocal plan
            booked = credited_by_lot(lines, value.currency)
            if not sent.explains(booked):
                raise RefusedError(
                    ErrorCode.FO_REFUND_DIFFERS,
                    document=f"return order {number}",
                    booked=-total(booked.values(), value.currency).amount,
                    expected=-document.amount.amount,
                ).with_proof(prove_return(document, refund.id, lines))
            plan = await self._plan(refund, value, booked)
            if plan.invoice is not None:
                await self._put(replace(self._known[refund.id], invoice=await self._invoice(plan, plan.invoice)))

        back = await self._return(sent, document, accept)
        returned = {lot: int(units) for lot, units in back.returned.items()}
        await self._put(replace(self._known[refund.id], return_order=back.number, returned=returned))
        return plan

    async def _write(self, plan: RefundPlan, row: BookedRefund) -> BookedRefund:
        """Writes the documents that the refund lacks, and records each at once."""
        if plan.invoice is not None and not row.invoice:
            row = await self._put(replace(row, invoice=await self._invoice(plan, plan.invoice)))
        if plan.return_order is not None and not row.return_order:
            back = await self._return(plan, plan.return_order)
            returned = {lot: int(units) for lot, units in back.returned.items()}
            row = await self._put(replace(row, return_order=back.number, returned=returned))
        return row

    async def _invoice(self, plan: RefundPlan, document: PlannedDocument) -> int:
        draft = InvoiceDraft(
            company=plan.company,
            reference=plan.reference,
            header=document.header,
            lines=[line.record for line in document.lines],
            prove=partial(prove_invoice, document, plan.refund_id),
        )
        return (await create_invoice(self._ports.fo, draft)).identifier

    async def _return(
        self, plan: RefundPlan, document: PlannedDocument, accept: AcceptReturn | None = None
    ) -> ReturnOrder:
        draft = ReturnDraft(
            company=plan.company,
            reference=plan.reference,
            header=document.header,
            lines=[line.record for line in document.lines],
            amount=-document.amount.amount,
            lines_per_request=self._rules.orders.lines_per_request,
            prove=partial(prove_return, document, plan.refund_id),
            accept=accept,
        )
        return await create_return(self._ports.fo, draft)

    async def _put(self, row: BookedRefund) -> BookedRefund:
        self._known[row.refund_id] = await self._ports.records.put(row)
        return self._known[row.refund_id]


def _payout(refund: Refund, state: OrderState) -> list[str]:
    """Both sums of a refund of which something else was paid out than was credited, as the comparison reports it."""
    credited = {refund.id: refund.worth(taxes_included=state.order.taxes_included)}
    try:
        findings = refund_money_findings(state, credited)
    except RefusedError:  # payments that contradict each other park their own part
        return []
    return [f"{each.refusal.code}: {each.refusal.cause}" for each in findings]


def _lot(line: SoldLine, line_id: int, returned: int) -> SoldLot:
    whole = SoldLot(
        lot=line.lot,
        line_id=line_id,
        product=line.product,
        site=line.site,
        warehouse=line.warehouse,
        price=line.price,
        ordered=line.ordered,
        returnable=line.invoiced,
    )
    return whole.less(Decimal(returned))
