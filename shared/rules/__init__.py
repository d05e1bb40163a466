"""What the business decides, store by store: typed, explained, checked before anything runs.

`python -m shared.rules check` says what is wrong with config/stores, or what applies.
"""

from shared.rules.customers import CustomerRules
from shared.rules.loading import load_store, load_stores
from shared.rules.orders import OrderRules, ShippingRule
from shared.rules.payments import PaymentMethod, PaymentRules
from shared.rules.stock import StockRules
from shared.rules.store import Flows, Masters, StoreRules
from shared.rules.taxes import TaxPolicy, TaxRule
from shared.rules.warehouses import AllocationRules, Warehouse

__all__ = [
    "AllocationRules",
    "CustomerRules",
    "Flows",
    "Masters",
    "OrderRules",
    "PaymentMethod",
    "PaymentRules",
    "ShippingRule",
    "StockRules",
    "StoreRules",
    "TaxPolicy",
    "TaxRule",
    "Warehouse",
    "load_store",
    "load_stores",
]
