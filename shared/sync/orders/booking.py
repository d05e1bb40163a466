"""The sales order of one Shopify order in F&O: created once, and updated to every later state of the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from shared.d365.items import item_of, read_handling, read_items
from shared.d365.odata.answers import settling_time
from shared.d365.on_hand import read_on_hand
from shared.d365.order_changes import read_header, read_headers
from shared.d365.sales_orders import SalesOrder, SalesOrderDraft, create_numbered, create_sequenced, hold
from shared.d365.sold_lines import read_sold_lines
from shared.d365.tax import tax_setup_of
from shared.errors import RefusedError, TransientError
from shared.mapping.customers import customer_identity
from shared.mapping.cut_over import is_held_as_fulfilled
from shared.mapping.orders.allocation import Allocation, Need, allocate_order, needs, warehouses_for
from shared.mapping.orders.changes import fingerprints_of
from shared.mapping.orders.header import without_past
from shared.mapping.orders.holds import hold_reason
from shared.mapping.orders.items import product_skus, refuse_out_of_scope, resolve, sku_field
from shared.mapping.orders.matching import number_key
from shared.mapping.orders.plan import (
    LINE_KEY,
    SalesOrderPlan,
    check_booked,
    check_tax_groups,
    order_reference,
    plan_sales_order,
)
from shared.mapping.orders.record import add_lines, add_refunds, digest, reconstruct, with_decisions
from shared.mapping.reconciliation import choose_kept
from shared.model import HoldReason, Item, Order, OrderRecord, OrderState
from shared.rules import StoreRules
from shared.store.links import LEASE, LEASE_OF_NUMBERED, OrderLink, refuse_claimed
from shared.sync.orders.changes import ChangePorts, converge_changes
from shared.sync.orders.customers import ensure_account
from shared.sync.orders.ports import OrderPorts


@dataclass(frozen=True, slots=True)
class Booking:
    """The state of F&O's sales order. `note` describes what was done, `evidence` proves that it is right."""

    note: str
    number: str = ""
    link: OrderLink | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    is_current: bool = True
    """F&O has the order as in this event; False where F&O has a later state, or a person has to decide."""


async def create(
    state: OrderState,
    link: OrderLink | None,
    rules: StoreRules,
    ports: OrderPorts,
    *,
    now: datetime,
    on_claim: Callable[[], None],
) -> Booking:
    """Creates the sales order under its own reference. One that an earlier attempt created is adopted, and updated to
    the order's state of now.

    The order is claimed first, and what was decided about it is stored with the claim: two workers at once create it
    once, whoever numbers it, and a crash decides nothing anew; `on_claim` is told. Raises TransientError while another
    worker has it.
    """
    order = state.order
    record = link.record if link is not None else None
    items = await items_of(order, rules, ports, record)
    allocation = await _allocate(needs(order, items), order, rules, ports)
    identity = customer_identity(order, rules)
    plan = plan_sales_order(
        order,
        rules,
        customer_account=identity,
        items=items,
        allocation=allocation,
        tax_setup=await tax_setup_of(rules.company, ports.taxes, verify=rules.tax.verify),
        known=record,
    )
    record = add_lines(record or OrderRecord(rules.currency_side), order, items)
    record = with_decisions(add_refunds(record, state.refunds), plan)
    unclaimed = link or OrderLink(order.store, order.id, order.version)
    lease = LEASE_OF_NUMBERED if _is_atomic(plan, rules) else LEASE
    claimed = await ports.links.claim(replace(unclaimed, record=record), now, lease)
    on_claim()
    # First, since it outlasts the other reasons: without it the goods would leave twice once the risk is assessed.
    reason = HoldReason.FULFILMENT if is_held_as_fulfilled(state, rules) else hold_reason(state, rules)
    try:
        plan = plan.on_account(await ensure_account(order, identity, rules, ports))
        today = now.astimezone(rules.zone).date()
        booked = await _book(plan, rules, ports, held=reason is not None, is_new=link is None, today=today)
    except TransientError as failure:
        wait = timedelta(0) if _is_atomic(plan, rules) else settling_time(failure)
        await _release(claimed, wait, ports, now)
        raise
    except RefusedError:
        ports.known_customers.forget(rules.company, identity)
        raise
    if rules.flows.write_back:
        await ports.outbox.put(order.store, order.id, booked.number, now=order.version)
    content = digest(order, rules) if booked.created else ""
    new_link = replace(_link(order, claimed, plan, booked, reason), digest=content)
    if not booked.created:
        # F&O may have the order as it was placed: the state of now is the link's once the order is changed to it.
        adopted = await change(state, replace(new_link, version=order.created_at), rules, ports)
        return replace(adopted, note=f"found in F&O, created by an earlier attempt; {adopted.note}")
    await _check(plan, booked, new_link, ports)
    stored = await ports.links.put(replace(new_link, applied_at=ports.now()))
    note = f"created, held for its {reason}" if reason else "created"
    return Booking(note, booked.number, stored, {"fo": plan.evidence.as_dict()})


