"""One order that both systems have: Shopify's state of now compared with F&O's. Nothing is written to either.

sales order   what the flow of orders would change on it
payments      transaction by transaction, with F&O's payment lines
refunds       what was credited with what Shopify's refund is worth, and that with the money that was paid out for it;
              goods that came back in returns, and fees of returns, without a refund
invoices      once all is invoiced, where an engine outside F&O computes tax: F&O's total and tax with Shopify's
balance       once all is invoiced and credited: what is open on the customer's account in F&O with what Shopify has
              outstanding. Invoices and payment lines are F&O's; of the credits the app's records are taken, since a
              return order becomes a credit note only when its goods arrive

It costs 1 call to Shopify, one more where goods were shipped and for each 4 refunds; and 3 reads of F&O (header and
lines, what remains of them, payment lines), one more for the invoices of an invoiced order, where items and tax set-up
are cached. Searching F&O for duplicates before costs one read (shared/sync/sweep/duplicates.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.d365.order_changes import read_fo_order, read_header
from shared.d365.sales_invoices import read_invoiced
from shared.d365.tax import tax_setup_of
from shared.mapping.orders.allocation import AllocatedPart, Allocation, Need
from shared.mapping.orders.record import digest
from shared.mapping.payments.differences import payment_differences
from shared.mapping.payments.plan import moved_money, payment_ids
from shared.mapping.reconciliation import (
    Finding,
    Sums,
    balance_finding,
    balance_of,
    gone_finding,
    invoice_finding,
    is_invoiced,
    is_settled_in_fo,
    payment_finding,
    refund_findings,
    refund_money_findings,
    return_finding,
    sales_order_finding,
    sums,
)
from shared.model import FoOrder, FoRow, Money, OrderState, Transaction
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.payments import Payment
from shared.store.refunds import BookedRefund
from shared.sync.orders.booking import items_of
from shared.sync.orders.planning import plan_change
from shared.sync.orders.ports import OrderPorts
from shared.sync.sweep.duplicates import Duplicates, follow_kept


@dataclass(frozen=True, slots=True)
class Comparison:
    name: str
    """The order's name in Shopify: #1001."""
    sales_order: str
    findings: tuple[Finding, ...] = ()
    sums: Sums | None = None
    """None where F&O has no lines to sum."""
    missed: tuple[str, ...] = ()
    """Missed events, in words. While there are some, nothing is compared but duplicates."""

    @property
    def is_healable(self) -> bool:
        """Whether an event of the order would mend something."""
        return any(finding.is_healable for finding in self.findings)


async def compare_order(
    state: OrderState, link: OrderLink, duplicates: Duplicates, rules: StoreRules, ports: OrderPorts
) -> Comparison | None:
    """None for an order of which something is parked.

    If the kept sales order is another than the link names, the link follows it, and an event has to update it.

    Raises RefusedError for an order that today's rules do not translate, TransientError when F&O is not ready.
    """
    order = state.order
    if link.has_parked or digest(order, rules) == link.parked_digest:
        return None
    kept = duplicates.kept[0]
    if await follow_kept(link, duplicates, rules, ports):
        missed: tuple[str, ...] = (f"its sales order is {kept} now, and was {link.sales_order}",)
        return Comparison(order.name, kept, duplicates.findings, missed=missed)
    refunds = await _booked_refunds(state, rules, ports)
    missed = await _missed(state, refunds, rules, ports)
    if missed:
        return Comparison(order.name, kept, duplicates.findings, missed=missed)
    fo = await read_fo_order(ports.fo, link.company, duplicates.kept)
    findings, compared = await _sales_order(state, link, fo, rules, ports)
    lines = await _payment_lines(state, link, duplicates, rules, ports)
    findings += _payments(state, link, lines, rules)
    credited = {number: row.worth for number, row in (refunds or {}).items()}
    findings += refund_findings(link.sales_order, order, state.refunds, credited)
    findings += refund_money_findings(state, credited)
    if refunds is not None and (finding := return_finding(link.sales_order, state)) is not None:
        findings.append(finding)
    if fo is not None:
        findings += await _invoices(state, fo, link, duplicates, credited, lines=lines, rules=rules, ports=ports)
    return Comparison(order.name, kept, (*duplicates.findings, *findings), compared)


async def _booked_refunds(state: OrderState, rules: StoreRules, ports: OrderPorts) -> Mapping[int, BookedRefund] | None:
    """None where the store books no refunds."""
    if rules.refunds is None or rules.masters.refunds == "fo":
        return None
    return await ports.refunds.records.of_order(rules.key, state.order.id) if state.refunds else {}


