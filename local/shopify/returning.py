"""Returns and exchanges: requested, approved, processed, closed.

Exchange goods become lines of the order when the return is processed, as `ExchangeLineItem.lineItem` documents;
their price is offset against that of the returned goods. Processing leaves the return open.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.shopify.balance import owed_to_buyer
from local.shopify.cart import Cart, CartError, read_lines
from local.shopify.editing import add_lines
from local.shopify.events import Event, find_line
from local.shopify.lines import currencies_of
from local.shopify.money import MoneyBag
from local.shopify.order import LineItem, Order
from local.shopify.records import ExchangeLine, Return, ReturnLine
from local.shopify.refunding import refund
from local.shopify.state import Shop


def handle_return(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """{action: request|open|approve|process|close, ...}.

    request and open: `lines` [{line, quantity, reason?, note?, restocking_fee?}], `exchange` [lines as in a checkout].
    approve, process and close: `return` (an id; the last one by default). process: `restock`, `location_id`, `amount`
    and the rest of a refund.
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
    sent = next(part for each in order.fulfillments for part in each.lines if part.line_id == line.id)
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


def _find(order: Order, params: Mapping[str, Any], status: str) -> Return:
    found = [each for each in order.returns if params.get("return") in (None, each.id)]
    if not found or found[-1].status != status:
        raise CartError("INVALID_STATE: no such return in that state")
    return found[-1]


def _cart(shop: Shop, found: Return) -> Cart:
    """The exchange goods; raises CartError for invalid ones."""
    rows = [each.params for each in found.exchanges if each.line_id is None]
    return Cart(read_lines({"lines": rows}, shop.variant_by_sku), (), ())


def _process(shop: Shop, order: Order, found: Return, params: Mapping[str, Any]) -> list[Event]:
    if not any(row.quantity > row.processed for row in found.lines):
        raise CartError("all of the return was processed")
    rows = [
        {
            "line": row.line_id,
            "quantity": row.quantity - row.processed,
            "restock": params.get("restock", "return"),
            **({"location_id": params["location_id"]} if "location_id" in params else {}),
        }
        for row in found.lines
        if row.quantity > row.processed
    ]
    before = owed_to_buyer(order)
    fresh = [each for each in found.exchanges if each.line_id is None]
    for exchange, line in zip(fresh, add_lines(shop, order, _cart(shop, found)), strict=True):
        exchange.line_id = line.id
    fees = [
        row.restocking_fee.presentment for row in found.lines if row.restocking_fee is not None and not row.processed
    ]
    extra = {"restocking_fee": str(sum(fees, Decimal(0)))} if fees else {}
    keys = ("amount", "status", "exchange_rate", "transactions", "note", "duties", "shipping", "reason")
    chosen = {key: params[key] for key in keys if key in params}
    events = refund(shop, order, {**extra, **chosen, "lines": rows, "return_id": found.id}, before=before)
    for row in found.lines:
        row.processed = row.quantity
    return events
