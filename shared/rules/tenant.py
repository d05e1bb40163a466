"""How an F&O environment behaves, by company: config/tenants/<environment>.toml, typed.

`python -m tools.probe` asks a sandbox and writes the answers. Whatever is `unknown` is treated as the answer with which
nothing can be lost or doubled.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.rules.base import Rules

type GivenNumber = Literal["kept", "replaced", "refused", "unknown"]
type YesNo = Literal["yes", "no", "unknown"]
type SlipSearch = Literal["by_time", "by_line", "by_order", "unknown"]

_ROUTINE_SECONDS: Final = 2
"""The longest call to F&O that may be made for each order that is compared."""


_FIELD: Final = r"^[A-Za-z][A-Za-z0-9_]*$"
type _Field = Annotated[str, StringConstraints(pattern=_FIELD, max_length=80)]
type _FieldIfAny = Annotated[str, StringConstraints(pattern=rf"^$|{_FIELD}", max_length=80)]


class ShipmentsEntity(Rules):
    """An entity of the tenant's own with a row for each line of a packing slip. Values are names of its fields; an
    empty one means that it has no such field.
    """

    entity_set: _Field = Field(description="Name of the entity set.")
    key: tuple[_Field, ...] = Field(min_length=1, description="Its key, dataAreaId among them.")
    sales_order: _Field = Field(description="Number of the sales order.")
    slip: _Field = Field(description="Number of the packing slip.")
    lot: _FieldIfAny = Field(default="", description="InventoryLotId of the sales line; or name `line_number`.")
    line_number: _FieldIfAny = Field(default="", description="LineNumber of the sales line, where there is no lot.")
    quantity: _Field = Field(
        description="Units that left, in the line's sales unit, after corrections: 0 once a slip is cancelled."
    )
    warehouse: _Field = Field(description="Warehouse that they left.")
    created_at: _Field = Field(description="Moment when the slip was posted.")
    changed_at: _FieldIfAny = Field(
        default="",
        description="Moment when the row was made or changed last, by which what is new is found. Without it, packing "
        "slips are found as `slip_search` says.",
    )
    carrier: _FieldIfAny = Field(default="", description="Shipping carrier.")
    delivery_mode: _FieldIfAny = Field(default="", description="Mode of delivery.")
    tracking: _FieldIfAny = Field(
        default="",
        description="Tracking numbers, several separated by commas. Without it they are read from "
        "PackingSlipTrackingInformation, unless `slip_tracking` is no.",
    )
    tracking_url: _FieldIfAny = Field(
        default="", description="Address of the tracking page, where there is one number."
    )

    @model_validator(mode="after")
    def _tells_the_line(self) -> Self:
        if bool(self.lot) == bool(self.line_number):
            raise ValueError("name either lot or line_number: the field that tells which sales line a row is about")
        if "dataAreaId" not in self.key:
            raise ValueError("key must have dataAreaId: rows of another company would be taken for the store's")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """All that it names, each once."""
        named = (value for name, value in self if name not in {"entity_set", "key"} and value)
        return tuple(dict.fromkeys((*self.key, *named)))


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
    packing_slips: YesNo = Field(
        default="unknown",
        description="Whether the app's user sees the packing slips: CustPackingSlipJourBiEntities and "
        "CustPackingSlipTransBiEntities. With `no`, shipments need a `shipments_entity`.",
    )
    slip_search: SlipSearch = Field(
        default="unknown",
        description="How new and corrected packing slips are found: by CreatedOn and VersionDateTime (`by_time`, also "
        "if unknown), by the sales lines that F&O stamped as modified (`by_line`), or by asking for the open orders "
        "that the app knows, in turn (`by_order`), where F&O filters none of these times.",
    )
    order_stamps: YesNo = Field(
        default="unknown",
        description="Whether SalesTableBiEntities and SalesLineBiEntities can be searched by SysModifiedDateTime. With "
        "`no`, as with slip_search = `by_order`, what becomes of sales orders is found by asking for the open ones in "
        "turn, and holds of F&O are not found.",
    )
    slip_tracking: YesNo = Field(
        default="unknown",
        description="Whether F&O has PackingSlipTrackingInformation. With `no`, no tracking numbers are read.",
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

    shipments_entity: ShipmentsEntity | None = Field(
        default=None,
        description="An entity of the tenant's own from which shipments are read, instead of F&O's packing slips. "
        "Entered by an administrator.",
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
    def finds_slips(self) -> SlipSearch:
        """How packing slips are found in fact."""
        if self.shipments_entity is not None:
            if self.shipments_entity.changed_at:
                return "by_time"
            return self.slip_search if self.slip_search == "by_line" else "by_order"
        return "by_time" if self.slip_search == "unknown" else self.slip_search

    @property
    def stamps_orders(self) -> bool:
        """Whether sales orders and their lines that changed can be searched by the time of it."""
        return self.order_stamps != "no" and self.slip_search != "by_order"

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
