"""Telling the buyer that goods can be picked up, before the order's packing slips are shown in Shopify.

Shopify shows nowhere whether a buyer was told, and its mutation takes no idempotency key. So what is about to be told
is stored first, and after an attempt whose outcome is unknown Shopify is asked again: it refuses a fulfilment order of
which everything was told, and does not write twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from shared.d365.order_changes import read_fo_order
from shared.d365.picked import read_packed
from shared.errors import RefusedError
from shared.mapping.shipments.pick_up import (
    delivered_by_lot,
    needs_picked,
    open_at_counter,
    plan_pick_up,
    ready_units,
    remember_picked,
    settle_told,
)
from shared.model import DeliveryMethod, FoOrder, PackingSlip, PickUp, ShopShipments
from shared.rules import StoreRules
from shared.shopify.pick_up import tell_ready
from shared.store.links import OrderLink
from shared.sync.shipments.ports import ShipmentPorts

_NOTHING: Final = Decimal(0)


def may_be_picked(link: OrderLink, rules: StoreRules) -> bool:
    """Whether the buyer may have to be told of goods that have not left: Shopify has to be read without packing slips
    too.
    """
    method = link.record.delivery if link.record is not None else None
    return rules.tells_when_picked and method in {None, DeliveryMethod.PICK_UP}


class PickUpNotices:
    """What the buyer of one order is told in one event."""

    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self.link = link
        """As it is stored now."""
        self.told = 0
        """Fulfilment orders of which the buyer was told."""
        self.findings: tuple[RefusedError, ...] = ()
        self._rules = rules
        self._ports = ports
        self._asked: tuple[FoOrder, Mapping[str, Decimal]] | None = None
        """What F&O has of the order, and what is packed of it: it is asked once."""

    async def tell(self, shop: ShopShipments, slips: Sequence[PackingSlip], line_ids: Mapping[str, int]) -> None:
        """Raises what the clients raise. `line_ids` has the order line of each InventoryLotId."""
        if self._rules.shipments.pick_up == "never" or not open_at_counter(shop):
            return
        known, delivered = settle_told(self.link.pick_up, shop), delivered_by_lot(slips)
        left = ready = ready_units(delivered, line_ids)
        if needs_picked(shop, self._rules) and (asked := await self._ask()) is not None:
            fo, packed = asked
            picked = remember_picked(known.picked, fo, delivered)
            known = replace(known, picked=picked)
            ahead = {lot: max(picked.get(lot, _NOTHING), packed.get(lot, _NOTHING)) for lot in {*picked, *packed}}
            ready = ready_units(delivered, line_ids, fo, ahead)
        if known != self.link.pick_up:
            await self._remember(known)
        plan = plan_pick_up(shop, ready, known, self._rules, left=left)
        self.findings = plan.findings
        for order, units in plan.tell.items():
            await self._tell(order, units)

    async def _ask(self) -> tuple[FoOrder, Mapping[str, Decimal]] | None:
        if self._asked is None:
            link, management = self.link, self._rules.tenant.warehouse_management
            fo = await read_fo_order(self._ports.fo, link.company, link.numbers)
            if fo is None:
                return None
            lots = {line.lot for line in fo.lines if line.is_open} if management != "no" else set()
            packed = await read_packed(self._ports.fo, link.company, lots, is_known=management == "yes")
            self._asked = fo, packed
        return self._asked

    async def _tell(self, order: int, units: Mapping[int, int]) -> None:
        known = self.link.pick_up
        await self._remember(replace(known, telling={**known.telling, order: units}))
        left = {each: lines for each, lines in known.telling.items() if each != order}
        try:
            is_told = await tell_ready(self._ports.admins[self._rules.key], order)
        except RefusedError:
            await self._remember(replace(known, telling=left))
            raise
        await self._remember(replace(known, told={**known.told, order: units}, telling=left))
        self.told += is_told

    async def _remember(self, known: PickUp) -> None:
        self.link = await self._ports.links.put(replace(self.link, pick_up=known))
