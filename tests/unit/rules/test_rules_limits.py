"""What a store's file may state as a number or a text, and what a switch or number is when the file leaves it out.

Files of users depend on both: a narrower range refuses a file that was accepted, another default changes what a file
without the key means.
"""

from collections.abc import Iterator
from typing import Any

from shared.rules import StoreRules

LIMITS = {
    "AllocationRules.split": "= False",
    "AllocationRules.split_lines": "= False",
    "ApprovalRules.every_product": "= False",
    "AttributeRule.attribute": "1..255",
    "Buffer.sku": "1..",
    "Buffer.units": "0..",
    "CancelledRules.notify": "= True",
    "CancelledRules.refund": "= True",
    "CancelledRules.restock": "= True",
    "CaptureRules.expiring_hours": "1..336 = 24",
    "CaptureRules.gateways": "1..",
    "CaptureRules.valid_hours": "1..2160 = 168",
    "CarrierRule.company": "1..",
    "CategoryRule.hierarchy": "1..255",
    "CategoryRule.names": "1..",
    "CopiedHold.notes": "..255",
    "CustomerRules.group": "1..20",
    "CustomerRules.organization_when_company": "= True",
    "CustomerRules.shared_account": "1..20",
    "DeliveryRule.at_location": "= False",
    "DeliveryRule.delivery_mode": "1..20",
    "DimensionRule.channels": "1..",
    "DimensionRule.countries": "1..",
    "DimensionRule.skus": "1..",
    "Flows.orders": "= False",
    "Flows.prices": "= False",
    "Flows.products": "= False",
    "Flows.shipments": "= False",
    "Flows.stock": "= False",
    "Flows.write_back": "= False",
    "GivenUpRules.money": "= True",
    "GivenUpRules.notify": "= True",
    "JoinRule.dimensions": "2..3",
    "JoinRule.text": "1..10",
    "MetafieldRule.attribute": "1..255",
    "OptionName.name": "1..255",
    "OptionRule.name": "1..255",
    "OrderRules.custom_line_item": "1..20",
    "OrderRules.delivery_mode_without_shipping": "1..20",
    "OrderRules.delivery_terms": "1..20",
    "OrderRules.duties_item": "1..20",
    "OrderRules.fees_item": "1..20",
    "OrderRules.gift_card_item": "1..20",
    "OrderRules.lines_per_request": "1..1000 = 100",
    "OrderRules.max_lines": "1..4999 = 600",
    "OrderRules.number_group": "1..20",
    "OrderRules.order_name_as_requisition": "= True",
    "OrderRules.origin_code": "1..20",
    "OrderRules.risk_wait_minutes": "0..1440 = 60",
    "OrderRules.rounding_item": "1..20",
    "OrderRules.shipping_item": "1..20",
    "OrderRules.sku_missing_item": "1..20",
    "OrderRules.tip_item": "1..20",
    "OrderRules.unit": "1..10",
    "PaymentMethod.gateway": "1..",
    "PaymentMethod.journal": "1..20",
    "PaymentMethod.method": "1..20",
    "PaymentMethod.offset_account": "1..250",
    "PaymentMethod.posting_profile": "1..20",
    "PaymentRules.exchange_account": "1..250",
    "PaymentRules.journal": "1..20",
    "PaymentRules.methods": "1..",
    "PaymentRules.rounding_account": "1..250",
    "PickUpRule.at_location": "= True",
    "PickUpRule.delivery_mode": "1..20",
    "PriceListRules.customer": "1..20",
    "PriceListRules.discount_group": "1..20",
    "PriceListRules.ending": "0.0..",
    "PriceListRules.list_price_group": "1..20",
    "PriceListRules.market": "> 0",
    "PriceListRules.name": "1..255",
    "PriceListRules.quantity_rules": "= False",
    "PriceListRules.tiers": "= False",
    "PriceRules.allow_zero": "= False",
    "PriceRules.brake_floor": "0.. = 10",
    "PriceRules.brake_percent": "0..100 = 20",
    "PriceRules.brake_single_percent": "1..98 = 50",
    "PriceRules.discount_group": "1..20",
    "PriceRules.ending": "0.0..",
    "PriceRules.full_compare_hours": "1..168 = 24",
    "PriceRules.least_share": "0..100 = 80",
    "PriceRules.list_price_group": "1..20",
    "PriceRules.minutes": "0..1440 = 15",
    "PriceRules.proof_days": "1..14 = 2",
    "PriceRules.search": "1..",
    "PriceTaxRate.item_tax_group": "1..20",
    "PriceTaxRate.rate": "0.0..",
    "ProductRules.adopt": "= False",
    "ProductRules.delete_variants": "= False",
    "ProductRules.full_compare_hours": "1..720 = 24",
    "ProductRules.full_minutes": "0..1440 = 60",
    "ProductRules.least_share": "0..100 = 80",
    "ProductRules.unpublish_floor": "0.. = 3",
    "ProductRules.unpublish_percent": "0..100 = 5",
    "ProductRules.variants_a_day": "0.. = 1000",
    "ProductRules.visible_at_zero": "= False",
    "RefundAccount.item_tax_group": "1..20",
    "RefundAccount.main_account": "1..250",
    "RefundAccount.sales_tax_group": "1..20",
    "RefundRules.disposition": "1..20",
    "RefundRules.reason_code": "1..20",
    "RefundRules.wait_hours": "0..23 = 20",
    "ReturnWarehouse.id": "1..20",
    "ReturnWarehouse.location": "> 0",
    "ReturnWarehouse.site": "1..20",
    "Share.location": "> 0",
    "Share.percent": "0..100",
    "ShipmentRules.open_days": "1..365 = 60",
    "ShipmentRules.overlap_minutes": "1..1440 = 15",
    "ShipmentRules.tracking_days": "0..60 = 7",
    "ShipmentsEntity.key": "1..",
    "ShippingRule.delivery_mode": "1..20",
    "ShippingRule.pick_up_at": "> 0",
    "StockRules.buffer": "0.. = 0",
    "StockRules.catalogue_minutes": "1.. = 60",
    "StockRules.count_incoming": "0..100 = 0",
    "StockRules.freeze_backlog": "1.. = 200",
    "StockRules.full_compare_hours": "1.. = 24",
    "StockRules.settle_seconds": "0..3600 = 30",
    "StockRules.write_behind_overlap_minutes": "1..1440 = 10",
    "StoreRules.currencies": "1..",
    "StoreRules.warehouses": "1..",
    "SweepRules.overlap_minutes": "10..1440 = 120",
    "SweepRules.sample": "0..250 = 25",
    "SweepRules.settle_minutes": "0..240 = 10",
    "SweepRules.window_days": "1..60 = 31",
    "TagSource.attribute": "1..255",
    "TagSource.hierarchy": "1..255",
    "TagSource.prefix": "..100",
    "TagSource.text": "1..255",
    "TaxCodeRule.code": "1..255",
    "TaxCodeRule.group": "1..255",
    "TaxPolicy.difference_item": "1..20",
    "TaxPolicy.engine_item_tax_group": "1..20",
    "TaxPolicy.engine_sales_tax_group": "1..20",
    "TaxPolicy.exempt_item_tax_group": "1..20",
    "TaxPolicy.exempt_sales_tax_group": "1..20",
    "TaxPolicy.service_item": "1..20",
    "TaxPolicy.tolerance": "0.. = 2",
    "TaxPolicy.tolerance_per_line": "0.. = 1",
    "TaxRule.countries": "1..",
    "TaxRule.item_tax_group": "1..20",
    "TaxRule.provinces": "1..",
    "TaxRule.sales_tax_group": "1..20",
    "TaxRule.titles": "1..",
    "TaxonomyRule.hierarchy": "1..255",
    "TaxonomyRule.name": "1..255",
    "Tenant.payment_search_seconds": "0..",
    "TextSource.attribute": "1..255",
    "TextSource.hierarchy": "1..255",
    "TextSource.text": "1..255",
    "TrackingWait.minutes": "0..10080",
    "Warehouse.countries": "1..",
    "Warehouse.id": "1..20",
    "Warehouse.latitude": "-90..90",
    "Warehouse.location": "> 0",
    "Warehouse.longitude": "-180..180",
    "Warehouse.site": "1..20",
}
"""Range, then the default after "=". Texts are counted in characters, lists in entries."""


def stated() -> dict[str, str]:
    schema = StoreRules.model_json_schema()
    kinds = {**schema["$defs"], "StoreRules": schema}
    return {
        f"{kind}.{name}": text
        for kind, definition in kinds.items()
        for name, field in definition.get("properties", {}).items()
        if (text := " ".join(texts(field)))
    }


def texts(field: dict[str, Any]) -> Iterator[str]:
    for form in (field, *field.get("anyOf", [])):
        if form.get("exclusiveMinimum") is not None:
            yield f"> {form['exclusiveMinimum']}"
        for least, most in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
            if least in form or most in form:
                yield f"{form.get(least, '')}..{form.get(most, '')}"
    if isinstance(field.get("default"), int | float):
        yield f"= {field['default']}"


def test_the_ranges_and_defaults_of_a_stores_file_are_those_of_the_table() -> None:
    assert stated() == LIMITS