async def _missed(
    state: OrderState, refunds: Mapping[int, BookedRefund] | None, rules: StoreRules, ports: OrderPorts
) -> tuple[str, ...]:
    """Refunds and payments without a record: the flow of orders records each, or parks a message of the order."""
    missed = [f"refund {each.id}" for each in state.refunds if refunds is not None and each.id not in refunds]
    if rules.payments is not None and (moved := moved_money(state, rules)):
        known = await ports.payments.records.of_order(rules.key, state.order.id)
        missed += [f"transaction {each.id}" for each in moved if each.id not in known]
    return tuple(missed)


async def _sales_order(
    state: OrderState, link: OrderLink, fo: FoOrder | None, rules: StoreRules, ports: OrderPorts
) -> tuple[list[Finding], Sums | None]:
    order = state.order
    if fo is None:
        return ([] if order.is_given_up else [gone_finding(link.sales_order, order)]), None

    async def anywhere(wanted: Sequence[Need]) -> Allocation:
        """A comparison does not depend on where missing goods would ship from."""
        return Allocation(
            rules.warehouses[0],
            {need.line_id: (AllocatedPart(need.quantity, rules.warehouses[0]),) for need in wanted},
            (),
        )

    planned = await plan_change(
        order,
        fo,
        link,
        rules,
        items=await items_of(order, rules, ports, link.record),
        tax_setup=await tax_setup_of(rules.company, ports.taxes, verify=rules.tax.verify),
        allocate=anywhere,
    )
    compared = sums(order, planned.target, planned.own)
    finding = sales_order_finding(link.sales_order, planned.plan, compared)
    return ([finding] if finding else []), compared


async def _payment_lines(
    state: OrderState, link: OrderLink, duplicates: Duplicates, rules: StoreRules, ports: OrderPorts
) -> list[FoRow]:
    """F&O's payment lines for the sales order, and for duplicates of it: those are booked, under another reference."""
    if rules.payments is None:
        return []
    known = await ports.payments.records.of_order(link.store, link.order_id)
    journals = ports.payments.journals
    booked_in = {each.journal for each in known.values() if each.lines}
    lines = [
        row
        for number in (link.sales_order, *duplicates.others)
        for row in (
            await journals.search_order(link.company, number)
            if rules.tenant.searches_payments
            else await journals.of_order(link.company, number, booked_in)
        )
    ]
    found = {row["PaymentId"] for row in lines}
    missing = [each for each in moved_money(state, rules) if found.isdisjoint(payment_ids([each]))]
    return lines + (await _lines_of_gone_orders(missing, link, known, ports) if missing else [])


async def _lines_of_gone_orders(
    missing: Sequence[Transaction], link: OrderLink, known: Mapping[int, Payment], ports: OrderPorts
) -> list[FoRow]:
    """Lines that the app wrote for a sales order that F&O no longer has: a duplicate that was deleted."""
    own = {(each.journal, number) for each in known.values() for number in each.lines}
    found = await ports.payments.journals.find(link.company, payment_ids(missing), {journal for journal, _ in own})
    rows = [row for row in found if (row["JournalBatchNumber"], int(row["LineNumber"])) in own]
    references = {row["PaymentReference"] for row in rows}
    gone = {each for each in references if each and await read_header(ports.fo, link.company, each) is None}
    return [row for row in rows if row["PaymentReference"] in gone]


def _payments(state: OrderState, link: OrderLink, lines: Sequence[FoRow], rules: StoreRules) -> list[Finding]:
    if rules.payments is None:
        return []
    differences = payment_differences(
        state,
        rules,
        customer_account=link.customer_account,
        sales_order=link.sales_order,
        lines=lines,
    )
    return [payment_finding(link.sales_order, each) for each in differences]


async def _invoices(
    state: OrderState,
    fo: FoOrder,
    link: OrderLink,
    duplicates: Duplicates,
    credited: Mapping[int, Money | None],
    *,
    lines: Sequence[FoRow],
    rules: StoreRules,
    ports: OrderPorts,
) -> list[Finding]:
    """Once all is invoiced: the tax of an engine outside F&O; else what is open, to which that tax would add up."""
    order, finding = state.order, None
    is_settled = rules.payments is not None and is_settled_in_fo(state, fo, credited)
    is_taxed_outside = rules.tax.verify == "external" and not order.is_given_up and is_invoiced(fo)
    if not is_settled and not is_taxed_outside:
        return []
    numbers = (*duplicates.kept, *duplicates.others)
    invoiced = await read_invoiced(ports.fo, link.company, numbers, currency=order.currency)
    if is_taxed_outside:
        finding = invoice_finding(link.sales_order, order, invoiced=invoiced.total, tax=invoiced.tax, rules=rules)
    if finding is None and is_settled:
        balance = balance_of(state, credited, invoiced=invoiced.total, lines=lines)
        finding = balance_finding(link.sales_order, state, balance, rules)
    return [finding] if finding else []
