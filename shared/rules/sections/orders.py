"""How a Shopify order becomes a sales order: `[orders]` and `[[shipping]]`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from shared.rules.base import Code, Country, Prefix, Rules


class OrderRules(Rules):
    number: Literal["manual", "sequence"] = Field(
        description="Who numbers sales orders: `manual` (we: prefix + Shopify order id; the company's number sequence "
        "must allow it) or `sequence` (F&O draws the number, the order is held until it is complete).",
    )
    number_prefix: Prefix = Field(
        default="",
        description="What our sales order numbers begin with, at most 2 capital letters or digits. Only for `manual`.",
    )
    origin_code: Code = Field(description="F&O sales origin of every order; must exist there.")
    product_identity: Literal["item", "variant"] = Field(
        description="What a Shopify SKU is in F&O: the ItemNumber (`item`) or the ProductVariantNumber (`variant`).",
    )
    reservation: Literal["none", "automatic", "explosion"] = Field(
        default="none",
        description="F&O's reservation method of header and lines (None, Automatic, Explosion).",
    )
    delivery_terms: Code | None = Field(default=None, description="F&O terms of delivery of every order.")
    delivery_mode_without_shipping: Code | None = Field(
        default=None,
        description="F&O mode of delivery where the order has no shipping line (point of sale, pick-up, downloads).",
    )
    max_lines: int = Field(
        default=600,
        ge=1,
        le=4999,
        description="Sales orders with more lines, charges and parts included, are parked: header and lines go to F&O "
        "in one piece, of which F&O takes 5000. Shopify's largest orders have 500 lines; each warehouse that ships a "
        "part of a line adds one.",
    )
    po_number_too_long: Literal["refuse", "journal"] = Field(
        default="refuse",
        description="A purchase order number beyond F&O's 20 characters parks the order (`refuse`) or stays in the "
        "journal alone, whole (`journal`).",
    )
    order_name_as_requisition: bool = Field(
        default=True,
        description="Whether CustomerRequisitionNumber holds Shopify's order name (#1001) when the buyer gave no "
        "purchase order number, so that a clerk finds the order by it.",
    )
    requested_date_attribute: str | None = Field(
        default=None,
        description="The attribute of the order (cart attribute) that names the day the buyer wants the goods, as "
        "2026-12-24. Without one, F&O's requested dates are the day of the order.",
    )
    hold_risks: tuple[Literal["medium", "high"], ...] = Field(
        default=("high",),
        description="Fraud risks in Shopify at which the sales order is held in F&O, until the risk is lower.",
    )
    hold_tag: str | None = Field(
        default=None, description="An order with this tag is held in F&O until the tag is taken off; case aside."
    )
    test_orders: Literal["refuse", "book"] = Field(
        default="refuse",
        description="Orders that Shopify marks as tests (a development store's, or paid by a test gateway): parked "
        "(`refuse`), or booked like any other, payments too (`book`). Shopify's sample notification is never booked.",
    )
    address_without_shipping: Literal["refuse", "omit"] = Field(
        default="refuse",
        description="An online order with goods to ship and no address is parked (`refuse`), or booked at the "
        "customer's own address and taxed at the store's home (`omit`, for pick-up).",
    )
    states_of: tuple[Country, ...] = Field(
        default=(),
        description="Countries whose states F&O's address set-up knows. Elsewhere the state is not sent, because F&O "
        "refuses a state it does not know.",
    )
    shipping_item: Code | None = Field(default=None, description="Service item that shipping is charged with.")
    custom_line_item: Code | None = Field(default=None, description="Service item of lines without a product.")
    tip_item: Code | None = Field(default=None, description="Service item of tips.")
    gift_card_item: Code | None = Field(
        default=None,
        description="Service item of gift cards sold; its posting profile must lead to a liability, not to revenue.",
    )
    duties_item: Code | None = Field(default=None, description="Service item of import duties.")
    fees_item: Code | None = Field(default=None, description="Service item of additional fees.")
    rounding_item: Code | None = Field(default=None, description="Service item of cash rounding.")


class ShippingRule(Rules):
    """The first rule that fits a shipping line decides its mode of delivery."""

    code: str = Field(
        default="*", description="Shopify's code of the shipping line; `*` and `?` as in file names, case aside."
    )
    title: str = Field(default="*", description="What the buyer saw; `*` and `?` as in file names, case aside.")
    delivery_mode: Code = Field(description="F&O mode of delivery; must exist there.")

    def fits(self, code: str, title: str) -> bool:
        return fnmatchcase(code.casefold(), self.code.casefold()) and fnmatchcase(
            title.casefold(), self.title.casefold()
        )
