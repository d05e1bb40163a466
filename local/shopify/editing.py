"""Order edits, as orderEditBegin ... orderEditCommit make them, in one step.

Removed units stay on their line (current quantity 0 when all are gone), added lines come last, a removed shipping
line stays with `is_removed`. What the buyer owes afterwards, or is owed, is left open. Taxes of a line whose price
or quantity grew are computed anew; removed units take their share of the taxes with them.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from local.shopify.balance import financial_status
from local.shopify.cart import Cart, CartError, read_lines, read_shipping
from local.shopify.events import Event, find_line
from local.shopify.lines import currencies_of, price_lines
from local.shopify.money import MoneyBag
from local.shopify.order import DiscountAllocation, DiscountApplication, LineItem, Order, ShippingLine, Units
from local.shopify.records import OrderEdit
from local.shopify.routing import add_units, give_up, route_added
from local.shopify.state import Shop


def edit(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """One edit: {add?, quantities?, discounts?, remove_discounts?, shipping?, tax?, restock?, note?}.

    `add`: lines as in a checkout; `quantities`: {line: new current quantity}; `discounts`: {line: amount in the
    shop's currency}; `remove_discounts`: [line]; `shipping`: {add?: [...], remove?: true or [ids]}. A line is named
    by id, SKU or title.
    """
    if order.cancelled_at or financial_status(order) in ("refunded", "voided"):
        raise CartError("The order cannot be edited.")
    made = OrderEdit(shop.next_id(), shop.clock(), params.get("note", ""))
    quantities = {
        _line(order, reference).id: int(quantity) for reference, quantity in params.get("quantities", {}).items()
    }
    discounts = {
        _line(order, reference).id: Decimal(str(amount)) for reference, amount in params.get("discounts", {}).items()
    }
    bare = [find_line(order, reference) for reference in params.get("remove_discounts", [])]
    cart = _cart(shop, order, params)
    for line_id, quantity in quantities.items():
        _check_quantity(find_line(order, line_id), quantity)
    shipping_lines = _shipping_lines(order, params.get("shipping", {}).get("remove", []))
    for line in bare:
        _remove_discounts(order, line, made)
    for line_id, quantity in quantities.items():
        _set_quantity(shop, order, find_line(order, line_id), quantity, made, restock=params.get("restock", True))
    for line_id, amount in discounts.items():
        _add_discount(order, find_line(order, line_id), amount, made)
    for shipping_line in shipping_lines:
        shipping_line.removed = True
        made.shipping_removed.append(shipping_line.id)
    _add(shop, order, cart, made)
    if made.empty:
        raise CartError("There must be at least one change to be made.")
    order.edited = True
    return [Event("orders/edited", made)]


def add_lines(shop: Shop, order: Order, cart: Cart) -> list[LineItem]:
    """Add lines at the end of the order and commit their stock."""
    priced = price_lines(
        shop,
        cart,
        currencies_of(order),
        taxes_included=order.taxes_included,
        discounts_before=len(order.discounts),
    )
    order.discounts += [replace(each, by_edit=True) for each in priced.discounts]
    order.lines += priced.lines
    order.shipping_lines += priced.shipping
    route_added(shop, order, priced.lines)
    return priced.lines


def _line(order: Order, reference: str) -> LineItem:
    """The line by id, SKU or title. Keys of JSON objects are texts, ids too."""
    return find_line(order, int(reference) if reference.isdigit() else reference)


def _cart(shop: Shop, order: Order, params: Mapping[str, Any]) -> Cart:
    """The added lines; without `tax`, taxed like the order's first line."""
    like = order.lines[0].rates
    rates = [{"title": r.title, "rate": str(r.rate), "channel_liable": r.channel_liable} for r in like]
    tax = params.get("tax", rates)
    shipping = params.get("shipping", {}).get("add", [])
    return Cart(
        read_lines({"lines": params.get("add", []), "tax": tax}, shop.variant_by_sku),
        read_shipping({"shipping": shipping, "tax": tax}),
        (),
    )


def _shipping_lines(order: Order, params: bool | list[int]) -> list[ShippingLine]:  # noqa: FBT001 - JSON's true
    left = [shipping_line for shipping_line in order.shipping_lines if not shipping_line.removed]
    chosen = [
        shipping_line
        for shipping_line in left
        if params is True or (isinstance(params, list) and shipping_line.id in params)
    ]
    if isinstance(params, list) and len(chosen) != len(params):
        raise CartError("The shipping line can't be removed because it doesn't exist or has already been removed.")
    return chosen


def _check_quantity(line: LineItem, quantity: int) -> None:
    shipped = line.current_quantity - line.unfulfilled
    if line.tip or quantity < shipped:
        raise CartError(f"{line.title!r} cannot have fewer units than the {shipped} shipped")


def _set_quantity(shop: Shop, order: Order, line: LineItem, quantity: int, made: OrderEdit, *, restock: bool) -> None:
    delta = quantity - line.current_quantity
    if delta > 0:
        made.added[line.id] = delta
        add_units(shop, order, line, delta)
        line.left = Units(quantity, line.left.discounts, line.left.taxes)
        _tax_again(order, line)
    elif delta < 0:
        made.removed[line.id] = -delta
        give_up(shop, order, line, -delta, restock=restock)
        line.remove(-delta)


def _add_discount(order: Order, line: LineItem, amount: Decimal, made: OrderEdit) -> None:
    left = line.net(line.left)
    off = currencies_of(order).both(amount)
    if amount <= 0 or off.shop > left.shop or not line.current_quantity:
        raise CartError(f"{line.title!r} costs {left.shop}, less than the discount of {amount}")
    if off.presentment > left.presentment:
        off = MoneyBag(off.shop, off.shop_currency, left.presentment, off.presentment_currency)
    index = len(order.discounts)
    order.discounts.append(
        DiscountApplication(
            "manual", "Line discount", "line_item", "explicit", "one", "fixed_amount", amount, by_edit=True
        )
    )
    discounts = (*line.left.discounts, DiscountAllocation(index, off))
    line.left = Units(line.left.quantity, discounts, line.left.taxes)
    _tax_again(order, line)
    made.discounts_added.append(line.id)


def _remove_discounts(order: Order, line: LineItem, made: OrderEdit) -> None:
    """Removes the line's own discounts from its remaining units; discount codes stay."""
    kept = tuple(d for d in line.left.discounts if order.discounts[d.application].kind != "manual")
    if len(kept) == len(line.left.discounts):
        raise CartError(f"{line.title!r} has no discount of its own")
    line.left = Units(line.left.quantity, kept, line.left.taxes)
    _tax_again(order, line)
    made.discounts_removed.append(line.id)


def _tax_again(order: Order, line: LineItem) -> None:
    net = line.net(line.left)
    divisor = 1 + sum((rate.rate for rate in line.rates), Decimal(0)) if order.taxes_included else Decimal(1)
    taxes = tuple(net.times_rate(rate.rate / divisor) for rate in line.rates)
    line.left = Units(line.left.quantity, line.left.discounts, taxes)


def _add(shop: Shop, order: Order, cart: Cart, made: OrderEdit) -> None:
    known = len(order.shipping_lines)
    for line in add_lines(shop, order, cart):
        made.added[line.id] = line.quantity
    made.shipping_added += [shipping_line.id for shipping_line in order.shipping_lines[known:]]
