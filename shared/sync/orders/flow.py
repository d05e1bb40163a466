"""One event about one Shopify order: F&O is brought to the order's state, once, and to the cent.

Three things converge, each by itself and each safe to run again: the sales order, the money that moved, what was given
back. Every step may be cut off: F&O is asked before it is written to, the link is written last, and what was refused is
remembered only once it is parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from shared.bus.envelope import OPERATOR, Envelope
from shared.d365.customers import Customers
from shared.d365.items import ItemCache
from shared.d365.odata.client import ODataClient
from shared.d365.tax import TaxSetups
from shared.errors import ErrorCode, RefusedError, TaxRefusedError
from shared.mapping.orders.digest import digest
from shared.mapping.orders.holds import hold_reason
from shared.mapping.orders.proof import prove
from shared.model import LineKind, Order, OrderState
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.store.customers import KnownCustomers
from shared.store.links import OrderLink, OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import Parking, State
from shared.sync.messages.intake import FLOW, TOPICS
from shared.sync.messages.outcome import Done, Outcome, Park
from shared.sync.orders.booking import Booking, change, create
from shared.sync.orders.reading import complete, read_json, read_order_state
from shared.sync.payments import PaymentPorts, converge_payments
from shared.sync.refunds import RefundPorts, converge_refunds
from shared.telemetry import annotate, emit


@dataclass(frozen=True, slots=True)
class OrderPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    links: OrderLinks
    known_customers: KnownCustomers
    fo: ODataClient
    customers: Customers
    taxes: TaxSetups
    payments: PaymentPorts
    refunds: RefundPorts
    outbox: Outbox
    parking: Parking
    items: ItemCache = field(default_factory=ItemCache)


async def sync_order(envelope: Envelope, ports: OrderPorts) -> Outcome:
    """Done when F&O has the order, its payments and its refunds as Shopify tells of them in this event, or of a later
    state. Raises RefusedError for what cannot be read, and TransientError, which the dispatch turns into waiting.
    """
    rules = ports.rules.get(envelope.store)
    if rules is None:
        raise RefusedError(ErrorCode.UNKNOWN_STORE, store=envelope.store)
    now = datetime.now(UTC)
    admin = ports.admins[rules.key]
    if booked := await _booked_before(envelope, ports):
        return Done("F&O has this transaction: it was read with its order", document=booked.sales_order)
    state = await read_order_state(envelope, rules, admin, now=now)
    annotate(order=state.order.name)
    link = await ports.links.get(rules.key, state.order.id)
    if link is not None and link.given_up:
        return Done(f"a person looks after this order in F&O: {link.sales_order}", document=link.sales_order)
    insist = envelope.source == OPERATOR
    if insist or _needs_all(link, rules):
        state = await complete(state, rules, admin, now=now)
    try:
        booking = await _sales_order(state, link, rules, ports, insist=insist)
    except RefusedError as refusal:
        return await _refused(refusal, state.order, rules, ports, of_order=True)
    if booking.number and (link is None or not link.sales_order):
        lag = datetime.now(UTC) - envelope.occurred_at
        emit("order.booked", company=rules.company, document=booking.number, seconds=round(lag.total_seconds(), 3))
    try:
        payments = await converge_payments(state, link=booking.link, rules=rules, ports=ports.payments)
        refunds = await converge_refunds(state, link=booking.link, rules=rules, ports=ports.refunds, now=now)
    except RefusedError as refusal:
        return await _refused(refusal, state.order, rules, ports, of_order=False)
    if booking.is_current and booking.link is not None and booking.link.has_parked:
        await _resolve(booking.link, ports, now)
    evidence = {**booking.evidence, "payments": payments.evidence, "refunds": refunds.evidence}
    return Done(
        f"{booking.note}; {payments.note}; {refunds.note}",
        document=booking.number,
        evidence={part: what for part, what in evidence.items() if what},
    )


async def _booked_before(envelope: Envelope, ports: OrderPorts) -> OrderLink | None:
    """The order's link, where the event tells of one transaction that is booked: Shopify's query budget is spared."""
    match read_json(envelope.body) if envelope.topic in TOPICS["transactions"] else None:
        case {"id": int(transaction), "order_id": int(order_id)} if envelope.source != OPERATOR:
            known = await ports.payments.payments.of_order(envelope.store, order_id)
            if transaction in known and known[transaction].settled is not None:
                link = await ports.links.get(envelope.store, order_id)
                return link if link is not None and not link.has_parked else None
    return None


def _needs_all(link: OrderLink | None, rules: StoreRules) -> bool:
    """Whether payments and risk are asked for that the event may not tell: for a new order, and where an event that
    told of them may be among the parked ones, which are closed when this one is done.
    """
    if link is not None and link.has_parked:
        return True
    return (link is None or not link.sales_order) and bool(rules.orders.hold_risks or rules.payments)


async def _sales_order(
    state: OrderState, link: OrderLink | None, rules: StoreRules, ports: OrderPorts, *, insist: bool
) -> Booking:
    """F&O's sales order as the state wants it. A change that waits for a person does so until one insists."""
    order, content = state.order, digest(state.order)
    if link is None or not link.sales_order:
        if order.is_given_up:
            return Booking("cancelled or given back before it reached F&O: nothing to book", link=link)
        proof = prove(order).as_dict()
        booking = await create(state, link, rules, ports)
    elif order.version < link.version:
        return Booking("F&O has a later state of the order", link.sales_order, link, is_current=False)
    elif content == link.parked_digest and not insist:
        return Booking("this change of the order waits for a person", link.sales_order, link, is_current=False)
    elif content == link.digest and not link.held and not insist and hold_reason(state, rules) is None:
        if order.version > link.version:  # what was said between both versions must not be believed any more
            link = await ports.links.put(replace(link, version=order.version))
        return Booking("F&O has the order as it is", link.sales_order, link)
    else:
        proof = prove(order).as_dict() if order.cancelled_at is None and order.lines else {}
        booking = await change(state, link, rules, ports)
    return replace(booking, evidence={"shopify": proof, **booking.evidence})


