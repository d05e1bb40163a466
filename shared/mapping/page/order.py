"""An order's own fields, its buyer and its addresses."""

from __future__ import annotations

from typing import Final

from shared.mapping.page.rows import (
    CUSTOMER,
    INVOICE,
    JOURNAL,
    LINE,
    ORDER,
    PAYMENT,
    RETURN,
    Table,
    at,
    goes,
    reads,
    unused,
)

_CHARGE: Final = at(LINE, "ItemNumber OrderedSalesQuantity SalesPrice")

IDENTITY: Final = Table(
    "The order",
    (
        goes(
            "id",
            at(ORDER, "SalesOrderNumber CustomersOrderReference URL")
            + at(LINE, "ExternalItemNumber")
            + at(PAYMENT, "PaymentReference"),
            "Our reference is `shopify-<store>-<id>`, by which the order is found again. The number is prefix + id, or "
            "F&O draws it; payments, returns and credits refer to it. The URL leads people to Shopify's admin. Charges "
            "of the whole order are lines with this id.",
            by="orders.number orders.number_prefix",
        ),
        goes(
            "name",
            at(ORDER, "CustomerRequisitionNumber SalesOrderName") + at(PAYMENT, "TransactionText"),
            "`#1001`, for people: where the buyer gave no purchase order number, and no name; on every payment.",
            by="orders.order_name_as_requisition",
        ),
        goes(
            "created_at",
            at(ORDER, "RequestedShippingDate RequestedReceiptDate"),
            "The day in the store's time zone, at noon UTC. Also the day whose tax rates apply.",
            by="time_zone",
        ),
        reads("updated_at", "Of two states of an order the later one counts, whichever arrives first."),
        reads(
            "cancelled_at",
            "Before F&O has the order nothing is booked, afterwards what has not left is given up.",
            by="changes.cancel changes.cancellation",
        ),
        reads("test", "An order marked as a test is parked, or booked like any other.", by="orders.test_orders"),
        goes(
            "currency presentment_currency",
            at(ORDER, "CurrencyCode")
            + at(CUSTOMER, "SalesCurrencyCode")
            + at(PAYMENT, "CurrencyCode")
            + at(JOURNAL, "Description")
            + at(RETURN, "CurrencyCode")
            + at(INVOICE, "CurrencyCode"),
            "The shop's or the buyer's, by the store's side, and all amounts with it. Another currency than the "
            "store's is parked.",
            by="currency_side currencies",
        ),
        goes(
            "taxes_included",
            at(ORDER, "ArePricesIncludingSalesTax") + at(INVOICE, "InclTax"),
            "As Shopify has it, unless a policy gives F&O all prices with tax, or all without.",
            by="tax.policy",
        ),
        reads("duties_included", "Duties that the prices hold already are not charged once more."),
        goes(
            "po_number",
            at(ORDER, "CustomerRequisitionNumber"),
            "F&O holds 20 characters: a longer one is parked, or stays in the journal alone.",
            by="orders.po_number_too_long",
        ),
        goes(
            "note_attributes.name note_attributes.value",
            at(ORDER, "RequestedShippingDate RequestedReceiptDate"),
            "The one attribute that names the requested day. The journal names the others: F&O has no field for them.",
            by="orders.requested_date_attribute",
        ),
        goes(
            "tags",
            at(ORDER, "IsSalesProcessingStopped"),
            "One tag holds the order; the journal names the others. Tags that this app wrote back are left out.",
            by="orders.hold_tag write_back.tag",
        ),
        reads("note", "F&O's order has no field for it: the journal says that there was one."),
        reads(
            "location_id",
            "A sale over this counter: taxed and shipped there, and the buyer takes it along.",
            by="warehouses.location warehouses.country warehouses.province",
        ),
        reads(
            "fulfillments.status fulfillments.created_at fulfillments.line_items.id fulfillments.line_items.quantity",
            "Which goods have left in Shopify. Goods given back before they left make the order smaller; afterwards "
            "they are a return. Deliveries themselves are F&O's.",
        ),
    ),
)

