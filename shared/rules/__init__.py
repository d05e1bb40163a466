"""What the business decides, store by store: typed, explained, checked before anything runs.

`python -m shared.rules check` says what is wrong with config/stores, or what applies.
"""

from shared.rules.changes import ChangeKind, ChangeRow, ChangeRules, Decision, matrix
from shared.rules.customers import CustomerRules
from shared.rules.loading import load_store, load_stores
from shared.rules.orders import OrderRules, ShippingRule
from shared.rules.payments import PaymentMethod, PaymentRules
from shared.rules.refunds import RefundAccount, RefundRules, ReturnWarehouse
from shared.rules.stock import StockRules
from shared.rules.store import Flows, Masters, StoreRules
from shared.rules.taxes import TaxPolicy, TaxRule
from shared.rules.warehouses import AllocationRules, Warehouse
from shared.rules.write_back import WriteBackRules, without_our_tag

__all__ = [
    "AllocationRules",
    "ChangeKind",
    "ChangeRow",
    "ChangeRules",
    "CustomerRules",
    "Decision",
    "Flows",
    "Masters",
    "OrderRules",
    "PaymentMethod",
    "PaymentRules",
    "RefundAccount",
    "RefundRules",
    "ReturnWarehouse",
    "ShippingRule",
    "StockRules",
    "StoreRules",
    "TaxPolicy",
    "TaxRule",
    "Warehouse",
    "WriteBackRules",
    "load_store",
    "load_stores",
    "matrix",
    "without_our_tag",
]
