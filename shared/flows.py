"""Each flow once: what starts it, what it needs in Shopify and in F&O, and the function that carries it out.

Rules, intake, clients, health, the page of permissions and the tests read these rows. Handlers, documents and entity
sets are names: this module imports no other of the app, and a webhook's cold start loads no flow.
tests/contract/test_flows.py compares each row with the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Any, Final


class Direction(StrEnum):
    """Which systems a flow writes business data to."""

    TO_FO = "fo"
    TO_SHOPIFY = "shopify"
    TO_BOTH = "both"
    TO_NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Timer:
    function: str
    """The function in function_app.py; alerts find it by this name."""
    schedule: str
    """The app setting with its NCRONTAB expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A queue or a timer starts it. The orders' queue carries what a flow without a queue is sent."""

    name: str
    """`flow` of its messages and log events."""
    switch: str
    """The key of [flows] in a store's file that turns it on."""
    direction: Direction
    master: str | None = None
    """The key of [masters] in a store's file for the data that it writes: it must not be the system written to."""
    queue: str | None = None
    webhooks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Family, which is the last part of a webhook's address -> its topics."""
    timer: Timer | None = None
    handler: str
    """`module:function`. Takes the message's envelope, where a queue starts the flow, and the flow's ports."""
    events: frozenset[str] = frozenset()
    """Topics of its own events on the orders' queue: that an order moved, which is handled in the order's session, and
    what leads to one.
    """
    event_handler: str = ""
    """`module:function` for them, and for its webhooks where it has no queue. Takes the message's envelope and the
    flow's ports.
    """
    documents: frozenset[str] = frozenset()
    """shared/shopify/queries/<name>.graphql that it sends."""
    scopes: frozenset[str] = frozenset()
    """Shopify's access scopes that its documents need. Writing includes reading; webhooks about orders need no more."""
    entity_sets: frozenset[str] = frozenset()
    """F&O's, read or written."""

    @property
    def carried(self) -> frozenset[str]:
        """Topics that the orders' queue carries for it."""
        return self.events if self.queue else self.events.union(*self.webhooks.values())

    def load_handler(self, topic: str = "") -> Callable[..., Any]:
        """Imports the module of the handler, of that for its events where the topic is carried for it.

        Raises ImportError or AttributeError for a wrong name.
        """
        module, _, function = (self.event_handler if topic in self.carried else self.handler).partition(":")
        handler: Callable[..., Any] = getattr(import_module(module), function)
        return handler


_ORDER_DOCUMENTS: Final = frozenset(
    {
        "app_scopes",
        "order_agreements",
        "order_delivery",
        "order_further_parcels",
        "order_lines",
        "order_parcel_lines",
        "order_parcels",
        "order_part_ids",
        "order_payments",
        "order_refund_adjustments",
        "order_refund_lines",
        "order_refund_shipping",
        "order_refund_transactions",
        "order_refunds",
        "order_risk",
        "order_routing",
        "order_shipping_lines",
        "order_state",
        "order_transactions",
    }
)
_ORDER_SCOPES: Final = frozenset(
    {
        "read_customers",
        "read_locations",
        # How the buyer gets the goods. Only of the merchant's own locations: the warehouses are behind those.
        "read_merchant_managed_fulfillment_orders",
        "read_orders",
        "read_products",
        "read_returns",
    }
)
_SALES_ORDERS: Final = frozenset(
    {"SalesLineBiEntities", "SalesOrderHeadersV2", "SalesOrderHeadersV4", "SalesOrderLines", "SalesOrderLinesV3"}
)
_ITEMS: Final = frozenset({"ReleasedProductVariantsV2", "ReleasedProductsV2"})
_ON_HAND: Final = frozenset({"WarehouseInventoryStatusesOnHandV2", "WarehousesOnHandV2"})
_PAYMENTS: Final = frozenset({"CustomerPaymentJournalHeaders", "CustomerPaymentJournalLines"})
_RETURNS: Final = frozenset(
    {"FreeTextInvoiceHeaders", "FreeTextInvoiceLines", "ReturnOrderHeadersV2", "ReturnOrderLinesV2"}
)
_TAXES: Final = frozenset(
    {"TaxCodeValuesV2", "TaxCodes", "TaxGroupDatas", "TaxGroups", "TaxItemGroupHeadings", "TaxItemGroups"}
)

