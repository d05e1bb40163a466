"""What becomes of a change in Shopify once F&O has the order: `[changes]`, kind of change by how far F&O is."""

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
    """Units more become a line of their own in the same sales order."""
    NEW_ORDER = "new_order"
    """They go into a further sales order, whose number and reference follow from the first one's."""
    HOLD = "hold"
    """Nothing is changed; the sales order is held where F&O still can hold it, and a person decides."""
    IGNORE = "ignore"
    """F&O keeps what it has, and the journal says so."""


type _Word = Literal["apply", "new_line", "new_order", "hold", "ignore"]

_ALWAYS: Final = frozenset({Decision.APPLY, Decision.HOLD, Decision.IGNORE})
_MORE: Final = {
    ChangeKind.LINE_ADDED: frozenset({Decision.NEW_ORDER}),
    ChangeKind.QUANTITY_UP: frozenset({Decision.NEW_LINE, Decision.NEW_ORDER}),
}
"""Only what is added can go somewhere else."""


class ChangeRow(Rules):
    """What becomes of one kind of change."""

    open: _Word = Field(description="F&O has done nothing yet.")
    confirmed: _Word = Field(description="The confirmation is posted.")
    picked: _Word = Field(description="Released to the warehouse, or picked.")
    partly_delivered: _Word = Field(description="Something of the order has left; the line in question is still open.")
    delivered: _Word = Field(description="The order, or the line in question, has left.")
    invoiced: _Word = Field(description="The order, or the line in question, is invoiced.")
    cancelled: _Word = Field(description="The order, or the line in question, was cancelled in F&O.")

    def at(self, status: FoStatus) -> Decision:
        return Decision(getattr(self, status.value))


def _row(*decisions: _Word) -> ChangeRow:
    return ChangeRow(**dict(zip(ChangeRow.model_fields, decisions, strict=True)))


class ChangeRules(Rules):
    """The matrix. A cell that a store does not write has its default: `[changes.address] picked = "apply"`."""

    cancellation: Literal["delete_lines", "zero_remaining"] = Field(
        default="delete_lines",
        description="How open lines are given up, as OData has no cancel: `delete_lines` (and the order itself, when "
        "it was never confirmed and nothing is left of it), or `zero_remaining`, which sets their quantity to what is "
        "delivered and leaves the order as a trace; F&O must take a quantity of zero. Delivered lines stay either way.",
    )
    line_added: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "apply", "new_order", "hold"),
        description="A product more. An invoiced order takes no lines, so it gets a further one; a cancelled one was "
        "cancelled for a reason.",
    )
    line_removed: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "hold", "hold", "ignore"),
        description="A product less. Somebody has to take picked goods back; what has left is a matter of the refund.",
    )
    quantity_up: ChangeRow = Field(
        default=_row("apply", "apply", "new_line", "apply", "new_line", "new_order", "hold"),
        description="More pieces of a line. What is picked or has left is not touched.",
    )
    quantity_down: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "hold", "hold", "ignore"),
        description="Fewer pieces of a line, but never fewer than have left.",
    )
    price: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "hold", "hold", "ignore"),
        description="Price, discount, tax, duties or fees. Once the goods have left, the accountant decides.",
    )
    shipping: ChangeRow = Field(
        default=_row("apply", "apply", "apply", "apply", "hold", "hold", "ignore"),
        description="The shipping charge. It is invoiced with the goods.",
    )
    address: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "hold", "ignore", "ignore", "ignore"),
        description="Where the goods go. A parcel may be labelled once it is picked.",
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
        description="When the buyer wants the goods, for stores with orders.requested_date_attribute.",
    )
    delivery_mode: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "ignore", "ignore", "ignore"),
        description="The mode of delivery, from the shipping method.",
    )
    cancel: ChangeRow = Field(
        default=_row("apply", "apply", "hold", "apply", "hold", "hold", "ignore"),
        description="The whole order is cancelled: what has not left is given up. Where goods have left that Shopify "
        "believes unshipped, a person gets them back or the buyer pays.",
    )

    def decide(self, kind: ChangeKind, status: FoStatus) -> Decision:
        return self.row(kind).at(status)

    def row(self, kind: ChangeKind) -> ChangeRow:
        row: ChangeRow = getattr(self, kind.value)
        return row

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, tables: Any) -> Any:
        """Each row that is written, completed by the defaults of its other cells."""
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
            f"{status}: {row.at(status).value!r} is nothing for this kind of change, only {', '.join(sorted(possible))}"
            for status in FoStatus
            if row.at(status) not in possible
        ]
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return row
