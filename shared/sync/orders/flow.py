"""One event about one Shopify order: F&O is updated to the order's state, once, and to the cent.

The parts of an order (sales order, payments, refunds) converge on their own, and each can be repeated safely. Each ends
as done, waiting or parked, and none holds up another. Every step may be interrupted: F&O is read before it is written,
decisions are stored before they are carried out, and a refusal only once the message is parked.

A change of the sales order waits while F&O got another one a moment ago (shared/sync/orders/pause.py). The refunds of
the event wait with it, since what they credit depends on the lines that F&O has; its payments do not.

Safety does not wait for a proof: an order that is cancelled, refunded or to be held in Shopify is stopped in F&O
although the rest of the event cannot be read, does not add up, or has to wait. One whose change is refused is stopped
until a person has seen it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from shared.bus.envelope import HEALING, OPERATOR, WEBHOOK, Envelope
from shared.errors import ErrorCode, NotYetError, RefusedError, TaxRefusedError, TransientError
from shared.flows import ORDERS
from shared.mapping.cut_over import (
    is_before_first_day,
    is_finished,
    refuse_already_fulfilled,
    refuse_before_first_day,
)
from shared.mapping.delivery import may_depend_on_method, needs_delivery_method, with_delivery
from shared.mapping.orders.differences import quantity_before
from shared.mapping.orders.holds import hold_reason, releases_left
from shared.mapping.orders.items import needs_barcodes
from shared.mapping.orders.proof import prove
from shared.mapping.orders.record import add_refunds, digest
from shared.mapping.refunds.returns import note_of_open_returns
from shared.mapping.shopify.events import Signals, read_signals, require_order_id
from shared.model import (
    Component,
    HoldReason,
    LineKind,
    Order,
    OrderRecord,
    OrderState,
    Part,
    SoldUnits,
    source_of,
)
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.parking import State
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts, Retry
from shared.sync.messages.parked import RELEASE_HOLD
from shared.sync.orders.authorizations import watch_authorizations
from shared.sync.orders.booking import Booking, change, create, find_unrecorded, reconstruct_record
from shared.sync.orders.by_staff import find_units_by_staff
from shared.sync.orders.pause import is_edit_before, may_wait, wait_for_pause, wait_unread
from shared.sync.orders.ports import OrderPorts
from shared.sync.orders.reading import LARGE, StateReader, apart, assessed_until, read_json
from shared.sync.orders.release import release_hold
from shared.sync.orders.safety import is_released, stop, stop_reason
from shared.sync.payments import converge_payments
from shared.sync.refunds import converge_refunds
from shared.telemetry import annotate, emit

_CREATED: Final = "orders/create"
_GIVEN_UP_EARLY: Final = "cancelled or given back before it reached F&O"
BEFORE_FIRST_DAY: Final = "placed before the store's first day"


async def sync_order(envelope: Envelope, ports: OrderPorts) -> MessageOutcome:
    """Done when F&O has the order, its payments and its refunds as in this event, or in a later state.

    Raises RefusedError for an event that names no order, and TransientError for which dispatch schedules a copy.
    """
    rules = ports.rules.get(envelope.store)
    if rules is None:
        raise RefusedError(ErrorCode.UNKNOWN_STORE, store=envelope.store)
    payload = await apart(partial(read_json, envelope.body), is_large=len(envelope.body) > LARGE)
    order_id = require_order_id(payload, envelope.topic)
    is_first = _is_first(envelope, order_id, ports)
    link = None if is_first else await ports.links.get(rules.key, order_id)
    if link is not None and (end := await _end_unread(envelope, payload, link, rules, ports)) is not None:
        return end
    event = _Event(envelope, order_id, read_signals(payload), rules, ports, ports.now(), link, is_first=is_first)
    try:
        state = await event.read(payload)
    except RefusedError as refusal:
        return await event.unreadable(refusal)
    except TransientError:
        await event.stop()
        raise
    return await event.converge(state)


def _is_first(envelope: Envelope, order_id: int, ports: OrderPorts) -> bool:
    """Whether the order hardly can have a link: this is the first attempt at its creation, and this process has had no
    other event of it. Should it have one after all, the link cannot be inserted, and the next attempt reads it.
    """
    is_new = ports.handled.add(envelope.store, order_id)
    return is_new and envelope.topic == _CREATED and envelope.attempt == 1 and envelope.source == WEBHOOK


async def _end_unread(
    envelope: Envelope, payload: Any, link: OrderLink, rules: StoreRules, ports: OrderPorts
) -> MessageOutcome | None:
    """How the event ends whose order need not be read; None for any other."""
    if link.given_up:
        return Done(
            f"this order was given up and is maintained by staff in F&O: {link.sales_order}", document=link.sales_order
        )
    if envelope.topic == RELEASE_HOLD:
        return await release_hold(payload, link, rules, ports)
    if await _is_booked_before(envelope, payload, link, ports):
        done = Done("F&O has this transaction: it was booked with its order", document=link.sales_order)
        wait = timedelta(minutes=rules.orders.risk_wait_minutes)
        return Parts(done, retry=Retry(_assessment(wait)) if link.held == HoldReason.ASSESSMENT else None)
    if is_edit_before(envelope, link):
        return Done("F&O has a later state of the order", document=link.sales_order)
    pause = wait_unread(envelope, link, ports.change_pause, ports.now())
    return Retry(pause) if pause is not None else None


async def _is_booked_before(envelope: Envelope, payload: Any, link: OrderLink, ports: OrderPorts) -> bool:
    """Whether the event is about one transaction that is booked: it saves Shopify's query budget."""
    if envelope.topic not in ORDERS.webhooks["transactions"] or envelope.source == OPERATOR or link.has_parked:
        return False
    if envelope.waits and link.held == HoldReason.ASSESSMENT:
        return False
    match payload:
        case {"id": int(transaction)}:
            known = await ports.payments.records.of_order(envelope.store, link.order_id)
            return transaction in known and known[transaction].settled is not None
    return False