ORDERS: Final = Flow(
    name="orders",
    switch="orders",
    direction=Direction.TO_FO,
    master="orders",
    queue="orders",
    # All are about one order, so they share its session: events about one order are handled one after the other.
    webhooks={
        "orders": frozenset(
            {
                "orders/create",
                "orders/updated",
                "orders/edited",
                "orders/cancelled",
                "orders/paid",
                "orders/fulfilled",
                "orders/partially_fulfilled",
                "orders/risk_assessment_changed",
            }
        ),
        "refunds": frozenset({"refunds/create"}),
        "transactions": frozenset({"order_transactions/create"}),
    },
    handler="shared.sync.orders.flow:sync_order",
    documents=_ORDER_DOCUMENTS,
    scopes=_ORDER_SCOPES,
    entity_sets=_SALES_ORDERS
    | _ITEMS
    | _PAYMENTS
    | _RETURNS
    | _TAXES
    | _ON_HAND
    | {"CustomersV3", "WHSSalesLineBiEntities"},
)
STOCK: Final = Flow(
    name="stock",
    switch="stock",
    direction=Direction.TO_SHOPIFY,
    master="stock",
    timer=Timer("push_stock", "PUSH_STOCK_SCHEDULE"),
    handler="shared.sync.stock.run:push_all_stock",
    documents=frozenset(
        {
            "stock_fulfillment_lines",
            "stock_fulfillment_orders",
            "stock_levels",
            "stock_changed_levels",
            "stock_order_lines",
            "stock_order_times",
            "stock_order_units",
            "stock_orders",
            "stock_set",
            "stock_variant_states",
            "stock_variants",
        }
    ),
    # Fulfilment orders only of the merchant's own locations: F&O keeps the stock of those.
    scopes=frozenset(
        {
            "read_locations",
            "read_merchant_managed_fulfillment_orders",
            "read_orders",
            "read_products",
            "write_inventory",
        }
    ),
    entity_sets=_ITEMS | {"ItemCoverageSettingsV2"} | _ON_HAND,
)
WRITE_BACK: Final = Flow(
    name="write_back",
    switch="write_back",
    direction=Direction.TO_SHOPIFY,
    timer=Timer("write_back", "WRITE_BACK_SCHEDULE"),
    handler="shared.sync.order_numbers:push_numbers",
    documents=frozenset(
        {"write_back_define", "write_back_definition", "write_back_numbers", "write_back_state", "write_back_tag"}
    ),
    scopes=frozenset({"write_orders"}),
)
SWEEP: Final = Flow(
    name="sweep",
    switch="orders",
    # To F&O it writes holds alone. Its switch is that of ORDERS, which has the master.
    direction=Direction.TO_FO,
    timer=Timer("sweep_orders", "SWEEP_SCHEDULE"),
    handler="shared.sync.sweep.run:sweep_orders",
    documents=_ORDER_DOCUMENTS | {"subscribe", "subscription_repair", "subscriptions", "sweep_orders"},
    scopes=_ORDER_SCOPES,
    entity_sets=_SALES_ORDERS | _ITEMS | _PAYMENTS | _TAXES | {"CustomersV3", "SalesInvoiceHeadersV4"},
)

SHIPMENTS: Final = Flow(
    name="shipments",
    switch="shipments",
    # To F&O it writes holds alone.
    direction=Direction.TO_BOTH,
    # Their bodies name the fulfilment order alone: its order is looked up.
    webhooks={
        "fulfillment_holds": frozenset({"fulfillment_holds/added", "fulfillment_holds/released"}),
        "fulfillment_orders": frozenset({"fulfillment_orders/moved", "fulfillment_orders/placed_on_hold"}),
    },
    timer=Timer("push_shipments", "PUSH_SHIPMENTS_SCHEDULE"),
    handler="shared.sync.shipments.run:push_shipments",
    events=frozenset({"shipments/hinted", "shipments/moved"}),
    event_handler="shared.sync.shipments.session:ship",
    documents=frozenset(
        {
            "captures_make",
            "captures_state",
            "given_up_refund",
            "given_up_worth",
            "order_cancel",
            "order_cancelled",
            "holds_order",
            "holds_place",
            "holds_release",
            "holds_state",
            "order_parcel_lines",
            "order_status_untag",
            "shipments_cancel",
            "shipments_create",
            "shipments_further",
            "shipments_move",
            "shipments_open",
            "shipments_open_lines",
            "shipments_ready",
            "shipments_state",
            "shipments_track",
            "write_back_define",
            "write_back_definition",
            "write_back_numbers",
            "write_back_state",
            "write_back_tag",
        }
    ),
    scopes=frozenset({"read_locations", "write_merchant_managed_fulfillment_orders", "write_orders"}),
    entity_sets=_SALES_ORDERS
    | frozenset(
        {
            "CredManTableBiEntities",
            "CustInvoiceJourBiEntities",
            "CustPackingSlipJourBiEntities",
            "CustPackingSlipTransBiEntities",
            "CustPackingSlipVersionBiEntities",
            "PackingSlipTrackingInformation",
            "SalesInvoiceHeadersV4",
            "SalesTableBiEntities",
            "WHSSalesLineBiEntities",
        }
    ),
)

