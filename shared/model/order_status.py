"""How far F&O is with its sales orders, and with their lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.model.fo_order import FoStatus


class OrderStatus(StrEnum):
    """What F&O says of an order as a whole, as it is shown in Shopify."""

    OPEN = "open"
    ON_HOLD = "on hold"
    PARTLY_DELIVERED = "partly delivered"
    DELIVERED = "delivered"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrderState:
    """A sales order of F&O's table of sales orders."""

    number: str
    reference: str
    """The customer's reference that it was written with."""
    status: FoStatus
    """OPEN, PARTLY_DELIVERED, DELIVERED, INVOICED or CANCELLED."""
    delivery_mode: str
    is_picked: bool
    """Its picking list was posted last."""
    is_stopped: bool
    """The flag *Do not process*, whoever set it."""
    is_in_credit_control: bool
    modified_at: datetime
    """By F&O's clock."""

    @property
    def is_held(self) -> bool:
        return self.is_stopped or self.is_in_credit_control


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesLineState:
    """How many units of a sales line are ordered, and what is left of them."""

    sales_order: str
    reference: str
    """The customer's reference of its sales order; "" where F&O does not copy it to lines."""
    lot: str
    """InventoryLotId."""
    ordered: Decimal
    remaining: Decimal
    """Still to be delivered."""
    to_invoice: Decimal
    """Delivered and not invoiced."""
    is_invoiced: bool
    """Nothing is left to be delivered or invoiced of it."""
    modified_at: datetime
    """By F&O's clock."""

    @property
    def gone(self) -> Decimal:
        """Delivered or given up."""
        return self.ordered - self.remaining

    @property
    def gap(self) -> Decimal:
        """Invoiced or given up."""
        return self.gone - self.to_invoice