def _assessment(wait: timedelta) -> NotYetError:
    """Has the event handled once more when the wait for an assessment is over. An assessment itself is an event too."""
    return NotYetError("the sales order is held until Shopify has assessed its risk", retry_after=wait)


class _Report(Protocol):
    """What payments and refunds report."""

    @property
    def note(self) -> str: ...
    @property
    def evidence(self) -> Mapping[str, object]: ...


@dataclass(slots=True)
class _Event:
    """The handling of one event."""

    envelope: Envelope
    order_id: int
    signals: Signals
    rules: StoreRules
    ports: OrderPorts
    now: datetime
    link: OrderLink | None
    is_first: bool
    """The link was not looked for."""
    notes: list[str] = field(default_factory=list)
    evidence: dict[str, object] = field(default_factory=dict)
    parked: list[Park] = field(default_factory=list)
    waiting: dict[Part, TransientError] = field(default_factory=dict)
    done: set[Part] = field(default_factory=lambda: {Part.READING})
    has_claimed: bool = False
    """Whether the link was stored by this event, to create the sales order."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Of the sales order as F&O had it when the event began."""

    @property
    def is_replay(self) -> bool:
        return self.envelope.source == OPERATOR

    async def read(self, payload: Any) -> OrderState:
        """The order's state, read with what was decided about the order before.

        A replay reads the order as Shopify has it now: what was wrong in the event may have been mended there.
        """
        if self.link is not None and self.link.sales_order and self.link.record is None:
            record = await reconstruct_record(self.link, self.rules, self.ports)
            self.link = await self.ports.links.put(replace(self.link, record=record))
        fetched = await self._reader.fetch() if self.is_replay else None
        state = fetched or await self._reader.read(self.envelope.topic, payload)
        annotate(order=state.order.name)
        needs_payments = self._needs_payments(state)
        needs_method = needs_delivery_method(state, self.rules, self._record)
        if needs_barcodes(state.order, self.rules, self._record):
            return await self._reader.complete(state)
        is_new = self._is_new(state)
        if not needs_payments and not needs_method and (self._reader.is_fresh or not is_new):
            return state
        if not is_new:
            return await self._reader.complete(state)
        needs_method = needs_method or (needs_payments and may_depend_on_method(state.order, self.rules))
        return await self._reader.supplement(state, payload, payments=needs_payments, delivery=needs_method)

    def _is_new(self, state: OrderState) -> bool:
        """Whether the order is to be booked and nothing of it was parked, so that the body may be the state to book. Of
        any other the latest state is wanted.
        """
        is_unknown = self.link is None or not (self.link.sales_order or self.link.has_parked)
        return is_unknown and not state.order.is_given_up

    @property
    def _record(self) -> OrderRecord | None:
        """What was decided about the order; None for one that is not booked."""
        return self.link.record if self.link is not None and self.link.sales_order else None

    @property
    def _reader(self) -> StateReader:
        admin = self.ports.admins[self.rules.key]
        booked = self.link.digest if self.link is not None else ""
        return StateReader(
            self.order_id,
            self.rules,
            admin,
            self.now,
            self.envelope.occurred_at,
            self._record,
            len(self.envelope.body),
            booked,
            self.ports.supplements,
            is_first_attempt=self.envelope.attempt == 1,
        )

    def _needs_payments(self, state: OrderState) -> bool:
        """Whether to ask for payments and risk, which the event may not contain: for a new order, for one that was held
        for its assessment long enough, and where parked events, which are closed when this one is done, may have
        contained them.
        """
        if self.link is not None and self.link.has_parked:
            return True
        if self.link is not None and self.link.held == HoldReason.ASSESSMENT:
            return self.now >= assessed_until(state.order, self.rules)
        is_new = self.link is None or not self.link.sales_order
        return is_new and bool(self.rules.orders.hold_risks or self.rules.payments)

    async def stop(self, otherwise: HoldReason | None = None) -> None:
        """Stops what F&O has of the order, if it must not go on; `otherwise` is why, where the event does not say."""
        released = self.link.released if self.link is not None else ()
        reason = stop_reason(self.signals, self.rules, released) or otherwise
        if reason is HoldReason.CANCELLATION:
            await self._find_unrecorded()
        if reason is not None and self.link is not None and self.link.sales_order:
            self.link = await stop(self.link, reason, self.ports.fo, self.ports.links)

    async def _find_unrecorded(self) -> None:
        """Looks in F&O for a sales order that a worker may have created before it died."""
        link = self.link
        if link is not None and not link.sales_order and not link.not_booked:
            self.link = await find_unrecorded(link, self.rules, self.ports, now=self.now)

    def _given_up_early(self, version: datetime) -> OrderLink:
        """The link that remains of an order that was given up before it came, so that a late event does not book it."""
        link = self.link
        return OrderLink(
            self.rules.key,
            self.order_id,
            version,
            not_booked=_GIVEN_UP_EARLY,
            parked_parts=link.parked_parts if link else frozenset(),
            stored=link.stored if link else {},
            etag=link.etag if link else None,
        )

    async def unreadable(self, refusal: RefusedError) -> Parts:
        """Parks an event that cannot be read, the order stopped first."""
        await self._reread_link()
        await self.stop()
        version = self.signals.updated_at or self.now
        link = self.link or OrderLink(self.rules.key, self.order_id, version)
        if self.signals.is_cancelled and not link.sales_order:
            link = self._given_up_early(version)
        marked = replace(link, parked_parts=link.parked_parts | {Part.READING})
        return Parts(Done(""), parked=(Park(refusal, Part.READING),), then=partial(self.ports.links.put, marked))

    async def converge(self, state: OrderState) -> MessageOutcome:
        self.fingerprints = self.link.fingerprints if self.link is not None else {}
        try:
            state = await self._latest(self._delivered(state))
            booking = await self._sales_order(state)
        except RefusedError as refusal:
            await self._reread_link()
            if self.is_first and not self.has_claimed and self.link is not None:
                raise TransientError(f"order {self.order_id} has a link: this event is not its first") from refusal
            is_let_go = is_released(self.link, digest(state.order, self.rules))
            await self.stop(None if is_let_go else HoldReason.CHANGE)  # F&O has other lines than were sold
            self._refuse(refusal, Part.ORDER)
            booking = Booking("", self.link.sales_order if self.link else "", self.link, is_current=False)
        except TransientError:
            await self._reread_link()
            await self.stop()
            raise
        else:
            self.notes.append(booking.note)
            self.evidence |= booking.evidence
            if booking.is_current:
                self.done.add(Part.ORDER)
        await watch_authorizations(state, self.rules, self.ports.captures)
        if not booking.number and (self.parked or not booking.is_current):
            self.notes.append(
                "payments and refunds wait for the sales order" if self.parked else "neither is its money"
            )
        else:
            ports = self.ports
            payments = converge_payments(
                state, link=booking.link, rules=self.rules, ports=ports.payments, is_replay=self.is_replay
            )
            await self._part(Part.PAYMENTS, payments)
            if Part.ORDER not in self.waiting:
                refunds = converge_refunds(
                    state, link=booking.link, rules=self.rules, ports=ports.refunds, now=self.now
                )
                await self._part(Part.REFUNDS, refunds)
        if state.readings:
            self.evidence["readings"] = list(state.readings)
        if state.returned:
            self.notes.append(note_of_open_returns(state.returned, state.order))
        await self._close_done()
        waits = [*self.waiting.values(), *self._assessments(booking, state)]
        return Parts(
            Done("; ".join(self.notes), document=booking.number, evidence=self.evidence),
            parked=tuple(self.parked),
            retry=Retry(min(waits, key=_delay)) if waits else None,
            then=partial(self._store_refusals, state) if self.parked else None,
        )

    def _assessments(self, booking: Booking, state: OrderState) -> list[NotYetError]:
        """The wait for the order's assessment, if the event leaves the order held for it. Each event has one: a worker
        may have died after it booked the order.
        """
        left = assessed_until(state.order, self.rules) - self.now
        is_held = booking.link is not None and booking.link.held == HoldReason.ASSESSMENT
        return [_assessment(left)] if is_held and left > timedelta(0) else []

    def _delivered(self, state: OrderState) -> OrderState:
        """The state with how the buyer gets the goods. An order that is given up is delivered nowhere."""
        if state.order.is_given_up:
            return state
        return replace(state, order=with_delivery(state, self.rules, self._record, now=self.now))

    async def _part(self, part: Part, converging: Awaitable[_Report]) -> None:
        try:
            report = await converging
        except RefusedError as refusal:
            self._refuse(refusal, part)
        except TransientError as failure:
            self.waiting[part] = failure
        else:
            self.notes.append(report.note)
            if report.evidence:
                self.evidence[part.value] = report.evidence
            self.done.add(part)

    def _refuse(self, refusal: RefusedError, part: Part) -> None:
        if isinstance(refusal, TaxRefusedError):
            self.ports.taxes.forget(self.rules.company)  # a corrected set-up is read at once
        self.parked.append(Park(refusal, part))

    async def _latest(self, state: OrderState) -> OrderState:
        """The state to change the sales order to: Shopify's of now, if the event's need not be the latest, because it
        waited, or because it is one of two within a second of Shopify's clock.
        """
        link = self.link
        if link is None or not link.sales_order or self._without_change(state, link) is not None:
            return state
        if self._pause(state, link) is not None:
            return state
        if not self.envelope.waits and state.order.version > link.version:
            return state
        fetched = await self._reader.latest(state)
        return self._delivered(fetched) if fetched.order.version >= state.order.version else state

    async def _sales_order(self, state: OrderState) -> Booking:
        """Creates or changes F&O's sales order. A change that waits for a person is tried again only by a replay."""
        link = self.link
        if link is None or not link.sales_order:
            return await self._new_sales_order(state)
        order = state.order
        if order.version >= link.version:
            state, link = await self._with_units_by_staff(state, link)
            self.link = link = await self._with_refunds(link, state)
            self.link = link = await self._with_releases_left(link, state)
        if (booking := self._without_change(state, link)) is not None:
            if order.version >= link.version and not link.held and (reason := self._new_hold_reason(state, link)):
                link = await stop(link, reason, self.ports.fo, self.ports.links)  # its parked change was released
            if booking.is_current and order.version > link.version:  # events between both versions are outdated now
                link = await self.ports.links.put(replace(link, version=order.version))
            elif not booking.is_current and link.parked_version is not None and order.version > link.counted_version:
                # The same content as was parked: what it adds is in `sold` already.
                link = await self.ports.links.put(replace(link, parked_version=order.version))
            return replace(booking, link=link)
        if (pause := self._pause(state, link)) is not None:
            self.waiting[Part.ORDER] = pause
            note = "the sales order waits, and its refunds with it" if state.refunds else "the sales order waits"
            return Booking(note, link.sales_order, link, is_current=False)
        proof = prove(order).as_dict() if order.cancelled_at is None and order.lines else {}
        booking = await change(state, link, self.rules, self.ports)
        return replace(booking, evidence={"shopify": proof, **booking.evidence})

    def _without_change(self, state: OrderState, link: OrderLink) -> Booking | None:
        """How the sales order ends where it is not to be changed; None where it is."""
        order = state.order
        if order.version < link.version:
            return Booking("F&O has a later state of the order", link.sales_order, link, is_current=False)
        content = digest(order, self.rules)
        if content == link.parked_digest and not self.is_replay:
            return Booking("this change of the order waits for a person", link.sales_order, link, is_current=False)
        hold = self._new_hold_reason(state, link)
        is_held_as_due = link.held in {"", HoldReason.ASSESSMENT} and hold == (link.held or None)
        is_as_booked = content == link.digest and is_held_as_due and not link.is_holding
        if is_as_booked and self.envelope.source not in {OPERATOR, HEALING}:
            return Booking("F&O has the order as it is", link.sales_order, link)
        return None

    def _new_hold_reason(self, state: OrderState, link: OrderLink) -> HoldReason | None:
        return hold_reason(
            state,
            self.rules,
            held=link.held,
            released=link.released,
            is_held_in_shop=link.holds.is_held_in_shop,
        )

    def _pause(self, state: OrderState, link: OrderLink) -> NotYetError | None:
        """The wait until F&O may get the change of the sales order; None if it may now."""
        if not may_wait(self.envelope, state, self.signals, link, self.rules):
            return None
        return wait_for_pause(link, self.ports.change_pause, self.now)

    async def _new_sales_order(self, state: OrderState) -> Booking:
        order, link = state.order, self.link
        if (
            link is not None
            and link.not_booked == _GIVEN_UP_EARLY
            and order.version <= link.version
            and not order.is_given_up
        ):
            return Booking(f"not booked: {link.not_booked}", link=link, is_current=False)
        if order.is_given_up:
            await self._find_unrecorded()
            if self.link is not None and self.link.sales_order:
                return await self._sales_order(state)
            given_up = await self.ports.links.put(self._given_up_early(order.version))
            return Booking(f"{_GIVEN_UP_EARLY}: nothing to book", link=given_up)
        if not self.is_replay:
            if is_before_first_day(order, self.rules):
                return await self._leave_out(state)
            refuse_already_fulfilled(state, self.rules)
        proof = prove(order).as_dict()
        booking = await create(state, link, self.rules, self.ports, now=self.now, on_claim=self._note_claim)
        lag = self.ports.now() - self.envelope.occurred_at
        seconds = round(lag.total_seconds(), 3)
        emit("order.booked", company=self.rules.company, document=booking.number, seconds=seconds)
        return replace(booking, evidence={"shopify": proof, **booking.evidence})

    def _note_claim(self) -> None:
        self.has_claimed = True

    async def _leave_out(self, state: OrderState) -> Booking:
        """An order from before the store's first day, which a person may bring by name.

        The person is told once if something of it is still to be delivered.
        """
        link = self.link
        if link is None or link.not_booked != BEFORE_FIRST_DAY:
            if not is_finished(state):
                refuse_before_first_day(state.order, self.rules)
            unknown = link or OrderLink(state.order.store, state.order.id, state.order.version)
            link = await self.ports.links.put(replace(unknown, not_booked=BEFORE_FIRST_DAY, sold=()))
        return Booking(f"not booked: {link.not_booked}", link=link, is_current=False)

    async def _with_refunds(self, link: OrderLink, state: OrderState) -> OrderLink:
        """The link that has a record of every refund of the state, stored before anything is written about it."""
        if link.record is None:
            return link
        record = add_refunds(link.record, state.refunds)
        return link if record is link.record else await self.ports.links.put(replace(link, record=record))

    async def _with_units_by_staff(self, state: OrderState, link: OrderLink) -> tuple[OrderState, OrderLink]:
        found = await find_units_by_staff(state, link, self.rules, self.ports)
        if found.note:
            self.notes.append(found.note)
        return found.state, found.link

    async def _with_releases_left(self, link: OrderLink, state: OrderState) -> OrderLink:
        """The link without releases from holds whose reason is gone."""
        left = releases_left(link.released, state, self.rules, is_held_in_shop=link.holds.is_held_in_shop)
        return link if left == link.released else await self.ports.links.put(replace(link, released=left))

    async def _reread_link(self) -> None:
        self.link = await self.ports.links.get(self.rules.key, self.order_id)

    async def _close_done(self) -> None:
        """Closes what is parked of parts that are done, then clears their mark: in this order a crash is repaired.

        Payments that wait get a mark instead: the next attempt has to fetch them again.
        """
        had_parked = self.link is not None and self.link.has_parked
        if not had_parked and not self.waiting:
            return
        link = await self.ports.links.get(self.rules.key, self.order_id)
        done = self.done - {refused.part for refused in self.parked}
        if self.waiting:
            done -= {Part.READING}  # its mark has the next attempt fetch what waits, which its event may not contain
        closing = link.parked_parts & done if link is not None else frozenset()
        waiting = self.waiting.keys() & {Part.PAYMENTS}
        if link is None or not (closing or waiting - link.parked_parts):
            return
        begin_to_wait = bool(waiting - link.parked_parts)
        if closing:
            await self.ports.parking.close_all(
                ORDERS.name,
                link.store,
                str(link.order_id),
                state=State.RESOLVED,
                why="F&O has this part of the order as Shopify has it",
                now=self.now,
                parts=closing,
            )
        is_settled = Part.ORDER in closing and bool(link.sales_order)
        await self.ports.links.put(
            replace(
                link,
                parked_parts=(link.parked_parts - closing) | waiting,
                payments_wait=begin_to_wait or (link.payments_wait and Part.PAYMENTS not in closing),
                parked_digest="" if Part.ORDER in closing else link.parked_digest,
                sold=() if is_settled else link.sold,
            )
        )

    async def _store_refusals(self, state: OrderState) -> None:
        """Marks the refused parts in the link. A refused sales order is not tried again by the next event with the same
        content; payments and refunds are.
        """
        link = await self.ports.links.get(self.rules.key, self.order_id)
        parts = frozenset(refused.part for refused in self.parked) | (link.parked_parts if link else frozenset())
        of_order = any(refused.part is Part.ORDER for refused in self.parked)
        if link is None or not link.sales_order:
            known = replace(_sold_but_unknown(state.order, link, digest(state.order, self.rules)), parked_parts=parts)
            if any(refused.error.code == ErrorCode.ORDER_BEFORE_FIRST_DAY for refused in self.parked):
                known = replace(known, not_booked=BEFORE_FIRST_DAY, sold=())
        else:
            sold, parked_version = link.sold, link.parked_version
            if of_order:
                sold = _added(state.order, link, self.fingerprints)
                parked_version = state.order.version if _is_known(state.order, self.fingerprints) else None
            refused_digest = digest(state.order, self.rules) if of_order else link.parked_digest
            applied_at = self.now if of_order else link.applied_at
            is_same = refused_digest == link.parked_digest
            released = {each: why for each, why in link.released.items() if is_same or each != HoldReason.CHANGE}
            known = replace(
                link,
                parked_digest=refused_digest,
                parked_version=parked_version,
                parked_parts=parts,
                payments_wait=link.payments_wait and all(each.part is not Part.PAYMENTS for each in self.parked),
                applied_at=applied_at,
                released=released,
                sold=sold,
            )
        await self.ports.links.put(known)