PRODUCTS: Final = Flow(
    name="products",
    switch="products",
    direction=Direction.TO_SHOPIFY,
    master="products",
    timer=Timer("push_products", "PUSH_PRODUCTS_SCHEDULE"),
    handler="shared.sync.products.run:push_all_products",
    documents=frozenset(
        {
            "bulk_recent",
            "bulk_run",
            "bulk_run_query",
            "bulk_state",
            "bulk_upload",
            "product_by_item",
            "product_changed",
            "product_files",
            "product_limits",
            "product_metafields",
            "product_option_update",
            "product_options_reorder",
            "product_pictures_add",
            "product_publications",
            "product_publish",
            "product_read",
            "product_search",
            "product_search_all",
            "product_set",
            "product_set_bulk",
            "product_tags_add",
            "product_tags_remove",
            "product_translatable",
            "product_translate",
            "product_unpublish",
            "product_update",
            "product_uploads",
            "product_variants",
            "product_variants_create",
            "product_variants_delete",
            "product_variants_update",
            "write_back_define",
            "write_back_definition",
        }
    ),
    scopes=frozenset({"write_files", "write_products", "write_publications", "write_translations"}),
    entity_sets=_ITEMS
    | {
        "AddressCountryRegions",
        "InventTableBiEntities",
        "PriceCustomerGroups",
        "ProductAttributeValuesV3",
        "ProductBarcodesV3",
        "ProductCategories",
        "ProductCategoryAssignments",
        "ProductDefaultOrderSettings",
        "ProductDocumentAttachments",
        "ProductMasterColorTranslations",
        "ProductMasterColors",
        "ProductMasterConfigurationTranslations",
        "ProductMasterConfigurations",
        "ProductMasterSizeTranslations",
        "ProductMasterSizes",
        "ProductMasterStyleTranslations",
        "ProductMasterStyles",
        "ProductMasterVersions",
        "ProductSpecificOrderSettingsV3",
        "ProductSpecificUnitOfMeasureConversions",
        "ProductTranslations",
        "ProductsV2",
        "ReleasedProductDocumentAttachments",
        "RetailAssortmentProductLines",
        "RetailAssortments",
        "SalesLineDiscountAgreements",
        "SalesPriceAgreements",
    },
)

PRICES: Final = Flow(
    name="prices",
    switch="prices",
    direction=Direction.TO_SHOPIFY,
    master="prices",
    timer=Timer("push_prices", "PUSH_PRICES_SCHEDULE"),
    handler="shared.sync.prices.run:push_all_prices",
    documents=frozenset(
        {
            "bulk_recent",
            "bulk_run",
            "bulk_run_query",
            "bulk_state",
            "bulk_upload",
            "catalog_context",
            "catalog_create",
            "catalog_locations",
            "catalog_markets",
            "price_list_compare_at",
            "price_list_create",
            "price_list_prices",
            "price_list_rules",
            "price_list_set",
            "price_list_tiers",
            "price_list_tiers_set",
            "price_lists",
            "price_shop",
            "price_variants",
            "price_variants_all",
            "price_variants_set",
        }
    ),
    # Catalogs are for company locations, which Shopify shows with the scope of customers, or for markets.
    scopes=frozenset({"read_customers", "read_markets", "write_products"}),
    entity_sets=_ITEMS
    | frozenset(
        {
            "PriceCustomerGroups",
            "ProductDefaultOrderSettings",
            "ProductSpecificOrderSettingsV3",
            "ProductSpecificUnitOfMeasureConversions",
            "SalesLineBiEntities",
            "SalesLineDiscountAgreements",
            "SalesOrderHeadersV4",
            "SalesOrderLinesV3",
            "SalesPriceAgreements",
        }
    ),
)

EXPORT: Final = Flow(
    name="export",
    switch="orders",  # the tables are those of the orders
    direction=Direction.TO_NEITHER,
    timer=Timer("export_tables", "EXPORT_SCHEDULE"),
    handler="shared.sync.exports:export_tables",
)

FLOWS: Final = (ORDERS, STOCK, WRITE_BACK, SHIPMENTS, PRODUCTS, PRICES, SWEEP, EXPORT)

SWITCHES: Final = tuple(dict.fromkeys(flow.switch for flow in FLOWS))
TOPICS: Final = {family: topics for flow in FLOWS for family, topics in flow.webhooks.items()}
"""Of every family of webhooks."""
BY_FAMILY: Final = {family: flow for flow in FLOWS for family in flow.webhooks}
BY_TOPIC: Final = {topic: flow for flow in FLOWS for topics in flow.webhooks.values() for topic in topics}
BY_QUEUE: Final = {flow.queue: flow for flow in FLOWS if flow.queue is not None}
BY_EVENT: Final = {topic: flow for flow in FLOWS for topic in flow.carried}
"""Of the events that another flow's queue carries."""
BY_TIMER: Final = {flow.timer.function: flow for flow in FLOWS if flow.timer is not None}

_running: ContextVar[str] = ContextVar("running_flow", default="")


@contextmanager
def running(flow: Flow) -> Iterator[None]:
    """Inside, `running_flow` names this flow: calls to F&O are made in its name."""
    token = _running.set(flow.name)
    try:
        yield
    finally:
        _running.reset(token)


def running_flow() -> str:
    """The name of the flow that is being carried out, "" outside of every flow."""
    return _running.get()
