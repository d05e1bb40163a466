"""What was given back for one order, credited in F&O: each refund once.

Read what is remembered, look at what F&O has delivered, plan, write, remember. Whoever is cut off leaves documents that
the next attempt finds by their references. All about one order is one worker's work; should there be two after all, the
row of the refund lets only one of them begin.

A credit does not wait for the refund's money, which the payments book when it moves. Goods that came back do wait until
F&O has invoiced them, since a return order is against what was invoiced; after refunds.wait_hours the refund is parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from shared.d365.free_text_invoices import InvoiceDraft, create_invoice
from shared.d365.odata.client import ODataClient
from shared.d365.returns import ReturnDraft, ReturnOrder, create_numbered, create_sequenced
from shared.d365.sold_lines import SoldLine, read_sold_lines
from shared.d365.tax import TaxSetups
from shared.errors import ConnectorError, ErrorCode, NotYetError, RefusedError, TransientError
from shared.mapping.orders.proof import refuse_test_order
from shared.mapping.refunds.documents import PlannedDocument
from shared.mapping.refunds.lots import SoldLot
from shared.mapping.refunds.plan import RefundPlan, needs_lots, plan_refund
from shared.mapping.refunds.proof import prove_invoice, prove_return
from shared.model import Component, Money, Order, OrderState, Refund, source_of
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.refunds import BookedRefund, Refunds
from shared.sync.orders.booking import tax_setup_of
from shared.telemetry import tell

_LOOK_AGAIN: Final = timedelta(hours=1)
"""F&O's batch jobs invoice some times a day."""


@dataclass(frozen=True, slots=True)
class RefundPorts:
    refunds: Refunds
    fo: ODataClient
    taxes: TaxSetups


@dataclass(frozen=True, slots=True)
class RefundsReport:
    """F&O has every refund. `note` says what was done, `evidence` why it is right."""

    note: str
    documents: tuple[str, ...] = ()
    """What this call wrote or found, in words."""
    evidence: Mapping[str, object] = field(default_factory=dict)


async def converge_refunds(
    state: OrderState, *, link: OrderLink | None, rules: StoreRules, ports: RefundPorts, now: datetime
) -> RefundsReport:
    """Brings every refund into F&O that is not there.

    One that cannot be booked does not keep the others from it; its error is raised at the end, what may be tried again
    before what is a person's to decide. Raises TransientError while F&O lacks the sales order or its invoice, and
    RefusedError: see plan_refund, create_numbered, create_sequenced, create_invoice; REFUND_NOT_INVOICED,
    REFUND_CHANGED, REFUND_WITHOUT_ORDER, TEST_ORDER.
    """
    if rules.refunds is None:
        return RefundsReport("refunds are not booked for this store")
    if not state.refunds:
        return RefundsReport("nothing was given back")
    if rules.masters.refunds == "fo":
        return RefundsReport(f"{len(state.refunds)} refunds noted: F&O decides about refunds of this store")
    refuse_test_order(state.order, rules)
    known = await ports.refunds.of_order(state.order.store, state.order.id)
    task = _Task(state.order, link, rules, ports, now=now, wait=timedelta(hours=rules.refunds.wait_hours), known=known)
    troubles: list[ConnectorError] = []
    for refund in state.refunds:
        try:
            await task.converge(refund)
        except (RefusedError, TransientError) as trouble:
            troubles.append(trouble)
    if troubles:
        raise min(troubles, key=lambda each: isinstance(each, RefusedError))
    return RefundsReport(task.note(len(state.refunds)), tuple(task.documents), task.evidence)


class _Task:
    """The booking of one order's refunds, one after the other."""

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
        self.evidence: dict[str, object] = {}

    async def converge(self, refund: Refund) -> None:
        value = refund.worth(taxes_included=self._order.taxes_included)
        row = self._known.get(refund.id)
        if row is not None and row.worth is not None:
            await self._refuse_change(row, row.worth, value)
            return
        plan = await self._plan(refund, value)
        if row is None:
            row = await self._put(BookedRefund(self._order.store, self._order.id, refund.id, since=self._now))
        if plan.waits_for:
            self._wait(plan, row)
        row = await self._write(plan, row)
        await self._put(replace(row, worth=value))
        tell("refund.booked", company=plan.company, documents=len(row.documents))
        self._booked += 1
        self.documents += row.documents
        if plan.evidence is not None:
            self.evidence[str(refund.id)] = {**plan.evidence.as_dict(), "documents": list(row.documents)}

    def note(self, refunds: int) -> str:
        if not self._booked:
            return "F&O has all refunds"
        found = f": {', '.join(self.documents)}" if self.documents else ", all of it off the sales order already"
        return f"{self._booked} of {refunds} refunds credited{found}"

    async def _refuse_change(self, row: BookedRefund, booked: Money, value: Money) -> None:
        """A refund whose money failed later is worth less: what was credited is a person's to correct. Told once."""
        if value == booked or str(value) == row.parked_worth:
            return
        await self._put(replace(row, parked_worth=str(value)))
        documents = " and ".join(row.documents) or "the sales order"
        raise RefusedError(
            ErrorCode.REFUND_CHANGED, refund=row.refund_id, booked=booked, now=value, documents=documents
        )

    async def _plan(self, refund: Refund, value: Money) -> RefundPlan:
        takes_back = needs_lots(refund, self._order, self._rules)
        link = self._link
        tax_setup = await tax_setup_of(self._rules, self._ports.taxes)
        if link is not None and link.sales_order:
            return plan_refund(
                refund,
                self._order,
                self._rules,
                customer_account=link.customer_account,
                sales_order=link.sales_order,
                sold=await self._lots(link, refund) if takes_back else (),
                tax_setup=tax_setup,
            )
        # Without a sales order a refund can only be right that needs no document.
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
        """What F&O has of the order, less what the other refunds took back."""
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

    async def _write(self, plan: RefundPlan, row: BookedRefund) -> BookedRefund:
        """The documents that the refund has not, each remembered at once."""
        if plan.invoice is not None and not row.invoice:
            draft = InvoiceDraft(
                company=plan.company,
                reference=plan.reference,
                header=plan.invoice.header,
                lines=[line.record for line in plan.invoice.lines],
                prove=partial(prove_invoice, plan.invoice, plan.refund_id),
            )
            invoice = await create_invoice(self._ports.fo, draft)
            row = await self._put(replace(row, invoice=invoice.identifier))
        if plan.return_order is not None and not row.return_order:
            back = await self._return(plan, plan.return_order)
            returned = {lot: int(units) for lot, units in back.returned.items()}
            row = await self._put(replace(row, return_order=back.number, returned=returned))
        return row

    async def _return(self, plan: RefundPlan, document: PlannedDocument) -> ReturnOrder:
        draft = ReturnDraft(
            company=plan.company,
            reference=plan.reference,
            header=document.header,
            lines=[line.record for line in document.lines],
            amount=-document.amount.amount,
            prove=partial(prove_return, document, plan.refund_id),
        )
        if plan.number is not None:
            return await create_numbered(self._ports.fo, draft, plan.number)
        return await create_sequenced(self._ports.fo, draft)

    async def _put(self, row: BookedRefund) -> BookedRefund:
        self._known[row.refund_id] = await self._ports.refunds.put(row)
        return self._known[row.refund_id]


def _lot(line: SoldLine, line_id: int, returned: int) -> SoldLot:
    whole = SoldLot(
        lot=line.lot,
        line_id=line_id,
        product=line.product,
        site=line.site,
        warehouse=line.warehouse,
        ordered=line.ordered,
        returnable=line.invoiced,
    )
    return whole.less(Decimal(returned))