def _delay(error: TransientError) -> timedelta:
    return error.retry_after or timedelta()


def _sold_but_unknown(order: Order, link: OrderLink | None, content: str) -> OrderLink:
    """The link of an order whose goods are sold but unknown to F&O: the stock flow must not offer them again."""
    sold: defaultdict[tuple[str, int | None], int] = defaultdict(int)
    if not order.is_given_up:
        for line in order.lines:
            if line.kind is LineKind.PRODUCT:
                sold[line.sku, line.variant_id] += line.quantity
    return OrderLink(
        store=order.store,
        order_id=order.id,
        version=order.version,
        parked_digest=content,
        sold=tuple(SoldUnits(sku, units, variant_id) for (sku, variant_id), units in sold.items()),
        location_id=order.location_id,
        not_booked=link.not_booked if link else "",
        stored=link.stored if link else {},
        etag=link.etag if link else None,
    )


def _is_known(order: Order, fingerprints: Mapping[str, str]) -> bool:
    """Whether `fingerprints` tell what F&O has of every line of the order, so that what the order adds is known."""
    sources = [source_of(Component.PRODUCTS, line.id) for line in order.lines if line.kind is LineKind.PRODUCT]
    return bool(fingerprints) and all(quantity_before(source, fingerprints) is not None for source in sources)


def _added(order: Order, link: OrderLink, fingerprints: Mapping[str, str]) -> tuple[SoldUnits, ...]:
    """The goods that the order has beyond what F&O last got of it (`fingerprints`): the stock flow must not offer them
    again. Of a line that an attempt was refused at before, the link has them.
    """
    if order.is_given_up or not fingerprints:
        return ()
    known = {(each.sku, each.variant_id): each.units for each in link.sold}
    added: list[SoldUnits] = []
    for line in order.lines:
        before = quantity_before(source_of(Component.PRODUCTS, line.id), fingerprints)
        more = known.get((line.sku, line.variant_id), 0) if before is None else line.quantity - int(before)
        if line.kind is LineKind.PRODUCT and more > 0:
            added.append(SoldUnits(line.sku, more, line.variant_id))
    return tuple(added)
