"""How an F&O environment behaves, by company: config/tenants/<environment>.toml, typed.

`python -m tools.probe` asks a sandbox and writes the answers. Whatever is `unknown` is treated as the answer with which
nothing can be lost or doubled.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from shared.rules.base import Rules

type GivenNumber = Literal["kept", "replaced", "refused", "unknown"]
type YesNo = Literal["yes", "no", "unknown"]

_ROUTINE_SECONDS: Final = 2
"""The longest call to F&O that may be made for each order that is compared."""


class Tenant(Rules):
    """F&O's behaviour in one company. The default knows nothing."""

    probed: date | None = Field(default=None, description="The day on which the answers were collected.")
    order_number: GivenNumber = Field(
        default="unknown",
        description="What F&O does with a sales order number that the app gives, while the number sequence is not "
        "manual: it keeps the number, replaces it by the sequence's next, or refuses the order.",
    )
    customer_account: GivenNumber = Field(
        default="unknown", description="The same for the account of a new customer that the app gives."
    )
    header_changes: Literal["follow", "keep", "unknown"] = Field(
        default="unknown",
        description="Whether open lines take the delivery address, dates and mode of delivery of a changed header "
        "(`follow`; parameter *Update order lines*: Always) or keep their own (`keep`).",
    )
    line_amount: Literal["recomputed", "kept", "unknown"] = Field(
        default="unknown",
        description="What the net amount of a line is after its quantity or price changed over OData (parameter "
        "*Calculate line net amount* where trade agreements are evaluated).",
    )
    delivered_quantity: Literal["taken", "refused", "unknown"] = Field(
        default="unknown", description="Whether a partly delivered line takes the delivered quantity as its quantity."
    )
    zero_quantity: Literal["taken", "refused", "unknown"] = Field(
        default="unknown", description="Whether an open line takes the quantity 0."
    )
    confirmed_order_deleted: YesNo = Field(
        default="unknown",
        description="Whether a confirmed sales order can be deleted with its lines. With `no`, lines that are given up "
        "get the quantity 0 once their order is confirmed.",
    )
    invoiced_order_lines: Literal["taken", "refused", "unknown"] = Field(
        default="unknown",
        description="Whether a sales order of which something is invoiced takes a further line (parameter *Safety "
        "level of invoiced orders*). With `refused`, what is added goes into a further sales order.",
    )
    reservation: Literal["at_creation", "none", "unknown"] = Field(
        default="unknown", description="What the reservation method Automatic does when an order is created over OData."
    )
    hold_flag: Literal["blocks", "recomputed", "unknown"] = Field(
        default="unknown",
        description="Whether IsSalesProcessingStopped blocks confirmation to invoice and stays (`blocks`), or is "
        "computed anew when a clerk adds or clears a hold code (`recomputed`).",
    )
    warehouse_management: YesNo = Field(
        default="unknown",
        description="Whether warehouses use warehouse management and WHSSalesLineBiEntities tells what was released.",
    )
    on_hand_by_status: YesNo = Field(
        default="unknown",
        description="Whether WarehouseInventoryStatusesOnHandV2 tells on-hand stock by inventory status.",
    )
    journal_lines: Literal["taken", "in_use", "unknown"] = Field(
        default="unknown",
        description="Whether a payment journal takes lines while a user has it open, or answers that it is in use.",
    )
    payment_search_seconds: int | None = Field(
        default=None,
        ge=0,
        description="Seconds of a search for payment lines by PaymentId, on a copy of production's data.",
    )
    return_price: Literal["given", "copied", "unknown"] = Field(
        default="unknown",
        description="What a return line with ReturningInventoryLotId has: the price that the app gives, or price, "
        "discount and price unit of the invoice line.",
    )
    invoice_account: Literal["combined", "main_only", "unknown"] = Field(
        default="unknown",
        description="Whether a free text invoice line takes a main account combined with dimensions (403100-001), or "
        "the main account alone.",
    )
    account_delimiter: Literal["-", "_", ".", "|", "~"] = Field(
        default="-", description="What separates main account and dimensions in F&O's display values."
    )
    dimension_format: tuple[str, ...] = Field(
        default=(),
        description="Names of the financial dimensions in F&O's format for default dimensions, in their order. "
        "An administrator enters them: no entity tells them.",
    )
    required_dimensions: tuple[str, ...] = Field(
        default=(),
        description="Those of them without which the company's account structure posts nothing of a sale. Entered by "
        "an administrator.",
    )

    @model_validator(mode="after")
    def _requires_what_there_is(self) -> Self:
        if unknown := [name for name in self.required_dimensions if name not in self.dimension_format]:
            raise ValueError(
                f"required_dimensions: dimension_format has no {' and no '.join(unknown)}: enter the segments of F&O's "
                "format for default dimensions there, in their order (docs/fo-setup.md, Financial dimensions)"
            )
        return self

    @property
    def searches_payments(self) -> bool:
        """Whether payment lines may be searched without their journal as a matter of routine."""
        return self.payment_search_seconds is not None and self.payment_search_seconds <= _ROUTINE_SECONDS


class TenantFile(Rules):
    environment: str = Field(default="", description="Name of the F&O environment: the name of the file.")
    companies: dict[str, Tenant] = Field(default_factory=dict, description="Answers by company (dataAreaId).")

    @field_validator("companies")
    @classmethod
    def _in_lower_case(cls, companies: dict[str, Tenant]) -> dict[str, Tenant]:
        if wrong := [company for company in companies if company != company.lower()]:
            raise ValueError(f"write {', '.join(wrong)} in lower case, as the stores' files do")
        return companies

    def of(self, company: str) -> Tenant:
        """What is known of the company: nothing, where it has no table."""
        return self.companies.get(company, Tenant())
