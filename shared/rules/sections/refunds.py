"""How the buyer is credited for refunds: `[refunds]` with `accounts` and `warehouses`.

The money that is paid back is booked by `[payments]`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from shared.rules.base import Code, LedgerAccount, Rules


class RefundAccount(Rules):
    main_account: LedgerAccount = Field(
        description="F&O main account with its dimensions as F&O displays it: 403100-001.",
    )
    sales_tax_group: Code | None = Field(
        default=None,
        description="F&O sales tax group of amounts that Shopify does not tax. Default: that of the [[taxes]] rule for "
        "rate 0. Where prices exclude tax, F&O must compute no tax from it. Required for untaxed amounts where an "
        "engine outside F&O computes tax.",
    )
    item_tax_group: Code | None = Field(
        default=None, description="F&O item sales tax group. Required with sales_tax_group."
    )

    @model_validator(mode="after")
    def _both_groups(self) -> RefundAccount:
        if (self.sales_tax_group is None) != (self.item_tax_group is None):
            raise ValueError("sales_tax_group and item_tax_group go together: give both or none")
        return self


class RefundAccounts(Rules):
    """A refund that needs an account which is not set is parked."""

    goods_returned: RefundAccount | None = Field(
        default=None, description='Goods that came back, for goods = "free_text_invoice".'
    )
    goods_kept: RefundAccount | None = Field(
        default=None, description="Goods that were delivered and do not come back."
    )
    custom_lines: RefundAccount | None = Field(default=None, description="Lines without a product.")
    tips: RefundAccount | None = Field(default=None, description="Tips.")
    gift_cards: RefundAccount | None = Field(default=None, description="Gift cards sold: the liability.")
    shipping: RefundAccount | None = Field(default=None, description="Shipping, after the goods were shipped.")
    duties: RefundAccount | None = Field(default=None, description="Import duties, after the goods were shipped.")
    fees: RefundAccount | None = Field(default=None, description="Additional fees, after the goods were shipped.")
    goodwill: RefundAccount | None = Field(default=None, description="Money given back for no line of the order.")
    restocking_fee: RefundAccount | None = Field(
        default=None, description="What the seller keeps of the amount of a return."
    )
    return_shipping_fee: RefundAccount | None = Field(
        default=None, description="What the buyer is charged for sending a return."
    )
    discrepancy: RefundAccount | None = Field(
        default=None, description="Any other difference between what was given back and what the refunded lines cost."
    )
    tax: RefundAccount | None = Field(default=None, description='Shopify\'s tax, for tax.policy = "service_line".')
    tax_difference: RefundAccount | None = Field(
        default=None, description='Cents between both systems\' tax, for tax.policy = "rounding_line".'
    )


UNTAXED: Final = ("goodwill", "restocking_fee", "return_shipping_fee", "discrepancy")
"""Accounts of amounts that Shopify never taxes."""


class ReturnWarehouse(Rules):
    location: int = Field(gt=0, description="Shopify location that receives the goods.")
    id: Code = Field(description="F&O warehouse.")
    site: Code = Field(description="F&O site of the warehouse.")


class RefundRules(Rules):
    goods: Literal["return_order", "free_text_invoice"] = Field(
        default="return_order",
        description="How returned goods are credited. `return_order`: a return order for the lot that they were sold "
        "from, which F&O receives and credits. `free_text_invoice`: the amount only; their stock is counted elsewhere.",
    )
    reason_code: Code | None = Field(default=None, description="F&O return reason code of every return order.")
    disposition: Code | None = Field(default=None, description="F&O disposition code of every return order line.")
    wait_hours: int = Field(
        default=20,
        ge=0,
        le=23,
        description="Hours that a refund waits for F&O's invoice of the returned goods before it is parked. No "
        "message is retried for more than a day.",
    )
    warehouses: tuple[ReturnWarehouse, ...] = Field(
        default=(),
        description="Warehouses of returned goods by Shopify location. Default: the warehouse that they were sold "
        "from.",
    )
    accounts: RefundAccounts = Field(default=RefundAccounts(), description="What is credited on free text invoices.")

    @model_validator(mode="before")
    @classmethod
    def _is_numbered_by_fo(cls, refunds: Any) -> Any:
        if isinstance(refunds, dict) and (keys := [key for key in ("number", "number_prefix") if key in refunds]):
            gone = "this key does not exist any more; remove it: F&O numbers return orders and RMAs by itself"
            raise ValueError("\n".join(f"{key}: {gone}" for key in keys))
        return refunds

    @model_validator(mode="after")
    def _one_warehouse_each(self) -> RefundRules:
        locations = [each.location for each in self.warehouses]
        twice = sorted({each for each in locations if locations.count(each) > 1})
        if twice:
            raise ValueError("\n".join(f"warehouses: location {each} is listed twice" for each in twice))
        return self
