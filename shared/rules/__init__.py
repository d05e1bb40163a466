"""What the business decides for each store: typed, described, checked before anything runs; and how F&O behaves.

`python -m shared.rules check` lists every mistake in config/stores, or the rules in force.
"""

from shared.rules.loading import load_store, load_stores, load_tenant
from shared.rules.sections.changes import ChangeKind, ChangeRow, ChangeRules, Decision
from shared.rules.sections.customers import CustomerRules
from shared.rules.sections.dimensions import DimensionRule
from shared.rules.sections.order_status import CancelledRules, GivenUpRules, OrderStatusRules, StatusTags
from shared.rules.sections.orders import OrderRules, ShippingRule
from shared.rules.sections.payments import PaymentMethod, PaymentRules
from shared.rules.sections.products import ApprovalRules, ProductRules
from shared.rules.sections.refunds import RefundAccount, RefundRules, ReturnWarehouse
from shared.rules.sections.stock import StockRules
from shared.rules.sections.taxes import TaxPolicy, TaxRule
from shared.rules.sections.warehouses import AllocationRules, Warehouse
from shared.rules.sections.write_back import WriteBackRules, without_our_tag
from shared.rules.store import Flows, Masters, StoreRules
from shared.rules.tenant import ShipmentsEntity, Tenant, TenantFile

__all__ = [
    "AllocationRules",
    "ApprovalRules",
    "CancelledRules",
    "ChangeKind",
    "ChangeRow",
    "ChangeRules",
    "CustomerRules",
    "Decision",
    "DimensionRule",
    "Flows",
    "GivenUpRules",
    "Masters",
    "OrderRules",
    "OrderStatusRules",
    "PaymentMethod",
    "PaymentRules",
    "ProductRules",
    "RefundAccount",
    "RefundRules",
    "ReturnWarehouse",
    "ShipmentsEntity",
    "ShippingRule",
    "StatusTags",
    "StockRules",
    "StoreRules",
    "TaxPolicy",
    "TaxRule",
    "Tenant",
    "TenantFile",
    "Warehouse",
    "WriteBackRules",
    "load_store",
    "load_stores",
    "load_tenant",
    "without_our_tag",
]
