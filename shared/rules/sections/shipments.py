"""How goods that left F&O's warehouses are shown in Shopify: `[shipments]`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, field_validator

from shared.rules.base import Rules


class CarrierRule(Rules):
    """The first rule that fits a packing slip names its carrier in Shopify."""

    carrier: str = Field(
        default="*", description="F&O's shipping carrier. `*` and `?` as in file names; case does not count."
    )
    delivery_mode: str = Field(
        default="*", description="F&O's mode of delivery. `*` and `?` as in file names; case does not count."
    )
    company: str = Field(
        min_length=1,
        description="The carrier as Shopify spells it (DHL Express, PostNL, UPS), for which it knows the tracking "
        "page; any other name needs `url`.",
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https://\S+$",
        description="Address of the tracking page with {number} in it, where F&O has none.",
    )

    @field_validator("url")
    @classmethod
    def _has_a_place(cls, url: str | None) -> str | None:
        if url is not None and "{number}" not in url:
            raise ValueError("the address must have {number} where the tracking number goes")
        return url

    def fits(self, carrier: str, delivery_mode: str) -> bool:
        return fnmatchcase(carrier.casefold(), self.carrier.casefold()) and fnmatchcase(
            delivery_mode.casefold(), self.delivery_mode.casefold()
        )


class TrackingWait(Rules):
    delivery_mode: str = Field(
        default="*", description="F&O's mode of delivery. `*` and `?` as in file names; case does not count."
    )
    minutes: int = Field(
        ge=0, le=10_080, description="How long a packing slip without tracking number waits before it is shown."
    )


class ShipmentRules(Rules):
    notify: Literal["always", "with_tracking", "never"] = Field(
        default="with_tracking",
        description="When Shopify writes to the buyer, once for a packing slip: when it is shown (`always`), as soon "
        "as it has a tracking number (`with_tracking`), or not at all (`never`).",
    )
    other_warehouse: Literal["move", "keep"] = Field(
        default="move",
        description="What becomes of a fulfilment order whose location is not that of the warehouse that shipped: "
        "moved there (`move`), which corrects the stock of both locations, or fulfilled where it is (`keep`).",
    )
    pick_up: Literal["picked", "packing_slip", "never"] = Field(
        default="picked",
        description="When Shopify tells the buyer, once, that the goods of a fulfilment order can be picked up: when "
        "F&O shows all of them as picked (the sales order's picking list is posted, or with warehouse management all "
        "units are packed), when all of them are on packing slips, or never by the app.",
    )
    collected: Literal["packing_slip", "staff"] = Field(
        default="packing_slip",
        description="When goods that the buyer picks up count as handed over and are fulfilled in Shopify: with their "
        "packing slip (`packing_slip`), for stores that post it when the buyer has them, or by staff in Shopify or at "
        "its point of sale (`staff`), for stores that post it when the goods come to the counter.",
    )
    by_staff: Literal["note", "hold"] = Field(
        default="note",
        description="What becomes of the sales order when others than the app fulfil units in Shopify that F&O has not "
        "delivered: the journal notes it (`note`), or the order is also held in F&O (`hold`), so that the warehouse "
        "does not send them again. Orders that the buyer picks up are only noted.",
    )
    third_party: Literal["tell", "move"] = Field(
        default="tell",
        description="What becomes of units that left and that Shopify has assigned to a fulfilment service: parked for "
        "a person (`tell`), or moved to the location of the warehouse that shipped where the service was not asked for "
        "them or refused (`move`); what it was asked for is always parked. Shopify shows them only to an app with the "
        "access scope write_third_party_fulfillment_orders.",
    )
    carriers: tuple[CarrierRule, ...] = Field(
        default=(), description="Carriers as Shopify names them. Without a rule F&O's name is sent."
    )
    waits: tuple[TrackingWait, ...] = Field(
        default=(), description="How long to wait for tracking numbers, by mode of delivery. Default: not at all."
    )
    overlap_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        description="How far each run looks back before the newest packing slip that the last one saw.",
    )
    tracking_days: int = Field(
        default=7, ge=0, le=60, description="Age in days up to which packing slips are asked for late tracking numbers."
    )
    open_days: int = Field(
        default=60,
        ge=1,
        le=365,
        description="Age in days, since F&O last got an order or a change of it, up to which it is asked whether goods "
        "left, where F&O cannot be asked for what is new (`slip_search` in config/tenants is by_order).",
    )

    def carrier_of(self, carrier: str, delivery_mode: str) -> CarrierRule | None:
        return next((rule for rule in self.carriers if rule.fits(carrier, delivery_mode)), None)

    def wait_of(self, delivery_mode: str) -> int:
        """Minutes."""
        fitting = (
            rule.minutes for rule in self.waits if fnmatchcase(delivery_mode.casefold(), rule.delivery_mode.casefold())
        )
        return next(fitting, 0)
