"""What leaves F&O's warehouses in the demo, and what Shopify shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from local.demo.baskets import Placed
from local.demo.systems import COMPANIES, Systems
from local.demo.values import Collected, Parcel

_WAREHOUSES: Final = "AMS", "HAM"
_MOVED: Final = "shipments/moved"


@dataclass(frozen=True, slots=True)
class Shipments:
    systems: Systems
    _slips: dict[str, str] = field(default_factory=dict)
    """Tracking number -> packing slip."""

    async def start(self) -> None:
        """From now on the timer finds what leaves F&O's warehouses."""
        await self.systems.run_timer("push_shipments")

    async def ship(self, order: Placed, parcels: Sequence[Mapping[str, int]]) -> list[Parcel]:
        """Ships parcels of item -> units, each from a warehouse of its own and with its tracking number, and shows them
        in Shopify.
        """
        (booked,) = await self.systems.booked(order)
        lots = _lots(booked)
        left: dict[str, str] = {}
        for units, warehouse in zip(parcels, _WAREHOUSES, strict=True):
            tracking = f"JD{booked['number'][-6:]}{warehouse}"
            lines = [{"lot": lots[item], "quantity": count, "warehouse": warehouse} for item, count in units.items()]
            document = f"orders/{COMPANIES[order.store]}/{booked['number']}"
            parcel = {"lines": lines, "carrier": "DHL", "tracking_number": tracking}
            packed = await self.systems.post(document, "pack", parcel)
            (self._slips[tracking],) = packed["packing_slips"]
            left[tracking] = f"{_goods(units)} from {warehouse}"
        shown = await self._push(order)
        return [Parcel(order.label, tracking, text, shown.get(tracking, "")) for tracking, text in left.items()]

    async def correct(self, order: Placed, tracking: str, units: Mapping[str, int]) -> Parcel:
        """Corrects the parcel's packing slip to what left indeed, and shows that in Shopify."""
        (booked,) = await self.systems.booked(order)
        lots = _lots(booked)
        lines = [{"lot": lots[item], "quantity": count} for item, count in units.items()]
        await self.systems.post(f"slips/{COMPANIES[order.store]}/{self._slips[tracking]}", "correct", {"lines": lines})
        shown = await self._push(order)
        return Parcel(order.label, tracking, f"{_goods(units)}, corrected", shown.get(tracking, ""))

    async def prepare(self, order: Placed) -> Collected:
        """Posts the picking list of an order that the buyer picks up, and has the buyer told by Shopify."""
        (booked,) = await self.systems.booked(order)
        await self.systems.post(f"orders/{COMPANIES[order.store]}/{booked['number']}", "pick")
        await self._push(order)
        mails = (await self.systems.at_shop(order, "notices"))["notices"]
        return Collected(order.label, "picked", ", ".join(each["kind"].replace("_", " ") for each in mails))

    async def notices(self, order: Placed) -> int:
        """Mails that the buyer got about parcels."""
        found = await self.systems.at_shop(order, "notices")
        return len(found["notices"])

    async def _push(self, order: Placed) -> dict[str, str]:
        """What Shopify shows by tracking number, once the app has handled what moved."""
        handled = {row["event_id"] for row in await self.systems.journal(order)}
        await self.systems.run_timer("push_shipments")
        await self.systems.wait_for(order, _MOVED, handled)
        await self.systems.settle()
        found = (await self.systems.at_shop(order, "fulfillments"))["fulfillments"]
        return {each["tracking_number"]: _shown(each) for each in found if each["status"] != "cancelled"}


def _lots(booked: Mapping[str, Any]) -> dict[str, str]:
    return {line["item"]: line["lot"] for line in booked["lines"]}


def _goods(units: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {item}" for item, count in units.items())


def _shown(fulfillment: Mapping[str, Any]) -> str:
    goods = _goods({line["sku"]: line["quantity"] for line in fulfillment["line_items"]})
    return f"{goods} with {fulfillment['tracking_company']}"