AMOUNTS: Final = Table(
    "The order's amounts",
    (
        goes(
            "original_total_duties_set current_total_duties_set",
            _CHARGE,
            "A line with the store's service item; an order with duties and no such item is parked.",
            by="orders.duties_item",
        ),
        goes(
            "original_total_additional_fees_set current_total_additional_fees_set",
            _CHARGE,
            "A line with the store's service item, likewise.",
            by="orders.fees_item",
        ),
        goes(
            "total_tip_received",
            _CHARGE,
            "A line with the store's service item: Shopify's own line of that amount, or one made for it.",
            by="orders.tip_item",
        ),
        goes(
            "total_cash_rounding_payment_adjustment_set",
            _CHARGE,
            "A line with the store's service item, where rounding is not booked with the payment. Below zero it is one "
            "piece taken back.",
            by="orders.rounding_item payments.rounding_account",
        ),
        reads(
            "total_price total_price_set total_tax total_tax_set",
            "The proof: what F&O gets must sum to them, to the cent, or nothing is booked. In two currencies the total "
            "also tells the order's exchange rate.",
            by="tax.tolerance tax.tolerance_per_line",
        ),
        reads(
            "current_total_price current_total_price_set current_total_tax current_total_tax_set "
            "current_shipping_price_set",
            "The same proof after edits and refunds: what is left of the lines must sum to them. In two currencies the "
            "current total also tells that nothing is owed any more.",
        ),
        unused(
            "subtotal_price subtotal_price_set current_subtotal_price current_subtotal_price_set "
            "total_line_items_price total_line_items_price_set total_discounts total_discounts_set "
            "current_total_discounts current_total_discounts_set total_shipping_price_set",
            "Sums of what stands on the lines.",
        ),
        unused("tax_lines", "The lines' own tax lines, added up."),
        unused(
            "discount_applications discount_codes",
            "What each line was discounted by stands on the line, however it came about: by code, script, automatic or "
            "manual discount.",
        ),
        unused(
            "total_cash_rounding_refund_adjustment_set", "Stands on the transactions that gave the money back, each."
        ),
        unused(
            "total_outstanding financial_status payment_gateway_names payment_terms",
            "The transactions tell what was paid. What is owed, and when it is due, F&O knows from its own invoice and "
            "the customer's terms of payment.",
        ),
    ),
)

