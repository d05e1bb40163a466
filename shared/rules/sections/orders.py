"""How a Shopify order becomes a sales order: `[orders]` and `[[shipping]]`."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.model import DeliveryMethod
from shared.rules.base import Code, Country, Prefix, Rules


class DeliveryRule(Rules):
    delivery_mode: Code | None = Field(
        default=None,
        description="F&O mode of delivery. Without it, the [[shipping]] rule of the shipping line decides.",
    )
    at_location: bool = Field(
        default=False,
        description="Whether the warehouse of the location that Shopify assigned serves the order and the order is "
        "taxed there. Otherwise any warehouse may serve it, and it is taxed at its address.",
    )


class PickUpRule(DeliveryRule):
    at_location: bool = Field(
        default=True,
        description="Whether the warehouse of the pick-up location serves the order and the order is taxed there. "
        "Otherwise any warehouse may serve it, and it is taxed in the store's country.",
    )


class DeliveryRules(Rules):
    """By Shopify's delivery method. Orders that are shipped follow [[shipping]]."""

    pick_up: PickUpRule | None = Field(
        default=None, description="Orders that the buyer picks up at a location. Without this table they are parked."
    )
    local: DeliveryRule | None = Field(default=None, description="Local deliveries by the merchant.")
    pickup_point: DeliveryRule | None = Field(default=None, description="Deliveries to a pick-up point of a carrier.")
    retail: DeliveryRule | None = Field(default=None, description="Goods handed over at a point of sale.")

    def of(self, method: DeliveryMethod | None) -> DeliveryRule | None:
        """None for a method without a rule: then the order's shipping line and address decide."""
        match method:
            case DeliveryMethod.PICK_UP:
                return self.pick_up
            case DeliveryMethod.LOCAL:
                return self.local
            case DeliveryMethod.PICKUP_POINT:
                return self.pickup_point
            case DeliveryMethod.RETAIL:
                return self.retail
            case _:
                return None


