"""One event about one Shopify order: F&O is brought to the order's state, once, and to the cent.

Read the link (what F&O has of it), decide, write, remember. Every step may be cut off and run again: F&O is asked
before it is written to, and the link is written last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from shared.bus.envelope import Envelope
from shared.d365.client import ODataClient
from shared.d365.customers import Customers
from shared.d365.items import ItemCache, read_items
from shared.d365.on_hand import read_on_hand
from shared.d365.sales_orders import Draft, SalesOrder, create_numbered, create_sequenced, hold
from shared.errors import RefusedError
from shared.mapping.conservation import prove
from shared.mapping.customers import customer_account, customer_record
from shared.mapping.destinations import ship_to
from shared.mapping.digest import digest
from shared.mapping.items import product_skus, resolve, sku_field
from shared.mapping.sales_order import LINE_KEY, SalesOrderPlan, check_booked, plan_sales_order
from shared.mapping.warehouses import Allocation, allocate, needs
from shared.model import Item, LineKind, Order
from shared.rules import StoreRules
from shared.shopify.client import AdminClient
from shared.store.customers import KnownCustomers
from shared.store.links import OrderLink, OrderLinks
from shared.sync.order_reading import read_order_state
from shared.sync.outcome import Done, Outcome


@dataclass(frozen=True, slots=True)
class OrderPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    links: OrderLinks
    known_customers: KnownCustomers
    fo: ODataClient
    customers: Customers
    items: ItemCache = field(default_factory=ItemCache)


async def sync_order(envelope: Envelope, ports: OrderPorts) -> Outcome:
    """Done when F&O has the order as it stands in the envelope, or a later state of it. Raises RefusedError and
    TransientError, which the dispatch turns into parked and waiting.
    """
    rules = ports.rules.get(envelope.store)
    if rules is None:
        raise RefusedError("UNKNOWN_STORE", store=envelope.store)
    order = (await read_order_state(envelope, rules, ports.admins[rules.key], now=datetime.now(UTC))).order
    link = await ports.links.get(order.store, order.id)
    content = digest(order)
    if link and link.sales_order:
        return await _meet_again(order, content, link, ports)
    if order.cancelled_at is not None:
        return Done("cancelled in Shopify before it reached F&O: nothing to book")
    try:
        return await _create(order, content, link, rules, ports)
    except RefusedError:
        current = await ports.links.get(order.store, order.id)
        if current is None or not current.sales_order:
            await ports.links.put(_parked(order, content, current))
        raise


async def _meet_again(order: Order, content: str, link: OrderLink, ports: OrderPorts) -> Outcome:
    """F&O has the order: there is nothing to do, or a change that is a person's to make."""
    if order.version <= link.version:
        return Done("F&O has this or a later state of the order", document=link.sales_order)
    if content == link.digest:
        return Done("nothing changed that F&O keeps", document=link.sales_order)
    if content == link.parked_digest:
        return Done("this change is parked already", document=link.sales_order)
    await ports.links.put(replace(link, parked_digest=content))
    what = "cancelled" if order.cancelled_at else "its content is another"
    raise RefusedError("CHANGED_AFTER_CREATION", sales_order=link.sales_order, what=what)


async def _create(order: Order, content: str, link: OrderLink | None, rules: StoreRules, ports: OrderPorts) -> Done:
    proof = prove(order)
    skus = product_skus(order)
    known = await read_items(ports.fo, rules.company, sku_field(rules), skus, cache=ports.items)
    items = resolve(order, rules, known)
    allocation = await _allocate(order, items, rules, ports)
    account = customer_account(order, rules)
    plan = plan_sales_order(order, rules, customer_account=account, items=items, allocation=allocation)
    await _ensure_customer(order, account, rules, ports)
    booked = await _book(plan, ports)
    await ports.links.put(
        OrderLink(
            store=order.store,
            order_id=order.id,
            version=order.version,
            sales_order=booked.number,
            digest=content,
            company=plan.company,
            customer_account=account,
            lots={str(key): lot for key, lot in booked.lots.items()},
            etag=link.etag if link else None,
        )
    )
    await _check(plan, booked, ports)
    return Done(
        "created" if booked.created else "found in F&O, created by an earlier attempt",
        document=booked.number,
        evidence={"shopify": proof.as_dict(), "fo": plan.evidence.as_dict()},
    )


async def _allocate(order: Order, items: Mapping[int, Item], rules: StoreRules, ports: OrderPorts) -> Allocation:
    wanted = needs(order, items)
    warehouses = {warehouse.id for warehouse in rules.warehouses}
    on_hand = await read_on_hand(ports.fo, rules.company, {need.item for need in wanted}, warehouses)
    return allocate(wanted, on_hand, rules, destination=ship_to(order), location_id=order.location_id)


async def _ensure_customer(order: Order, account: str, rules: StoreRules, ports: OrderPorts) -> None:
    """Creates the customer unless we did before, or all orders share one that people keep."""
    if account == rules.customers.shared_account or await ports.known_customers.has(rules.company, account):
        return
    await ports.customers.ensure(customer_record(order, rules, account))
    await ports.known_customers.add(rules.company, account)


async def _book(plan: SalesOrderPlan, ports: OrderPorts) -> SalesOrder:
    draft = Draft(
        company=plan.company,
        reference=plan.reference,
        header=plan.header,
        lines=[line.record for line in plan.lines],
        line_key=LINE_KEY,
    )
    if plan.number is not None:
        return await create_numbered(ports.fo, draft, plan.number)
    return await create_sequenced(ports.fo, draft, accept=lambda order: check_booked(plan, order.booked))


async def _check(plan: SalesOrderPlan, booked: SalesOrder, ports: OrderPorts) -> None:
    """Holds an order whose lines F&O computed otherwise than planned, before its batch jobs ship it."""
    try:
        check_booked(plan, booked.booked)
    except RefusedError:
        await hold(ports.fo, plan.company, booked.number)
        raise


def _parked(order: Order, content: str, link: OrderLink | None) -> OrderLink:
    """The order's goods are sold although F&O does not know: the stock flow must not offer them again."""
    sold: Counter[str] = Counter()
    for line in order.lines:
        if line.kind is LineKind.PRODUCT:
            sold[line.sku] += line.quantity
    return OrderLink(
        store=order.store,
        order_id=order.id,
        version=order.version,
        parked_digest=content,
        sold=sold,
        location_id=order.location_id,
        etag=link.etag if link else None,
    )
