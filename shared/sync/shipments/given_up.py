"""Units of one order that F&O gave up and Shopify still has open: told at once, or taken off there by the rules.

The whole refund that is about to be made is stored with its idempotency key first: after a crash, or an answer that was
lost, the same call is made again, if the units are still open.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import uuid4

from shared.d365.sales_line_states import read_line_states
from shared.d365.sales_order_states import read_states
from shared.errors import ErrorCode, NotYetError, RefusedError
from shared.mapping.shipments.given_up import given_up_units, missing_units
from shared.mapping.shipments.parcels.lines import line_ids_of
from shared.mapping.shipments.status import status_of
from shared.model import OrderStatus, PackingSlip, SalesLineState
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.given_up import read_worth, refund_input, refund_units, units_of
from shared.shopify.shipments import read_shipments
from shared.store.links import OrderLink
from shared.sync.shipments.converged import ConvergedPart
from shared.sync.shipments.parcels.slips import slips_of
from shared.sync.shipments.ports import ShipmentPorts
from shared.telemetry import emit

_MOVING: Final = timedelta(seconds=20)
"""Before an order is read again that F&O changed while it was read."""


async def converge_given_up(link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> ConvergedPart:
    """Raises RefusedError GIVEN_UP_IN_FO and GIVEN_UP_NOT_REFUNDED, NotYetError for an order that F&O changes just now,
    and what the clients raise.
    """
    if rules.given_up.action == "ignore":
        return ConvergedPart(link, "")
    return await _GivingUp(link, rules, ports).run()


class _GivingUp:
    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._link = link
        self._rules = rules
        self._ports = ports
        self._admin: AdminClient = ports.admins[rules.key]
        self._line_ids = line_ids_of(link.sources)

    async def run(self) -> ConvergedPart:
        lines = await self._lines()
        slips = await slips_of(self._ports.fo, self._rules, self._link.company, self._link.numbers)
        given_up = given_up_units(lines, slips, self._line_ids)
        if given_up and await self._lines() != lines:
            raise NotYetError("F&O changes the sales order just now", retry_after=_MOVING)
        await self._remember(given_up)
        if not given_up and not self._link.refund_intent:
            return ConvergedPart(self._link, "F&O gave up nothing")
        missing = await self._missing(given_up, lines, slips)
        if not missing:
            await self._put_intent({})
            return ConvergedPart(self._link, "Shopify has nothing open that F&O gave up")
        if await self._is_cancelled():
            return ConvergedPart(self._link, "the whole order is cancelled in F&O")
        return await self._settle(missing)

    async def _lines(self) -> Sequence[SalesLineState]:
        """Before the slips: what leaves in between must not look like given up."""
        return await read_line_states(self._ports.fo, self._link.company, self._link.numbers)

    async def _remember(self, given_up: Mapping[str, Decimal]) -> None:
        """For the orders flow: what F&O gave up and Shopify takes off is off the sales order already."""
        known = {lot: f"{units.normalize():f}" for lot, units in given_up.items()}
        if known != self._link.given_up_units:
            self._link = await self._ports.links.put(replace(self._link, given_up_units=known))

    async def _missing(
        self, given_up: Mapping[str, Decimal], lines: Sequence[SalesLineState], slips: Sequence[PackingSlip]
    ) -> dict[int, int]:
        shop = await read_shipments(self._admin, self._link.order_id)
        return missing_units(given_up, lines, slips, shop, self._line_ids) if shop is not None else {}

    async def _is_cancelled(self) -> bool:
        """Whether it is for the rules of a cancelled order what becomes of it."""
        if self._rules.order_status.cancelled.action == "ignore":
            return False
        states = await read_states(self._ports.fo, self._link.company, self._link.numbers)
        return len(states) == len(self._link.numbers) and status_of(states) is OrderStatus.CANCELLED

    async def _settle(self, missing: Mapping[int, int]) -> ConvergedPart:
        if self._rules.given_up.action == "refund" and self._is_due(missing):
            await self._refund()
            return await self.run()
        lost = await read_worth(self._admin, self._link.order_id, missing)
        if lost is None:
            raise RefusedError(ErrorCode.ORDER_GONE, order=self._link.order_id)
        if self._rules.given_up.action == "refund":
            rules = self._rules.given_up
            given = refund_input(self._link.order_id, lost, money=rules.money, notify=rules.notify)
            await self._put_intent({"key": str(uuid4()), "input": json.dumps(given)})
            await self._refund()
            units = [*map(str, lost.lines)]
            return ConvergedPart(self._link, f"taken off in Shopify: {', '.join(units)}", {"given_up": units})
        version = self._link.version.isoformat()
        self._link = await self._ports.links.put(replace(self._link, told_version=version, refund_intent={}))
        raise RefusedError(
            ErrorCode.GIVEN_UP_IN_FO,
            lines=", ".join(map(str, lost.lines)),
            worth=lost.worth,
            sales_order=self._link.sales_order,
            store=self._link.store,
        )

    def _is_due(self, missing: Mapping[int, int]) -> bool:
        """Whether a refund that an earlier attempt was about to make is still to be made: all of it is missing yet."""
        intent = self._link.refund_intent
        return bool(intent) and all(
            units <= missing.get(line_id, 0) for line_id, units in units_of(json.loads(intent["input"])).items()
        )

    async def _refund(self) -> None:
        intent = self._link.refund_intent
        try:
            await refund_units(self._admin, json.loads(intent["input"]), intent["key"])
        except RefusedError:
            await self._put_intent({})  # the key of a refused call is spent
            raise
        await self._put_intent({})
        emit("given_up.refunded", store=self._link.store, document=self._link.sales_order)

    async def _put_intent(self, intent: Mapping[str, str]) -> None:
        if intent != self._link.refund_intent:
            self._link = await self._ports.links.put(replace(self._link, refund_intent=intent))
