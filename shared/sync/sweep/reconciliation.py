"""One order that both systems have: Shopify's state of now compared with F&O's. Nothing is written.

It costs 1 call to Shopify, one more where goods were shipped and for each 4 refunds; and 4 reads of F&O (header, lines,
what remains of them, payment lines), where items and tax set-up are cached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.d365.order_changes import read_fo_order
from shared.d365.tax import tax_setup_of
from shared.mapping.orders.allocation import AllocatedPart, Allocation, Need
from shared.mapping.orders.record import digest
from shared.mapping.payments.differences import payment_differences
from shared.mapping.payments.plan import moved_money
from shared.mapping.reconciliation import (
    Finding,
    Sums,
    gone_finding,
    payment_finding,
    refund_findings,
    sales_order_finding,
    sums,
)
from shared.model import OrderState
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.refunds import BookedRefund
from shared.sync.orders.booking import items_of
from shared.sync.orders.planning import plan_change
from shared.sync.orders.ports import OrderPorts


@dataclass(frozen=True, slots=True)
class Comparison:
    name: str
    """The order's name in Shopify: #1001."""
    sales_order: str
    findings: tuple[Finding, ...] = ()
    sums: Sums | None = None
    """None where F&O has no lines to sum."""
    missed: tuple[str, ...] = ()
    """Missed events, in words. While there are some, nothing is compared."""


async def compare_order(state: OrderState, link: OrderLink, rules: StoreRules, ports: OrderPorts) -> Comparison | None:
    """None for an order of which something is parked.

    Raises RefusedError for an order that today's rules do not translate, TransientError when F&O is not ready.
    """
    order = state.order
    if link.has_parked or digest(order) == link.parked_digest:
        return None
    refunds = await _booked_refunds(state, rules, ports)
    missed = await _missed(state, refunds, rules, ports)
    if missed:
        return Comparison(order.name, link.sales_order, missed=missed)
    findings, compared = await _sales_order(state, link, rules, ports)
    findings += await _payments(state, link, rules, ports)
    if refunds is not None:
        credited = {number: row.worth for number, row in refunds.items()}
        findings += refund_findings(link.sales_order, order, state.refunds, credited)
    return Comparison(order.name, link.sales_order, tuple(findings), compared)


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
    state: OrderState, link: OrderLink, rules: StoreRules, ports: OrderPorts
) -> tuple[list[Finding], Sums | None]:
    order = state.order
    fo = await read_fo_order(ports.fo, link.company, (link.sales_order, *link.further))
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


async def _payments(state: OrderState, link: OrderLink, rules: StoreRules, ports: OrderPorts) -> list[Finding]:
    if rules.payments is None:
        return []
    differences = payment_differences(
        state,
        rules,
        customer_account=link.customer_account,
        sales_order=link.sales_order,
        lines=await ports.payments.journals.of_order(link.company, link.sales_order),
    )
    return [payment_finding(link.sales_order, each) for each in differences]
