"""Returns and exchanges: requested, approved, processed, refunded, closed.

Processing takes the goods off the order's current quantities and totals and charges the return's fees, whether or not
it refunds them. Exchange goods become lines of the order then, as `ExchangeLineItem.lineItem` documents; their price is
offset against that of the returned goods. A refund of a return writes no adjustment: what it pays out less than is owed
stays owed to the buyer. Processing leaves the return open.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.shopify.cart import Cart, CartError, read_lines
from local.shopify.editing import add_lines
from local.shopify.events import Event, find_line
from local.shopify.lines import currencies_of
from local.shopify.money import MoneyBag
from local.shopify.order import LineItem, Order
from local.shopify.records import ExchangeLine, Return, ReturnFee, ReturnLine
from local.shopify.refunding import refund
from local.shopify.state import Shop
from local.shopify.stock import bring_back


def handle_return(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """{action: request|open|approve|process|close, ...}.

    request and open: `lines` [{line, quantity, reason?, note?, restocking_fee?}], `exchange` [lines as in a checkout],
    `shipping_fee`. All others: `return` (an id; the last one by default). process: `restock`, `location_id`, `refund`
    (default true: all that was processed is refunded at once). process and refund: `amount` and the rest of a refund.
    """
    match params.get("action"):
        case "request" | "open":
            return [_create(shop, order, params)]
        case "approve":
            found = _find(order, params, "REQUESTED")
            found.status, found.approved_at = "OPEN", shop.clock()
            return [Event("returns/approve", found)]
        case "process":
            return _process(shop, order, _find(order, params, "OPEN"), params)
        case "refund":
            return _refund(shop, order, _find(order, params, "OPEN", "CLOSED"), params)
        case "close":
            found = _find(order, params, "OPEN")
            found.status, found.closed_at = "CLOSED", shop.clock()
            return [Event("returns/close", found)]
        case other:
            raise CartError(f"a return cannot be {other!r}")


def _create(shop: Shop, order: Order, params: Mapping[str, Any]) -> Event:
    rows = [(find_line(order, row["line"]), row) for row in params["lines"]]
    for line, row in rows:
        wanted = sum(other["quantity"] for same, other in rows if same is line)
        if row["quantity"] < 1 or wanted > returnable(order, line):
            raise CartError("Return line item has an invalid quantity.")
    now, is_open = shop.clock(), params["action"] == "open"
    made = Return(
        id=shop.next_id(),
        name=f"{order.name}-R{len(order.returns) + 1}",
        status="OPEN" if is_open else "REQUESTED",
        created_at=now,
        lines=[_return_line(shop, order, line, row) for line, row in rows],
        exchanges=[ExchangeLine(shop.next_id(), dict(row), row["quantity"]) for row in params.get("exchange", [])],
        shipping_fees=[
            ReturnFee(shop.next_id(), "ReturnShippingFee", currencies_of(order).both(Decimal(str(params[key]))))
            for key in ("shipping_fee",)
            if key in params
        ],
        approved_at=now if is_open else None,
    )
    _cart(shop, made)
    order.returns.append(made)
    return Event("returns/approve" if is_open else "returns/request", made)


def returnable(order: Order, line: LineItem) -> int:
    """Units that are shipped, still on the order, and not in a return yet."""
    waiting = sum(
        row.quantity - row.processed
        for each in order.returns
        if each.status in ("REQUESTED", "OPEN")
        for row in each.lines
        if row.line_id == line.id
    )
    return 0 if line.tip else line.current_quantity - line.unfulfilled - waiting


def _return_line(shop: Shop, order: Order, line: LineItem, row: Mapping[str, Any]) -> ReturnLine:
    sent = next(part for each in order.live_fulfillments for part in each.lines if part.line_id == line.id)
    fee = _fee(order, row)
    return ReturnLine(
        id=shop.next_id(),
        fulfillment_line_id=sent.id,
        line_id=line.id,
        quantity=row["quantity"],
        reason=row.get("reason", "UNKNOWN").upper(),
        note=row.get("note", ""),
        restocking_fee=fee,
    )


def _fee(order: Order, row: Mapping[str, Any]) -> MoneyBag | None:
    return currencies_of(order).both(Decimal(str(row["restocking_fee"]))) if "restocking_fee" in row else None


def _find(order: Order, params: Mapping[str, Any], *statuses: str) -> Return:
    found = [each for each in order.returns if params.get("return") in (None, each.id)]
    if not found or found[-1].status not in statuses:
        raise CartError("INVALID_STATE: no such return in that state")
    return found[-1]


def _cart(shop: Shop, found: Return) -> Cart:
    """The exchange goods; raises CartError for invalid ones."""
    rows = [each.params for each in found.exchanges if each.line_id is None]
    return Cart(read_lines({"lines": rows}, shop.variant_by_sku), (), ())


def _process(shop: Shop, order: Order, found: Return, params: Mapping[str, Any]) -> list[Event]:
    rows = [row for row in found.lines if row.quantity > row.processed]
    if not rows:
        raise CartError("all of the return was processed")
    if not any(row.processed for row in found.lines):
        order.return_fees += found.shipping_fees
    for row in rows:
        line = find_line(order, row.line_id)
        if row.quantity > line.current_quantity:
            raise CartError("Return line item has an invalid quantity.")
        line.take_back(row.quantity)
        row.processed, row.restock = row.quantity, params.get("restock", "return")
        row.location_id = int(params.get("location_id", order.location_id))
        if row.location_id not in shop.locations:
            raise CartError(f"no location has the id {row.location_id}")
        if row.restock == "return":
            bring_back(shop, line, row.quantity, row.location_id)
        if row.restocking_fee is not None:
            order.return_fees.append(ReturnFee(row.id, "RestockingFee", row.restocking_fee))
    fresh = [each for each in found.exchanges if each.line_id is None]
    for exchange, line in zip(fresh, add_lines(shop, order, _cart(shop, found)), strict=True):
        exchange.line_id = line.id
    return _refund(shop, order, found, params) if params.get("refund", True) else []


def _refund(shop: Shop, order: Order, found: Return, params: Mapping[str, Any]) -> list[Event]:
    """Refunds what was processed and not refunded yet."""
    rows = [row for row in found.lines if row.processed > row.refunded]
    if not rows:
        raise CartError("all that was processed was refunded")
    lines = [
        {
            "line": row.line_id,
            "quantity": row.processed - row.refunded,
            "restock": row.restock,
            "location_id": row.location_id,
        }
        for row in rows
    ]
    keys = ("amount", "status", "exchange_rate", "transactions", "note", "duties", "shipping", "reason")
    chosen = {key: params[key] for key in keys if key in params}
    events = refund(shop, order, {**chosen, "lines": lines, "return_id": found.id})
    for row in rows:
        row.refunded = row.processed
    return events
