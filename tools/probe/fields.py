"""Which fields that the app uses F&O does not have, by entity set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.d365 import entities
from shared.d365.odata.client import ODataClient
from shared.d365.odata.known_fields import fields_of
from shared.d365.order_changes import HEADER_FIELDS, LINE_FIELDS
from shared.errors import ConnectorError
from shared.mapping.dimensions import INVOICE_FIELD, JOURNAL_FIELDS, ORDER_FIELD
from shared.rules import StoreRules

WRITTEN: Final[Mapping[str, tuple[str, ...]]] = {
    entities.SALES_ORDERS: (
        "OrderingCustomerAccountNumber",
        "InvoiceCustomerAccountNumber",
        "CurrencyCode",
        "PriceCustomerGroupCode",
        "ArePricesIncludingSalesTax",
        "CustomerRequisitionNumber",
        "SalesOrderName",
        "SalesOrderOriginCode",
        "SalesTaxGroupCode",
        "NumberSequenceGroupId",
        "InventoryReservationMethod",
        "RequestedShippingDate",
        "DeliveryModeCode",
        "DeliveryTermsCode",
        "DefaultShippingSiteId",
        "DefaultShippingWarehouseId",
        ORDER_FIELD,
        "IsDeliveryAddressOrderSpecific",
        "DeliveryAddressDescription",
        "DeliveryAddressName",
        "DeliveryAddressStreet",
        "DeliveryBuildingCompliment",
        "DeliveryAddressCity",
        "DeliveryAddressStateId",
        "DeliveryAddressZipCode",
        "DeliveryAddressCountryRegionId",
        "Email",
        "URL",
    ),
    entities.SALES_ORDER_LINES: (
        *LINE_FIELDS,
        *entities.DIMENSIONS,
        "SalesOrderNumber",
        "SalesUnitSymbol",
        "InventoryReservationMethod",
        "ShippingSiteId",
        ORDER_FIELD,
        "IsDeliveryAddressOrderSpecific",
    ),
    entities.SALES_ORDERS_WITH_LINES: HEADER_FIELDS,
    entities.EXPANDED_LINES: LINE_FIELDS,
    entities.CUSTOMERS: (
        "PartyType",
        "OrganizationName",
        "PersonFirstName",
        "PersonMiddleName",
        "PersonLastName",
        "CustomerGroupId",
        "SalesCurrencyCode",
        "LanguageId",
        INVOICE_FIELD,
        "PrimaryContactEmail",
        "PrimaryContactEmailDescription",
        "PrimaryContactPhone",
        "PrimaryContactPhoneDescription",
        "AddressDescription",
        "AddressStreet",
        "AddressBuildingComplement",
        "AddressCity",
        "AddressState",
        "AddressZipCode",
        "AddressCountryRegionId",
    ),
    entities.PAYMENT_JOURNALS: ("JournalName",),
    entities.PAYMENT_LINES: (
        "AccountType",
        "AccountDisplayValue",
        "OffsetAccountType",
        "OffsetAccountDisplayValue",
        *JOURNAL_FIELDS,
        "PaymentMethodName",
        "PostingProfile",
        "TransactionDate",
        "TransactionText",
        "IsPrepayment",
    ),
    entities.RETURN_ORDERS: (
        "CustomerAccountNumber",
        "InvoiceCustomerAccountNumber",
        "CurrencyCode",
        "CustomerRequisitionNumber",
        "CustomerReturnReasonCode",
        "DefaultReturnSiteId",
        "DefaultReturnWarehouseId",
    ),
    entities.RETURN_LINES: (
        "SalesPrice",
        "ReturnSiteId",
        "ReturnWarehouseId",
        "ReturnDispositionCode",
    ),
    entities.INVOICES: (
        "CustomerAccount",
        "CustomerRequisition",
        "CurrencyCode",
        "InvoiceDate",
        "InclTax",
        INVOICE_FIELD,
    ),
    entities.PRODUCTS: entities.PRICED_PRODUCT,
    entities.VARIANTS: entities.PRICED_VARIANT,
    entities.SALES_LINE_PROGRESS: entities.PRICED_LINE,
    entities.INVOICE_LINES: (
        "Description",
        "InvoiceText",
        "MainAccountDisplayValue",
        "Quantity",
        "UnitPrice",
        "SalesTaxGroupId",
        "SalesTaxItemGroupId",
        INVOICE_FIELD,
    ),
}
"""What the app writes, or reads of single records, beyond entities.READ. A contract test compares it with the code."""


def used_fields(entity_set: str) -> frozenset[str]:
    return frozenset((*entities.KEYS[entity_set], *entities.READ[entity_set], *WRITTEN.get(entity_set, ())))


async def missing_fields(fo: ODataClient, rules: StoreRules, say: Callable[[str], None]) -> None:
    """Call 1: the fields that F&O tells of each set, compared with those that the app needs."""
    untold, complete = [], 0
    for entity_set, name in entities.PUBLIC_NAMES.items():
        fields = await _fields(fo, entity_set, name)
        if not fields:
            untold.append(entity_set)
        elif missing := sorted(_needed(entity_set, rules) - fields):
            say(f"  {entity_set} lacks {', '.join(missing)}: what needs them waits (FO_FIELD_MISSING)")
        else:
            complete += 1
    say(f"  {complete} of {len(entities.PUBLIC_NAMES)} entity sets have every field that the app needs")
    if untold:
        say(f"  F&O does not tell the fields of {', '.join(untold)}: look for them in its metadata")


def _needed(entity_set: str, rules: StoreRules) -> frozenset[str]:
    """The fields without which the app waits with FO_FIELD_MISSING."""
    own = rules.customers.id_field
    used = used_fields(entity_set) | ({own} if own and entity_set == entities.CUSTOMERS else set())
    return used.difference(entities.READ_IF_THERE.get(entity_set, ()), entities.WRITTEN_IF_THERE.get(entity_set, ()))


async def _fields(fo: ODataClient, entity_set: str, name: str) -> frozenset[str]:
    try:
        return fields_of(await fo.public_entity(name), entity_set)
    except ConnectorError:
        return frozenset()
