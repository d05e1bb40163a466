"""Refunds and transactions: what was given back, and the money that moved."""

from __future__ import annotations

from typing import Final

from shared.mapping.page.rows import (
    INVOICE,
    INVOICE_LINE,
    JOURNAL,
    PAYMENT,
    RETURN,
    RETURN_LINE,
    Table,
    at,
    goes,
    reads,
    unused,
)

_CREDIT: Final = at(INVOICE_LINE, "MainAccountDisplayValue UnitPrice TransactionCurrencyAmount")

REFUND: Final = Table(
    "A refund, by itself or among the order's `refunds`",
    (
        goes(
            "id",
            at(RETURN, "ReturnOrderNumber CustomersOrderReference") + at(INVOICE, "CustomerReference"),
            "Our reference is `shopify-<store>-r<id>`, by which both documents are found again. The number is prefix + "
            "id, or F&O draws it.",
            by="refunds.number refunds.number_prefix masters.refunds",
        ),
        goes(
            "order_id",
            at(RETURN, "CustomerRequisitionNumber") + at(INVOICE, "CustomerRequisition"),
            "The number of the order's sales order. An order that F&O does not have yet comes first.",
        ),
        goes(
            "created_at processed_at",
            at(INVOICE, "InvoiceDate"),
            "The day in the store's time zone. Goods given back before the first parcel left were never delivered.",
            by="time_zone",
        ),
        reads("note", "F&O's documents have no field for it."),
        reads("return.id", "The refund's own lines tell which goods came back."),
        goes(
            "refund_line_items.line_item_id",
            at(RETURN_LINE, "ReturningInventoryLotId"),
            "The lots that the order line was delivered from; the refund waits until F&O has invoiced them.",
            by="refunds.goods refunds.wait_hours",
        ),
        goes(
            "refund_line_items.quantity",
            at(RETURN_LINE, "ReturnSalesQuantity"),
            "Below zero, as F&O writes returns.",
        ),
        goes(
            "refund_line_items.restock_type",
            at(INVOICE_LINE, "MainAccountDisplayValue Description"),
            "What never left (`cancel`) makes the sales order smaller. What came back is a return order; what the "
            "buyer keeps (`no_restock`), and custom lines, tips and gift cards, are credits on a free text invoice.",
            by="refunds.accounts.goods_kept refunds.accounts.goods_returned refunds.accounts.custom_lines "
            "refunds.accounts.tips refunds.accounts.gift_cards",
        ),
        goes(
            "refund_line_items.location_id",
            at(RETURN_LINE, "ReturnSiteId ReturnWarehouseId")
            + at(RETURN, "DefaultReturnSiteId DefaultReturnWarehouseId"),
            "The warehouse of this location, else the one that the goods were sold from.",
            by="refunds.warehouses.location refunds.warehouses.id refunds.warehouses.site",
        ),
        goes(
            "refund_line_items.subtotal_set",
            at(RETURN_LINE, "SalesPrice") + _CREDIT,
            "After discounts. Where it does not divide into whole prices, the units are two lines.",
        ),
        goes(
            "refund_line_items.total_tax_set",
            at(INVOICE_LINE, "SalesTaxGroupId SalesTaxItemGroupId"),
            "Compared with what F&O will compute, as for orders. Where Shopify's tax has lines of its own, it has a "
            "credit of its own.",
            by="tax.verify tax.policy refunds.accounts.tax refunds.accounts.tax_difference",
        ),
        goes(
            "refund_shipping_lines.subtotal_amount_set",
            _CREDIT + at(INVOICE_LINE, "SalesTaxGroupId SalesTaxItemGroupId"),
            "Shipping given back after something was shipped, taxed as it was charged; before, the sales order has "
            "less shipping.",
            by="refunds.accounts.shipping",
        ),
        goes(
            "total_duties_set duties.amount_set",
            _CREDIT,
            "Likewise for duties.",
            by="refunds.accounts.duties",
        ),
        goes(
            "order_adjustments.kind order_adjustments.reason",
            at(INVOICE_LINE, "MainAccountDisplayValue Description InvoiceText"),
            "The reason says which account: goodwill, a restocking fee, a discrepancy. One that Shopify has not "
            "documented is parked, and one that only waits for its money (`pending_refund_discrepancy`) is nothing.",
            by="refunds.accounts.goodwill refunds.accounts.restocking_fee refunds.accounts.discrepancy",
        ),
        goes(
            "order_adjustments.amount order_adjustments.amount_set",
            at(INVOICE_LINE, "UnitPrice TransactionCurrencyAmount"),
            "Shopify writes what the buyer gets below zero, and so does F&O's credit.",
        ),
        reads(
            "order_adjustments.tax_amount order_adjustments.tax_amount_set",
            "The tax of refunded shipping. Elsewhere Shopify does not say by which rate, so it is parked.",
        ),
        unused(
            "refund_line_items.subtotal refund_line_items.total_tax",
            "JSON numbers, in the shop's currency alone: their sets have them exactly.",
        ),
        unused("refund_line_items.line_item", "The order's own line, once more."),
        unused("refund_line_items.id admin_graphql_api_id user_id", "Names of the parts, and who did it."),
        unused(
            "refund_shipping_lines.id refund_shipping_lines.shipping_line_id refund_shipping_lines.shipping_line "
            "order_adjustments.id order_adjustments.order_id order_adjustments.refund_id duties.duty_id",
            "What the amounts are on is known without it.",
        ),
        unused("restock", "Each line says it for itself."),
    ),
)

