"""What becomes of a change in Shopify once F&O has the order: `[changes]`, by kind of change and F&O's status."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from shared.model import FoStatus
from shared.rules.base import Rules


class ChangeKind(StrEnum):
    """A row of the matrix, and the name of its table in the store's file."""

    LINE_ADDED = "line_added"
    LINE_REMOVED = "line_removed"
    QUANTITY_UP = "quantity_up"
    QUANTITY_DOWN = "quantity_down"
    PRICE = "price"
    SHIPPING = "shipping"
    ADDRESS = "address"
    CONTACT = "contact"
    PO_NUMBER = "po_number"
    REQUESTED_DATE = "requested_date"
    DELIVERY_MODE = "delivery_mode"
    CANCEL = "cancel"


class Decision(StrEnum):
    APPLY = "apply"
    NEW_LINE = "new_line"
    """Added units become a further line of the same sales order."""
    NEW_ORDER = "new_order"
    """Added units go into a further sales order. Its number and reference are derived from those of the first."""
    HOLD = "hold"
    """Nothing is changed. The sales order is held where F&O still allows it, and a person decides."""
    IGNORE = "ignore"
    """F&O keeps what it has, and the journal records it."""


type _Word = Literal["apply", "new_line", "new_order", "hold", "ignore"]

_ALWAYS: Final = frozenset({Decision.APPLY, Decision.HOLD, Decision.IGNORE})
_MORE: Final = {
    ChangeKind.LINE_ADDED: frozenset({Decision.NEW_ORDER}),
    ChangeKind.QUANTITY_UP: frozenset({Decision.NEW_LINE, Decision.NEW_ORDER}),
}
"""Only added lines and units can go to a further line or order."""


class ChangeRow(Rules):
    """What becomes of one kind of change."""

    open: _Word = Field(description="Nothing was done with the order in F&O yet.")
    confirmed: _Word = Field(description="The confirmation is posted.")
    picked: _Word = Field(
        description="Picked; with warehouse management also released to the warehouse, on a wave or packed."
    )
    partly_delivered: _Word = Field(description="A part of the order is delivered; the line in question is still open.")
    delivered: _Word = Field(description="The order, or the line in question, is delivered.")
    invoiced: _Word = Field(description="The order, or the line in question, is invoiced.")
    cancelled: _Word = Field(description="The order, or the line in question, was cancelled in F&O.")

    def at(self, status: FoStatus) -> Decision:
        return Decision(getattr(self, status.value))


def _row(*decisions: _Word) -> ChangeRow:
    return ChangeRow(**dict(zip(ChangeRow.model_fields, decisions, strict=True)))


class ChangeRules(Rules):
    """The matrix. A store sets single cells, `[changes.address] picked = "apply"`; the others keep their defaults."""

    cancellation: Literal["delete_lines", "zero_remaining"] = Field(
        default="delete_lines",
        description="How the open lines of a cancelled order are removed, since OData cannot cancel. `delete_lines` "
        "deletes them, and the order too if it has no other lines and was never confirmed; where F&O does not delete "
        "those of a confirmed order (`confirmed_order_deleted` in config/tenants), they get the quantity 0. "
        "`zero_remaining` sets their quantity to what was delivered and keeps the order; F&O must accept a quantity of "
        "zero (`zero_quantity`). Delivered lines stay in both cases. What F&O is known not to take is held for a "
        "person.",
    )
    by_staff: Literal["keep", "overrule"] = Field(
        default="keep",
        description="What becomes of a quantity, price, tax group or mode of delivery on a line that staff changed in "
        "F&O, or of a line that they deleted, while Shopify has it as before. `keep` leaves it and `overrule` writes "
        "Shopify's value again, by the table of its kind of change; the journal says which. What Shopify changes "
        "itself, and a cancellation, always follow the tables.",
    )
    line_added: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "apply", "new_order", "hold"),
        description="A line was added. An invoiced order takes no lines, so the line goes into a further order. For an "
        "order that was cancelled in F&O a person decides.",
    )
    line_removed: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "hold", "hold", "ignore"),
        description="A line was removed. Picked goods must be put back by a person; delivered goods are handled by the "
        "refund.",
    )
    quantity_up: ChangeRow = Field(
        default=_row("apply", "apply", "new_line", "apply", "new_line", "new_order", "hold"),
        description="More units of a line. Picked and delivered lines are not changed.",
    )
    quantity_down: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "hold", "hold", "ignore"),
        description="Fewer units of a line, but never fewer than were delivered.",
    )
    price: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "hold", "hold", "ignore"),
        description="Price, discount, tax, duties or fees. Once the goods are delivered, the accountant decides.",
    )
    shipping: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "hold", "hold", "ignore"),
        description="The shipping charge, which is invoiced with the goods.",
    )
    address: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "hold", "ignore", "ignore", "ignore"),
        description="The delivery address, of the order and its open lines. Picked goods may already have a label.",
    )
    contact: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "apply", "ignore", "ignore"),
        description="The buyer's name and e-mail address on the order.",
    )
    po_number: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "apply", "ignore", "ignore"),
        description="The buyer's purchase order number, which the invoice shows.",
    )
    requested_date: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "ignore", "ignore", "ignore"),
        description="The requested date, of the order and its open lines, for stores that set "
        "`orders.requested_date_attribute`.",
    )
    delivery_mode: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "ignore", "ignore", "ignore"),
        description="The mode of delivery of the order and its open lines, from the shipping method.",
    )
    cancel: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "hold", "hold", "ignore"),
        description="The whole order is cancelled: what was not delivered is removed. If goods were delivered that "
        "Shopify shows as unshipped, a person decides whether they come back or the buyer pays.",
    )

    def decide(self, kind: ChangeKind, status: FoStatus) -> Decision:
        return self.row(kind).at(status)

    def row(self, kind: ChangeKind) -> ChangeRow:
        row: ChangeRow = getattr(self, kind.value)
        return row

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, tables: Any) -> Any:
        """Each row of the file, completed by the defaults of its other cells."""
        if not isinstance(tables, Mapping):
            return tables
        return {
            name: {**cls.model_fields[name].default.model_dump(), **cells}
            if name in set(ChangeKind) and isinstance(cells, Mapping)
            else cells
            for name, cells in tables.items()
        }

    @field_validator(*ChangeKind)
    @classmethod
    def _possible(cls, row: ChangeRow, info: ValidationInfo) -> ChangeRow:
        kind = ChangeKind(str(info.field_name))
        possible = _ALWAYS | _MORE.get(kind, frozenset())
        mistakes = [
            f"{status}: {row.at(status).value!r} is not possible for this kind of change, "
            f"only {', '.join(sorted(possible))}"
            for status in FoStatus
            if row.at(status) not in possible
        ]
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return row
