"""What the buyer is credited with when goods or money go back: `[refunds]` with `accounts` and `warehouses`.

The money itself goes out by `[payments]`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from shared.rules.base import Code, Prefix, Rules

_MainAccount = Annotated[str, StringConstraints(min_length=1, max_length=250, pattern=r"^\S(.*\S)?$")]


class RefundAccount(Rules):
    main_account: _MainAccount = Field(
        description="F&O main account with its dimensions as F&O displays it: 403100-001.",
    )
    sales_tax_group: Code | None = Field(
        default=None,
        description="F&O sales tax group, for what Shopify does not tax; without it that of the [[taxes]] rule for "
        "rate 0. Where prices exclude tax, F&O must compute none from it.",
    )
    item_tax_group: Code | None = Field(
        default=None, description="F&O item sales tax group. It goes with sales_tax_group."
    )

    @model_validator(mode="after")
    def _both_groups(self) -> RefundAccount:
        if (self.sales_tax_group is None) != (self.item_tax_group is None):
            raise ValueError("sales_tax_group and item_tax_group go together: give both or none")
        return self


class RefundAccounts(Rules):
    """A refund with a part that has no account is parked."""

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
    goodwill: RefundAccount | None = Field(default=None, description="Money for nothing that was sold.")
    restocking_fee: RefundAccount | None = Field(default=None, description="What the seller keeps of a return's worth.")
    discrepancy: RefundAccount | None = Field(
        default=None, description="What else was given back beside the refunded lines, more or less than they cost."
    )
    tax: RefundAccount | None = Field(default=None, description='Shopify\'s tax, for tax.policy = "service_line".')
    tax_difference: RefundAccount | None = Field(
        default=None, description='Cents between both systems\' tax, for tax.policy = "rounding_line".'
    )


class ReturnWarehouse(Rules):
    location: int = Field(gt=0, description="Shopify location that the goods come back to.")
    id: Code = Field(description="F&O warehouse.")
    site: Code = Field(description="F&O site of the warehouse.")


class RefundRules(Rules):
    goods: Literal["return_order", "free_text_invoice"] = Field(
        default="return_order",
        description="Goods that come back: a return order against the lot they were sold from, which F&O receives and "
        "credits, or their money alone, where their stock is counted in another way.",
    )
    number: Literal["manual", "sequence"] = Field(
        description="Who numbers return orders: `manual` (we: prefix + Shopify refund id; the company's number "
        "sequence must allow it) or `sequence` (F&O draws the number, the return order is held until it is complete).",
    )
    number_prefix: Prefix = Field(
        default="",
        description="What our return order numbers begin with, for `manual`. Return orders share F&O's numbers with "
        "sales orders: another prefix than orders.number_prefix.",
    )
    reason_code: Code | None = Field(default=None, description="F&O return reason code of every return order.")
    disposition: Code | None = Field(default=None, description="F&O disposition code of every return order line.")
    wait_hours: int = Field(
        default=20,
        ge=0,
        le=23,
        description="How long returned goods wait until F&O has invoiced what it delivered; then the refund is parked. "
        "The queue itself gives up after a day.",
    )
    warehouses: tuple[ReturnWarehouse, ...] = Field(
        default=(), description="Where goods come back to. Elsewhere it is the warehouse that they were sold from."
    )
    accounts: RefundAccounts = Field(default=RefundAccounts(), description="What is credited on free text invoices.")

    @model_validator(mode="after")
    def _one_warehouse_each(self) -> RefundRules:
        locations = [each.location for each in self.warehouses]
        twice = sorted({each for each in locations if locations.count(each) > 1})
        if twice:
            raise ValueError("\n".join(f"warehouses: location {each} is there twice" for each in twice))
        return self