TRANSACTION: Final = Table(
    "A transaction, by itself or among a refund's `transactions`",
    (
        goes(
            "id",
            at(PAYMENT, "PaymentId"),
            "With `-R` for what cash was rounded by, `-X` for an exchange difference. It is looked for in F&O before "
            "anything is written, so that no payment is booked twice.",
            by="masters.payments",
        ),
        goes(
            "kind",
            at(PAYMENT, "CreditAmount DebitAmount"),
            "A sale or capture credits the customer, a refund or change debits him. Authorizations and voids move "
            "nothing.",
        ),
        reads("status", "Only what succeeded is booked: what is pending comes with a later event."),
        goes(
            "gateway",
            at(PAYMENT, "PaymentMethodName OffsetAccountType OffsetAccountDisplayValue PostingProfile")
            + at(JOURNAL, "JournalName"),
            "The first rule that fits; a gateway without rule is parked.",
            by="payments.methods.gateway payments.methods.currency payments.methods.method payments.methods.journal "
            "payments.methods.offset_type payments.methods.offset_account payments.methods.posting_profile "
            "payments.journal",
        ),
        goes(
            "amount amount_set",
            at(PAYMENT, "CreditAmount DebitAmount OffsetAccountType OffsetAccountDisplayValue"),
            "In the booked currency as Shopify tells it, never converted here. What it is worth more or less than at "
            "the order's rate is a line against the exchange account.",
            by="payments.exchange_account",
        ),
        reads(
            "currency",
            "What was paid in. Where only GraphQL tells the amount in the booked currency, the order is fetched.",
        ),
        goes(
            "amount_rounding amount_rounding_set",
            at(PAYMENT, "CreditAmount DebitAmount OffsetAccountType OffsetAccountDisplayValue"),
            "A line against the rounding account, unless the sales order has the rounding.",
            by="payments.rounding_account orders.rounding_item",
        ),
        goes(
            "processed_at created_at",
            at(PAYMENT, "TransactionDate") + at(JOURNAL, "Description"),
            "The day in the store's time zone; each store has a journal for each day and currency.",
            by="time_zone",
        ),
        reads("parent_id", "Every transaction stands for itself."),
        reads("test", "No money stands behind it: parked, or booked like any other.", by="orders.test_orders"),
        unused("order_id", "A transaction is booked with its order, which is fetched."),
        unused(
            "authorization payment_details payment_id receipt message error_code manual_payment_gateway "
            "total_unsettled_set",
            "Between the shop and its payment provider.",
        ),
        unused("admin_graphql_api_id device_id location_id source_name user_id", "Where and by whom it was taken."),
    ),
)