async def _refused(
    refusal: RefusedError, order: Order, rules: StoreRules, ports: OrderPorts, *, of_order: bool
) -> Park:
    """Parks the event. Then the link remembers so: remembered before, a crash in between would lose the event.

    A sales order that was refused is not tried again by the next event of the same content; payments and refunds are.
    """
    if isinstance(refusal, TaxRefusedError):
        ports.taxes.forget(rules.company)  # what is mended there is seen at once
    link = await ports.links.get(rules.key, order.id)
    if link is None or not link.sales_order:
        known = _sold_but_unknown(order, link)
    else:
        known = replace(link, parked_digest=digest(order) if of_order else link.parked_digest, has_parked=True)
    return Park(refusal, then=partial(ports.links.put, known))


async def _resolve(link: OrderLink, ports: OrderPorts, now: datetime) -> None:
    """Closes what was parked of the order, before the link forgets that something was: a crash here is made good."""
    await ports.parking.close_all(
        FLOW,
        link.store,
        str(link.order_id),
        state=State.RESOLVED,
        why="F&O has the order as it stands in Shopify",
        now=now,
    )
    await ports.links.put(replace(link, has_parked=False, parked_digest=""))


def _sold_but_unknown(order: Order, link: OrderLink | None) -> OrderLink:
    """The order's goods are sold although F&O does not know: the stock flow must not offer them again."""
    sold: Counter[str] = Counter()
    for line in order.lines:
        if line.kind is LineKind.PRODUCT:
            sold[line.sku] += line.quantity
    return OrderLink(
        store=order.store,
        order_id=order.id,
        version=order.version,
        parked_digest=digest(order),
        has_parked=True,
        sold=sold,
        location_id=order.location_id,
        etag=link.etag if link else None,
    )
