"""Every error code: its cause, who acts, and the next step.

docs/errors.md is generated from this table (`python -m shared.error_catalogue > docs/errors.md`), and journal, alerts
and the operator's command show the same texts. Placeholders in braces are filled with the details of the case.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.command_line import run


class Owner(StrEnum):
    """Who acts on it."""

    CLERK = "operations clerk"
    ACCOUNTANT = "accountant"
    FO_ADMIN = "F&O administrator"
    ENGINEER = "integration engineer"


class ErrorCode(StrEnum):
    """What went wrong. The value is the name that journal, alerts and docs/errors.md show."""

    UNKNOWN_STORE = "UNKNOWN_STORE"
    FLOW_OFF = "FLOW_OFF"
    SECRETS_MISSING = "SECRETS_MISSING"
    WRONG_SHOP = "WRONG_SHOP"
    HEADER_MISSING = "HEADER_MISSING"
    SIGNATURE_WRONG = "SIGNATURE_WRONG"
    UNKNOWN_TOPIC = "UNKNOWN_TOPIC"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    NOT_QUEUED = "NOT_QUEUED"
    FO_EVENTS_OFF = "FO_EVENTS_OFF"
    FO_EVENT_KEY_WRONG = "FO_EVENT_KEY_WRONG"
    FO_EVENT_TOO_LARGE = "FO_EVENT_TOO_LARGE"
    FO_EVENT_UNREADABLE = "FO_EVENT_UNREADABLE"
    FO_EVENT_WITHOUT_ORDER = "FO_EVENT_WITHOUT_ORDER"
    FO_EVENT_OTHER_COMPANY = "FO_EVENT_OTHER_COMPANY"
    NOT_JSON = "NOT_JSON"
    NOT_AN_ORDER = "NOT_AN_ORDER"
    ORDER_NOT_NAMED = "ORDER_NOT_NAMED"
    ORDER_GONE = "ORDER_GONE"
    ORDER_TOO_OLD = "ORDER_TOO_OLD"
    ENVELOPE_UNREADABLE = "ENVELOPE_UNREADABLE"
    CLAIM_MISSING = "CLAIM_MISSING"
    TEST_NOTIFICATION = "TEST_NOTIFICATION"
    TEST_ORDER = "TEST_ORDER"
    DATE_ABSURD = "DATE_ABSURD"
    NO_LINES = "NO_LINES"
    ORDER_TOO_LARGE = "ORDER_TOO_LARGE"
    NEGATIVE_AMOUNT = "NEGATIVE_AMOUNT"
    UNKNOWN_SKU = "UNKNOWN_SKU"
    ITEM_OUT_OF_SCOPE = "ITEM_OUT_OF_SCOPE"
    SHIPPED_AFTER_CANCEL = "SHIPPED_AFTER_CANCEL"
    SHIPPED_ORDER_HIDDEN = "SHIPPED_ORDER_HIDDEN"
    SHIPPED_WITHOUT_BOOKING = "SHIPPED_WITHOUT_BOOKING"
    SHIPPED_LINE_UNKNOWN = "SHIPPED_LINE_UNKNOWN"
    SHIPPED_FRACTION = "SHIPPED_FRACTION"
    SHIPPED_FROM_UNKNOWN_WAREHOUSE = "SHIPPED_FROM_UNKNOWN_WAREHOUSE"
    SHIPPED_BY_UNKNOWN_CARRIER = "SHIPPED_BY_UNKNOWN_CARRIER"
    SHIPPED_AT_THIRD_PARTY = "SHIPPED_AT_THIRD_PARTY"
    SHIPPED_ON_HOLD = "SHIPPED_ON_HOLD"
    SHIPPED_NOT_FULFILLABLE = "SHIPPED_NOT_FULFILLABLE"
    SHIPPED_MORE_THAN_OPEN = "SHIPPED_MORE_THAN_OPEN"
    SHIPMENT_REFUSED = "SHIPMENT_REFUSED"
    CAPTURE_DIFFERS = "CAPTURE_DIFFERS"
    CAPTURE_SHORT = "CAPTURE_SHORT"
    CAPTURE_CANCELLED = "CAPTURE_CANCELLED"
    CAPTURE_REFUSED = "CAPTURE_REFUSED"
    CAPTURE_DECLINED = "CAPTURE_DECLINED"
    AUTHORIZATION_EXPIRES = "AUTHORIZATION_EXPIRES"
    AUTHORIZATION_ENDED = "AUTHORIZATION_ENDED"
    CANCELLED_IN_FO = "CANCELLED_IN_FO"
    CANCELLATION_REFUSED = "CANCELLATION_REFUSED"
    GIVEN_UP_IN_FO = "GIVEN_UP_IN_FO"
    GIVEN_UP_NOT_REFUNDED = "GIVEN_UP_NOT_REFUNDED"
    READY_ON_HOLD = "READY_ON_HOLD"
    READY_TAKEN_BACK = "READY_TAKEN_BACK"
    SHIPMENTS_ENTITY_WRONG = "SHIPMENTS_ENTITY_WRONG"
    HOLD_REFUSED = "HOLD_REFUSED"
    HOLD_IMPOSSIBLE = "HOLD_IMPOSSIBLE"
    HOLD_RELEASED_IN_SHOPIFY = "HOLD_RELEASED_IN_SHOPIFY"
    SKU_EMPTY = "SKU_EMPTY"
    LINE_WITHOUT_RULE = "LINE_WITHOUT_RULE"
    AMOUNT_WITHOUT_RULE = "AMOUNT_WITHOUT_RULE"
    CURRENCY_WITHOUT_RULE = "CURRENCY_WITHOUT_RULE"
    TAX_WITHOUT_RULE = "TAX_WITHOUT_RULE"
    TAX_AMBIGUOUS = "TAX_AMBIGUOUS"
    TAX_SETUP_MISSING = "TAX_SETUP_MISSING"
    TAX_SETUP_BEYOND = "TAX_SETUP_BEYOND"
    TAX_DIFFERS = "TAX_DIFFERS"
    SUM_DIFFERS = "SUM_DIFFERS"
    STATE_SUM_DIFFERS = "STATE_SUM_DIFFERS"
    REFUND_SUM_DIFFERS = "REFUND_SUM_DIFFERS"
    REFUND_PLAN_DIFFERS = "REFUND_PLAN_DIFFERS"
    REFUND_REASON_UNKNOWN = "REFUND_REASON_UNKNOWN"
    REFUND_TAX_UNKNOWN = "REFUND_TAX_UNKNOWN"
    REFUND_NOT_INVOICED = "REFUND_NOT_INVOICED"
    REFUND_CHANGED = "REFUND_CHANGED"
    REFUND_WITHOUT_ORDER = "REFUND_WITHOUT_ORDER"
    RETURN_BEYOND_ORDER = "RETURN_BEYOND_ORDER"
    RETURN_UNCLEAR = "RETURN_UNCLEAR"
    TAX_RATE_UNCLEAR = "TAX_RATE_UNCLEAR"
    RETURN_NOT_REFUNDED = "RETURN_NOT_REFUNDED"
    RETURN_FEE_OPEN = "RETURN_FEE_OPEN"
    PAYMENT_WITHOUT_ORDER = "PAYMENT_WITHOUT_ORDER"
    PAYMENTS_DIFFER = "PAYMENTS_DIFFER"
    TRANSACTION_UNKNOWN = "TRANSACTION_UNKNOWN"
    TRANSACTION_CURRENCY = "TRANSACTION_CURRENCY"
    FO_SUM_DIFFERS = "FO_SUM_DIFFERS"
    FO_TAX_GROUPS_REPLACED = "FO_TAX_GROUPS_REPLACED"
    TAX_OF_MARKETPLACE = "TAX_OF_MARKETPLACE"
    TAX_OF_CHARGE = "TAX_OF_CHARGE"
    CHARGE_TAX_ON_TOP = "CHARGE_TAX_ON_TOP"
    SHIPPING_WITHOUT_RULE = "SHIPPING_WITHOUT_RULE"
    UNKNOWN_COUNTRY = "UNKNOWN_COUNTRY"
    NO_ADDRESS = "NO_ADDRESS"
    NO_BUYER = "NO_BUYER"
    PERSONAL_DATA_WITHHELD = "PERSONAL_DATA_WITHHELD"
    ORDER_BEFORE_FIRST_DAY = "ORDER_BEFORE_FIRST_DAY"
    ALREADY_FULFILLED = "ALREADY_FULFILLED"
    PICK_UP_WITHOUT_RULE = "PICK_UP_WITHOUT_RULE"
    PICK_UP_DIVIDED = "PICK_UP_DIVIDED"
    LOCATION_WITHOUT_WAREHOUSE = "LOCATION_WITHOUT_WAREHOUSE"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    NO_WAREHOUSE = "NO_WAREHOUSE"
    CHANGE_HELD = "CHANGE_HELD"
    FURTHER_ORDERS_EXHAUSTED = "FURTHER_ORDERS_EXHAUSTED"
    CHANGE_NOT_TAKEN = "CHANGE_NOT_TAKEN"
    CHANGE_REFUSED = "CHANGE_REFUSED"
    TOO_MANY_LINES = "TOO_MANY_LINES"
    PAYMENT_WITHOUT_RULE = "PAYMENT_WITHOUT_RULE"
    PAYMENT_WITHOUT_RATE = "PAYMENT_WITHOUT_RATE"
    FO_REJECTED = "FO_REJECTED"
    FO_DENIED = "FO_DENIED"
    FO_SET_MISSING = "FO_SET_MISSING"
    FO_FIELD_MISSING = "FO_FIELD_MISSING"
    FO_DUPLICATE = "FO_DUPLICATE"
    FO_FOREIGN_ORDER = "FO_FOREIGN_ORDER"
    FO_NUMBER_REPLACED = "FO_NUMBER_REPLACED"
    CUSTOMER_FIELD_UNUSABLE = "CUSTOMER_FIELD_UNUSABLE"
    FO_REFUND_TWICE = "FO_REFUND_TWICE"
    FO_REFUND_DIFFERS = "FO_REFUND_DIFFERS"
    FO_PAYMENT_TWICE = "FO_PAYMENT_TWICE"
    FO_FOREIGN_PAYMENT = "FO_FOREIGN_PAYMENT"
    SALES_ORDER_DIFFERS = "SALES_ORDER_DIFFERS"
    SALES_ORDER_TWICE = "SALES_ORDER_TWICE"
    HOLD_GONE = "HOLD_GONE"
    PAYMENT_DIFFERS = "PAYMENT_DIFFERS"
    REFUND_DIFFERS = "REFUND_DIFFERS"
    BALANCE_DIFFERS = "BALANCE_DIFFERS"
    INVOICE_DIFFERS = "INVOICE_DIFFERS"
    FO_ORDER_GONE = "FO_ORDER_GONE"
    FO_LINE_UNKNOWN = "FO_LINE_UNKNOWN"
    FO_STATUS_UNKNOWN = "FO_STATUS_UNKNOWN"
    FO_WRONG_COMPANY = "FO_WRONG_COMPANY"
    FO_CONFLICT = "FO_CONFLICT"
    SHOPIFY_REJECTED = "SHOPIFY_REJECTED"
    SHOPIFY_DENIED = "SHOPIFY_DENIED"
    SHOPIFY_SHAPE = "SHOPIFY_SHAPE"
    SUBSCRIPTION_REFUSED = "SUBSCRIPTION_REFUSED"
    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"
    APP_FAILED = "APP_FAILED"
    PRODUCT_AMBIGUOUS = "PRODUCT_AMBIGUOUS"
    PRODUCT_DELETED_IN_SHOP = "PRODUCT_DELETED_IN_SHOP"
    PRODUCT_OF_OTHER_ITEM = "PRODUCT_OF_OTHER_ITEM"
    PRODUCT_OPTIONS_UNLIKE = "PRODUCT_OPTIONS_UNLIKE"
    PRODUCT_PRICES_OFF = "PRODUCT_PRICES_OFF"
    PRODUCT_REFUSED = "PRODUCT_REFUSED"
    PRODUCT_VARIANT_DELETED = "PRODUCT_VARIANT_DELETED"
    PRODUCT_VARIANT_TAKEN = "PRODUCT_VARIANT_TAKEN"
    PRODUCT_VARIANT_WITHOUT_PRICE = "PRODUCT_VARIANT_WITHOUT_PRICE"
    PRODUCT_VARIANTS_FULL = "PRODUCT_VARIANTS_FULL"
    PRODUCT_WITHOUT_PRICE = "PRODUCT_WITHOUT_PRICE"
    PRODUCT_TITLE_MISSING = "PRODUCT_TITLE_MISSING"
    PRODUCT_TEXT_TOO_LONG = "PRODUCT_TEXT_TOO_LONG"
    PRODUCT_SKU_MISSING = "PRODUCT_SKU_MISSING"
    PRODUCT_SKU_DOUBLE = "PRODUCT_SKU_DOUBLE"
    PRODUCT_TOO_MANY_DIMENSIONS = "PRODUCT_TOO_MANY_DIMENSIONS"
    PRODUCT_TOO_MANY_VALUES = "PRODUCT_TOO_MANY_VALUES"
    PRODUCT_TOO_MANY_VARIANTS = "PRODUCT_TOO_MANY_VARIANTS"
    PRODUCT_VALUE_MISSING = "PRODUCT_VALUE_MISSING"
    PRODUCT_VALUES_ALIKE = "PRODUCT_VALUES_ALIKE"
    PRODUCT_VARIANTS_ALIKE = "PRODUCT_VARIANTS_ALIKE"
    PRODUCT_HS_CODE_WRONG = "PRODUCT_HS_CODE_WRONG"
    PRODUCT_COUNTRY_UNKNOWN = "PRODUCT_COUNTRY_UNKNOWN"
    PRODUCT_ATTRIBUTE_WRONG = "PRODUCT_ATTRIBUTE_WRONG"
    PRODUCT_IMAGE_REFUSED = "PRODUCT_IMAGE_REFUSED"
    PRODUCTS_CHANNEL_UNKNOWN = "PRODUCTS_CHANNEL_UNKNOWN"
    PRODUCTS_OTHER_CURRENCY = "PRODUCTS_OTHER_CURRENCY"
    PRODUCTS_READ_SHORT = "PRODUCTS_READ_SHORT"
    PRODUCTS_HELD = "PRODUCTS_HELD"
    PRODUCTS_DAY_LIMIT = "PRODUCTS_DAY_LIMIT"
    FO_READ_SHORT = "FO_READ_SHORT"
    STOCK_SKU_UNKNOWN = "STOCK_SKU_UNKNOWN"
    STOCK_SKU_AMBIGUOUS = "STOCK_SKU_AMBIGUOUS"
    STOCK_REFUSED = "STOCK_REFUSED"
    STOCK_NOT_STOCKED = "STOCK_NOT_STOCKED"
    STOCK_STALE = "STOCK_STALE"
    PRICE_MISSING = "PRICE_MISSING"
    PRICE_ZERO = "PRICE_ZERO"
    PRICE_NEGATIVE = "PRICE_NEGATIVE"
    PRICE_UNIT_UNKNOWN = "PRICE_UNIT_UNKNOWN"
    PRICE_DEPENDS = "PRICE_DEPENDS"
    PRICES_OVERLAP = "PRICES_OVERLAP"
    PRICE_DISCOUNTED = "PRICE_DISCOUNTED"
    PRICE_TAX_UNKNOWN = "PRICE_TAX_UNKNOWN"
    PRICE_TIERS_UNUSABLE = "PRICE_TIERS_UNUSABLE"
    PRICE_QUANTITIES_UNUSABLE = "PRICE_QUANTITIES_UNUSABLE"
    PRICE_CURRENCY_UNLISTED = "PRICE_CURRENCY_UNLISTED"
    PRICE_REFUSED = "PRICE_REFUSED"
    PRICE_EDITED = "PRICE_EDITED"
    PRICES_HELD = "PRICES_HELD"
    PRICES_READ_SHORT = "PRICES_READ_SHORT"
    PRICE_SHOP_MISMATCH = "PRICE_SHOP_MISMATCH"
    PRICE_LIST_MISMATCH = "PRICE_LIST_MISMATCH"
    PRICE_LIST_REFUSED = "PRICE_LIST_REFUSED"
    PRICE_SERVICE_WRONG = "PRICE_SERVICE_WRONG"
    PRICE_PROOF_DIFFERS = "PRICE_PROOF_DIFFERS"


@dataclass(frozen=True, slots=True)
class Entry:
    cause: str
    owner: Owner
    next_step: str
    status: int | None = None
    """The HTTP status of a webhook that is refused, or ignored. None for what is parked or reported."""


_REPLAY: Final = "Then replay the parked message (python -m shared.operator replay)."
_DISCARD: Final = "Then discard the parked message (python -m shared.operator discard)."
_TRIED_AGAIN: Final = (
    "It is tried again within products.full_compare_hours (24), when the product changes in F&O, or at once after "
    "python -m shared.operator compare STORE products."
)
_DELETED: Final = (
    " If the admin does not show it, it was deleted: do in F&O by hand what is left to do, and discard the parked "
    "message (python -m shared.operator discard)."
)
_BY_HAND: Final = (
    "enter the order in F&O by hand and discard the parked message with its number (python -m shared.operator discard "
    "--sales-order)."
)

CATALOGUE: Final[dict[ErrorCode, Entry]] = {
    # ---- intake: the webhook is refused, and Shopify repeats it
    ErrorCode.UNKNOWN_STORE: Entry(
        "No store with the key {store} is configured.",
        Owner.ENGINEER,
        "Correct the webhook's address in Shopify, or add config/stores/{store}.toml and deploy.",
        404,
    ),
    ErrorCode.SECRETS_MISSING: Entry(
        "The store {store} is configured, but the app does not have all of its secrets.",
        Owner.ENGINEER,
        "Open /api/health, which names those that are missing, enter them in Key Vault and restart the app "
        "(docs/deploy.md, “Secrets”). Until then Shopify repeats the store's webhooks, for four hours; the sweep finds "
        "the orders of longer ones.",
        503,
    ),
    ErrorCode.WRONG_SHOP: Entry(
        "The webhook names the shop {shop}, which is not the shop of store {store}.",
        Owner.ENGINEER,
        "In Shopify, give the shop's webhooks the address of its own store.",
        401,
    ),
    ErrorCode.HEADER_MISSING: Entry(
        "The request has no header {header} of at most {limit} characters of plain text, so it is not a webhook of "
        "Shopify.",
        Owner.ENGINEER,
        "Nothing, unless Shopify's delivery log shows this failure. Then check the proxies between Shopify and "
        "the app.",
        400,
    ),
    ErrorCode.SIGNATURE_WRONG: Entry(
        "The signature does not match the body under any of the store's valid secrets.",
        Owner.ENGINEER,
        "If Shopify's secret was rotated, add the new secret in front of the old one. If not, the request did "
        "not come from Shopify, and nothing is to be done.",
        401,
    ),
    ErrorCode.BODY_TOO_LARGE: Entry(
        "The body has {size} bytes, more than the limit of {limit}: its signature is not computed.",
        Owner.ENGINEER,
        "Nothing for a request that did not come from Shopify. For one that did, the sweep fetches the order within a "
        "quarter of an hour. If Shopify removed the subscription after eight failures, the next sweep "
        "makes it again.",
        413,
    ),
    ErrorCode.NOT_QUEUED: Entry(
        "Service Bus, or the storage account for a large body or a note, did not confirm in time.",
        Owner.ENGINEER,
        "Nothing at first: Shopify sends the webhook again, and a timer finds what an event of F&O was about. If it "
        "goes on, check the health and the quotas of "
        "the Service Bus namespace and the storage account.",
        503,
    ),
    # ---- business events of F&O. Whatever is not accepted, the timer push_shipments finds what it was about
    ErrorCode.FO_EVENTS_OFF: Entry(
        "The app takes no business events of F&O: it has no key for them.",
        Owner.ENGINEER,
        "Remove the endpoint in F&O, or enter the secret d365-event-keys in Key Vault, deploy with foEventsHttps = "
        "true and restart the app (docs/deploy.md, “Business events of F&O”). Shipments reach Shopify without it.",
        404,
    ),
    ErrorCode.FO_EVENT_KEY_WRONG: Entry(
        "The address has no key, or another one than the app knows.",
        Owner.ENGINEER,
        "Nothing for a request that did not come from F&O. For one that did: compare the address in F&O's Key Vault "
        "with the secret d365-event-keys, and restart the app after a change (docs/deploy.md, “Business events of "
        "F&O”).",
        401,
    ),
    ErrorCode.FO_EVENT_TOO_LARGE: Entry(
        "The event has {size} bytes, more than the limit of {limit}.",
        Owner.ENGINEER,
        "Let the event have the number of the sales order and little else; the app reads the rest in F&O.",
        413,
    ),
    ErrorCode.FO_EVENT_UNREADABLE: Entry(
        "The event cannot be read: {problem}.",
        Owner.ENGINEER,
        "Activate only business events of F&O for this endpoint, whose bodies are JSON objects.",
        400,
    ),
    ErrorCode.FO_EVENT_WITHOUT_ORDER: Entry(
        "The event names no sales order: it has none of the fields {fields}, or no number of a sales order in them.",
        Owner.ENGINEER,
        "Nothing for the test that F&O sends when an event is activated. Otherwise deactivate the event for this "
        "endpoint, or give its contract one of the fields.",
        200,
    ),
    ErrorCode.FO_EVENT_OTHER_COMPANY: Entry(
        "The event is of the company {company}, of which no store has the flow shipments on.",
        Owner.ENGINEER,
        "Deactivate the event for this company in F&O, or switch flows.shipments on in the store's file.",
        200,
    ),
    # ---- intake: the webhook is signed, and ignored. Shopify does not repeat it
    ErrorCode.FLOW_OFF: Entry(
        "The store {store} is configured, but its flow {flow} is switched off.",
        Owner.ENGINEER,
        "Nothing while the flow is to be off. Once it is on (flows.{flow} = true in config/stores/{store}.toml), the "
        "sweep brings what changed in Shopify since it last ran.",
        200,
    ),
    ErrorCode.UNKNOWN_TOPIC: Entry(
        "No flow of the app handles the topic {topic}.",
        Owner.ENGINEER,
        "Remove the subscription in Shopify, or give it the address of the app that it is meant for.",
        200,
    ),
    # ---- reading the message's body
    ErrorCode.NOT_JSON: Entry(
        "The body has Shopify's signature but is not JSON ({problem}).",
        Owner.ENGINEER,
        "Compare the stored body with the order in Shopify, and report it to Shopify with the webhook's id. Change the "
        "order in Shopify, for example by a tag: Shopify then sends it again. " + _DISCARD,
    ),
    ErrorCode.NOT_AN_ORDER: Entry(
        "The body is JSON but does not have the form that Shopify documents for an order: {problem}.",
        Owner.ENGINEER,
        "Correct the subscription's API version in Shopify, or remove its includeFields. Then change the order, for "
        "example by a tag: Shopify sends it again, with a body that can be read. " + _DISCARD,
    ),
    ErrorCode.ORDER_NOT_NAMED: Entry(
        "The body of {topic} has Shopify's signature but no order id (id, order_id or admin_graphql_api_id).",
        Owner.ENGINEER,
        "Remove includeFields from the subscription in Shopify: the app needs whole orders (docs/deploy.md). Then "
        "change the order in Shopify, for example by a tag: Shopify sends it again. " + _DISCARD,
    ),
    ErrorCode.ORDER_GONE: Entry(
        "A webhook names the order {order}, but Shopify has no such order.",
        Owner.CLERK,
        "If Shopify's admin shows the order, wait until the app can read it. " + _REPLAY + _DELETED,
    ),
    ErrorCode.ORDER_TOO_OLD: Entry(
        "A webhook names the order {order}, which Shopify does not show to the app. Orders older than 60 days are "
        "hidden from an app without the access scope {scope}, and the app does not have it.",
        Owner.ENGINEER,
        "If Shopify's admin shows the order, request the scope {scope} for the app (docs/deploy.md, “Shopify”), grant "
        "it and install the app again. " + _REPLAY + _DELETED,
    ),
    ErrorCode.ENVELOPE_UNREADABLE: Entry(
        "A message in the queue does not have the form of this app's messages: {problem}.",
        Owner.ENGINEER,
        "If a newer release wrote it, replay it with that release (docs/upgrade.md, “Roll back”). Otherwise find "
        "out what else sends to this queue: only this app may. " + _DISCARD,
    ),
    ErrorCode.CLAIM_MISSING: Entry(
        "The message's body was stored in Blob Storage ({blob}), and is missing or was changed.",
        Owner.ENGINEER,
        "Check the lifecycle rule of the container `claims`. Then change the order in Shopify, for example by a "
        "tag, so that Shopify sends it again. " + _DISCARD,
    ),
    ErrorCode.TEST_NOTIFICATION: Entry(
        "This is Shopify's sample notification and not an order. Nothing is booked.",
        Owner.ENGINEER,
        "It shows that webhooks arrive, and nothing is to be corrected. " + _DISCARD,
    ),
    ErrorCode.TEST_ORDER: Entry(
        "The order is a test order: it is from a development store, or was paid through a test gateway. Nothing "
        "is booked.",
        Owner.ENGINEER,
        'Nothing in a real shop. To book test orders too, set orders.test_orders = "book" in '
        "config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.DATE_ABSURD: Entry(
        "The order's date {field} is {value}, which is not possible.",
        Owner.CLERK,
        "Shopify does not let anybody change this date: " + _BY_HAND,
    ),
    # ---- the order, its payments and refunds
    ErrorCode.NO_LINES: Entry(
        "The order has no lines, so nothing was sold.",
        Owner.CLERK,
        "Check the order in Shopify. If it is a real order, add what was sold by an edit: Shopify then sends it again. "
        + _DISCARD,
    ),
    ErrorCode.ORDER_TOO_LARGE: Entry(
        "The order has {count} {what}, more than the {limit} that the app reads.",
        Owner.CLERK,
        "Check in Shopify which app made this order. If it is a real one, place it in Shopify as several smaller "
        "orders and cancel this one, or " + _BY_HAND,
    ),
    ErrorCode.NEGATIVE_AMOUNT: Entry(
        "The amount of {what} is negative ({amount}).",
        Owner.CLERK,
        "Check in Shopify which app made this amount: what is given back belongs in a refund. For this order, "
        + _BY_HAND,
    ),
    ErrorCode.UNKNOWN_SKU: Entry(
        "SKU {sku} ({title}) is not an item that F&O has released in company {company}.",
        Owner.CLERK,
        "Release an item with the number {sku} in F&O. "
        + _REPLAY
        + " If the SKU is wrong, correct it in Shopify for the orders to come, which changes no order that was placed. "
        "Then remove the line from this order in Shopify and add the product again, or " + _BY_HAND,
    ),
    ErrorCode.ITEM_OUT_OF_SCOPE: Entry(
        "Item {item} (SKU {sku}) {reason} in company {company}, which an order of the connector cannot express.",
        Owner.FO_ADMIN,
        "Decide how the item is sold on the web: release another item for it, sold and stocked by the piece, and give "
        "its number as the SKU; or, for batch and serial numbers that picking registers, set orders.tracked_items in "
        "config/stores/{store}.toml. " + _REPLAY + " Until then, " + _BY_HAND,
    ),
    ErrorCode.SHIPPED_AFTER_CANCEL: Entry(
        "Packing slip {slip} of {sales_order} has {units} units of an order that is cancelled in Shopify.",
        Owner.CLERK,
        "Act at once: the buyer may have the money back already. Stop the parcel and cancel the packing slip in F&O, "
        "which closes this; or agree with the buyer to return or pay the goods, and discard this message. Shopify "
        "shows nothing of a cancelled order as sent.",
    ),
    ErrorCode.SHIPPED_WITHOUT_BOOKING: Entry(
        "F&O ships a sales order with the reference of order {order}, which the app has not booked.",
        Owner.CLERK,
        "Find out who entered the sales order. If the app is to book the order, cancel that sales order, and if the "
        "order is not parked, bring it (operator bring). If the sales order stays, fulfil the order in Shopify by hand "
        "and discard this message.",
    ),
    ErrorCode.SHIPPED_LINE_UNKNOWN: Entry(
        "Packing slip {slip} of {sales_order} has {quantity} of item {item} (lot {lot}), a line that the app did not "
        "write: staff added it in F&O.",
        Owner.CLERK,
        "Shopify does not show it. If it replaces an item of the order, edit the order in Shopify (remove the old item "
        "there), or fulfil the old item there by hand. If it is an extra, tell the buyer. Then discard this message.",
    ),
    ErrorCode.SHIPPED_ORDER_HIDDEN: Entry(
        "F&O shows neither {sales_order} nor its packing slips any more. What Shopify shows of them stays as it is.",
        Owner.FO_ADMIN,
        "Where the sales order was archived or deleted, nothing is to be done: discard the message (python -m "
        "shared.operator discard). Where F&O hides it, let the app's user read it again (roles, policies of data "
        "security). " + _REPLAY,
    ),
    ErrorCode.SHIPPED_FRACTION: Entry(
        "Packing slip {slip} of {sales_order} has {quantity} units of lot {lot}, and Shopify knows whole units only.",
        Owner.FO_ADMIN,
        "Correct the packing slip, or the item's sales unit, in F&O: one unit must be one piece. The next run of "
        "push_shipments shows the rest; until then only whole units are shown.",
    ),
    ErrorCode.SHIPPED_FROM_UNKNOWN_WAREHOUSE: Entry(
        "Packing slip {slip} of {sales_order} left warehouse {warehouse}, which store {store} does not have among its "
        "[[warehouses]].",
        Owner.ENGINEER,
        "Add the warehouse with its location to config/stores/{store}.toml. Until then its goods are fulfilled at the "
        "location that Shopify assigned, whose stock they are taken from.",
    ),
    ErrorCode.SHIPPED_BY_UNKNOWN_CARRIER: Entry(
        "Packing slip {slip} of {sales_order} was sent by {carrier}. Shopify does not know the tracking page of a "
        "carrier with this name, and neither F&O nor the rules have its address.",
        Owner.ENGINEER,
        "The shipment is shown, and the buyer gets the number without a link. Add the carrier to shipments.carriers in "
        "config/stores/{store}.toml: with Shopify's name for it, or with a `url`. Then replay: the link is added, "
        "without a second mail.",
    ),
    ErrorCode.SHIPPED_AT_THIRD_PARTY: Entry(
        "Packing slip {slip} of {sales_order} has {units} units that Shopify has assigned to a fulfilment service.",
        Owner.CLERK,
        "Find out who ships: the goods may leave twice. In Shopify cancel the fulfilment request and change the "
        "location of the items to your own, then replay; or in F&O cancel the packing slip.",
    ),
    ErrorCode.SHIPPED_ON_HOLD: Entry(
        "Packing slip {slip} of {sales_order} has {units} units whose fulfilment is on hold in Shopify ({reasons}).",
        Owner.CLERK,
        "The goods have left. If that was right, release the hold in Shopify, and the buyer gets the notice; if not, "
        "stop the parcel.",
    ),
    ErrorCode.SHIPPED_NOT_FULFILLABLE: Entry(
        "Packing slip {slip} of {sales_order} has {units} units whose fulfilment order is {status} in Shopify, which "
        "lets the app fulfil nothing of it.",
        Owner.CLERK,
        "Fulfil the units in Shopify by hand, or change their location there, which gives them an open fulfilment "
        "order. " + _REPLAY,
    ),
    ErrorCode.SHIPPED_MORE_THAN_OPEN: Entry(
        "Packing slip {slip} of {sales_order} has {units} units more than Shopify has open.",
        Owner.CLERK,
        "Compare both orders: too much was delivered, the units were removed from the order in Shopify, or a "
        "fulfilment service has them, which Shopify may not show to the app. Correct the packing slip in F&O, or agree "
        "with the buyer; nothing more is shown in Shopify.",
    ),
    ErrorCode.SHIPMENT_REFUSED: Entry(
        "Shopify refused to show a shipment: {message}",
        Owner.CLERK,
        "Look at the order's fulfilment in Shopify: a location that does not stock the item, a request to a fulfilment "
        "service, or a change by staff at the same moment. Correct it there. " + _REPLAY,
    ),
    ErrorCode.CAPTURE_DIFFERS: Entry(
        "F&O invoiced {invoiced}, of which {paid} is paid and {due} is due, but the order still costs {outstanding} in "
        "Shopify.",
        Owner.ACCOUNTANT,
        "Nothing more is captured. Compare the invoices of the sales order in F&O with the order in Shopify: units "
        "that F&O gave up, charges and tax that it added, one invoice for several orders. Correct the order in "
        "Shopify, or F&O by a credit note or an invoice of the sales order. If both are right as they are, capture or "
        "refund the difference in Shopify. " + _REPLAY,
    ),
    ErrorCode.CAPTURE_SHORT: Entry(
        "F&O invoiced {invoiced}, {paid} is paid, and no authorisation is left for {missing} of it.",
        Owner.CLERK,
        "The order costs more than was authorised, or its authorisation takes no further capture. Ask the buyer for "
        "the rest: in Shopify, send an invoice of the order. " + _REPLAY,
    ),
    ErrorCode.CAPTURE_CANCELLED: Entry(
        "The order is cancelled in Shopify, and F&O invoiced {invoiced} of it, of which {paid} is paid.",
        Owner.CLERK,
        "Find out whether the goods left. If they did, ask the buyer for the money or for the goods; if not, correct "
        "the invoice in F&O by a credit note of the sales order. " + _REPLAY,
    ),
    ErrorCode.CAPTURE_REFUSED: Entry(
        "Shopify refused to capture {amount}: {message}",
        Owner.CLERK,
        "Look at the payment of the order in Shopify, and capture it there if that works. If Shopify says that the app "
        "may not, let an administrator give the app the permission to capture payments. " + _REPLAY,
    ),
    ErrorCode.CAPTURE_DECLINED: Entry(
        "The payment provider did not pay the capture of {amount}: {reason}.",
        Owner.CLERK,
        "Stop what has not left yet. Try the capture again in Shopify, or ask the buyer for another payment: in "
        "Shopify, send an invoice of the order. " + _REPLAY,
    ),
    ErrorCode.AUTHORIZATION_EXPIRES: Entry(
        "An authorisation of {left} expires at {expires_at}, and F&O has invoiced {invoiced} of the order so far, of "
        "which {paid} is paid.",
        Owner.CLERK,
        "Ship and invoice the rest before that, or capture the money in Shopify, if you may before the goods leave. "
        'Otherwise ask the buyer for another payment. captures.expiring = "capture_all" captures it by itself.',
    ),
    ErrorCode.AUTHORIZATION_ENDED: Entry(
        "An authorisation of the order is {reason}: F&O invoiced {invoiced}, {paid} is paid, and {missing} cannot be "
        "captured any more.",
        Owner.CLERK,
        "Stop what has not left yet. Ask the buyer for another payment: in Shopify, send an invoice of the order. "
        + _REPLAY,
    ),
    ErrorCode.CANCELLED_IN_FO: Entry(
        "F&O has cancelled {sales_order}, and Shopify still has {units} units of the order open{obstacle}.",
        Owner.CLERK,
        "Nothing will be delivered: cancel the order in Shopify, with a refund if the buyer has paid. If F&O is wrong, "
        "add the lines to the sales order again. This closes by itself once one of both is done. With "
        '[order_status.cancelled] action = "cancel" in config/stores/{store}.toml Shopify\'s order is cancelled by '
        "itself.",
    ),
    ErrorCode.CANCELLATION_REFUSED: Entry(
        "Shopify refused to cancel the order that F&O has cancelled: {message}",
        Owner.CLERK,
        "Cancel the order in Shopify by hand, or undo there what the message names. " + _REPLAY,
    ),
    ErrorCode.GIVEN_UP_IN_FO: Entry(
        "F&O will not deliver {lines} of {sales_order}, worth {worth} together, and Shopify still has them open.",
        Owner.CLERK,
        "The buyer has ordered them and waits. Refund the units in Shopify as removed items, or deliver them after "
        "all: enter them in F&O's *Deliver remainder* again. This closes by itself once one of both is done. With "
        '[given_up] action = "refund" in config/stores/{store}.toml such units are refunded by themselves.',
    ),
    ErrorCode.GIVEN_UP_NOT_REFUNDED: Entry(
        "Shopify refused the refund of units that F&O will not deliver: {message}",
        Owner.CLERK,
        "Refund the units in Shopify by hand, as removed items, or correct what the message names. " + _REPLAY,
    ),
    ErrorCode.READY_ON_HOLD: Entry(
        "{units} units are ready to be picked up, and their fulfilment is on hold in Shopify ({reasons}). The buyer "
        "has not been told.",
        Owner.CLERK,
        "Release the hold in Shopify if the buyer may have the goods. "
        + _REPLAY
        + " Shopify then writes to the buyer.",
    ),
    ErrorCode.READY_TAKEN_BACK: Entry(
        "The buyer was told that goods can be picked up, and F&O does not show {units} units of them as ready any "
        "more.",
        Owner.CLERK,
        "Shopify cannot take that back. Tell the buyer to wait, and make the goods ready again in F&O. " + _REPLAY,
    ),
    ErrorCode.SHIPMENTS_ENTITY_WRONG: Entry(
        "F&O's entity set {entity_set}, from which shipments are read, has “{value}” in {field}, which is no {kind}.",
        Owner.FO_ADMIN,
        "Correct the entity, or the names of its fields in shipments_entity of the company (config/tenants), check "
        "them with the probe (python -m tools.probe), and deploy. " + _REPLAY,
    ),
    ErrorCode.HOLD_REFUSED: Entry(
        "Shopify refused to set or to release a hold: {message}",
        Owner.CLERK,
        "Compare the holds of both orders, and set or release the one in Shopify by hand. " + _REPLAY,
    ),
    ErrorCode.HOLD_IMPOSSIBLE: Entry(
        "F&O holds {sales_order} ({origin}), and Shopify takes no hold of its fulfilment orders {fulfillment_orders}: "
        "a fulfilment service has them, or they have as many holds as an app may set.",
        Owner.CLERK,
        "If the goods must not leave, cancel the fulfilment request in Shopify. " + _REPLAY + " It closes by itself "
        "when the hold in F&O has ended and the order is looked at again, within an hour.",
    ),
    ErrorCode.HOLD_RELEASED_IN_SHOPIFY: Entry(
        "The hold of F&O's ({origin}) was released in Shopify, and F&O still holds {sales_order}.",
        Owner.CLERK,
        "The app does not set it again. If the order may leave, release it in F&O, and this closes by itself; if not, "
        "hold the order in Shopify by hand.",
    ),
    ErrorCode.SKU_EMPTY: Entry(
        "The line “{title}” has no {missing}.",
        Owner.CLERK,
        "A SKU that the product gets now stays missing on this order's line. Set orders.sku_missing in "
        "config/stores/{store}.toml: such lines are then found by the variant's barcode or id, or are one item of "
        "your choice. " + _REPLAY + " Or " + _BY_HAND,
    ),
    ErrorCode.LINE_WITHOUT_RULE: Entry(
        "The order has a {kind} (“{title}”), and the store's file does not say which F&O item it is booked on.",
        Owner.ENGINEER,
        "Add {key} to config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.AMOUNT_WITHOUT_RULE: Entry(
        "The order has {what} of {amount}, and the store's file does not say where that is booked in F&O.",
        Owner.ENGINEER,
        "Add {key} to config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.CURRENCY_WITHOUT_RULE: Entry(
        "The order is in {currency}, which the store does not book.",
        Owner.ENGINEER,
        "If F&O has exchange rates for {currency}, add it to currencies in config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.TAX_WITHOUT_RULE: Entry(
        "No tax rule fits “{title}” at {rate} % for {country} {province}.",
        Owner.ACCOUNTANT,
        "Add a [[taxes]] rule with rates = [{fraction}] and the F&O tax groups to config/stores/{store}.toml. "
        + _REPLAY,
    ),
    ErrorCode.TAX_AMBIGUOUS: Entry(
        "The order's lines need different sales tax groups ({groups}), but a sales order to one destination has one.",
        Owner.ACCOUNTANT,
        "Change the [[taxes]] rules for {country} so that all name the same sales_tax_group. " + _REPLAY,
    ),
    ErrorCode.TAX_SETUP_MISSING: Entry(
        "In F&O, company {company} has no {what}.",
        Owner.FO_ADMIN,
        "Create it in F&O, or correct the tax rules in the store's file. " + _REPLAY,
    ),
    ErrorCode.TAX_SETUP_BEYOND: Entry(
        "The app cannot compute the tax of F&O's tax code {tax_code}: {problem}.",
        Owner.ACCOUNTANT,
        'Use another tax code for these sales, or set tax.verify = "rules" in config/stores/{store}.toml. ' + _REPLAY,
    ),
    ErrorCode.TAX_DIFFERS: Entry(
        "F&O would compute a tax of {expected}, but Shopify charged {charged}.",
        Owner.ACCOUNTANT,
        "Compare the rates of the F&O tax groups with the tax settings in Shopify, or change tax.tolerance or "
        "tax.policy. " + _REPLAY,
    ),
    ErrorCode.TAX_OF_CHARGE: Entry(
        "Shopify charged a tax of {charged} on {what} of {amount}, of which F&O would compute {expected}.",
        Owner.ACCOUNTANT,
        'Set tax.policy = "service_line" in config/stores/{store}.toml, so that Shopify\'s tax is booked as it is. '
        + _REPLAY
        + " Or "
        + _BY_HAND,
    ),
    ErrorCode.CHARGE_TAX_ON_TOP: Entry(
        "The order's prices include tax, but a tax of {tax} on its duties or fees is on top of them.",
        Owner.ACCOUNTANT,
        "A sales order in F&O has all its tax either in the prices or on top: " + _BY_HAND,
    ),
    ErrorCode.SUM_DIFFERS: Entry(
        "The parts of the order sum to {sum}, but its total in Shopify is {total} (difference {difference}).",
        Owner.ACCOUNTANT,
        "Compare the order in Shopify part by part with the proof (operator show). Nothing was sent to F&O. If "
        "Shopify's total is right, " + _BY_HAND,
    ),
    ErrorCode.STATE_SUM_DIFFERS: Entry(
        "The order does not add up after its edits and refunds: {problem}.",
        Owner.ACCOUNTANT,
        "Compare the order in Shopify line by line with these figures, make the change in F&O by hand as Shopify shows "
        "it, or correct the order in Shopify by a further edit. Nothing was changed in F&O. " + _DISCARD,
    ),
    ErrorCode.REFUND_SUM_DIFFERS: Entry(
        "The parts of refund {refund} sum to {sum}, but {total} was given back (difference {difference}).",
        Owner.ACCOUNTANT,
        "Compare the refund in Shopify with its transactions; the proof in the journal has both. F&O has the credit of "
        "the parts; what was not paid out of it stays on the customer's account. If the payment is wrong, pay the "
        "difference out, or claim it back: the next comparison reports nothing once the buyer has what is owed. If the "
        "credit is wrong, correct it in F&O by hand; the report ends when the order is older than sweep.window_days.",
    ),
    ErrorCode.REFUND_PLAN_DIFFERS: Entry(
        "The credits for refund {refund} in F&O would sum to {sum}, but the refund is {total} (difference "
        "{difference}).",
        Owner.ACCOUNTANT,
        "Compare the refund in Shopify part by part, and enter the credit in F&O by hand. Nothing was sent to F&O. "
        + _DISCARD,
    ),
    ErrorCode.REFUND_REASON_UNKNOWN: Entry(
        "Refund {refund} has an adjustment, or a fee, for the reason “{reason}”, which Shopify does not document.",
        Owner.ENGINEER,
        "Replay the parked message (python -m shared.operator replay): the app then reads the refund from Shopify's "
        "API, which may give a reason that it knows. Otherwise look up in Shopify's release notes what the reason "
        "means, and add it to the app. If the credit cannot wait for that, enter a free text invoice in F&O by hand "
        "with the customer reference shopify-{store}-r{refund}: the app takes it for its own and credits nothing else. "
        + _DISCARD,
    ),
    ErrorCode.REFUND_TAX_UNKNOWN: Entry(
        "Refund {refund} gives back {tax} of tax for “{what}”, which the order did not tax.",
        Owner.ACCOUNTANT,
        "Compare the tax of the refund with the tax of the order in Shopify, and enter the credit in F&O by hand. "
        + _DISCARD,
    ),
    ErrorCode.REFUND_NOT_INVOICED: Entry(
        "Refund {refund} returns goods ({goods}) that F&O has not invoiced on {sales_order} after {hours} hours.",
        Owner.CLERK,
        "In F&O, post the packing slip and the invoice of the sales order, or find out why the batch jobs did "
        "not. " + _REPLAY,
    ),
    ErrorCode.REFUND_CHANGED: Entry(
        "Refund {refund} was credited in F&O as {booked}, but in Shopify it is {now} now.",
        Owner.ACCOUNTANT,
        "Check in Shopify whether the payment of the refund failed, and correct {documents} in F&O by hand. "
        + _DISCARD,
    ),
    ErrorCode.REFUND_WITHOUT_ORDER: Entry(
        "Refund {refund} of {amount} needs a credit in F&O, but its order was cancelled, or all its lines were "
        "refunded, before it reached F&O.",
        Owner.ACCOUNTANT,
        "Check the refund in Shopify, and enter in F&O by hand what is left to credit. " + _DISCARD,
    ),
    ErrorCode.RETURN_BEYOND_ORDER: Entry(
        "{quantity} of order line {line} came back, but the sales order in F&O has fewer that were not returned yet.",
        Owner.CLERK,
        "Compare the sales order and its return orders in F&O with the order in Shopify. If the line is not invoiced "
        "yet, correct its quantity, and post packing slip and invoice. "
        + _REPLAY
        + " If it is, enter in F&O by hand what is left to credit. "
        + _DISCARD,
    ),
    ErrorCode.TAX_RATE_UNCLEAR: Entry(
        "{where} has the rate {rate}, which is no fraction, and a tax of {tax} on {base}, which gives no rate.",
        Owner.ACCOUNTANT,
        "Look up in Shopify, or in the tax app, which rate was charged. If the tax is wrong, correct it there and "
        "replay the parked message (python -m shared.operator replay). If it is right, enter the order in F&O by hand. "
        + _DISCARD,
    ),
    ErrorCode.RETURN_UNCLEAR: Entry(
        "{units} of order line {line} ({title}) are missing in Shopify although they were shipped, and no return of "
        "the order explains it.",
        Owner.CLERK,
        "Look at the order's timeline in Shopify. Replay the parked message (python -m shared.operator replay) a few "
        "minutes later: Shopify may show the return by then. If goods came back without a return, make the change in "
        "F&O by hand. Nothing was changed in F&O. " + _DISCARD,
    ),
    ErrorCode.RETURN_NOT_REFUNDED: Entry(
        "{goods}, worth {worth}, came back in returns that Shopify has processed, and nothing was refunded for them; "
        "{fees} of fees was charged. {sales_order} has the goods as sold.",
        Owner.ACCOUNTANT,
        "Refund the return in Shopify: the app then credits the goods less the fees. If the buyer is to get nothing "
        "(the goods were exchanged for others of the same value, or the return is closed), enter a return order and "
        "the fees in F&O by hand; the report ends when the order is older than sweep.window_days.",
    ),
    ErrorCode.RETURN_FEE_OPEN: Entry(
        "{fees} was charged for returns after all their goods were credited, or without a refund: {sales_order} does "
        "not have it.",
        Owner.ACCOUNTANT,
        "Enter the fee on a free text invoice for the customer in F&O by hand, if the buyer paid it; or give the fee "
        "back in Shopify. The report ends with the fee, or when the order is older than sweep.window_days.",
    ),
    ErrorCode.PAYMENT_WITHOUT_ORDER: Entry(
        "The order was cancelled, or all its lines were refunded, before it reached F&O, and a part of its money "
        "was not given back (transactions {transactions}).",
        Owner.ACCOUNTANT,
        "Check the order in Shopify: give the buyer what the buyer is owed, and enter in F&O by hand what the "
        "store keeps. " + _DISCARD,
    ),
    ErrorCode.PAYMENTS_DIFFER: Entry(
        "The order's payments contradict each other: {problem}.",
        Owner.ACCOUNTANT,
        "Compare the payments of the order in Shopify with those at the payment provider. If Shopify lacks a payment, "
        "record it there. "
        + _REPLAY
        + " If a payment in Shopify is wrong, book in F&O by hand what the provider has. "
        + _DISCARD,
    ),
    ErrorCode.TRANSACTION_UNKNOWN: Entry(
        "Payment transaction {transaction} has the {field} “{value}”, which Shopify does not document.",
        Owner.ENGINEER,
        "Replay the parked message (python -m shared.operator replay): the app then reads the payment from Shopify's "
        "API, which may give a value that it knows. Otherwise look up in Shopify's release notes what the value means, "
        "and add it to the app. If the payment cannot wait for that, book it in F&O by hand with the payment id "
        "{transaction} and the sales order as payment reference: the app takes it for its own. " + _DISCARD,
    ),
    ErrorCode.TRANSACTION_CURRENCY: Entry(
        "Payment transaction {transaction} is in {paid}, and Shopify gives no amount in {booked}.",
        Owner.ACCOUNTANT,
        "Book the payment in F&O by hand, at the payment provider's rate. " + _DISCARD,
    ),
    ErrorCode.FO_SUM_DIFFERS: Entry(
        "F&O booked {booked} for the order's lines, but the app sent {expected}.",
        Owner.ACCOUNTANT,
        "Look for trade agreements in F&O that override the price or the discount. The order is held in F&O. Correct "
        "its lines there, or end the agreement. " + _REPLAY,
    ),
    ErrorCode.FO_TAX_GROUPS_REPLACED: Entry(
        "F&O put other tax groups on {sales_order} than the app sent, and would post another tax: {what}.",
        Owner.ACCOUNTANT,
        "The order is held in F&O. Look for what sets the tax groups of new orders there: the delivery address, the "
        "customer, or an engine outside F&O, for which there is tax.verify. If the groups that were sent are right, "
        "replay the parked message (python -m shared.operator replay): the app writes them again, and releases the "
        "order. If F&O's are right, correct [[taxes]] for later orders, discard the message with this one's number "
        "(python -m shared.operator discard --sales-order), and release it in F&O: people look after the order then.",
    ),
    ErrorCode.TAX_OF_MARKETPLACE: Entry(
        "A marketplace owes the tax “{title}” of {amount}, and tax.marketplace has no rule for that{reason}.",
        Owner.ACCOUNTANT,
        'Enter the order in F&O by hand, or set tax.marketplace in config/stores/{store}.toml: "leave_out", or '
        '"take_out" where prices include tax. ' + _REPLAY,
    ),
    ErrorCode.SHIPPING_WITHOUT_RULE: Entry(
        "No [[shipping]] rule fits the shipping method “{title}” (code {shipping_code}).",
        Owner.ENGINEER,
        "Add a [[shipping]] rule to config/stores/{store}.toml with the F&O mode of delivery. " + _REPLAY,
    ),
    ErrorCode.UNKNOWN_COUNTRY: Entry(
        "The address names the country “{country}”, which does not exist.",
        Owner.CLERK,
        "Correct the address in Shopify, which then sends the order again. " + _DISCARD,
    ),
    ErrorCode.NO_ADDRESS: Entry(
        "The order has goods to ship and no shipping address, and the buyer does not pick it up.",
        Owner.CLERK,
        'Add the shipping address to the order in Shopify, or set orders.address_without_shipping = "omit" in '
        "config/stores/{store}.toml to book such orders with the customer's own address in F&O. If this shipping "
        "method is pick-up, add a [[shipping]] rule with pick_up_at. " + _REPLAY,
    ),
    ErrorCode.NO_BUYER: Entry(
        "The order has no customer, no e-mail address and no phone number, so there is no customer account to "
        "book it on.",
        Owner.CLERK,
        'Add the customer in Shopify, or set customers.anonymous = "shared" and customers.shared_account, a customer '
        "that F&O has, in config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.PERSONAL_DATA_WITHHELD: Entry(
        "Shopify sent the order without {missing}. Either the app may not read protected customer data, or the "
        "buyer's data were erased.",
        Owner.ENGINEER,
        "In Shopify's Dev Dashboard or Partner Dashboard, open the app's API access requests and request protected "
        "customer data with name, e-mail, phone and address. "
        + _REPLAY
        + " If the data were erased, enter the order in F&O by hand and discard the message with --sales-order.",
    ),
    ErrorCode.ORDER_BEFORE_FIRST_DAY: Entry(
        "The order was placed on {day}, before the store's first day ({first_day}), and is not fulfilled yet.",
        Owner.CLERK,
        "If F&O has the order already, or you enter it by hand, discard the message with --sales-order. To let the app "
        "book it, run: python -m shared.operator bring {store} {order}",
    ),
    ErrorCode.ALREADY_FULFILLED: Entry(
        "Shopify shows goods of the order as fulfilled ({goods}) before F&O has it. F&O would ship them again.",
        Owner.CLERK,
        "If the goods were shipped, enter the order in F&O by hand and discard the message with --sales-order. If they "
        "were not, cancel the fulfilment in Shopify. To have such orders booked and held instead, set "
        'orders.already_fulfilled = "hold" in config/stores/{store}.toml. ' + _REPLAY,
    ),
    ErrorCode.PICK_UP_WITHOUT_RULE: Entry(
        "The buyer picks up the order at the Shopify location {location}, and the store's file has no rule for "
        "pick-up.",
        Owner.ENGINEER,
        "Add the table [orders.delivery.pick_up] to config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.PICK_UP_DIVIDED: Entry(
        "The buyer picks up only a part of the order, or picks it up at several locations or at one that is closed.",
        Owner.CLERK,
        "Each location needs a sales order of its own: " + _BY_HAND,
    ),
    ErrorCode.LOCATION_WITHOUT_WAREHOUSE: Entry(
        "The order has no shipping address, and no [[warehouses]] entry has its Shopify location {location}.",
        Owner.ENGINEER,
        "Add a [[warehouses]] entry with location = {location} to config/stores/{store}.toml, or set "
        'orders.address_without_shipping = "omit" there to book such orders in the store\'s country. ' + _REPLAY,
    ),
    ErrorCode.FIELD_TOO_LONG: Entry(
        "The {what} has {length} characters, but F&O's {field} holds {limit}.",
        Owner.CLERK,
        "Shorten it in Shopify: the app does not cut it, and F&O has no other field for the rest. "
        + _REPLAY
        + " Where Shopify does not let it be changed, "
        + _BY_HAND,
    ),
    ErrorCode.NO_WAREHOUSE: Entry(
        "No [[warehouses]] entry ships to {country}.",
        Owner.ENGINEER,
        "Add the country to the countries of a warehouse in config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.CHANGE_HELD: Entry(
        "The order was changed in Shopify, and the change cannot be made to {sales_order} automatically: {changes}.",
        Owner.CLERK,
        "Undo the change in Shopify, or make it in F&O by hand. {hold} "
        + _REPLAY
        + " To let the order go on without the change, end its hold (python -m shared.operator release-hold), and "
        "discard the message.",
    ),
    ErrorCode.FURTHER_ORDERS_EXHAUSTED: Entry(
        "Sales order {sales_order} already has {count} further orders for lines that were added later, which is "
        "the most that their numbers allow.",
        Owner.CLERK,
        "Enter what was added in F&O by hand. " + _DISCARD,
    ),
    ErrorCode.CHANGE_NOT_TAKEN: Entry(
        "F&O did not keep what was written to {sales_order}. Missing: {changes}.",
        Owner.FO_ADMIN,
        "Look for what overrides it in F&O: for an amount, accounts receivable parameter *Calculate line net amount* "
        'set to No (set it to Yes, or write line_amount = "kept" for the company in config/tenants) and trade '
        "agreements; else workflows and defaults. The order is held in F&O. End them, or make the change in F&O by "
        "hand. " + _REPLAY,
    ),
    ErrorCode.CHANGE_REFUSED: Entry(
        "F&O does not take the change of {sales_order}: {infolog}. It was: {changes}.",
        Owner.FO_ADMIN,
        "Correct what F&O's message names, or make the change in F&O by hand: what is open of a line is given up with "
        "*Deliver remainder*. Take back in the warehouse first what was released, picked or loaded. If accounts "
        'receivable parameter *Safety level of invoiced orders* is Locked, write invoiced_order_lines = "refused" '
        "for the company in config/tenants. The order is held in F&O. " + _REPLAY,
    ),
    ErrorCode.TOO_MANY_LINES: Entry(
        "The order has {count} lines, but at most {limit} are sent to F&O.",
        Owner.CLERK,
        "Raise orders.max_lines in config/stores/{store}.toml (at most 4999). "
        + _REPLAY
        + " A larger order: "
        + _BY_HAND,
    ),
    ErrorCode.PAYMENT_WITHOUT_RULE: Entry(
        "Transaction {transaction} moved {amount} through the gateway “{gateway}”, and no [[payments.methods]] "
        "rule fits.",
        Owner.ACCOUNTANT,
        'Add a [[payments.methods]] rule with gateway = "{gateway}" to config/stores/{store}.toml. ' + _REPLAY,
    ),
    ErrorCode.PAYMENT_WITHOUT_RATE: Entry(
        "Transaction {transaction} is {paid}, and the order gives no exchange rate for that currency.",
        Owner.ACCOUNTANT,
        "Compare the currencies of the order in Shopify, and book the payment in F&O by hand. " + _DISCARD,
    ),
    # ---- F&O's answers and documents
    ErrorCode.FO_REJECTED: Entry(
        "F&O refused {what}: {infolog}",
        Owner.FO_ADMIN,
        "Read F&O's message in the cause. Correct the master data or the rule that it names. " + _REPLAY,
    ),
    ErrorCode.FO_DENIED: Entry(
        "F&O does not permit the app's request ({status}): {infolog}",
        Owner.FO_ADMIN,
        "Check that the app is registered under Microsoft Entra applications (docs/deploy.md, 4 F&O) and that its role "
        "has the privileges of docs/permissions.md. " + _REPLAY,
    ),
    ErrorCode.FO_SET_MISSING: Entry(
        "F&O has no entity set {entity_set}.",
        Owner.FO_ADMIN,
        "Refresh the entity list in F&O (Data management, framework parameters). If this version of F&O does not have "
        "it, write so for the company in config/tenants (WHSSalesLineBiEntities: warehouse_management; "
        "WarehouseInventoryStatusesOnHandV2: on_hand_by_status, and remove stock.statuses; packing slips: "
        "packing_slips or slip_search; PackingSlipTrackingInformation: slip_tracking). " + _REPLAY,
    ),
    ErrorCode.FO_FIELD_MISSING: Entry(
        "F&O's entity set {entity_set} does not have the fields {fields}, which the app needs.",
        Owner.FO_ADMIN,
        "Check that the environment's version has these fields and that no configuration key took them away (*System "
        "administration > Setup > License configuration*); refresh the entity list in *Data management*. "
        "The probe (python -m tools.probe) names everything that is missing. " + _REPLAY,
    ),
    ErrorCode.FO_DUPLICATE: Entry(
        "F&O has {count} sales orders with the reference {reference}.",
        Owner.FO_ADMIN,
        "Keep one of {numbers} and delete the others. " + _REPLAY,
    ),
    ErrorCode.FO_FOREIGN_ORDER: Entry(
        "F&O already has a sales order {number}, but with the reference “{found}” instead of {reference}.",
        Owner.FO_ADMIN,
        "Find out what else uses this number range. If it is not for this app alone, change orders.number_prefix. "
        + _REPLAY,
    ),
    ErrorCode.FO_NUMBER_REPLACED: Entry(
        "F&O did not create the sales order under the number {number}: {reason}",
        Owner.ENGINEER,
        "F&O does not keep a given number: correct order_number in the environment's file in config/tenants, and set "
        'orders.number = "sequence" in the store\'s file. If the cause names an order without lines, delete it in F&O, '
        "and delete the lines that went to an order of another app with the number. If the cause is something else, "
        "correct that. " + _REPLAY,
    ),
    ErrorCode.CUSTOMER_FIELD_UNUSABLE: Entry(
        "F&O cannot keep what identifies a buyer in {field} of CustomersV3, or cannot search for it: {reason}",
        Owner.ENGINEER,
        "Set customers.id_field in the store's file to a text field of CustomersV3 that F&O lets the app write and "
        "filter by, and that holds 20 characters. " + _REPLAY,
    ),
    ErrorCode.FO_REFUND_TWICE: Entry(
        "F&O has {count} {documents} with the reference {reference}.",
        Owner.ACCOUNTANT,
        "Keep one of {numbers}, and delete or reverse the others. " + _REPLAY,
    ),
    ErrorCode.FO_REFUND_DIFFERS: Entry(
        "F&O has {booked} on {document}, but the app sent {expected}.",
        Owner.ACCOUNTANT,
        "Look for prices or charges in F&O that override what was sent. If it is a return order, it is held in F&O. "
        "Correct its lines there; or end what overrides them, and delete the document: the app then writes it again. "
        + _REPLAY,
    ),
    ErrorCode.FO_PAYMENT_TWICE: Entry(
        "F&O has {count} payment lines with the payment id {payment}, in the journals {journals}.",
        Owner.ACCOUNTANT,
        "Keep one of them, and delete or reverse the others. " + _REPLAY,
    ),
    ErrorCode.FO_FOREIGN_PAYMENT: Entry(
        "F&O already has a payment line with the payment id {payment}, but for “{found}” instead of {sales_order}.",
        Owner.ACCOUNTANT,
        "Find out who booked it. If it is this payment, correct its payment reference in F&O. " + _REPLAY,
    ),
    ErrorCode.SALES_ORDER_DIFFERS: Entry(
        "The sales order {sales_order} differs from the order in Shopify. Its lines come to {fo}, and in Shopify "
        "to {shopify}: {what}.",
        Owner.ACCOUNTANT,
        "Find out who changed it in F&O. Undo the change there, or make the same change in Shopify. The next "
        "event of the order brings F&O to the state in Shopify, as far as the store's [changes] allow.",
    ),
    ErrorCode.PAYMENT_DIFFERS: Entry(
        "For {sales_order}, {what} is {fo} in F&O and {shopify} in Shopify.",
        Owner.ACCOUNTANT,
        "Compare the payment journal lines that refer to the sales order with the transactions of the order in "
        "Shopify. Correct F&O by hand: the app does not write a line again that was deleted or changed there.",
    ),
    ErrorCode.REFUND_DIFFERS: Entry(
        "For {sales_order}, {what} was credited in F&O as {fo}, but in Shopify it is {shopify}.",
        Owner.ACCOUNTANT,
        "Check in Shopify whether the payment of the refund failed, and correct its return order or free text "
        "invoice in F&O.",
    ),
    ErrorCode.BALANCE_DIFFERS: Entry(
        "All of {sales_order} is invoiced, and {fo} is open on the customer's account for it in F&O, but {shopify} in "
        "Shopify: {what}.",
        Owner.ACCOUNTANT,
        "Compare the invoices of the sales order in F&O with the order in Shopify: charges, discounts and tax that F&O "
        "added. Correct the difference with a credit note or an invoice of the sales order. If Shopify is wrong, "
        "correct the payment there.",
    ),
    ErrorCode.INVOICE_DIFFERS: Entry(
        "F&O invoiced {fo} for {sales_order}, but Shopify charged {shopify}.",
        Owner.ACCOUNTANT,
        "Compare the tax that the engine computed with Shopify's: the rates and addresses of both, and which of F&O's "
        "items, charges and tips the engine taxes. Correct the set-up that is wrong for later orders, and this order "
        "by a credit note or an invoice in F&O. A greater tolerance is tax.tolerance in the store's file.",
    ),
    ErrorCode.SALES_ORDER_TWICE: Entry(
        "F&O has {count} sales orders with the reference {reference}: {numbers}. The app keeps {kept}. {held}",
        Owner.CLERK,
        "Cancel {others} in F&O, and take back goods that left twice; then release {kept} if it is held. To keep "
        "another one instead, cancel {kept} and release that one: the app follows the one that is left.",
    ),
    ErrorCode.HOLD_GONE: Entry(
        "F&O held {numbers} no longer, although what it was held for stands: {reason}. The app has set the hold again.",
        Owner.CLERK,
        "Find out who released it: adding or clearing a hold code in F&O takes away the app's hold too. If the order "
        "is to go on, remove the reason in Shopify (the risk, the tag), decide about its parked message, or release it "
        "(python -m shared.operator release-hold {store} {order} --reason REASON). What is cleared in F&O alone is set "
        "again.",
    ),
    ErrorCode.FO_ORDER_GONE: Entry(
        "The sales order {sales_order} no longer exists in F&O, but the order in Shopify is not cancelled.",
        Owner.CLERK,
        "Find out who deleted it. Cancel the order in Shopify, or enter it in F&O by hand. " + _DISCARD,
    ),
    ErrorCode.FO_LINE_UNKNOWN: Entry(
        "The app created line {lot} of {sales_order} (item {item}), but it no longer shows which line of the "
        "Shopify order it is.",
        Owner.CLERK,
        "Make the change in F&O by hand. " + _DISCARD,
    ),
    ErrorCode.FO_STATUS_UNKNOWN: Entry(
        "The sales order {sales_order} has the processing status {status}, which this release does not know.",
        Owner.ENGINEER,
        "Wait until the sales order has another status. "
        + _REPLAY
        + " If it stays, look up in F&O's release notes what the status means, and add it to the app. Until then make "
        "the change in F&O by hand, where nothing was changed. " + _DISCARD,
    ),
    ErrorCode.FO_WRONG_COMPANY: Entry(
        "F&O answered for company {found}, but company {company} was requested.",
        Owner.ENGINEER,
        "Correct company in the store's file, or give the app's F&O user access to that company. " + _REPLAY,
    ),
    ErrorCode.FO_CONFLICT: Entry(
        "Someone changed {what} in F&O at the same moment.",
        Owner.CLERK,
        "Nothing is to be corrected. " + _REPLAY,
    ),
    # ---- answers of Shopify's Admin API
    ErrorCode.SHOPIFY_REJECTED: Entry(
        "Shopify refused {what}: {message}",
        Owner.ENGINEER,
        "Read Shopify's message in the cause. Correct the product, location or permission that it names. If it names a "
        "field that does not exist, Shopify has retired the api_version of the store's file: upgrade it "
        "(docs/upgrade.md). " + _REPLAY,
    ),
    ErrorCode.SHOPIFY_DENIED: Entry(
        "Shopify does not permit the app's request: {message}",
        Owner.ENGINEER,
        "Grant the app the access scope that the message names, and install the app again. Without an access token: "
        "`shop_not_permitted` means that the app belongs to another organisation than the shop, `app_not_installed` "
        "that it is not installed there, any other reason that the client id or the secret in Key Vault is not the "
        "app's (docs/deploy.md, “Secrets”). " + _REPLAY,
    ),
    ErrorCode.SHOPIFY_SHAPE: Entry(
        "Shopify's answer to {what} does not have the documented form: {problem}.",
        Owner.ENGINEER,
        "Check api_version in the store's file. If Shopify has retired that version, upgrade it (docs/upgrade.md). "
        + _REPLAY,
    ),
    ErrorCode.SUBSCRIPTION_REFUSED: Entry(
        "Shopify does not let the app subscribe to the topic {topic}: {message}",
        Owner.ENGINEER,
        "If the message is about protected customer data, have the app granted access to it (docs/deploy.md, "
        "“Shopify”). If it names a scope, grant it and install the app again. If it is about the address, set "
        "WEBHOOK_BASE_URL to the https address at which Shopify reaches the app. If the address is taken, the app's "
        'configuration in Shopify subscribes already: set sweep.subscriptions = "toml" in the store\'s file. The next '
        "sweep tries again; until then it finds the orders without the webhooks.",
    ),
    # ---- no further attempt
    ErrorCode.ATTEMPTS_EXHAUSTED: Entry(
        "After {attempts} attempts over {age} the message still fails: {reason}.",
        Owner.ENGINEER,
        "Check that the system named in the cause works again. " + _REPLAY,
    ),
    ErrorCode.APP_FAILED: Entry(
        "The app itself failed at this message, {times} times: {problem}.",
        Owner.ENGINEER,
        "Report the cause with the event's id as a defect of the app. Once the app is corrected: "
        + _REPLAY
        + " If it cannot wait for that, do in F&O by hand what the order in Shopify shows. "
        + _DISCARD,
    ),
    # ---- stock
    ErrorCode.PRODUCT_AMBIGUOUS: Entry(
        "F&O's product {item} cannot be found for certain in the shop: {key} belongs to {places}.",
        Owner.CLERK,
        "In Shopify, leave each SKU or barcode on one variant only, and all of them in one product. " + _TRIED_AGAIN,
    ),
    ErrorCode.PRODUCT_DELETED_IN_SHOP: Entry(
        "Product {product} in the shop was F&O's {item}, and was deleted there. It is created again, as a draft until "
        "it has its prices.",
        Owner.CLERK,
        "Nothing, if it was deleted by mistake: check its pictures and collections. If it is not to be sold, take it "
        "out of the rule in F&O ([products] in the store's file says what is sold).",
    ),
    ErrorCode.PRODUCT_OF_OTHER_ITEM: Entry(
        "The variants of F&O's product {item} are found in product {product} of the shop, which is F&O's {other}.",
        Owner.CLERK,
        "In Shopify, correct the SKU or barcode of the variants of product {product} that are not F&O's {other}. "
        + _TRIED_AGAIN,
    ),
    ErrorCode.PRODUCT_OPTIONS_UNLIKE: Entry(
        "Product {product} in the shop has {shop}; F&O's product {item} has {fo}.",
        Owner.CLERK,
        "Give the product in Shopify as many options as in F&O. If its variants cannot be kept, delete the product in "
        "Shopify: it is created again. " + _TRIED_AGAIN,
    ),
    ErrorCode.PRODUCT_PRICES_OFF: Entry(
        "Product {product} in the shop (F&O's {item}) stays a draft: the flow of prices is off, and only that gives it "
        "prices.",
        Owner.ENGINEER,
        "Set prices = true in [flows] of the store's file. Or give its variants prices in Shopify and set it active "
        "there.",
    ),
    ErrorCode.PRODUCT_REFUSED: Entry(
        "Shopify did not take {what} of F&O's product {item}: {message}",
        Owner.CLERK,
        "Correct in F&O, or in the store's file, what Shopify's message names. " + _TRIED_AGAIN,
    ),
    ErrorCode.PRODUCT_VARIANT_DELETED: Entry(
        "Variants of product {product} in the shop (F&O's {item}) were deleted there, and are created again: {skus}.",
        Owner.CLERK,
        "Nothing, if they were deleted by mistake. If they are not to be sold, take them out of the rule in F&O.",
    ),
    ErrorCode.PRODUCT_VARIANT_TAKEN: Entry(
        "F&O's variants {skus} of product {item} cannot be added to product {product} in the shop: it has variants "
        "with the same option values that were added by hand.",
        Owner.CLERK,
        "In Shopify, give each of those variants F&O's SKU, and it becomes F&O's; or give it other option values.",
    ),
    ErrorCode.PRODUCT_VARIANT_WITHOUT_PRICE: Entry(
        "New variants of product {product} in the shop (F&O's {item}) have no price, and are not added yet: {skus}.",
        Owner.CLERK,
        "In F&O, give them a price that the rules of [prices] find. They are added by the next run after that.",
    ),
    ErrorCode.PRODUCT_VARIANTS_FULL: Entry(
        "Product {product} in the shop (F&O's {item}) has {has} variants: {more} more would exceed Shopify's limit of "
        "{limit}.",
        Owner.CLERK,
        "In Shopify, delete variants of the product that are not sold any more. Or part the product in two in F&O. "
        + _TRIED_AGAIN,
    ),
    ErrorCode.PRODUCT_WITHOUT_PRICE: Entry(
        "Product {product} in the shop (F&O's {item}) has variants without a price: {skus}. If nobody has seen it yet, "
        "it stays hidden until they have one.",
        Owner.CLERK,
        "In F&O, give them a price that the rules of [prices] find. Give variants that are not F&O's a price in "
        "Shopify.",
    ),
    ErrorCode.PRODUCT_TITLE_MISSING: Entry(
        "F&O has no name of product {item} in the language {language}.",
        Owner.FO_ADMIN,
        "In F&O, open the released product and enter the name under Translations (Product > Languages). The next "
        "full run sets it.",
    ),
    ErrorCode.PRODUCT_TEXT_TOO_LONG: Entry(
        "The {field} of product {item} has {length} characters; Shopify takes {limit}.",
        Owner.CLERK,
        "Shorten it in F&O. A product whose title is too long is not written until then; any other text is left out.",
    ),
    ErrorCode.PRODUCT_SKU_MISSING: Entry(
        "The variant {variant} of product {item} has no product variant number in F&O, which would be its SKU.",
        Owner.FO_ADMIN,
        "Give the variant a product variant number in F&O (a product variant number nomenclature does so). Until "
        "then it is not in the shop.",
    ),
    ErrorCode.PRODUCT_SKU_DOUBLE: Entry(
        "The products {item} and {other} of F&O would both have the SKU {sku}.",
        Owner.FO_ADMIN,
        "Rename one of the two numbers in F&O, or take one product out of [products.approved]. Until then the "
        "product without variants is not written.",
    ),
    ErrorCode.PRODUCT_TOO_MANY_DIMENSIONS: Entry(
        "Product {item} has {count} product dimensions ({dimensions}); a product in Shopify has {limit} options.",
        Owner.ENGINEER,
        'Set fourth_dimension = "join" and [products.join] in the store\'s file, so that two of them become one '
        "option, or split the product in F&O. Until then it is not written.",
    ),
    ErrorCode.PRODUCT_TOO_MANY_VALUES: Entry(
        "The option {option} of product {item} has {count} values; Shopify takes {limit}.",
        Owner.CLERK,
        "Take values out of the product in F&O, or split it into two products. Until then it is not written.",
    ),
    ErrorCode.PRODUCT_TOO_MANY_VARIANTS: Entry(
        "Product {item} has {count} variants that are sold; Shopify takes {limit}.",
        Owner.CLERK,
        "Stop or withdraw variants in F&O, or split it into two products. Until then it is not written.",
    ),
    ErrorCode.PRODUCT_VALUE_MISSING: Entry(
        "The variant {sku} of product {item} has no value for {option}, which its other variants have.",
        Owner.FO_ADMIN,
        "Give the variant a value of this product dimension in F&O, or stop it. Until then it is not in the shop.",
    ),
    ErrorCode.PRODUCT_VALUES_ALIKE: Entry(
        "The values {first} and {second} of {option} are both shown as {text} for product {item}.",
        Owner.FO_ADMIN,
        "Give one of the two another name in F&O (product master > product dimensions > translations). Until then "
        "the product is not written.",
    ),
    ErrorCode.PRODUCT_VARIANTS_ALIKE: Entry(
        "The variants {sku} and {other} of product {item} have the same options.",
        Owner.FO_ADMIN,
        "Withdraw one of the two in F&O, or change how [products.join] joins their dimensions. Until then only one "
        "is in the shop.",
    ),
    ErrorCode.PRODUCT_HS_CODE_WRONG: Entry(
        "The Harmonized System code {hs_code} of product {item} is not one: it has 6 to 13 digits.",
        Owner.CLERK,
        "Correct the HS code, or the Intrastat commodity code, in F&O. Until then Shopify keeps the one that it has.",
    ),
    ErrorCode.PRODUCT_COUNTRY_UNKNOWN: Entry(
        "The country of origin {country} of product {item} has no ISO code in F&O.",
        Owner.FO_ADMIN,
        "In F&O, give the country an ISO code (Address setup > Countries/regions), or correct the product's country "
        "of origin. Until then Shopify keeps the one that it has.",
    ),
    ErrorCode.PRODUCT_ATTRIBUTE_WRONG: Entry(
        "The attribute {attribute} of {item}, of the type {data_type}, cannot be a metafield of the type {type}.",
        Owner.ENGINEER,
        "Set another type in [[products.metafields]], or correct the value in F&O. Until then Shopify keeps the "
        "metafield that it has.",
    ),
    ErrorCode.PRODUCT_IMAGE_REFUSED: Entry(
        "The image {file} of product {item} cannot be shown: {reason}.",
        Owner.CLERK,
        "Attach another file in F&O: JPEG, PNG, GIF, WebP or HEIC of at most 20 MB. The product's other images are "
        "shown.",
    ),
    ErrorCode.PRODUCTS_CHANNEL_UNKNOWN: Entry(
        "The shop of store {store} has no sales channel {channel}, or several of that name. It has {known}.",
        Owner.ENGINEER,
        "Correct products.publications in the store's file: the name of a sales channel, or its number where names "
        "are not unique. Until then no product is written.",
    ),
    ErrorCode.PRODUCTS_OTHER_CURRENCY: Entry(
        "The costs of F&O are in {currency}, and the shop's currency is {shop}.",
        Owner.ENGINEER,
        'Set owners.cost = "never" in [products] and take out cost_currency, or correct cost_currency. Until then no '
        "product is written.",
    ),
    ErrorCode.PRODUCTS_READ_SHORT: Entry(
        "F&O showed {found} {what}; the last full run found {last}. Nothing was written.",
        Owner.FO_ADMIN,
        "Find out why products are missing: a changed role of the app's user, or a read that ended early. If they "
        "are really gone, confirm it with the command that python -m shared.operator changes --store {store} --all "
        "ends with.",
    ),
    ErrorCode.PRODUCTS_HELD: Entry(
        "{count} {what} would be withdrawn and are held: {why}.",
        Owner.CLERK,
        "Look at them: python -m shared.operator changes --store {store} --all. It ends with the command that confirms "
        "them; its --except leaves some out. Otherwise correct F&O or [products.approved].",
    ),
    ErrorCode.PRODUCTS_DAY_LIMIT: Entry(
        "Shopify takes {limit} new variants a day from a shop of this size; {waiting} products wait for another day.",
        Owner.CLERK,
        "Nothing: the next days continue. On a plan without this limit, set products.variants_a_day = 0.",
    ),
    ErrorCode.FO_READ_SHORT: Entry(
        "F&O counted {expected} rows of {entity_set} and returned {read}.",
        Owner.FO_ADMIN,
        "Nothing: the next run reads again. If it stays, F&O ends its pages early: look for errors in its event log "
        "at this time.",
    ),
    ErrorCode.STOCK_SKU_UNKNOWN: Entry(
        "Shopify sells SKU {sku} at {location}, but F&O has released no such item in company {company}.",
        Owner.CLERK,
        "Release the item in F&O, or correct the SKU in Shopify. Until then Shopify keeps its stock figure.",
    ),
    ErrorCode.STOCK_SKU_AMBIGUOUS: Entry(
        "{count} products that are on sale in Shopify have the SKU {sku}.",
        Owner.CLERK,
        "Give each product its own SKU, or archive all but one. Until then Shopify keeps the stock figures of these "
        "products.",
    ),
    ErrorCode.STOCK_REFUSED: Entry(
        "Shopify refused the stock figure {quantity} of SKU {sku} at {location}: {message}",
        Owner.CLERK,
        "Check the product's inventory settings in Shopify: it must be tracked, stocked at this location, and "
        "not a bundle.",
    ),
    ErrorCode.STOCK_NOT_STOCKED: Entry(
        "F&O has {quantity} of SKU {sku} for location {location}, but Shopify does not stock the product there.",
        Owner.CLERK,
        "In Shopify, stock the product at this location. If it is not sold there on purpose, nothing is to be done.",
    ),
    ErrorCode.STOCK_STALE: Entry(
        "The stock figure of SKU {sku} at {location} changed in Shopify each time before it could be set.",
        Owner.CLERK,
        "Nothing: the next run tries again. If the problem stays, find out which other app writes the same figure.",
    ),
    # ---- prices
    ErrorCode.PRICE_MISSING: Entry(
        "F&O has no price of item {item} for {list}, at {quantity} pieces.",
        Owner.CLERK,
        "In F&O, post a trade agreement in the list's currency, or enter a base price, where the rules use base "
        "prices (prices.base_currency). Until then Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICE_ZERO: Entry(
        "The price of item {item} for {list} is 0 in F&O, or is rounded to 0.",
        Owner.CLERK,
        "Enter the price in F&O. If the item is given away on purpose, set prices.allow_zero in config/stores. Until "
        "then Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICE_NEGATIVE: Entry(
        "A price of item {item} for {list} is negative in F&O, or becomes negative by a line discount.",
        Owner.CLERK,
        "Correct the trade agreement in F&O. Until then Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICE_UNIT_UNKNOWN: Entry(
        "A price of item {item} for {list} is in the unit {unit}, and the item is sold in {sales_unit}.",
        Owner.FO_ADMIN,
        "Correct the unit of the trade agreement or the sales unit of the item. If both are right, decide by "
        "prices.other_units in config/stores: `leave_out` the price, as F&O does for a line in the sales unit, or "
        "`convert` it by the product's unit conversion, which must exist in F&O. Until then Shopify keeps the price "
        "that it has.",
    ),
    ErrorCode.PRICE_DEPENDS: Entry(
        "The price of item {item} for {list} depends on {what}, and Shopify shows one price for all.",
        Owner.FO_ADMIN,
        "Post a trade agreement for the web that does not depend on it. For prices of warehouses, prices.by_warehouse "
        "= 'leave_out' in config/stores ignores them. Until then Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICES_OVERLAP: Entry(
        "Several rows of trade agreements hold for item {item}, {list} and {quantity} pieces, and F&O's rule does not "
        "decide between them: {records} (RecordId).",
        Owner.FO_ADMIN,
        "End all of them but one in F&O, or set Find next on all of them: then the lowest price counts. Until then "
        "Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICE_DISCOUNTED: Entry(
        "Item {item} has a line discount in F&O for the buyers of {list}.",
        Owner.FO_ADMIN,
        "Set prices.discounts = 'fold' in config/stores, and the discount lowers the price that Shopify shows. Or end "
        "the discount for these buyers. Until then Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICE_TAX_UNKNOWN: Entry(
        "Item {item} has the item sales tax group {group}, for which {list} has no tax rate, and its price has to be "
        "converted between with and without tax.",
        Owner.ENGINEER,
        "Add the group to prices.tax_rates in config/stores, or correct the item's sales tax group in F&O. Until then "
        "Shopify keeps the price that it has.",
    ),
    ErrorCode.PRICE_TIERS_UNUSABLE: Entry(
        "The quantity breaks of item {item} for {list} cannot be shown in Shopify: {problem}.",
        Owner.FO_ADMIN,
        "Correct the quantities of the trade agreements in F&O: whole pieces, each a multiple of the item's order "
        "multiple. Until then Shopify keeps the price and the quantity breaks that it has.",
    ),
    ErrorCode.PRICE_QUANTITIES_UNUSABLE: Entry(
        "The order quantities of item {item} cannot be a quantity rule of {list}: {problem}.",
        Owner.FO_ADMIN,
        "Correct the item's default order settings in F&O. Until then Shopify keeps the price and the quantity rule "
        "that it has.",
    ),
    ErrorCode.PRICE_CURRENCY_UNLISTED: Entry(
        "F&O has {count} prices of price group {group} in {currency}, and no list of the store has this group and "
        "currency.",
        Owner.ENGINEER,
        "Add a [[prices.lists]] for it in config/stores, or end those rows in F&O. Prices in other currencies are not "
        "affected.",
    ),
    ErrorCode.PRICE_REFUSED: Entry(
        "Shopify refused the price {price} of SKU {sku} for {list}: {message}",
        Owner.CLERK,
        "Correct in F&O what Shopify names. The flow tries again at the next comparison of all prices, and when the "
        "price changes.",
    ),
    ErrorCode.PRICE_EDITED: Entry(
        "Somebody set the price of SKU {sku} for {list} to {shown} in Shopify; F&O has {price}.",
        Owner.CLERK,
        "Nothing, if that is right: it stays until F&O's price changes. Otherwise set it back in Shopify.",
    ),
    ErrorCode.PRICES_HELD: Entry(
        "{count} changes of prices for {list} are held, because {why}. The first: {first}.",
        Owner.CLERK,
        "Look at them: python -m shared.operator changes --store {store} --all. It ends with the command that confirms "
        "them, so that the next run writes them; its --except leaves some out. Those that are wrong: correct the trade "
        "agreements in F&O.",
    ),
    ErrorCode.PRICES_READ_SHORT: Entry(
        "F&O gave {rows} rows of {what}, and {before} at the last run. No price was changed.",
        Owner.FO_ADMIN,
        "Find out whether so many rows ended. If they did, confirm it with the command that python -m shared.operator "
        "changes --store {store} --all ends with. If not, check the role of the app's user in F&O: a missing right "
        "hides rows. The next run reads them again.",
    ),
    ErrorCode.PRICE_SHOP_MISMATCH: Entry(
        "The shop's {what} is {shop}, and the rules say {rules}. No price was changed.",
        Owner.ENGINEER,
        "Correct [prices] in config/stores, or the shop's settings (Settings > General; Settings > Taxes and duties).",
    ),
    ErrorCode.PRICE_LIST_MISMATCH: Entry(
        "Price list {list} in Shopify has {what} {shop}, and the rules say {rules}. Its prices were not changed.",
        Owner.ENGINEER,
        "Correct the list in Shopify or in config/stores, or give the list of the rules another name: it is created "
        "then.",
    ),
    ErrorCode.PRICE_LIST_REFUSED: Entry(
        "Shopify refused to create or to assign price list {list}: {message}",
        Owner.ENGINEER,
        "Correct what Shopify names: the shop's plan, the market or the company locations in config/stores. The next "
        "run tries again.",
    ),
    ErrorCode.PRICE_SERVICE_WRONG: Entry(
        "The tenant's price service {service} answered with something else than prices: {problem}. No price was "
        "changed.",
        Owner.FO_ADMIN,
        "Correct the service (docs/prices.md has its contract). The next run asks again.",
    ),
    ErrorCode.PRICE_PROOF_DIFFERS: Entry(
        "F&O gave {fo} {currency} for {quantity} of item {item} on a line of sales order {order}, and the app "
        "computes {own}.",
        Owner.FO_ADMIN,
        "Find out why: a price that a clerk entered is nothing to correct. A rule of F&O that the app does not know "
        "(docs/prices.md) makes prices in the shop wrong: then end such trade agreements, or name a price service of "
        "your own (prices.source).",
    ),
}


REPORTED: Final = frozenset(
    {
        ErrorCode.SALES_ORDER_DIFFERS,
        ErrorCode.SALES_ORDER_TWICE,
        ErrorCode.HOLD_GONE,
        ErrorCode.PAYMENT_DIFFERS,
        ErrorCode.REFUND_DIFFERS,
        ErrorCode.REFUND_SUM_DIFFERS,
        ErrorCode.RETURN_NOT_REFUNDED,
        ErrorCode.RETURN_FEE_OPEN,
        ErrorCode.BALANCE_DIFFERS,
        ErrorCode.INVOICE_DIFFERS,
        ErrorCode.PRODUCT_AMBIGUOUS,
        ErrorCode.PRODUCT_DELETED_IN_SHOP,
        ErrorCode.PRODUCT_OF_OTHER_ITEM,
        ErrorCode.PRODUCT_OPTIONS_UNLIKE,
        ErrorCode.PRODUCT_PRICES_OFF,
        ErrorCode.PRODUCT_REFUSED,
        ErrorCode.PRODUCT_VARIANT_DELETED,
        ErrorCode.PRODUCT_VARIANT_TAKEN,
        ErrorCode.PRODUCT_VARIANT_WITHOUT_PRICE,
        ErrorCode.PRODUCT_VARIANTS_FULL,
        ErrorCode.PRODUCT_WITHOUT_PRICE,
        ErrorCode.PRODUCT_TITLE_MISSING,
        ErrorCode.PRODUCT_TEXT_TOO_LONG,
        ErrorCode.PRODUCT_SKU_MISSING,
        ErrorCode.PRODUCT_SKU_DOUBLE,
        ErrorCode.PRODUCT_TOO_MANY_DIMENSIONS,
        ErrorCode.PRODUCT_TOO_MANY_VALUES,
        ErrorCode.PRODUCT_TOO_MANY_VARIANTS,
        ErrorCode.PRODUCT_VALUE_MISSING,
        ErrorCode.PRODUCT_VALUES_ALIKE,
        ErrorCode.PRODUCT_VARIANTS_ALIKE,
        ErrorCode.PRODUCT_HS_CODE_WRONG,
        ErrorCode.PRODUCT_COUNTRY_UNKNOWN,
        ErrorCode.PRODUCT_ATTRIBUTE_WRONG,
        ErrorCode.PRODUCT_IMAGE_REFUSED,
        ErrorCode.PRODUCTS_CHANNEL_UNKNOWN,
        ErrorCode.PRODUCTS_OTHER_CURRENCY,
        ErrorCode.PRODUCTS_READ_SHORT,
        ErrorCode.PRODUCTS_HELD,
        ErrorCode.PRODUCTS_DAY_LIMIT,
        ErrorCode.FO_READ_SHORT,
        ErrorCode.STOCK_SKU_UNKNOWN,
        ErrorCode.STOCK_SKU_AMBIGUOUS,
        ErrorCode.STOCK_REFUSED,
        ErrorCode.STOCK_NOT_STOCKED,
        ErrorCode.STOCK_STALE,
        ErrorCode.SUBSCRIPTION_REFUSED,
        ErrorCode.PRICE_MISSING,
        ErrorCode.PRICE_ZERO,
        ErrorCode.PRICE_NEGATIVE,
        ErrorCode.PRICE_UNIT_UNKNOWN,
        ErrorCode.PRICE_DEPENDS,
        ErrorCode.PRICES_OVERLAP,
        ErrorCode.PRICE_DISCOUNTED,
        ErrorCode.PRICE_TAX_UNKNOWN,
        ErrorCode.PRICE_TIERS_UNUSABLE,
        ErrorCode.PRICE_QUANTITIES_UNUSABLE,
        ErrorCode.PRICE_CURRENCY_UNLISTED,
        ErrorCode.PRICE_REFUSED,
        ErrorCode.PRICE_EDITED,
        ErrorCode.PRICES_HELD,
        ErrorCode.PRICES_READ_SHORT,
        ErrorCode.PRICE_SHOP_MISMATCH,
        ErrorCode.PRICE_LIST_MISMATCH,
        ErrorCode.PRICE_LIST_REFUSED,
        ErrorCode.PRICE_SERVICE_WRONG,
        ErrorCode.PRICE_PROOF_DIFFERS,
    }
)
"""What a sweep, or a run of stock or prices, finds: there is no message that could be parked."""


def as_markdown() -> str:
    """The catalogue as the page docs/errors.md."""
    rows = [
        f"| `{code}` | {entry.status or _result(code)} | {entry.cause} | {entry.owner} | {entry.next_step} |"
        for code, entry in sorted(CATALOGUE.items())
    ]
    return "\n".join(
        [
            "# Errors, and what to do",
            "",
            "Generated by `python -m shared.error_catalogue > docs/errors.md`; a test keeps it equal to the code.",
            "Words in braces stand for the details of the case.",
            "",
            "- A number is the HTTP status that Shopify gets, or F&O for its events. With 200 a webhook is ignored,",
            "  and the journal has a note; with any other it is refused, and Shopify repeats it.",
            "- **parked**: the message is kept whole until someone acts, and other orders go on. When the cause is",
            "  corrected, replay the message. If the order was entered in F&O by hand, discard it with",
            "  `discard --sales-order`. README, “Operate”, shows the commands. What was discarded about the",
            "  payments or refunds of an order in F&O is parked again by its next event, while the cause lasts.",
            "- **reported**: nothing is parked. The sweep, or the flow of stock, products or prices, writes it into",
            "  the journal, and an alert reports it. Stock figures, products and prices are tried again by themselves.",
            "",
            "| Code | Result | Cause | Who acts | Next step |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _result(code: ErrorCode) -> str:
    return "reported" if code in REPORTED else "parked"


def main() -> int:
    sys.stdout.write(as_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
