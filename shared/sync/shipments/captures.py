"""The authorised money of one order: captured in Shopify for what F&O invoiced, in the order's session.

Shopify's mutation takes no idempotency key, so that a capture is stored before it is sent: after an attempt whose
outcome is unknown, the order's transactions tell whether it was made.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.d365.sales_invoices import read_invoicing
from shared.errors import ErrorCode, OutcomeUnknownError, RefusedError
from shared.mapping.payments.captures import Capture, CapturePlan, CaptureTerms, plan_captures
from shared.model import CurrencySide, Invoicing, OrderPayments
from shared.rules import StoreRules
from shared.shopify.captures import capture, read_payments
from shared.store.captures import AuthorizedOrder, CaptureIntent
from shared.store.links import OrderLink
from shared.sync.shipments.converged import ConvergedPart
from shared.sync.shipments.ports import ShipmentPorts
from shared.telemetry import emit

_ROUNDS: Final = 4
"""Plans for one event: money may be captured by others meanwhile."""
_SETTLING: Final = timedelta(seconds=20)
"""Until Shopify shows a capture that it may be making."""


async def converge_captures(link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> ConvergedPart:
    """Raises RefusedError for what needs a person (after all that can be captured is), OutcomeUnknownError while it is
    not known whether a capture was made, and what the clients raise.
    """
    if not rules.captures.is_on:
        return ConvergedPart(link, "")
    return ConvergedPart(link, await _Capturing(link, rules, ports).run())


class _Capturing:
    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._link = link
        self._rules = rules
        self._ports = ports
        self._side = link.record.side if link.record is not None else rules.currency_side
        self._order = AuthorizedOrder(link.store, link.order_id)
        self._made: Counter[str] = Counter()

    async def run(self) -> str:
        """What was done."""
        self._order = await self._ports.captures.get(self._link.store, self._link.order_id)
        invoicing: Invoicing | None = None
        refusal: RefusedError | None = None
        before: OrderPayments | None = None
        for _ in range(_ROUNDS):
            shop = await self._read()
            if refusal is not None and shop == before:
                raise refusal
            before = shop
            await self._settle(shop)
            invoicing = invoicing or await self._read_invoicing(shop)
            plan = self._plan(shop, invoicing)
            if not plan.captures:
                return await self._end(plan)
            try:
                for each in plan.captures:
                    await self._capture(each, shop)
            except RefusedError as error:
                await self._watch(plan)
                if error.code != ErrorCode.CAPTURE_REFUSED:
                    raise
                refusal = error  # stands, unless others captured meanwhile
        raise RefusedError(ErrorCode.CAPTURE_REFUSED, amount="", message=f"not done after {_ROUNDS} attempts")

    async def _read(self) -> OrderPayments:
        shop = await read_payments(self._ports.admins[self._rules.key], self._link.order_id)
        if shop is None:
            await self._put(replace(self._order, look_at=None))
            raise RefusedError(ErrorCode.ORDER_GONE, order=self._link.order_id)
        return shop

    async def _read_invoicing(self, shop: OrderPayments) -> Invoicing:
        link = self._link
        booked = shop.placed[self._side is CurrencySide.PRESENTMENT]
        return await read_invoicing(self._ports.fo, link.company, link.numbers, currency=booked.currency)

    def _plan(self, shop: OrderPayments, invoicing: Invoicing) -> CapturePlan:
        record = self._link.record
        return plan_captures(
            shop,
            invoicing,
            self._rules,
            terms=CaptureTerms(self._side, len(self._link.sources), record.refunds if record is not None else {}),
            now=self._ports.now(),
        )

    async def _settle(self, shop: OrderPayments) -> None:
        """Finds out what became of a capture that an earlier attempt was about to make."""
        intent = self._order.intent
        if intent is None:
            return
        found = [
            each
            for each in shop.captures
            if each.id not in intent.seen
            and (each.authorization_id, each.amount) == (intent.authorization_id, intent.amount)
        ]
        wait = intent.at + _SETTLING - self._ports.now()
        if not found and wait > timedelta(0):
            raise OutcomeUnknownError("a capture may have been made", retry_after=wait)
        await self._put(replace(self._order, intent=None))
        if any(each.counts for each in found):
            self._note(intent.amount.currency)

    async def _capture(self, step: Capture, shop: OrderPayments) -> None:
        seen = tuple(each.id for each in shop.captures)
        intent = CaptureIntent(step.authorization_id, step.amount, seen, self._ports.now())
        await self._put(replace(self._order, intent=intent))
        admin = self._ports.admins[self._rules.key]
        try:
            await capture(admin, self._link.order_id, step.authorization_id, step.amount, is_final=step.is_final)
        except OutcomeUnknownError as unknown:
            raise OutcomeUnknownError(unknown.reason, retry_after=_SETTLING) from unknown
        except RefusedError:
            await self._put(replace(self._order, intent=None))
            raise
        await self._put(replace(self._order, intent=None))
        self._note(step.amount.currency)

    def _note(self, currency: str) -> None:
        self._made[currency] += 1
        emit("capture.made", store=self._link.store, company=self._link.company, entity_id=str(self._link.order_id))

    async def _end(self, plan: CapturePlan) -> str:
        await self._watch(plan)
        if plan.finding is not None:
            raise plan.finding
        return f"{self._made.total()} captures made" if self._made else "all that F&O invoiced is captured"

    async def _watch(self, plan: CapturePlan) -> None:
        """Remembers when to look at the order again, and reports an authorisation that is about to expire."""
        if self._order.look_at != plan.look_at:
            await self._put(replace(self._order, look_at=plan.look_at))
        if plan.expires_at is not None:
            _report(self._order, plan.expires_at, document=self._link.sales_order)

    async def _put(self, order: AuthorizedOrder) -> None:
        self._order = await self._ports.captures.put(order)


async def report_unbooked(order: AuthorizedOrder, ports: ShipmentPorts) -> None:
    """Reports authorised money that is about to expire of an order that F&O does not have, or that staff handle."""
    is_open = order.expires_at is not None and ports.now() < order.expires_at
    if order.expires_at is not None and is_open:
        _report(order, order.expires_at)
    await ports.captures.put(replace(order, look_at=order.expires_at if is_open else None))


def _report(order: AuthorizedOrder, expires_at: datetime, *, document: str = "") -> None:
    emit(
        "authorization.expiring",
        level=logging.WARNING,
        store=order.store,
        entity_id=str(order.order_id),
        document=document,
        expires_at=expires_at.isoformat(),
    )
