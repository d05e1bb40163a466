"""From a cart to an order with every amount computed.

Prices and discounts come in the shop's currency. Each currency is priced on its own from converted unit
prices, so the order adds up to the cent in both; the rule for taxes is Shopify's: rounded per line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.shopify.merchandise import Variant
from local.shopify.money import ZERO, allocate, rounded
from local.shopify.order import DiscountApplication, Rate


class CartError(ValueError):
    """The cart cannot become an order; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class CartDuty:
    amount: Decimal
    harmonized_system_code: str | None
    country_of_origin: str | None
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class CartLine:
    variant: Variant | None
    title: str
    sku: str | None
    quantity: int
    price: Decimal
    discount: Decimal
    rates: tuple[Rate, ...]
    requires_shipping: bool
    gift_card: bool
    properties: tuple[tuple[str, str], ...]
    duties: tuple[CartDuty, ...] = ()
    group: str | None = None
    tip: bool = False


@dataclass(frozen=True, slots=True)
class CartShipping:
    title: str
    code: str | None
    price: Decimal
    discount: Decimal
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class CartCode:
    code: str
    amount: Decimal | None
    percentage: Decimal | None


@dataclass(frozen=True, slots=True)
class Cart:
    lines: tuple[CartLine, ...]
    shipping: tuple[CartShipping, ...]
    codes: tuple[CartCode, ...]


def read_cart(document: Mapping[str, Any], variant_by_sku: Mapping[str, Variant]) -> Cart:
    """The cart in a `_sim/orders` document; raises CartError for an invalid one."""
    lines = read_lines(document, variant_by_sku)
    if not lines:
        raise CartError("an order needs at least one line")
    if "tip" in document:
        lines = (*lines, _tip(Decimal(str(document["tip"]))))
    shipping = read_shipping(document)
    codes = tuple(
        CartCode(
            row["code"],
            Decimal(str(row["amount"])) if "amount" in row else None,
            Decimal(str(row["percentage"])) if "percentage" in row else None,
        )
        for row in document.get("discount_codes", [])
    )
    if any((code.amount is None) == (code.percentage is None) for code in codes):
        raise CartError("a discount code has either an amount or a percentage")
    return Cart(lines, shipping, codes)


def read_lines(document: Mapping[str, Any], variant_by_sku: Mapping[str, Variant]) -> tuple[CartLine, ...]:
    rates = read_rates(document.get("tax", []))
    return tuple(_line(row, rates, variant_by_sku) for row in document.get("lines", []))


def read_shipping(document: Mapping[str, Any]) -> tuple[CartShipping, ...]:
    rates = read_rates(document.get("tax", []))
    return tuple(
        CartShipping(
            title=row["title"],
            code=row.get("code", row["title"]),
            price=Decimal(str(row["price"])),
            discount=Decimal(str(row.get("discount", 0))),
            rates=read_rates(row["tax"]) if "tax" in row else rates,
        )
        for row in document.get("shipping", [])
    )


def read_rates(rows: Sequence[Mapping[str, Any]]) -> tuple[Rate, ...]:
    return tuple(
        Rate(row["title"], Decimal(str(row["rate"])), row.get("channel_liable", False), row.get("shown", "fraction"))
        for row in rows
    )


def _tip(amount: Decimal) -> CartLine:
    """A tip is a line without a product, titled Tip; it is neither taxed nor shipped."""
    if amount <= 0:
        raise CartError("a tip must be greater than zero")
    return CartLine(
        None, "Tip", None, 1, amount, ZERO, (), requires_shipping=False, gift_card=False, properties=(), tip=True
    )


