"""An order's lines, shipping and taxes."""

from __future__ import annotations

from typing import Final

from shared.mapping.page.rows import INVOICE_LINE, LINE, ORDER, RETURN_LINE, Table, at, goes, reads, unused

_DIMENSIONS: Final = "ProductColorId ProductConfigurationId ProductSizeId ProductStyleId ProductVersionId"

LINES: Final = Table(
    "Lines",
    (
        goes(
            "line_items.id",
            at(LINE, "ExternalItemNumber"),
            "So that people see where a line comes from. The app itself remembers F&O's lot of each line.",
        ),
        goes(
            "line_items.sku",
            at(LINE, f"ItemNumber {_DIMENSIONS} ShippingSiteId ShippingWarehouseId")
            + at(RETURN_LINE, f"ItemNumber {_DIMENSIONS}"),
            "F&O's item, or item and dimensions of its variant; a SKU that F&O does not know is parked. It ships from "
            "the nearest warehouse that serves the country and holds all of the order, or from several where the "
            "rules allow.",
            by="orders.product_identity warehouses.id warehouses.site warehouses.countries allocation.split "
            "allocation.split_lines",
        ),
        goes(
            "line_items.product_id line_items.variant_id line_items.gift_card",
            at(LINE, "ItemNumber"),
            "Without product it is a custom line, and a gift card that is sold is a liability: each has a service item "
            "of the store instead of an item.",
            by="orders.custom_line_item orders.gift_card_item",
        ),
        goes("line_items.title", at(LINE, "LineDescription") + at(INVOICE_LINE, "InvoiceText"), "On one line."),
        goes(
            "line_items.quantity",
            at(LINE, "OrderedSalesQuantity SalesPriceQuantity"),
            "Less what was removed, or given back before it left. Where price or discount of a piece are no whole "
            "cents, the price is of the whole quantity.",
        ),
        reads(
            "line_items.current_quantity",
            "How many units edits and refunds left: the difference is removed from the order in F&O.",
        ),
        goes(
            "line_items.price line_items.price_set",
            at(LINE, "SalesPrice SalesPriceQuantity"),
            "Of one piece before discounts, exactly; F&O's trade agreements must not override it, else the order is "
            "held and parked.",
        ),
        goes(
            "line_items.discount_allocations.amount line_items.discount_allocations.amount_set",
            at(LINE, "LineDiscountAmount"),
            "All discounts that Shopify put on the line, order discounts too, per piece where those are whole cents.",
        ),
        reads(
            "line_items.requires_shipping",
            "Only products that are shipped need a warehouse, and the order an address.",
            by="orders.address_without_shipping",
        ),
        unused(
            "line_items.total_discount line_items.total_discount_set",
            "Zero even where discounts were allocated.",
        ),
        unused("line_items.duties", "The order's duties are charged as one amount."),
        unused(
            "line_items.fulfillable_quantity line_items.fulfillment_service line_items.fulfillment_status "
            "line_items.variant_inventory_management",
            "Deliveries are F&O's.",
        ),
        unused(
            "line_items.name line_items.variant_title line_items.vendor line_items.grams line_items.product_exists",
            "About the product, which F&O knows by its item.",
        ),
        unused("line_items.properties", "What the buyer typed in. F&O's line has no field for it."),
        unused("line_items.taxable", "What was charged stands on the tax lines."),
        unused(
            "line_items.sales_line_item_group_id line_items.attributed_staffs line_items.admin_graphql_api_id "
            "line_items.discount_allocations.discount_application_index line_items.origin_location "
            "line_items.destination_location",
            "Which bundle, which seller, which discount: not what was sold.",
        ),
    ),
)

SHIPPING: Final = Table(
    "Shipping",
    (
        goes("shipping_lines.id", at(LINE, "ExternalItemNumber"), "As for lines."),
        goes(
            "shipping_lines.code",
            at(ORDER, "DeliveryModeCode") + at(LINE, "DeliveryModeCode"),
            "The first rule that fits; of several shipping lines the first reads, and each needs a rule. An order that "
            "loses its only one has no mode of delivery any more.",
            by="shipping.code shipping.delivery_mode orders.delivery_mode_without_shipping",
        ),
        goes(
            "shipping_lines.title",
            at(ORDER, "DeliveryModeCode") + at(LINE, "DeliveryModeCode LineDescription"),
            "A rule may go by it, too.",
            by="shipping.title",
        ),
        goes(
            "shipping_lines.price shipping_lines.price_set",
            at(LINE, "ItemNumber SalesPrice"),
            "A line with the store's service item; none where shipping is free. Where rates tax shares of it, a line "
            "for each.",
            by="orders.shipping_item tax.shipping_rates",
        ),
        goes(
            "shipping_lines.discount_allocations.amount shipping_lines.discount_allocations.amount_set",
            at(LINE, "LineDiscountAmount"),
            "All of them.",
        ),
        reads(
            "shipping_lines.discounted_price shipping_lines.discounted_price_set",
            "Must be the price less its discounts.",
        ),
        reads("shipping_lines.is_removed", "An edit took it off: it is left out."),
        unused("shipping_lines.current_discounted_price_set", "The order's current shipping price proves the same."),
        unused(
            "shipping_lines.carrier_identifier shipping_lines.phone shipping_lines.source "
            "shipping_lines.requested_fulfillment_service_id "
            "shipping_lines.discount_allocations.discount_application_index",
            "Who computed the price, and by whom it was to be shipped: F&O's mode of delivery decides.",
        ),
    ),
)

TAXES: Final = Table(
    "Taxes of lines and shipping",
    (
        goes(
            "line_items.tax_lines.rate line_items.tax_lines.title shipping_lines.tax_lines.rate "
            "shipping_lines.tax_lines.title",
            at(ORDER, "SalesTaxGroupCode")
            + at(LINE, "SalesTaxGroupCode SalesTaxItemGroupCode")
            + at(INVOICE_LINE, "SalesTaxGroupId SalesTaxItemGroupId"),
            "F&O computes tax itself, from groups: the first rule that fits place, rates and titles names them. A "
            "line's tax lines count together (state, county, city).",
            by="taxes.countries taxes.provinces taxes.rates taxes.titles taxes.sales_tax_group taxes.item_tax_group "
            "country province",
        ),
        goes(
            "line_items.tax_lines.price line_items.tax_lines.price_set shipping_lines.tax_lines.price "
            "shipping_lines.tax_lines.price_set",
            at(LINE, "ItemNumber SalesPrice LineDescription SalesTaxGroupCode SalesTaxItemGroupCode"),
            "Compared with what F&O will compute, by the rates or by F&O's own tax codes. A difference is tolerated, a "
            "line of its own, or parked; or Shopify's tax is lines with a service item, and F&O computes none.",
            by="tax.verify tax.policy tax.tolerance tax.tolerance_per_line tax.difference_item tax.service_item "
            "tax.exempt_sales_tax_group tax.exempt_item_tax_group tax.calculation_method",
        ),
        reads(
            "line_items.tax_lines.channel_liable shipping_lines.tax_lines.channel_liable",
            "Tax that a marketplace owes is never booked as the seller's.",
            by="tax.marketplace",
        ),
        unused("line_items.tax_lines.tax_code shipping_lines.tax_lines.tax_code", "The rate and the title decide."),
    ),
)
