"""The definition of the metafield that holds F&O's item number: only with it, products are found by custom id."""

from __future__ import annotations

from typing import Any, Final

from shared.shopify import queries
from shared.shopify.admin.answers import user_errors
from shared.shopify.admin.client import QueryRunner

_IDENTIFIER: Final = {"ownerType": "PRODUCT", "namespace": "$app", "key": "item"}
_DEFINITION: Final[dict[str, Any]] = {
    **_IDENTIFIER,
    "name": "F&O item number",
    "description": "The product's item number in Dynamics 365 Finance & Operations. Written by the connector.",
    "type": "id",
    "access": {"admin": "MERCHANT_READ"},
    "capabilities": {"uniqueValues": {"enabled": True}},
}
_TAKEN: Final = "TAKEN"


async def define_item(admin: QueryRunner) -> str:
    """Makes the definition if the shop has none. Returns "", or why Shopify refused it."""
    found = await admin.run(queries.load("write_back_definition"), {"identifier": _IDENTIFIER})
    if found["metafieldDefinition"]:
        return ""
    payload = await admin.run(queries.load("write_back_define"), {"definition": _DEFINITION})
    errors = [error for error in user_errors(payload["metafieldDefinitionCreate"]) if error.code != _TAKEN]
    return "; ".join(error.message for error in errors)