def _line(row: Mapping[str, Any], rates: tuple[Rate, ...], variant_by_sku: Mapping[str, Variant]) -> CartLine:
    sku = row.get("sku")
    variant = variant_by_sku.get(sku) if sku else None
    if sku and variant is None:
        raise CartError(f"no variant has the SKU {sku!r}")
    if variant is None and not ("title" in row and "price" in row):
        raise CartError("a custom line needs title and price")
    price = Decimal(str(row["price"])) if "price" in row else variant.price if variant else ZERO
    quantity = int(row["quantity"])
    discount = Decimal(str(row.get("discount", 0)))
    if quantity < 1 or price < 0 or not 0 <= discount <= price * quantity:
        raise CartError(f"quantity {quantity}, price {price} and discount {discount} do not fit together")
    return CartLine(
        variant=variant,
        title=row.get("title") or (variant.product_title if variant else ""),
        sku=sku,
        quantity=quantity,
        price=price,
        discount=discount,
        rates=read_rates(row["tax"]) if "tax" in row else rates,
        requires_shipping=row.get("requires_shipping", not row.get("gift_card", False)),
        gift_card=row.get("gift_card", False),
        properties=tuple((entry["name"], entry["value"]) for entry in row.get("properties", [])),
        duties=tuple(
            CartDuty(
                Decimal(str(duty["amount"])), duty.get("hs_code"), duty.get("origin"), read_rates(duty.get("tax", []))
            )
            for duty in row.get("duties", [])
        ),
        group=row.get("group"),
    )


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Unit price, amounts allocated by discount application index, tax by rate index; in one currency."""

    price: Decimal
    allocations: tuple[tuple[int, Decimal], ...]
    net: Decimal
    taxes: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class PricedCart:
    lines: tuple[PricedLine, ...]
    shipping: tuple[PricedLine, ...]


def applications(cart: Cart) -> tuple[DiscountApplication, ...]:
    """Discounts in the order in which they apply: on a line, by code over all lines, on shipping."""
    on_lines = [
        DiscountApplication("manual", "Line discount", "line_item", "explicit", "one", "fixed_amount", x.discount)
        for x in cart.lines
        if x.discount
    ]
    by_code = [
        DiscountApplication("discount_code", c.code, "line_item", "all", "across", "fixed_amount", c.amount)
        if c.amount is not None
        else DiscountApplication(
            "discount_code", c.code, "line_item", "all", "across", "percentage", c.percentage or ZERO
        )
        for c in cart.codes
    ]
    on_shipping = [
        DiscountApplication(
            "automatic", "Shipping discount", "shipping_line", "all", "each", "fixed_amount", x.discount
        )
        for x in cart.shipping
        if x.discount
    ]
    return (*on_lines, *by_code, *on_shipping)


def price_cart(cart: Cart, *, currency: str, taxes_included: bool, convert: Callable[[Decimal], Decimal]) -> PricedCart:
    """Every amount of the cart in one currency; `convert` turns a shop amount into it."""
    units = [convert(line.price) for line in cart.lines]
    nets = [unit * line.quantity for unit, line in zip(units, cart.lines, strict=True)]
    allocations: list[list[tuple[int, Decimal]]] = [[] for _ in cart.lines]
    index = 0
    for position, line in enumerate(cart.lines):
        if line.discount:
            amount = min(convert(line.discount), nets[position])
            allocations[position].append((index, amount))
            nets[position] -= amount
            index += 1
    for code in cart.codes:
        reached = [ZERO if line.tip else net for net, line in zip(nets, cart.lines, strict=True)]
        left = sum(reached, ZERO)
        requested = left * (code.percentage or ZERO) / 100 if code.amount is None else convert(code.amount)
        for position, amount in enumerate(allocate(min(rounded(requested, currency), left), reached, currency)):
            if amount:
                allocations[position].append((index, amount))
                nets[position] -= amount
        index += 1
    shipping = []
    for shipping_line in cart.shipping:
        price = convert(shipping_line.price)
        discount = min(convert(shipping_line.discount), price)
        allocated = ((index, discount),) if shipping_line.discount else ()
        index += 1 if shipping_line.discount else 0
        taxes = taxes_of(price - discount, shipping_line.rates, currency, included=taxes_included)
        shipping.append(PricedLine(price, allocated, price - discount, taxes))
    lines = [
        PricedLine(
            units[i],
            tuple(allocations[i]),
            nets[i],
            taxes_of(nets[i], line.rates, currency, included=taxes_included),
        )
        for i, line in enumerate(cart.lines)
    ]
    return PricedCart(tuple(lines), tuple(shipping))


def taxes_of(net: Decimal, rates: tuple[Rate, ...], currency: str, *, included: bool) -> tuple[Decimal, ...]:
    """The tax of each rate, rounded; `net` contains them if `included`."""
    divisor = 1 + sum((rate.rate for rate in rates), ZERO) if included else Decimal(1)
    return tuple(rounded(net * rate.rate / divisor, currency) for rate in rates)