BUYER: Final = Table(
    "Buyer and addresses",
    (
        goes(
            "customer.id company.id",
            at(CUSTOMER, "CustomerAccount")
            + at(ORDER, "OrderingCustomerAccountNumber InvoiceCustomerAccountNumber")
            + at(PAYMENT, "AccountDisplayValue")
            + at(RETURN, "CustomerAccountNumber InvoiceCustomerAccountNumber")
            + at(INVOICE, "CustomerAccount"),
            "Prefix + id, for a company with a B between them. A guest's account is a digest of the e-mail address or "
            "phone number, so that the next order finds it again.",
            by="customers.strategy customers.account_prefix customers.shared_account customers.anonymous "
            "customers.organization_when_company",
        ),
        reads("company.location_id", "Part of what makes an order another one. F&O has one account for the company."),
        goes(
            "customer.first_name customer.last_name billing_address.first_name billing_address.last_name "
            "shipping_address.first_name shipping_address.last_name",
            at(CUSTOMER, "PartyType PersonFirstName PersonMiddleName PersonLastName OrganizationName")
            + at(ORDER, "SalesOrderName"),
            "First and last name from the first place that has them. F&O's person needs both: who gave one name only "
            "is an organisation there. Words that the first name's 25 characters do not hold are the middle name.",
        ),
        goes(
            "customer.email email contact_email",
            at(CUSTOMER, "PrimaryContactEmail PrimaryContactEmailDescription") + at(ORDER, "Email"),
            "The first that is there.",
        ),
        goes(
            "customer.phone billing_address.phone shipping_address.phone phone",
            at(CUSTOMER, "PrimaryContactPhone PrimaryContactPhoneDescription"),
            "The first that is there, as E.164 where it is valid. F&O's order has no field for a phone number.",
        ),
        goes(
            "billing_address.company shipping_address.company",
            at(CUSTOMER, "PartyType OrganizationName") + at(ORDER, "DeliveryBuildingCompliment"),
            "The buyer is an organisation then; on the delivery address it stands beside the person's name.",
            by="customers.organization_when_company",
        ),
        goes(
            "shipping_address.name billing_address.name",
            at(ORDER, "DeliveryAddressName") + at(CUSTOMER, "OrganizationName"),
            "Without a name, the company's.",
        ),
        goes(
            "shipping_address.address1 shipping_address.address2 shipping_address.city shipping_address.zip "
            "shipping_address.country shipping_address.country_code billing_address.address1 billing_address.address2 "
            "billing_address.city billing_address.zip billing_address.country billing_address.country_code",
            at(
                ORDER,
                "IsDeliveryAddressOrderSpecific DeliveryAddressStreet DeliveryAddressCity DeliveryAddressZipCode "
                "DeliveryAddressCountryRegionId",
            )
            + at(CUSTOMER, "AddressStreet AddressCity AddressZipCode AddressCountryRegionId"),
            "The order goes to the shipping address, a new customer lives at the billing address; each stands for the "
            "other where that is missing. Country in ISO alpha-3, postal code as its country writes it. Both "
            "address lines are F&O's street.",
            by="orders.address_without_shipping",
        ),
        goes(
            "shipping_address.province shipping_address.province_code billing_address.province "
            "billing_address.province_code",
            at(ORDER, "DeliveryAddressStateId") + at(CUSTOMER, "AddressState"),
            "Only for countries whose states F&O's address set-up knows. It decides about tax everywhere.",
            by="orders.states_of taxes.provinces",
        ),
        reads(
            "shipping_address.latitude shipping_address.longitude billing_address.latitude billing_address.longitude",
            "Of the warehouses that can ship an order, the nearest one does.",
            by="warehouses.latitude warehouses.longitude",
        ),
        unused(
            "customer.default_address",
            "What was agreed for this order stands in its own addresses.",
        ),
        unused(
            "customer.created_at customer.updated_at customer.state customer.note customer.tags "
            "customer.verified_email customer.multipass_identifier customer.tax_exempt customer.tax_exemptions "
            "customer.currency customer.admin_graphql_api_id customer.accepts_marketing "
            "customer.accepts_marketing_updated_at customer.marketing_opt_in_level customer.email_marketing_consent "
            "customer.sms_marketing_consent",
            "About the person and his account in the shop, not about this sale. An exemption shows in the tax lines.",
        ),
    ),
)

NOT_BOOKED: Final = Table(
    "Not looked at",
    (
        unused(
            "admin_graphql_api_id number order_number confirmation_number token checkout_id checkout_token cart_token "
            "order_status_url reference source_identifier source_url",
            "Other names of the same order, or ways to it.",
        ),
        unused(
            "app_id browser_ip buyer_accepts_marketing client_details customer_locale device_id landing_site "
            "landing_site_ref referring_site source_name user_id",
            "How the buyer came to the shop, and who served him: nothing that is delivered or booked.",
        ),
        unused("processed_at", "When an imported order was placed elsewhere; F&O's order is of the day it arrived."),
        unused("closed_at confirmed fulfillment_status", "Follows from what was delivered, which F&O decides."),
        unused("cancel_reason", "The whole order is given up whatever the reason was."),
        unused("estimated_taxes tax_exempt", "What was charged in the end stands on the tax lines."),
        unused(
            "merchant_business_entity_id merchant_of_record_app_id",
            "Which company sells is the store's rule (`company`). Tax that another party owes is marked on its tax "
            "line.",
        ),
        unused("total_weight", "F&O has weights of its own."),
        unused(
            "returns",
            "A return is booked when its refund says so: what was given back, and which goods came.",
        ),
        unused("line_item_groups", "A bundle's parts are lines with prices of their own; F&O gets these."),
        unused(
            "fulfillments.id fulfillments.admin_graphql_api_id fulfillments.location_id fulfillments.name "
            "fulfillments.order_id fulfillments.origin_address fulfillments.receipt fulfillments.service "
            "fulfillments.shipment_status fulfillments.tracking_company fulfillments.tracking_number "
            "fulfillments.tracking_numbers fulfillments.tracking_url fulfillments.tracking_urls "
            "fulfillments.updated_at fulfillments.line_items",
            "Parcels and their labels: F&O's warehouse has its own.",
        ),
    ),
)
