"""The values that both systems are translated to and from: frozen, no I/O, no clock, no environment."""

from shared.model.address import Address
from shared.model.capture import Authorization, Captured, Invoicing, OrderPayments, RefundedMoney
from shared.model.component import COMPONENTS, Component, source_of
from shared.model.fo_order import FoHeader, FoLine, FoOrder, FoPrice, FoRow, FoStatus
from shared.model.hold import HeldFulfillmentOrder, HoldOrigin, HoldPlace, HoldRecord, ShopHold
from shared.model.money import CurrencyMismatchError, Money, minor_digits, smallest_unit, total
from shared.model.order import (
    Buyer,
    CurrencySide,
    DeliveryMethod,
    LineKind,
    Order,
    OrderLine,
    ShippingLine,
    TaxedCharge,
    TaxLine,
    is_sample,
)
from shared.model.order_state import HoldReason, OrderState, Rate, Risk
from shared.model.order_status import OrderStatus, SalesLineState, SalesOrderState
from shared.model.part import Part
from shared.model.payment import Transaction, TransactionKind, TransactionStatus
from shared.model.pick_up import PickUp
from shared.model.record import LineRecord, OrderRecord, Place, RefundRecord, TaxGroupPair, TaxKey
from shared.model.refund import Adjustment, AdjustmentReason, OpenReturns, Refund, RefundLine, Restock, ReturnFee
from shared.model.shipment import (
    Fulfillment,
    FulfillmentOrder,
    PackingSlip,
    ParcelLine,
    SentPart,
    SentSlip,
    ShopShipments,
    Tracking,
)
from shared.model.stock import Item, ItemHandling, Level, LevelId, OnHand, Sale, SoldUnits, Variant
from shared.model.tax import RoundingBy, RoundOff, TaxCode, TaxGroup, TaxRate, TaxSetup

__all__ = [
    "COMPONENTS",
    "Address",
    "Adjustment",
    "AdjustmentReason",
    "Authorization",
    "Buyer",
    "Captured",
    "Component",
    "CurrencyMismatchError",
    "CurrencySide",
    "DeliveryMethod",
    "FoHeader",
    "FoLine",
    "FoOrder",
    "FoPrice",
    "FoRow",
    "FoStatus",
    "Fulfillment",
    "FulfillmentOrder",
    "HeldFulfillmentOrder",
    "HoldOrigin",
    "HoldPlace",
    "HoldReason",
    "HoldRecord",
    "Invoicing",
    "Item",
    "ItemHandling",
    "Level",
    "LevelId",
    "LineKind",
    "LineRecord",
    "Money",
    "OnHand",
    "OpenReturns",
    "Order",
    "OrderLine",
    "OrderPayments",
    "OrderRecord",
    "OrderState",
    "OrderStatus",
    "PackingSlip",
    "ParcelLine",
    "Part",
    "PickUp",
    "Place",
    "Rate",
    "Refund",
    "RefundLine",
    "RefundRecord",
    "RefundedMoney",
    "Restock",
    "ReturnFee",
    "Risk",
    "RoundOff",
    "RoundingBy",
    "Sale",
    "SalesLineState",
    "SalesOrderState",
    "SentPart",
    "SentSlip",
    "ShippingLine",
    "ShopHold",
    "ShopShipments",
    "SoldUnits",
    "TaxCode",
    "TaxGroup",
    "TaxGroupPair",
    "TaxKey",
    "TaxLine",
    "TaxRate",
    "TaxSetup",
    "TaxedCharge",
    "Tracking",
    "Transaction",
    "TransactionKind",
    "TransactionStatus",
    "Variant",
    "is_sample",
    "minor_digits",
    "smallest_unit",
    "source_of",
    "total",
]
