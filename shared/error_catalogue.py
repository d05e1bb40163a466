"""Every error code: its cause in plain words, whose job it is, what to do next.

docs/errors.md is generated from this table (`python -m shared.error_catalogue`): people read these words as they are.
Placeholders in braces are filled with the details of the case.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Owner(StrEnum):
    """Who can mend it."""

    CLERK = "operations clerk"
    ACCOUNTANT = "accountant"
    FO_ADMIN = "F&O administrator"
    ENGINEER = "integration engineer"


class ErrorCode(StrEnum):
    """What went wrong. The value is the name, as journal, alerts and docs/errors.md show it."""

    UNKNOWN_STORE = "UNKNOWN_STORE"
    FLOW_OFF = "FLOW_OFF"
    WRONG_SHOP = "WRONG_SHOP"
    HEADER_MISSING = "HEADER_MISSING"
    SIGNATURE_WRONG = "SIGNATURE_WRONG"
    UNKNOWN_TOPIC = "UNKNOWN_TOPIC"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_EMPTY = "BODY_EMPTY"
    NOT_QUEUED = "NOT_QUEUED"
    NOT_JSON = "NOT_JSON"
    NOT_AN_ORDER = "NOT_AN_ORDER"
    ORDER_GONE = "ORDER_GONE"
    ENVELOPE_UNREADABLE = "ENVELOPE_UNREADABLE"
    CLAIM_MISSING = "CLAIM_MISSING"
    TEST_NOTIFICATION = "TEST_NOTIFICATION"
    TEST_ORDER = "TEST_ORDER"
    DATE_ABSURD = "DATE_ABSURD"
    NO_LINES = "NO_LINES"
    NEGATIVE_AMOUNT = "NEGATIVE_AMOUNT"
    UNKNOWN_SKU = "UNKNOWN_SKU"
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
    PAYMENT_WITHOUT_ORDER = "PAYMENT_WITHOUT_ORDER"
    PAYMENTS_DIFFER = "PAYMENTS_DIFFER"
    TRANSACTION_UNKNOWN = "TRANSACTION_UNKNOWN"
    TRANSACTION_CURRENCY = "TRANSACTION_CURRENCY"
    FO_SUM_DIFFERS = "FO_SUM_DIFFERS"
    TAX_OF_MARKETPLACE = "TAX_OF_MARKETPLACE"
    SHIPPING_WITHOUT_RULE = "SHIPPING_WITHOUT_RULE"
    UNKNOWN_COUNTRY = "UNKNOWN_COUNTRY"
    NO_ADDRESS = "NO_ADDRESS"
    NO_BUYER = "NO_BUYER"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    NO_WAREHOUSE = "NO_WAREHOUSE"
    CHANGED_BEFORE_CREATION = "CHANGED_BEFORE_CREATION"
    CHANGE_HELD = "CHANGE_HELD"
    FURTHER_ORDERS_EXHAUSTED = "FURTHER_ORDERS_EXHAUSTED"
    CHANGE_NOT_TAKEN = "CHANGE_NOT_TAKEN"
    TOO_MANY_LINES = "TOO_MANY_LINES"
    PAYMENT_WITHOUT_RULE = "PAYMENT_WITHOUT_RULE"
    PAYMENT_WITHOUT_RATE = "PAYMENT_WITHOUT_RATE"
    FO_REJECTED = "FO_REJECTED"
    FO_DENIED = "FO_DENIED"
    FO_DUPLICATE = "FO_DUPLICATE"
    FO_FOREIGN_ORDER = "FO_FOREIGN_ORDER"
    FO_REFUND_TWICE = "FO_REFUND_TWICE"
    FO_FOREIGN_RETURN = "FO_FOREIGN_RETURN"
    FO_REFUND_DIFFERS = "FO_REFUND_DIFFERS"
    FO_PAYMENT_TWICE = "FO_PAYMENT_TWICE"
    FO_FOREIGN_PAYMENT = "FO_FOREIGN_PAYMENT"
    SALES_ORDER_DIFFERS = "SALES_ORDER_DIFFERS"
    PAYMENT_DIFFERS = "PAYMENT_DIFFERS"
    REFUND_DIFFERS = "REFUND_DIFFERS"
    FO_ORDER_GONE = "FO_ORDER_GONE"
    FO_LINE_UNKNOWN = "FO_LINE_UNKNOWN"
    FO_STATUS_UNKNOWN = "FO_STATUS_UNKNOWN"
    FO_WRONG_COMPANY = "FO_WRONG_COMPANY"
    FO_CONFLICT = "FO_CONFLICT"
    SHOPIFY_REJECTED = "SHOPIFY_REJECTED"
    SHOPIFY_DENIED = "SHOPIFY_DENIED"
    SHOPIFY_SHAPE = "SHOPIFY_SHAPE"
    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"
    STOCK_SKU_UNKNOWN = "STOCK_SKU_UNKNOWN"
    STOCK_SKU_AMBIGUOUS = "STOCK_SKU_AMBIGUOUS"
    STOCK_REFUSED = "STOCK_REFUSED"
    STOCK_NOT_STOCKED = "STOCK_NOT_STOCKED"
    STOCK_STALE = "STOCK_STALE"


@dataclass(frozen=True, slots=True)
class Entry:
    cause: str
    owner: Owner
    next_step: str
    status: int | None = None
    """The HTTP status, for what is refused at the door."""


_REPLAY: Final = "Then replay the parked message (python -m shared.operator replay)."

CATALOGUE: Final[dict[ErrorCode, Entry]] = {
    # ---- at the door: the webhook is refused, Shopify keeps it and tries again
    ErrorCode.UNKNOWN_STORE: Entry(
        "No store with the key {store} is configured.",
        Owner.ENGINEER,
        "Correct the webhook's address in Shopify, or add config/stores/{store}.toml and deploy.",
        404,
    ),
    ErrorCode.FLOW_OFF: Entry(
        "The store {store} is configured, but its flow {flow} is switched off.",
        Owner.ENGINEER,
        "Set flows.{flow} = true in config/stores/{store}.toml and deploy; until then Shopify keeps its webhooks.",
        503,
    ),
    ErrorCode.WRONG_SHOP: Entry(
        "The webhook says it comes from {shop}, which is not the shop of store {store}.",
        Owner.ENGINEER,
        "Point the shop's webhook at its own store's address.",
        401,
    ),
    ErrorCode.HEADER_MISSING: Entry(
        "The header {header} is missing, so this is not a Shopify webhook.",
        Owner.ENGINEER,
        "Nothing, unless Shopify's own delivery log shows this failure: then look at proxies in between.",
        400,
    ),
    ErrorCode.SIGNATURE_WRONG: Entry(
        "The signature does not fit the body and any of the store's valid secrets.",
        Owner.ENGINEER,
        "If the secret was rotated, add the new one beside the old one. Otherwise somebody else is knocking.",
        401,
    ),
    ErrorCode.UNKNOWN_TOPIC: Entry(
        "The topic {topic} does not belong at this address.",
        Owner.ENGINEER,
        "Remove the subscription in Shopify, or point it at the address of its family of topics.",
        400,
    ),
    ErrorCode.BODY_TOO_LARGE: Entry(
        "The body has {size} bytes, more than the limit of {limit}.",
        Owner.ENGINEER,
        "Raise WEBHOOK_MAX_BYTES if Shopify really sends bodies of this size.",
        413,
    ),
    ErrorCode.BODY_EMPTY: Entry(
        "The body is empty.", Owner.ENGINEER, "Nothing: Shopify never sends an empty body.", 400
    ),
    ErrorCode.NOT_QUEUED: Entry(
        "Service Bus did not confirm the message in time.",
        Owner.ENGINEER,
        "Nothing at once: Shopify delivers again. If it lasts, look at the namespace's health and quotas.",
        503,
    ),
    # ---- reading what Shopify sent
    ErrorCode.NOT_JSON: Entry(
        "The body is signed by Shopify but is not JSON ({problem}).",
        Owner.ENGINEER,
        "Compare the stored body with the order in Shopify; report it to Shopify with the webhook id.",
    ),
    ErrorCode.NOT_AN_ORDER: Entry(
        "The body is JSON but not an order as Shopify documents it: {problem}.",
        Owner.ENGINEER,
        "Check the webhook's API version and its includeFields setting. " + _REPLAY,
    ),
    ErrorCode.ORDER_GONE: Entry(
        "Shopify told of order {order}, but has no such order, or none that the app may read.",
        Owner.CLERK,
        "If the order is in Shopify's admin and older than 60 days, grant the app read_all_orders. " + _REPLAY,
    ),
    ErrorCode.ENVELOPE_UNREADABLE: Entry(
        "A message in the queue is not one of ours: {problem}.",
        Owner.ENGINEER,
        "Find out who else sends to this queue; only this app may.",
    ),
    ErrorCode.CLAIM_MISSING: Entry(
        "The message's body was set aside in Blob Storage and is not there any more or was altered ({blob}).",
        Owner.ENGINEER,
        "Check the container's lifecycle rule; fetch the order from Shopify again.",
    ),
    ErrorCode.TEST_NOTIFICATION: Entry(
        "This is Shopify's sample notification, not an order. Nothing is booked.",
        Owner.ENGINEER,
        "Nothing: the notification arrived, which is what it was to show.",
    ),
    ErrorCode.TEST_ORDER: Entry(
        "The order or its payment is a test: a development store's, or by a test gateway. Nothing is booked.",
        Owner.ENGINEER,
        'Nothing in a real shop. To book test orders too, set orders.test_orders = "book" in '
        "config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.DATE_ABSURD: Entry(
        "The order's date {field} is {value}, which cannot be.",
        Owner.CLERK,
        "Correct the order in Shopify, or enter it in F&O by hand.",
    ),
    # ---- what the order holds
    ErrorCode.NO_LINES: Entry(
        "The order has no lines, so there is nothing to sell.",
        Owner.CLERK,
        "Look at the order in Shopify. If it is real, enter it in F&O by hand.",
    ),
    ErrorCode.NEGATIVE_AMOUNT: Entry(
        "{what} is negative ({amount}).",
        Owner.CLERK,
        "Look at the order in Shopify; a correction belongs in a refund, not in an order.",
    ),
    ErrorCode.UNKNOWN_SKU: Entry(
        "SKU {sku} ({title}) is not an item that F&O has released in company {company}.",
        Owner.CLERK,
        "Release the item in F&O, or correct the SKU in Shopify. " + _REPLAY,
    ),
    ErrorCode.SKU_EMPTY: Entry(
        "The line “{title}” has no SKU.",
        Owner.CLERK,
        "Give the product a SKU in Shopify and enter this order in F&O by hand, or set a rule for custom lines. "
        + _REPLAY,
    ),
    ErrorCode.LINE_WITHOUT_RULE: Entry(
        "The order has a {kind} (“{title}”), and the store has no rule where that goes in F&O.",
        Owner.ENGINEER,
        "Add {key} to config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.AMOUNT_WITHOUT_RULE: Entry(
        "The order has {what} of {amount}, and the store has no rule where that goes in F&O.",
        Owner.ENGINEER,
        "Add {key} to config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.CURRENCY_WITHOUT_RULE: Entry(
        "The order is in {currency}, which the store does not book.",
        Owner.ENGINEER,
        "Add {currency} to currencies in config/stores/{store}.toml, if F&O has exchange rates for it. " + _REPLAY,
    ),
    ErrorCode.TAX_WITHOUT_RULE: Entry(
        "No tax rule fits “{title}” at {rate} % for {country} {province}.",
        Owner.ACCOUNTANT,
        "Add a [[taxes]] rule to config/stores/{store}.toml with the F&O tax groups. " + _REPLAY,
    ),
    ErrorCode.TAX_AMBIGUOUS: Entry(
        "The order's lines need different sales tax groups ({groups}), but all have one destination.",
        Owner.ACCOUNTANT,
        "Make the [[taxes]] rules of {country} agree on one sales_tax_group. " + _REPLAY,
    ),
    ErrorCode.TAX_SETUP_MISSING: Entry(
        "Company {company} of F&O has no {what}.",
        Owner.FO_ADMIN,
        "Create it in F&O, or correct the tax rules in the store's file. " + _REPLAY,
    ),
    ErrorCode.TAX_SETUP_BEYOND: Entry(
        "F&O's tax code {tax_code} cannot be computed beforehand: {problem}.",
        Owner.ACCOUNTANT,
        'Use another tax code for these sales, or set tax.verify = "rules" in config/stores/{store}.toml. ' + _REPLAY,
    ),
    ErrorCode.TAX_DIFFERS: Entry(
        "F&O would compute {expected} of tax where Shopify charged {charged}.",
        Owner.ACCOUNTANT,
        "Compare the rates of the tax groups with Shopify's tax settings, or change tax.tolerance or tax.policy. "
        + _REPLAY,
    ),
    ErrorCode.SUM_DIFFERS: Entry(
        "The parts of the order sum to {sum}, but Shopify says {total} (difference {difference}).",
        Owner.ACCOUNTANT,
        "Compare the order in Shopify part by part with the evidence in the journal. Nothing was sent to F&O.",
    ),
    ErrorCode.STATE_SUM_DIFFERS: Entry(
        "What is left of the order after edits and refunds does not add up: {problem}.",
        Owner.ACCOUNTANT,
        "Compare the order in Shopify line by line with these figures. Nothing was changed in F&O. " + _REPLAY,
    ),
    ErrorCode.REFUND_SUM_DIFFERS: Entry(
        "The parts of refund {refund} are worth {sum}, but {total} was given back (difference {difference}).",
        Owner.ACCOUNTANT,
        "Compare the refund in Shopify with its transactions, and book the difference in F&O by hand.",
    ),
    ErrorCode.REFUND_PLAN_DIFFERS: Entry(
        "What refund {refund} would credit in F&O sums to {sum}, but it is worth {total} (difference {difference}).",
        Owner.ACCOUNTANT,
        "Compare the refund in Shopify part by part. Nothing was sent to F&O; enter the credit by hand.",
    ),
    ErrorCode.REFUND_REASON_UNKNOWN: Entry(
        "Refund {refund} has an adjustment for the reason “{reason}”, which Shopify does not document.",
        Owner.ENGINEER,
        "Look in Shopify's release notes what that means, and teach the app. Nothing was credited. " + _REPLAY,
    ),
    ErrorCode.REFUND_TAX_UNKNOWN: Entry(
        "Refund {refund} gives back {tax} of tax for “{what}”, where the order has none.",
        Owner.ACCOUNTANT,
        "Compare the refund's tax in Shopify with the order's, and enter the credit in F&O by hand.",
    ),
    ErrorCode.REFUND_NOT_INVOICED: Entry(
        "Refund {refund} takes goods back ({goods}) that F&O has not invoiced on {sales_order} after {hours} hours.",
        Owner.CLERK,
        "Post packing slip and invoice of the sales order in F&O, or see why its batch jobs did not. " + _REPLAY,
    ),
    ErrorCode.REFUND_CHANGED: Entry(
        "Refund {refund} was credited in F&O as {booked}, and Shopify says now that it is worth {now}.",
        Owner.ACCOUNTANT,
        "See whether its payment failed in Shopify, and correct {documents} in F&O by hand.",
    ),
    ErrorCode.REFUND_WITHOUT_ORDER: Entry(
        "Refund {refund} is worth {amount}, not all of it for an order that was cancelled or given back before it "
        "reached F&O.",
        Owner.ACCOUNTANT,
        "Look at the refund in Shopify, and enter what is left of it in F&O by hand.",
    ),
    ErrorCode.RETURN_BEYOND_ORDER: Entry(
        "{quantity} of order line {line} came back, and the sales order in F&O has not so many that were not returned.",
        Owner.CLERK,
        "Compare the sales order and its return orders in F&O with the order in Shopify. " + _REPLAY,
    ),
    ErrorCode.PAYMENT_WITHOUT_ORDER: Entry(
        "The order was cancelled or given back before it reached F&O, and not all of its money went back (transactions "
        "{transactions}).",
        Owner.ACCOUNTANT,
        "Look at the order in Shopify: give back what is the buyer's, and enter in F&O by hand what the store keeps.",
    ),
    ErrorCode.PAYMENTS_DIFFER: Entry(
        "The order's payments contradict each other: {problem}.",
        Owner.ACCOUNTANT,
        "Compare the order's payments in Shopify with those at the payment provider. " + _REPLAY,
    ),
    ErrorCode.TRANSACTION_UNKNOWN: Entry(
        "Payment transaction {transaction} has the {field} “{value}”, which Shopify does not document.",
        Owner.ENGINEER,
        "Look in Shopify's release notes what that means, and teach the app. Nothing was booked. " + _REPLAY,
    ),
    ErrorCode.TRANSACTION_CURRENCY: Entry(
        "Payment transaction {transaction} is in {paid}, and nothing says its amount in {booked}.",
        Owner.ACCOUNTANT,
        "Book the payment in F&O by hand at the rate of the payment provider.",
    ),
    ErrorCode.FO_SUM_DIFFERS: Entry(
        "F&O booked {booked} for the order's lines where {expected} was sent.",
        Owner.ACCOUNTANT,
        "Look for price or discount agreements in F&O that override the sent price. The order is held in F&O.",
    ),
    ErrorCode.TAX_OF_MARKETPLACE: Entry(
        "A marketplace owes the tax “{title}” of {amount}, and the store has no rule for that{reason}.",
        Owner.ACCOUNTANT,
        'Enter the order in F&O by hand, or set tax.marketplace in config/stores/{store}.toml: "leave_out", or '
        '"take_out" where prices include tax. ' + _REPLAY,
    ),
    ErrorCode.SHIPPING_WITHOUT_RULE: Entry(
        "No shipping rule fits the method “{title}” (code {shipping_code}).",
        Owner.ENGINEER,
        "Add a [[shipping]] rule to config/stores/{store}.toml with the F&O mode of delivery. " + _REPLAY,
    ),
    ErrorCode.UNKNOWN_COUNTRY: Entry(
        "The address names the country “{country}”, which is none.",
        Owner.CLERK,
        "Correct the address in Shopify. " + _REPLAY,
    ),
    ErrorCode.NO_ADDRESS: Entry(
        "The order has goods to ship but no address.",
        Owner.CLERK,
        "Add the address in Shopify, or set orders.address_without_shipping for pick-up. " + _REPLAY,
    ),
    ErrorCode.NO_BUYER: Entry(
        "The order names no buyer, no e-mail address and no phone number, so it has no customer account.",
        Owner.CLERK,
        'Add the customer in Shopify, or set customers.anonymous = "shared" in config/stores/{store}.toml. ' + _REPLAY,
    ),
    ErrorCode.FIELD_TOO_LONG: Entry(
        "“{value}” has {length} characters, but F&O's {field} holds {limit}.",
        Owner.CLERK,
        "Shorten it in Shopify: nothing is cut silently, and no other field has room for it. " + _REPLAY,
    ),
    ErrorCode.NO_WAREHOUSE: Entry(
        "No warehouse of the store may ship to {country} from location {location}.",
        Owner.ENGINEER,
        "Extend the countries of a warehouse in config/stores/{store}.toml. " + _REPLAY,
    ),
    ErrorCode.CHANGED_BEFORE_CREATION: Entry(
        "The order was edited or refunded in Shopify before it reached F&O ({what}).",
        Owner.CLERK,
        "Enter the order in F&O by hand as it stands in Shopify now.",
    ),
    ErrorCode.CHANGE_HELD: Entry(
        "The order was changed in Shopify, and F&O is too far with {sales_order} to follow by itself: {changes}.",
        Owner.CLERK,
        "Make the change in F&O as far as it is still possible, or undo it in Shopify. {hold} " + _REPLAY,
    ),
    ErrorCode.FURTHER_ORDERS_EXHAUSTED: Entry(
        "Sales order {sales_order} has {count} further orders for what was added later, and there are no more letters.",
        Owner.CLERK,
        "Enter what was added in F&O by hand, then discard the parked message.",
    ),
    ErrorCode.CHANGE_NOT_TAKEN: Entry(
        "F&O did not keep what was written to {sales_order}. It still lacks: {changes}.",
        Owner.FO_ADMIN,
        "Look for agreements, workflows or defaults in F&O that override what is sent. The order is held in F&O. "
        + _REPLAY,
    ),
    ErrorCode.TOO_MANY_LINES: Entry(
        "The order has {count} lines, more than the {limit} that are sent to F&O in one piece.",
        Owner.CLERK,
        "Raise orders.max_lines in config/stores/{store}.toml (at most 4999), or enter the order in F&O by hand. "
        + _REPLAY,
    ),
    ErrorCode.PAYMENT_WITHOUT_RULE: Entry(
        "Transaction {transaction} moved {amount} through the gateway “{gateway}”, and the store has no rule for that.",
        Owner.ACCOUNTANT,
        'Add a [[payments.methods]] rule with gateway = "{gateway}" to config/stores/{store}.toml. ' + _REPLAY,
    ),
    ErrorCode.PAYMENT_WITHOUT_RATE: Entry(
        "Transaction {transaction} is of {paid}, and the order has no exchange rate for that.",
        Owner.ACCOUNTANT,
        "Compare the order's currencies in Shopify, and book the payment in F&O by hand.",
    ),
    # ---- what F&O says
    ErrorCode.FO_REJECTED: Entry(
        "F&O refused {what}: {infolog}",
        Owner.FO_ADMIN,
        "Read F&O's own words above; correct the master data or the rule they name. " + _REPLAY,
    ),
    ErrorCode.FO_DENIED: Entry(
        "F&O does not let the app do this ({status}): {infolog}",
        Owner.FO_ADMIN,
        "Register the app under Microsoft Entra applications and grant its role the privileges of docs/security.md.",
    ),
    ErrorCode.FO_DUPLICATE: Entry(
        "F&O has {count} sales orders with the reference {reference}.",
        Owner.FO_ADMIN,
        "Keep one of {numbers}, delete the others. " + _REPLAY,
    ),
    ErrorCode.FO_FOREIGN_ORDER: Entry(
        "F&O has a sales order {number} already, but with the reference “{found}” instead of {reference}.",
        Owner.FO_ADMIN,
        "Find out who else uses this number range; change orders.number_prefix if it is not ours alone.",
    ),
    ErrorCode.FO_REFUND_TWICE: Entry(
        "F&O has {count} {documents} with the reference {reference}.",
        Owner.ACCOUNTANT,
        "Keep one of {numbers}, delete or reverse the others. " + _REPLAY,
    ),
    ErrorCode.FO_FOREIGN_RETURN: Entry(
        "F&O has a return order {number} already, but with the reference “{found}” instead of {reference}.",
        Owner.FO_ADMIN,
        "Find out who else uses this number range; change refunds.number_prefix if it is not ours alone.",
    ),
    ErrorCode.FO_REFUND_DIFFERS: Entry(
        "F&O has {booked} on {document} where {expected} was sent.",
        Owner.ACCOUNTANT,
        "Look for prices or charges in F&O that override what was sent. A return order is held in F&O. " + _REPLAY,
    ),
    ErrorCode.FO_PAYMENT_TWICE: Entry(
        "F&O has {count} payment lines with the payment id {payment}, in the journals {journals}.",
        Owner.ACCOUNTANT,
        "Keep one of them and delete or reverse the others. " + _REPLAY,
    ),
    ErrorCode.FO_FOREIGN_PAYMENT: Entry(
        "F&O has a payment line with the payment id {payment} already, but for “{found}” instead of {sales_order}.",
        Owner.ACCOUNTANT,
        "Find out who booked it. If it is this payment, correct its payment reference. " + _REPLAY,
    ),
    ErrorCode.SALES_ORDER_DIFFERS: Entry(
        "The sales order {sales_order} is not what the order in Shopify is. Its lines come to {fo}, and in Shopify to "
        "{shopify}: {what}.",
        Owner.ACCOUNTANT,
        "Find out who changed it in F&O. Undo it there, or change the order in Shopify likewise. The order's next "
        "event brings F&O to what Shopify says, as far as [changes] of the store allows.",
    ),
    ErrorCode.PAYMENT_DIFFERS: Entry(
        "For {sales_order}, {what} is {fo} in F&O and {shopify} in Shopify.",
        Owner.ACCOUNTANT,
        "Compare the lines of F&O's payment journals that refer to the sales order with the order's transactions in "
        "Shopify, and correct F&O by hand: a line that was deleted or changed there is not written again.",
    ),
    ErrorCode.REFUND_DIFFERS: Entry(
        "For {sales_order}, {what} was credited in F&O with {fo}, and is worth {shopify} in Shopify.",
        Owner.ACCOUNTANT,
        "See whether the refund's payment failed in Shopify, and correct its return order or free text invoice.",
    ),
    ErrorCode.FO_ORDER_GONE: Entry(
        "The sales order {sales_order} is not in F&O any more, but the order in Shopify is not cancelled.",
        Owner.CLERK,
        "Find out who deleted it. Cancel the order in Shopify, or enter it in F&O by hand.",
    ),
    ErrorCode.FO_LINE_UNKNOWN: Entry(
        "The line {lot} of {sales_order} (item {item}) is ours, but nothing tells any more which line of the order.",
        Owner.CLERK,
        "Make the change in F&O by hand.",
    ),
    ErrorCode.FO_STATUS_UNKNOWN: Entry(
        "The sales order {sales_order} has the processing status {status}, which F&O's metadata did not have.",
        Owner.ENGINEER,
        "Look in F&O's release notes what that means, and teach the app. Nothing was changed. " + _REPLAY,
    ),
    ErrorCode.FO_WRONG_COMPANY: Entry(
        "F&O answered for company {found} where {company} was asked.",
        Owner.ENGINEER,
        "Check company in the store's rules and the company access of the app's F&O user.",
    ),
    ErrorCode.FO_CONFLICT: Entry(
        "Somebody changed {what} in F&O at the same moment.",
        Owner.CLERK,
        _REPLAY,
    ),
    # ---- what Shopify's Admin API says
    ErrorCode.SHOPIFY_REJECTED: Entry(
        "Shopify refused {what}: {message}",
        Owner.ENGINEER,
        "Read Shopify's own words above; correct the product, location or permission they name.",
    ),
    ErrorCode.SHOPIFY_DENIED: Entry(
        "Shopify does not let the app do this: {message}",
        Owner.ENGINEER,
        "Grant the app the access scope it names, and install it again.",
    ),
    ErrorCode.SHOPIFY_SHAPE: Entry(
        "Shopify's answer to {what} has not the documented shape: {problem}.",
        Owner.ENGINEER,
        "Check the API version of the app; upgrade it if Shopify has retired that version.",
    ),
    # ---- giving up
    ErrorCode.ATTEMPTS_EXHAUSTED: Entry(
        "After {attempts} attempts over {age} it still fails: {reason}.",
        Owner.ENGINEER,
        "See that the other system is well again. " + _REPLAY,
    ),
    # ---- stock
    ErrorCode.STOCK_SKU_UNKNOWN: Entry(
        "Shopify sells SKU {sku} at {location}, but F&O has released no such item in company {company}.",
        Owner.CLERK,
        "Release the item in F&O, or correct the SKU in Shopify. Its stock figure is not touched until then.",
    ),
    ErrorCode.STOCK_SKU_AMBIGUOUS: Entry(
        "SKU {sku} stands on {count} products in Shopify.",
        Owner.CLERK,
        "Give each product its own SKU. The stock figures of these products are not touched until then.",
    ),
    ErrorCode.STOCK_REFUSED: Entry(
        "Shopify refused the stock figure {quantity} of SKU {sku} at {location}: {message}",
        Owner.CLERK,
        "Look at the product's inventory settings in Shopify (tracked, stocked at this location, no bundle).",
    ),
    ErrorCode.STOCK_NOT_STOCKED: Entry(
        "F&O has {quantity} of SKU {sku} for location {location}, but Shopify does not stock the product there.",
        Owner.CLERK,
        "Stock the product at this location in Shopify. If it is not sold there on purpose, nothing.",
    ),
    ErrorCode.STOCK_STALE: Entry(
        "The stock figure of SKU {sku} at {location} kept changing in Shopify while it was being set.",
        Owner.CLERK,
        "Nothing: the next run tries again. If it stays, another app writes the same figure.",
    ),
}


def as_markdown() -> str:
    """The catalogue as the page docs/errors.md."""
    rows = [
        f"| `{code}` | {entry.status or 'parked'} | {entry.cause} | {entry.owner} | {entry.next_step} |"
        for code, entry in sorted(CATALOGUE.items())
    ]
    return "\n".join(
        [
            "# Errors, and what to do",
            "",
            "Generated by `python -m shared.error_catalogue > docs/errors.md`; a test keeps it equal to the code.",
            "Words in braces are filled in with the case. A status is what Shopify is answered. `SALES_ORDER_DIFFERS`,",
            "`PAYMENT_DIFFERS` and `REFUND_DIFFERS` are what the sweep finds, told in the journal and by an alert. All",
            "else is parked: kept whole, out of the way of other orders, until somebody acts and replays it, or gives",
            "it up (an order that was entered in F&O by hand: `discard --sales-order`). README, “Operate”, says how.",
            "",
            "| Code | Answer | Cause | Whose job | Next step |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
