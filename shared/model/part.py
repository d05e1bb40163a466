"""The parts in which an event about an order is handled. Each ends by itself: done, waiting or parked."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    READING = "reading"
    """Understanding the event."""
    ORDER = "order"
    """The sales order in F&O."""
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    SHIPMENTS = "shipments"
    """What left F&O's warehouses, in Shopify."""
    HOLDS = "holds"
    """What keeps the order from leaving, in either system."""
    STATUS = "status"
    """How far F&O is with the order, in Shopify."""
    GIVEN_UP = "given_up"
    """Units that F&O will not deliver."""
    CAPTURES = "captures"
    """Authorised money, for what F&O invoiced."""