async def find_unrecorded(link: OrderLink, rules: StoreRules, ports: OrderPorts, *, now: datetime) -> OrderLink:
    """The link with the sales order that a worker created and died before it recorded it; unchanged if F&O has none.

    Raises TransientError while a worker creates it, RefusedError FO_STATUS_UNKNOWN.
    """
    refuse_claimed(link, now)
    company = link.company or rules.company
    found, _ = choose_kept(await read_headers(ports.fo, company, order_reference(link.store, link.order_id)), "")
    header = await read_header(ports.fo, company, found.number) if found is not None else None
    if header is None:
        return link
    if rules.flows.write_back:
        await ports.outbox.put(link.store, link.order_id, header.number, now=link.version)
    known = replace(
        link,
        sales_order=header.number,
        company=company,
        customer_account=header.fields["OrderingCustomerAccountNumber"],
        # Without a sales order in its link, only an earlier attempt of the app can have held the order.
        held=HoldReason.CHANGE if header.is_held else "",
        sold=(),
        not_booked="",
        claimed_until=None,
    )
    return await ports.links.put(known)


async def change(state: OrderState, link: OrderLink, rules: StoreRules, ports: OrderPorts) -> Booking:
    """Updates the sales order to the order's state of now, by the store's rules for changes."""
    order = state.order
    items = await items_of(order, rules, ports, link.record)
    if link.record is not None and (record := add_lines(link.record, order, items)) is not link.record:
        link = await ports.links.put(replace(link, record=record))

    async def allocate_more(wanted: Sequence[Need]) -> Allocation:
        return await _allocate(wanted, order, rules, ports)

    report = await converge_changes(
        state,
        link,
        rules,
        ChangePorts(ports.fo, ports.links, allocate_more, now=ports.now),
        items=items,
        tax_setup=await tax_setup_of(rules.company, ports.taxes, verify=rules.tax.verify),
    )
    known = replace(
        report.link,
        version=order.version,
        digest=digest(order, rules),
        parked_digest="",
        applied_at=ports.now(),
        sold=(),
    )
    return Booking(report.note, report.number, await ports.links.put(known), report.evidence)


async def items_of(order: Order, rules: StoreRules, ports: OrderPorts, record: OrderRecord | None) -> dict[int, Item]:
    """The item of every line, by the line's id: as recorded, else as F&O has it for the line's SKU."""
    skus = product_skus(order, record, rules)
    known = await read_items(ports.fo, rules.company, sku_field(rules), skus, cache=ports.items)
    numbers = sorted({item.number for item in known.values()})
    handling = await read_handling(ports.fo, rules.company, numbers, cache=ports.items)
    try:
        refuse_out_of_scope(known, handling, rules)
    except RefusedError:
        ports.items.forget_handling(rules.company, numbers)
        raise
    return resolve(order, rules, known, record)


async def reconstruct_record(link: OrderLink, rules: StoreRules, ports: OrderPorts) -> OrderRecord:
    """The record of an order that a release without records booked, from its lines and refunds in F&O."""
    lines = [
        (link.sources[line.lot], item_of(line.product))
        for number in link.numbers
        for line in await read_sold_lines(ports.fo, link.company, number)
        if line.lot in link.sources
    ]
    refunds = await ports.refunds.records.of_order(link.store, link.order_id)
    credited = {row.refund_id: bool(row.documents) for row in refunds.values() if row.worth is not None}
    return reconstruct(rules.currency_side, lines, credited)