class OrderRules(Rules):
    number: Literal["own", "group", "sequence"] = Field(
        description="Who numbers sales orders; F&O's number sequence is never set to manual. `own`: the app, as prefix "
        "+ Shopify order id, once config/tenants says that F&O keeps such a number (order_number), and F&O until then. "
        "`group`: F&O, by the number sequence group `number_group`. `sequence`: F&O. An order that F&O numbers is held "
        "until it is complete.",
    )
    number_prefix: Prefix = Field(
        default="",
        description="Prefix of the sales order numbers, at most 2 capital letters or digits. Only for `own`.",
    )
    number_group: Code | None = Field(
        default=None, description="F&O number sequence group of every sales order. Only for `group`."
    )
    first_day: date | None = Field(
        default=None,
        description="The day of the go-live, in the store's time zone. Orders placed before it count as known to F&O: "
        "no event books them, and the stock flow does not hold their goods back. Default: every order is booked.",
    )
    already_fulfilled: Literal["park", "hold"] = Field(
        default="park",
        description="What becomes of an online order of which Shopify shows goods as fulfilled before F&O has it, so "
        "that F&O would ship them again: parked (`park`), or booked and held in F&O (`hold`).",
    )
    origin_code: Code = Field(description="F&O sales origin of every order; must exist there.")
    product_identity: Literal["item", "variant"] = Field(
        description="What a Shopify SKU is in F&O: the ItemNumber (`item`) or the ProductVariantNumber (`variant`).",
    )
    sku_missing: Literal["refuse", "barcode", "variant_id", "item"] = Field(
        default="refuse",
        description="What a product line without a SKU is in F&O: parked (`refuse`), looked up by the variant's "
        "barcode or id as if that were its SKU (`barcode`, `variant_id`), or booked on one item (`item`).",
    )
    sku_missing_item: Code | None = Field(
        default=None, description='Item of product lines without a SKU. Only for sku_missing = "item".'
    )
    reservation: Literal["none", "automatic", "explosion"] = Field(
        default="none",
        description="F&O's reservation method of header and lines (None, Automatic, Explosion).",
    )
    unit: Annotated[str, StringConstraints(min_length=1, max_length=10)] | None = Field(
        default=None,
        description="F&O's unit of a piece, as in *Units* (ea, pcs): each line of goods is written in it, and it must "
        "be the item's inventory unit. Default: F&O takes the item's sales unit, and an item that is sold in another "
        "unit than it is stocked in is parked.",
    )
    tracked_items: Literal["refuse", "book"] = Field(
        default="refuse",
        description="What becomes of an item with batch or serial numbers: the order is parked (`refuse`), or booked "
        "without a number, which picking in F&O registers (`book`). Its returns need the number that was sold.",
    )
    odd_cents: Literal["price_unit", "charge"] = Field(
        default="price_unit",
        description="How a line is priced whose price or discount of one piece is no whole cents (10.00 off three "
        "pieces). `price_unit`: price and discount are of the whole quantity (SalesPriceQuantity). `charge`: both are "
        "of one piece, rounded, and the rest is a charge of the line (FixedPriceCharges), for companies whose reports "
        "or integrations read the price as that of one piece.",
    )
    delivery_terms: Code | None = Field(default=None, description="F&O terms of delivery of every order.")
    delivery_mode_without_shipping: Code | None = Field(
        default=None,
        description="F&O mode of delivery of orders without a shipping line (point of sale, downloads).",
    )
    delivery: DeliveryRules = Field(
        default=DeliveryRules(), description="Orders that the buyer picks up, or that are delivered otherwise."
    )
    max_lines: int = Field(
        default=600,
        ge=1,
        le=4999,
        description="An order with more lines, charges and divided lines included, is parked. Shopify's largest orders "
        "have 500 lines; each warehouse that ships a part of a line adds one.",
    )
    lines_per_request: int = Field(
        default=100,
        ge=1,
        le=1000,
        description="The most lines that F&O gets in one request, which must finish within D365_TIMEOUT_SECONDS. A "
        "larger order, or a larger change of one, is held in F&O until its last request is done.",
    )
    po_number_too_long: Literal["refuse", "journal"] = Field(
        default="refuse",
        description="What becomes of a purchase order number of more than F&O's 20 characters: the order is parked "
        "(`refuse`), or the number is kept in the journal only (`journal`).",
    )
    order_name_as_requisition: bool = Field(
        default=True,
        description="Whether CustomerRequisitionNumber has Shopify's order name (#1001) when the buyer gave no "
        "purchase order number, so that a clerk can search for it.",
    )
    requested_date_attribute: str | None = Field(
        default=None,
        description="The order attribute (cart attribute) with the requested date, as 2026-12-24. Without it, F&O's "
        "requested ship date is the date of the order. A day that has passed becomes today.",
    )
    hold_risks: tuple[Literal["medium", "high"], ...] = Field(
        default=("high",),
        description="Fraud risks in Shopify at which the sales order is held in F&O, until the risk is lower: `high` "
        "where an assessment says so or Shopify recommends to cancel, `medium` where it recommends to investigate. The "
        "strictest counts.",
    )
    risk_wait_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="Minutes after its creation until which an order that Shopify has not assessed yet is held in F&O; "
        "0 to hold none for that. Orders of the counter, drafts and orders without a payment by a gateway are not "
        "assessed. Without hold_risks no order is held for it.",
    )
    hold_tag: str | None = Field(
        default=None, description="An order with this tag is held in F&O until the tag is removed. Case does not count."
    )
    test_orders: Literal["refuse", "book"] = Field(
        default="refuse",
        description="What becomes of orders that Shopify marks as tests (of a development store, or paid by a test "
        "gateway): parked (`refuse`), or booked with their payments (`book`). Shopify's sample notification is never "
        "booked.",
    )
    address_without_shipping: Literal["refuse", "omit"] = Field(
        default="refuse",
        description="What becomes of an order with goods to ship, no shipping address and no [[warehouses]] entry for "
        "its location: parked (`refuse`), or booked with the customer's own address in F&O and taxed in the store's "
        "country (`omit`). For orders that the buyer picks up, use orders.delivery.pick_up.",
    )
    states_of: tuple[Country, ...] = Field(
        default=(),
        description="Countries whose states are set up in F&O's addresses. For other countries no state is sent, "
        "because F&O refuses an unknown one.",
    )
    shipping_item: Code | None = Field(default=None, description="Service item of shipping charges.")
    custom_line_item: Code | None = Field(default=None, description="Service item of lines without a product.")
    tip_item: Code | None = Field(default=None, description="Service item of tips.")
    gift_card_item: Code | None = Field(
        default=None,
        description="Service item of gift cards sold; its posting profile must lead to a liability, not to revenue.",
    )
    duties_item: Code | None = Field(default=None, description="Service item of import duties.")
    fees_item: Code | None = Field(default=None, description="Service item of additional fees.")
    rounding_item: Code | None = Field(default=None, description="Service item of cash rounding.")

    @field_validator("number", mode="before")
    @classmethod
    def _is_never_manual(cls, number: Any) -> Any:
        if number == "manual":
            raise ValueError(
                '"manual" does not exist any more, since no number sequence of F&O is to be set to manual; write "own" '
                "to number orders as before, where F&O keeps such a number without that setting "
                '(order_number = "kept" in config/tenants), or "sequence"'
            )
        return number

    @model_validator(mode="after")
    def _group_of_numbers(self) -> Self:
        if (self.number == "group") != (self.number_group is not None):
            raise ValueError('number = "group" and number_group go together: give both or neither')
        return self

    @model_validator(mode="after")
    def _item_of_missing_skus(self) -> Self:
        if (self.sku_missing == "item") != (self.sku_missing_item is not None):
            raise ValueError('sku_missing = "item" and sku_missing_item go together: give both or neither')
        return self


class ShippingRule(Rules):
    """The first rule that fits a shipping line decides its mode of delivery."""

    code: str = Field(
        default="*",
        description="Code of the shipping line in Shopify. `*` and `?` as in file names; case does not count.",
    )
    title: str = Field(
        default="*", description="Title of the shipping line. `*` and `?` as in file names; case does not count."
    )
    delivery_mode: Code = Field(description="F&O mode of delivery; must exist there.")
    pick_up_at: int | None = Field(
        default=None,
        gt=0,
        description="Shopify location where the buyer picks up an order with this shipping method and no shipping "
        "address. Only for orders that have no fulfilment orders in Shopify, which name their location.",
    )

    def fits(self, code: str, title: str) -> bool:
        return fnmatchcase(code.casefold(), self.code.casefold()) and fnmatchcase(
            title.casefold(), self.title.casefold()
        )
