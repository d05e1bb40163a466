"""Telling a buyer that goods can be picked up."""

from __future__ import annotations

from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.shopify import queries
from shared.shopify.admin.answers import user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of

_NOTHING_LEFT: Final = "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"


async def tell_ready(admin: AdminClient, fulfillment_order: int) -> bool:
    """Has Shopify write to the buyer that all open goods of the fulfilment order can be picked up. False if the buyer
    has been told before, by an earlier attempt or by staff: then Shopify does not write again.

    Raises RefusedError SHIPMENT_REFUSED with Shopify's words.
    """
    orders = [{"fulfillmentOrderId": gid_of("FulfillmentOrder", fulfillment_order)}]
    variables = {"input": {"lineItemsByFulfillmentOrder": orders}}
    answer = await admin.run(queries.load("shipments_ready"), variables)
    errors = user_errors(answer["fulfillmentOrderLineItemsPreparedForPickup"])
    if any(error.code != _NOTHING_LEFT for error in errors):
        raise RefusedError(ErrorCode.SHIPMENT_REFUSED, message="; ".join(error.message for error in errors))
    return not errors