async def _allocate(wanted: Sequence[Need], order: Order, rules: StoreRules, ports: OrderPorts) -> Allocation:
    """F&O's on-hand is read only where it decides which of several warehouses ships."""
    warehouses = {warehouse.id for warehouse in warehouses_for(order, rules)}
    items = {need.item for need in wanted} if len(warehouses) > 1 else set()
    on_hand = await read_on_hand(ports.fo, rules.company, items, warehouses, statuses=rules.stock.statuses)
    return allocate_order(order, wanted, on_hand, rules)


def _is_atomic(plan: SalesOrderPlan, rules: StoreRules) -> bool:
    """Whether F&O takes the order in one request, and refuses a second one."""
    return plan.number is not None and len(plan.lines) <= rules.orders.lines_per_request


async def _book(
    plan: SalesOrderPlan, rules: StoreRules, ports: OrderPorts, *, held: bool, is_new: bool, today: date
) -> SalesOrder:
    draft = SalesOrderDraft(
        company=plan.company,
        reference=plan.reference,
        header=without_past(plan.header, today),
        lines=[line.record for line in plan.lines],
        line_key=LINE_KEY,
        held=held,
        lines_per_request=rules.orders.lines_per_request,
    )
    accept = partial(_accept, plan)
    if plan.number is not None:
        return await create_numbered(ports.fo, draft, plan.number, is_new=is_new, accept=accept)
    return await create_sequenced(ports.fo, draft, accept=accept)


async def _release(claimed: OrderLink, wait: timedelta, ports: OrderPorts, now: datetime) -> None:
    """Lets the next attempt begin at once, or after the wait: where one request does not create all, F&O may still be
    creating what a second creation would create again.
    """
    await ports.links.put(replace(claimed, claimed_until=now + wait if wait else None))


def _accept(plan: SalesOrderPlan, booked: SalesOrder) -> bool:
    """Whether to release the hold: an adopted order stays held until its lines are compared with the plan and
    updated, and one that F&O booked differently until a person has decided.
    """
    if not booked.created:
        return False
    try:
        _compare(plan, booked)
    except RefusedError:
        return False
    return True


async def _check(plan: SalesOrderPlan, booked: SalesOrder, link: OrderLink, ports: OrderPorts) -> None:
    """Holds an order that F&O booked differently from the plan, before its batch jobs ship it.

    Its link is stored: the order is F&O's, and like a change that is refused it is tried again only by a replay.
    """
    try:
        _compare(plan, booked)
    except RefusedError:
        await hold(ports.fo, plan.company, booked.number)
        await ports.links.put(replace(link, held=link.held or HoldReason.CHANGE, fingerprints={}, digest=""))
        raise


def _compare(plan: SalesOrderPlan, booked: SalesOrder) -> None:
    """Raises RefusedError for other amounts or tax groups than were sent."""
    check_booked(plan, booked.booked)
    check_tax_groups(plan, booked.header, booked.booked)


def _link(
    order: Order,
    link: OrderLink,
    plan: SalesOrderPlan,
    booked: SalesOrder,
    reason: HoldReason | None,
) -> OrderLink:
    """The link of an order that F&O has now. What an adopted order contains is not known yet."""
    created = booked.created
    return OrderLink(
        store=order.store,
        order_id=order.id,
        version=order.version,
        sales_order=booked.number,
        company=plan.company,
        customer_account=plan.header["OrderingCustomerAccountNumber"],
        lots={number_key(Decimal(number)): lot for number, lot in booked.lots.items()},
        sources={booked.lots[line.number]: line.source for line in plan.lines} if created else {},
        fingerprints=fingerprints_of(plan) if created else {},
        # Without a link, only an earlier attempt of the app can have held the order.
        held=reason or (HoldReason.CHANGE if booked.held else ""),
        is_holding=reason is not None and not booked.held,
        parked_parts=link.parked_parts,
        record=link.record,
        stored=link.stored,
        etag=link.etag,
    )
