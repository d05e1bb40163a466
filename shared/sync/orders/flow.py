"""One event about one Shopify order: F&O is updated to the order's state, once, and to the cent.

Three parts converge, each by itself, and each can be repeated safely: the sales order, the payments, the refunds. Every
step may be interrupted: F&O is read before it is written, the link is written last, and a refusal is stored in the link
only once the message is parked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from shared.bus.envelope import OPERATOR, Envelope
from shared.errors import ErrorCode, RefusedError, TaxRefusedError
from shared.flows import ORDERS
from shared.mapping.orders.digest import digest
from shared.mapping.orders.holds import hold_reason
from shared.mapping.orders.proof import prove
from shared.model import LineKind, Order, OrderState
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.parking import State
from shared.sync.messages.outcome import Done, MessageOutcome, Park
from shared.sync.orders.booking import Booking, change, create
from shared.sync.orders.ports import OrderPorts
from shared.sync.orders.reading import complete, read_json, read_order_state
from shared.sync.payments import converge_payments
from shared.sync.refunds import converge_refunds
from shared.telemetry import annotate, emit


async def sync_order(envelope: Envelope, ports: OrderPorts) -> MessageOutcome:
    """Done when F&O has the order, its payments and its refunds as in this event, or in a later state. Raises
    RefusedError for what cannot be read, and TransientError, for which dispatch schedules a copy.
    """
    rules = ports.rules.get(envelope.store)
    if rules is None:
        raise RefusedError(ErrorCode.UNKNOWN_STORE, store=envelope.store)
    now = datetime.now(UTC)
    admin = ports.admins[rules.key]
    if booked := await _booked_before(envelope, ports):
        return Done("F&O has this transaction: it was booked with its order", document=booked.sales_order)
    state = await read_order_state(envelope, rules, admin, now=now)
    annotate(order=state.order.name)
    link = await ports.links.get(rules.key, state.order.id)
    if link is not None and link.given_up:
        return Done(
            f"this order was given up and is maintained by staff in F&O: {link.sales_order}", document=link.sales_order
        )
    is_replay = envelope.source == OPERATOR
    if is_replay or _needs_all(link, rules):
        state = await complete(state, rules, admin, now=now)
    try:
        booking = await _sales_order(state, link, rules, ports, is_replay=is_replay)
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
    """The order's link, where the event is about one transaction that is booked: it saves Shopify's query budget."""
    match read_json(envelope.body) if envelope.topic in ORDERS.webhooks["transactions"] else None:
        case {"id": int(transaction), "order_id": int(order_id)} if envelope.source != OPERATOR:
            known = await ports.payments.records.of_order(envelope.store, order_id)
            if transaction in known and known[transaction].settled is not None:
                link = await ports.links.get(envelope.store, order_id)
                return link if link is not None and not link.has_parked else None
    return None


def _needs_all(link: OrderLink | None, rules: StoreRules) -> bool:
    """Whether to fetch payments and risk, which the event may not contain: for a new order, and where parked events,
    which are closed when this one is done, may have contained them.
    """
    if link is not None and link.has_parked:
        return True
    return (link is None or not link.sales_order) and bool(rules.orders.hold_risks or rules.payments)


async def _sales_order(
    state: OrderState, link: OrderLink | None, rules: StoreRules, ports: OrderPorts, *, is_replay: bool
) -> Booking:
    """Creates or changes F&O's sales order. A change that waits for a person is tried again only by a replay."""
    order, content = state.order, digest(state.order)
    if link is None or not link.sales_order:
        if order.is_given_up:
            return Booking("cancelled or given back before it reached F&O: nothing to book", link=link)
        proof = prove(order).as_dict()
        booking = await create(state, link, rules, ports)
    elif order.version < link.version:
        return Booking("F&O has a later state of the order", link.sales_order, link, is_current=False)
    elif content == link.parked_digest and not is_replay:
        return Booking("this change of the order waits for a person", link.sales_order, link, is_current=False)
    elif content == link.digest and not link.held and not is_replay and hold_reason(state, rules) is None:
        if order.version > link.version:  # events between both versions are outdated now
            link = await ports.links.put(replace(link, version=order.version))
        return Booking("F&O has the order as it is", link.sales_order, link)
    else:
        proof = prove(order).as_dict() if order.cancelled_at is None and order.lines else {}
        booking = await change(state, link, rules, ports)
    return replace(booking, evidence={"shopify": proof, **booking.evidence})


async def _refused(
    refusal: RefusedError, order: Order, rules: StoreRules, ports: OrderPorts, *, of_order: bool
) -> Park:
    """Parks the event, and then stores so in the link: stored earlier, a crash in between would lose the event.

    A refused sales order is not tried again by the next event with the same content; payments and refunds are.
    """
    if isinstance(refusal, TaxRefusedError):
        ports.taxes.forget(rules.company)  # a corrected set-up is read at once
    link = await ports.links.get(rules.key, order.id)
    if link is None or not link.sales_order:
        known = _sold_but_unknown(order, link)
    else:
        known = replace(link, parked_digest=digest(order) if of_order else link.parked_digest, has_parked=True)
    return Park(refusal, then=partial(ports.links.put, known))


async def _resolve(link: OrderLink, ports: OrderPorts, now: datetime) -> None:
    """Closes the order's parked messages, then clears their mark in the link: in this order a crash is repaired."""
    await ports.parking.close_all(
        ORDERS.name,
        link.store,
        str(link.order_id),
        state=State.RESOLVED,
        why="F&O has the order as Shopify has it",
        now=now,
    )
    await ports.links.put(replace(link, has_parked=False, parked_digest=""))


def _sold_but_unknown(order: Order, link: OrderLink | None) -> OrderLink:
    """The link of an order whose goods are sold but unknown to F&O: the stock flow must not offer them again."""
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
