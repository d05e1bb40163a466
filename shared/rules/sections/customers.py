"""Which F&O customer an order is booked on: `[customers]`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.rules.base import Code, Prefix, Rules


class CustomerRules(Rules):
    strategy: Literal["per_consumer", "shared"] = Field(
        description="`per_consumer`: an account for each buyer (prefix + Shopify customer id; the company's number "
        "sequence must allow manual accounts). `shared`: every order on one account, addresses on the orders.",
    )
    shared_account: Code | None = Field(
        default=None,
        description="The account of all orders (`strategy`), or of orders without a buyer (`anonymous`).",
    )
    account_prefix: Prefix = Field(
        default="",
        description="Prefix of the customer accounts that the app creates, at most 2 capital letters or digits.",
    )
    anonymous: Literal["refuse", "shared"] = Field(
        default="refuse",
        description="An order without customer, e-mail and phone is parked (`refuse`) or booked on `shared_account`.",
    )
    group: Code | None = Field(default=None, description="F&O customer group of new accounts.")
    language: str = Field(
        default="en-US",
        pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$",
        description="F&O language of new accounts.",
    )
    organization_when_company: bool = Field(
        default=True,
        description="Whether a buyer who gives a company becomes an organisation in F&O and not a person.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        mistakes = []
        if self.shared_account is None and self.strategy == "shared":
            mistakes.append('strategy = "shared" needs shared_account')
        if self.shared_account is None and self.anonymous == "shared":
            mistakes.append('anonymous = "shared" needs shared_account')
        if self.strategy == "per_consumer" and self.group is None:
            mistakes.append('strategy = "per_consumer" needs group: F&O creates no customer without one')
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self
