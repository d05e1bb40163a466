"""F&O's fields that no field of Shopify fills."""

from __future__ import annotations

from typing import Final

from shared.mapping.page.rows import (
    CUSTOMER,
    INVOICE,
    INVOICE_LINE,
    JOURNAL,
    LINE,
    ORDER,
    PAYMENT,
    RETURN,
    RETURN_LINE,
    Table,
    at,
    of_our_own,
)

_ALL: Final = (CUSTOMER, ORDER, LINE, JOURNAL, PAYMENT, RETURN, RETURN_LINE, INVOICE, INVOICE_LINE)

OWN: Final = Table(
    "Fields of F&O that Shopify has no say in",
    (
        of_our_own(tuple(f"{entity_set}.dataAreaId" for entity_set in _ALL), "The store's legal entity.", by="company"),
        of_our_own(
            at(CUSTOMER, "CustomerGroupId LanguageId"), "Of new customers.", by="customers.group customers.language"
        ),
        of_our_own(at(CUSTOMER, "AddressDescription") + at(ORDER, "DeliveryAddressDescription"), "`Shopify`."),
        of_our_own(at(ORDER, "SalesOrderOriginCode"), "Tells these orders from all others.", by="orders.origin_code"),
        of_our_own(at(ORDER, "DeliveryTermsCode"), "Of every order.", by="orders.delivery_terms"),
        of_our_own(at(ORDER, "InventoryReservationMethod"), "Of every order.", by="orders.reservation"),
        of_our_own(
            at(ORDER, "DefaultShippingSiteId DefaultShippingWarehouseId"),
            "The warehouse that ships the order; of several, the nearest.",
        ),
        of_our_own(
            at(ORDER, "IsSalesProcessingStopped"),
            "Holds an order at risk, one that is not complete yet, and one with a change that a person decides. "
            "Shopify's assessment of the risk comes over GraphQL.",
            by="orders.hold_risks",
        ),
        of_our_own(
            at(LINE, "SalesOrderNumber LineNumber"),
            "The lines in Shopify's order, then charges, then further parts of divided lines. An order with too many "
            "is parked.",
            by="orders.max_lines",
        ),
        of_our_own(at(PAYMENT, "JournalBatchNumber LineNumber"), "The open journal, and the next free line of it."),
        of_our_own(at(PAYMENT, "AccountType IsPrepayment"), "The customer's account; no prepayment."),
        of_our_own(at(RETURN, "IsReturnProcessingStopped"), "Holds a return order that is not complete yet."),
        of_our_own(at(RETURN, "CustomerReturnReasonCode"), "Of every return order.", by="refunds.reason_code"),
        of_our_own(at(RETURN_LINE, "ReturnDispositionCode"), "Of every return order line.", by="refunds.disposition"),
        of_our_own(at(RETURN_LINE, "ReturnOrderNumber"), "The return order's."),
        of_our_own(at(INVOICE_LINE, "ParentRecId LineNumber Quantity"), "The invoice, and one piece of each credit."),
    ),
)
