"""Puts the world into F&O's tables."""

from local.d365.books import Books
from local.d365.catalogue.seed import seed_catalogue
from local.d365.customers import Customers
from local.d365.edm import Value
from local.d365.inventory import Stock
from local.d365.prices.journals import post_discounts, post_prices
from local.d365.seed_money import seed_money

_CODES = {
    "customer_groups": ("CustomerGroups", "CustomerGroupId", "Description"),
    "order_origins": ("SalesOrderOriginCodes", "OriginCode", "OriginDescription"),
    "delivery_modes": ("DeliveryModesV2", "ModeCode", "ModeDescription"),
    "delivery_terms": ("DeliveryTerms", "TermsCode", "TermsDescription"),
    "tax_groups": ("TaxGroups", "TaxGroupCode", "Description"),
    "tax_item_groups": ("TaxItemGroupHeadings", "TaxItemGroup", "Name"),
    "payment_terms": ("PaymentTerms", "Name", "Description"),
    "payment_methods": ("CustomerPaymentMethods", "Name", "Description"),
    "customer_reasons": ("CustomerReasons", "ReasonCode", "DefaultComment"),
}
_SHARED_CODES = {
    "units": ("UnitsOfMeasure", "UnitSymbol", "UnitDescription"),
    "currencies": ("Currencies", "CurrencyCode", "Name"),
}


def seed(books: Books, customers: Customers, *, client_ids: tuple[str, ...]) -> None:
    """Raises KeyError when the world speaks of an item, warehouse or company that it does not define."""
    _masters(books)
    seed_money(books)
    seed_catalogue(books)
    for agreements in books.world.trade_agreements:
        post_prices(books, agreements.company, agreements.prices)
        post_discounts(books, agreements.company, agreements.discounts)
    _carriers(books)
    for customer in books.world.customers:
        books.numbers.set_kind(customer.company, "customer", "kept")
        customers.insert(
            {
                "dataAreaId": customer.company,
                "CustomerAccount": customer.account,
                "OrganizationName": customer.name,
                "CustomerGroupId": customer.group,
                "SalesCurrencyCode": customer.currency,
                "DiscountPriceGroupId": customer.price_group,
                "LineDiscountCode": customer.discount_group,
            },
        )
    for company in books.world.companies.values():
        books.numbers.set_kind(company.id, "sales order", company.sales_order_numbers)
        books.numbers.set_kind(company.id, "customer", company.customer_accounts)
    for opening in books.world.stock:
        books.stock.put(
            books.bin(opening.company, opening.sku, opening.warehouse),
            Stock(
                physical=opening.physical,
                reserved=opening.reserved,
                ordered=opening.ordered,
                on_order=opening.on_order,
            ),
        )
    for client_id in client_ids:
        _add(books, "SysAADClients", {"AADClientId": client_id, "Name": "Shopify connector", "UserId": "shopify"})


def _masters(books: Books) -> None:
    for company in books.world.companies.values():
        _add(
            books,
            "LegalEntities",
            {"LegalEntityId": company.id.upper(), "Name": company.name, "CompanyName": company.name},
        )
        for kind, codes in books.world.masters.get(company.id, {}).items():
            for code in codes:
                if kind in _CODES:
                    set_name, key, label = _CODES[kind]
                    _add(books, set_name, {"dataAreaId": company.id, key: code, label: code})
                else:
                    set_name, key, label = _SHARED_CODES[kind]
                    if books.find(set_name, code) is None:
                        _add(books, set_name, {key: code, label: code})
    for site in books.world.sites:
        _add(books, "OperationalSitesV2", {"dataAreaId": site.company, "SiteId": site.id, "SiteName": site.name})
    for warehouse in books.world.warehouses:
        _add(
            books,
            "Warehouses",
            {
                "dataAreaId": warehouse.company,
                "WarehouseId": warehouse.id,
                "WarehouseName": warehouse.name,
                "OperationalSiteId": warehouse.site,
            },
        )


def _carriers(books: Books) -> None:
    for carrier in books.world.carriers:
        _add(
            books,
            "ShippingCarriers",
            {
                "dataAreaId": carrier.company,
                "CarrierId": carrier.id,
                "CarrierName": carrier.name,
                "IsShippingCarrierActive": "Yes",
                "StandardCarrierAlphaCode": carrier.scac,
                "ShippingCarrierTrackingURL": carrier.tracking_url,
            },
        )
        for service in carrier.services:
            _add(
                books,
                "ShippingCarrierServices",
                {
                    "dataAreaId": carrier.company,
                    "ShippingCarrierId": carrier.id,
                    "ServiceId": service.id,
                    "ServiceName": service.name,
                    "DeliveryModeCode": service.delivery_mode,
                },
            )


def _add(books: Books, set_name: str, values: dict[str, Value]) -> None:
    """Adds a record, unless the tenant's schema has no such set."""
    entity_set = books.schema.sets.get(set_name)
    if entity_set is not None:
        books.add(entity_set, {**books.blank(set_name), **values})
