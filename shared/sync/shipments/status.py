"""F&O's status of one order, in Shopify: a metafield and a tag by the rules, and what becomes of a cancellation.

Shopify cancels an order in a job, for good, and takes no idempotency key: before it is asked, and after an answer that
was lost, the order is read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.d365.sales_order_states import read_states
from shared.errors import ErrorCode, NotYetError, RefusedError, TransientError
from shared.mapping.shipments.given_up import delivered_units, open_units
from shared.mapping.shipments.status import status_of, tag_change
from shared.model import OrderStatus
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.order_cancellation import cancel_order, read_cancel_state
from shared.shopify.shipments import read_shipments
from shared.shopify.write_back import (
    STATUS_TEXTS,
    MetafieldKey,
    MetafieldUpdate,
    OrderRejection,
    RejectionCause,
    WriteBackState,
    add_tag,
    read_shown,
    remove_tags,
    set_metafields,
)
from shared.store.links import OrderLink
from shared.sync.metafield_definitions import ensure_definition
from shared.sync.shipments.converged import ConvergedPart
from shared.sync.shipments.parcels.slips import slips_of
from shared.sync.shipments.ports import ShipmentPorts
from shared.telemetry import emit

_JOB: Final = timedelta(seconds=20)
"""Until Shopify shows an order as cancelled that it was asked to cancel, before the order is read again."""
_ASK_AGAIN: Final = timedelta(minutes=5)
"""After which an order that still is not cancelled is asked for once more."""
_UNSHOWN: Final = "order_status"
"""A key to read with where the rules name no metafield."""


async def converge_status(link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> ConvergedPart:
    """Raises RefusedError: CANCELLED_IN_FO and CANCELLATION_REFUSED, SHOPIFY_REJECTED for a metafield or tag; and
    TransientError while Shopify cancels the order, or another app changes it.
    """
    if not rules.order_status.is_wanted and not link.shown_tag:
        return ConvergedPart(link, "")
    return await _Status(link, rules, ports).run()


class _Status:
    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._link = link
        self._rules = rules
        self._ports = ports
        self._admin: AdminClient = ports.admins[rules.key]
        self._notes: list[str] = []

    async def run(self) -> ConvergedPart:
        states = await read_states(self._ports.fo, self._link.company, self._link.numbers)
        if not states:
            return ConvergedPart(self._link, "F&O does not show the sales order")
        status = status_of(states)
        if status is not OrderStatus.OPEN or self._link.shown_status:
            await self._show(status)
        if status is OrderStatus.CANCELLED and len(states) == len(self._link.numbers):
            await self._cancelled()
        return ConvergedPart(self._link, "; ".join(self._notes) or f"F&O has the order as {status}")

    async def _show(self, status: OrderStatus) -> None:
        tag = self._rules.order_status.tags.of(status) or ""
        if self._rules.order_status.is_shown or self._link.shown_tag:
            shown = (await read_shown(self._admin, [self._link.order_id], self._slot)).get(self._link.order_id)
            if shown is None:
                self._notes.append("Shopify does not show the order")
                return
            await self._set_metafield(status, shown)
            await self._set_tags(status, shown)
        if (self._link.shown_status, self._link.shown_tag) != (status, tag):
            self._link = await self._ports.links.put(replace(self._link, shown_status=status.value, shown_tag=tag))

    @property
    def _slot(self) -> MetafieldKey:
        rules = self._rules.order_status
        return MetafieldKey(rules.namespace, rules.metafield or _UNSHOWN)

    async def _set_metafield(self, status: OrderStatus, shown: WriteBackState) -> None:
        if self._rules.order_status.metafield is None or shown.value == status:
            return
        document = f"order_status/{self._rules.key}"
        await ensure_definition(
            document, self._slot, STATUS_TEXTS, self._admin, self._ports.snapshots, self._ports.now()
        )
        update = MetafieldUpdate(self._link.order_id, status.value, shown.digest)
        for rejection in await set_metafields(self._admin, [update], self._slot):
            _raise(rejection, "F&O's status on the order")
        self._notes.append(f"shown as {status}")

    async def _set_tags(self, status: OrderStatus, shown: WriteBackState) -> None:
        change = tag_change(status, shown.tags, self._rules.order_status.tags, self._link.shown_tag)
        if change.remove and (rejection := await remove_tags(self._admin, self._link.order_id, change.remove)):
            _raise(rejection, "a tag that is out of date")
        if change.add and (rejection := await add_tag(self._admin, self._link.order_id, change.add)):
            _raise(rejection, "the tag of F&O's status")
        if change.add or change.remove:
            self._notes.append(f"tagged {change.add}" if change.add else "tag taken off")

    async def _cancelled(self) -> None:
        """What becomes in Shopify of an order whose sales orders are all cancelled.

        Where the app cancelled them, Shopify's order was cancelled or refunded before: it has nothing open then.
        """
        rules, link = self._rules.order_status.cancelled, self._link
        if rules.action == "ignore":
            return
        state = await read_cancel_state(self._admin, link.order_id)
        shop = await read_shipments(self._admin, link.order_id)
        if state is None or shop is None or state.is_cancelled:
            return
        units = open_units(shop).total()
        if not units:
            return
        obstacle = ""
        if any(each.is_active for each in shop.fulfillments):
            obstacle = ", and shows others as fulfilled"
        elif state.has_return:
            obstacle = ", and has a return of it"
        elif any(
            delivered_units(await slips_of(self._ports.fo, self._rules, link.company, self._link.numbers)).values()
        ):
            obstacle = "; F&O has packing slips of it"
        if rules.action == "cancel" and not obstacle:
            await self._cancel()
            return
        self._link = await self._ports.links.put(replace(link, told_version=link.version.isoformat()))
        raise RefusedError(
            ErrorCode.CANCELLED_IN_FO, sales_order=link.sales_order, units=units, obstacle=obstacle, store=link.store
        )

    async def _cancel(self) -> None:
        now, sent_at = self._ports.now(), self._link.cancel_sent_at
        if sent_at is None or now >= sent_at + _ASK_AGAIN:
            self._link = await self._ports.links.put(replace(self._link, cancel_sent_at=now))
            rules = self._rules.order_status.cancelled
            await cancel_order(
                self._admin,
                self._link.order_id,
                reason=rules.reason,
                refund=rules.refund,
                restock=rules.restock,
                notify=rules.notify,
                note=f"Cancelled in F&O: {self._link.sales_order}",
            )
            state = await read_cancel_state(self._admin, self._link.order_id)
            if state is None or state.is_cancelled:
                self._notes.append("cancelled in Shopify too")
                emit("order.cancelled_in_shopify", store=self._link.store, document=self._link.sales_order)
                return
        raise NotYetError("Shopify is cancelling the order", retry_after=_JOB)


def _raise(rejection: OrderRejection, what: str) -> None:
    """Raises TransientError for a metafield that changed meanwhile, else RefusedError."""
    if rejection.cause is RejectionCause.STALE:
        raise TransientError(f"{what} changed in Shopify meanwhile")
    raise RefusedError(ErrorCode.SHOPIFY_REJECTED, what=what, message=rejection.message)
