"""Which F&O customer an order is booked on: `[customers]`."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from shared.rules.base import Code, Prefix, Rules

_WRITTEN: Final = frozenset(
    {
        *("dataAreaId", "CustomerAccount", "PartyType", "OrganizationName"),
        *("PersonFirstName", "PersonMiddleName", "PersonLastName"),
        *("CustomerGroupId", "SalesCurrencyCode", "LanguageId"),
    }
)
_WRITTEN_GROUPS: Final = ("Address", "PrimaryContact")
"""Fields of CustomersV3 that a new customer gets other values in, and how others begin."""


class CustomerRules(Rules):
    strategy: Literal["per_consumer", "shared"] = Field(
        description="`per_consumer`: an account for each buyer. `shared`: every order on one account, addresses on the "
        "orders.",
    )
    shared_account: Code | None = Field(
        default=None,
        description="The account of all orders (`strategy`), or of orders without a buyer (`anonymous`).",
    )
    account_prefix: Prefix = Field(
        default="",
        description="Prefix of what identifies a buyer in F&O: Shopify's customer id, or a digest of a guest's e-mail "
        "address. At most 2 capital letters or digits. It is also the account, where config/tenants says that F&O "
        "keeps such an account (customer_account).",
    )
    id_field: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        description="The text field of CustomersV3 that gets what identifies the buyer (20 characters at most), and by "
        "which a customer is found whose creation was not answered. Nothing else may write it; best is a field of "
        "your own, with an index. Required for `per_consumer`, unless config/tenants says that F&O keeps a given "
        "account.",
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
        if self.id_field is not None and (self.id_field in _WRITTEN or self.id_field.startswith(_WRITTEN_GROUPS)):
            mistakes.append(f"id_field: the app writes other data of the buyer into {self.id_field}")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self
