"""A webhook's body without personal data, for support: goods and amounts are shown, the buyer is not."""

from __future__ import annotations

import re
from typing import Any, Final

HIDDEN: Final = "***"

# Blocks about a person. Within them only the place that decides tax and warehouse is shown.
_PERSONAL: Final = frozenset(
    {"customer", "billing_address", "shipping_address", "default_address", "client_details", "payment_details"}
)
_SHOWN_OF_A_PERSON: Final = frozenset({"id", "country", "country_code", "province", "province_code", "currency"})

# Keys whose texts are not personal. Any other text is hidden, that of a new field of Shopify's too.
_SHOWN: Final = frozenset(
    {
        *("admin_graphql_api_id", "name", "title", "variant_title", "sku", "code", "vendor", "type", "kind", "reason"),
        *("price", "amount", "rate", "discount", "discounted_price", "total_discount", "quantity", "tax", "value_type"),
        *("total_price", "total_tax", "subtotal_price", "total_discounts", "total_line_items_price", "total_weight"),
        *("total_outstanding", "total_tip_received", "current_total_price", "current_total_tax", "po_number"),
        *("current_subtotal_price", "current_total_discounts", "currency", "currency_code", "presentment_currency"),
        *("financial_status", "fulfillment_status", "status", "gateway", "payment_gateway_names", "source_name"),
        *("created_at", "updated_at", "processed_at", "cancelled_at", "closed_at", "cancel_reason"),
        *("fulfillment_service", "target_type", "target_selection", "allocation_method", "carrier_identifier"),
    }
)

# Further keys that Shopify fills, not the buyer: a value of the wrong type is quoted, so that the cause can be found.
_TYPED: Final = frozenset(
    {
        *("id", "order_id", "line_item_id", "product_id", "variant_id", "location_id", "parent_id", "current_quantity"),
        *("channel_liable", "gift_card", "requires_shipping", "product_exists", "test", "taxes_included", "confirmed"),
        *("is_removed", "duties_included", "restock_type", "restock", "subtotal", "refund_shipping_lines"),
        *(
            "line_items",
            "tax_lines",
            "shipping_lines",
            "refunds",
            "transactions",
            "fulfillments",
            "discount_allocations",
        ),
        *("discounted_price_set", "total_discounts_set", "currency_exchange_adjustment", "exchange_rate"),
    }
)
_INDEX: Final = re.compile(r"\[\d+\]")


def is_shown(path: str) -> bool:
    """Whether a value at this JSON path (`line_items[0].sku`) may be quoted in a cause or a note. The path names the
    fields from the top of the payload.
    """
    *blocks, key = _INDEX.sub("", path).split(".")
    personal = not _PERSONAL.isdisjoint(blocks)
    return key in (_SHOWN_OF_A_PERSON if personal else _SHOWN | _TYPED)


def redacted(value: Any, *, key: str = "", personal: bool = False) -> Any:
    """The same JSON value with every text that may be personal replaced by HIDDEN. Numbers outside personal blocks,
    flags and nulls stay.
    """
    match value:
        case dict():
            inside = personal or key in _PERSONAL
            return {name: redacted(part, key=name, personal=inside) for name, part in value.items()}
        case list():
            return [redacted(part, key=key, personal=personal or key in _PERSONAL) for part in value]
        case None | bool() | "":
            return value
        case str():
            return value if key in (_SHOWN_OF_A_PERSON if personal else _SHOWN) else HIDDEN
        case _:
            return value if not personal or key in _SHOWN_OF_A_PERSON else HIDDEN
