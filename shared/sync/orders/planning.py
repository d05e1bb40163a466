"""Plans how a sales order becomes the order as Shopify has it. Nothing is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from shared.mapping.orders.allocation import AllocatedPart, Allocation, Need, needs
from shared.mapping.orders.changes import NOTHING_WRITTEN, ChangePlan, HeaderWrites, plan_cancellation, plan_changes
from shared.mapping.orders.differences import Aspect, unchanged_aspects
from shared.mapping.orders.matching import (
    LinkedOrder,
    OwnLines,
    Placement,
    match_lines,
    number_key,
    own_lines,
    place_lines,
    without_given_up,
)
from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.mapping.orders.record import with_decisions
from shared.model import FoOrder, Item, Order, TaxSetup
from shared.rules import StoreRules
from shared.store.links import OrderLink

type Allocate = Callable[[Sequence[Need]], Awaitable[Allocation]]
"""Warehouses for additional units."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    plan: ChangePlan
    own: OwnLines
    """The lines of F&O's order that the app created."""
    target: SalesOrderPlan | None
    """What F&O's order should be; None for an order that is cancelled or fully refunded."""
    link: OrderLink
    """With the app's lines that F&O has now."""


async def plan_change(
    order: Order,
    fo: FoOrder,
    link: OrderLink,
    rules: StoreRules,
    *,
    items: Mapping[int, Item],
    tax_setup: TaxSetup | None,
    allocate: Allocate,
    written: HeaderWrites = NOTHING_WRITTEN,
    today: date | None = None,
) -> PlannedChange:
    """`written` is what the headers got just now; with `today` no ship date is written that has passed.

    Raises RefusedError for what the mapping refuses.
    """
    memory = LinkedOrder(link.sources, link.promised, frozenset(link.lots.values()))
    own = own_lines(fo, order, rules, memory)
    known = {line.lot: source for source, lines in own.items() for line in lines}
    lots = {number_key(line.number): line.lot for lines in own.values() for line in lines}
    link = replace(link, sources=known, lots=lots)
    own = without_given_up(own, order, link.given_up_units, link.fingerprints)
    given_up = _given_up(fo, own)
    if order.is_given_up:
        return PlannedChange(plan_cancellation(order, fo, own, rules).with_units(given_up), own, None, link)
    matched = match_lines(order, items, own, rules, link.fingerprints)
    extra = await allocate(matched.wanted) if matched.wanted else None
    placement = place_lines(matched, order, rules, extra)
    target = plan_sales_order(
        order,
        rules,
        customer_account=link.customer_account,
        items=items,
        allocation=placement.allocation,
        tax_setup=tax_setup,
        known=link.record,
    )
    if link.record is not None:
        link = replace(link, record=with_decisions(link.record, target))
    changes = plan_changes(target, fo, placement, rules, fingerprints=link.fingerprints, written=written, today=today)
    return PlannedChange(changes.with_units(given_up), own, target, link)


def plan_header(target: SalesOrderPlan, fo: FoOrder, link: OrderLink, rules: StoreRules, *, today: date) -> ChangePlan:
    """The steps that the headers need, whatever their lines are."""
    no_lines = Placement({}, Allocation(rules.warehouses[0], {}, ()), {}, {})
    return plan_changes(replace(target, lines=()), fo, no_lines, rules, fingerprints=link.fingerprints, today=today)


def plan_with_lines_as_written(
    order: Order, link: OrderLink, rules: StoreRules, *, items: Mapping[int, Item], tax_setup: TaxSetup | None
) -> SalesOrderPlan | None:
    """What F&O's order should be, where Shopify says the same of every line as when F&O last got it; None elsewhere.

    Which warehouse each line is of does not count here: it is not Shopify's. Raises RefusedError for what the mapping
    refuses.
    """
    warehouse = rules.warehouses[0]
    parts = {need.line_id: (AllocatedPart(need.quantity, warehouse),) for need in needs(order, items)}
    target = plan_sales_order(
        order,
        rules,
        customer_account=link.customer_account,
        items=items,
        allocation=Allocation(warehouse, parts, ()),
        tax_setup=tax_setup,
        known=link.record,
    )
    same = unchanged_aspects(target.lines, link.fingerprints)
    sources = {line.source for line in target.lines}
    is_same = sources == {*link.sources.values()} and all(same.get(each) == frozenset(Aspect) for each in sources)
    return target if is_same else None


def _given_up(fo: FoOrder, own: OwnLines) -> dict[str, Decimal]:
    """InventoryLotId -> units of the line in F&O that its own line is shorter by."""
    ordered = {line.lot: line.quantity for line in fo.lines}
    return {line.lot: ordered[line.lot] - line.quantity for lines in own.values() for line in lines}
