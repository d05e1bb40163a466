"""A priced cart as the lines of an order: at checkout, by an edit, in an exchange."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from local.shopify.cart import (
    Cart,
    CartDuty,
    CartError,
    CartLine,
    PricedCart,
    PricedLine,
    applications,
    price_cart,
    taxes_of,
)
from local.shopify.money import ZERO, MoneyBag, allocate, rounded
from local.shopify.order import (
    DiscountAllocation,
    DiscountApplication,
    Duty,
    LineItem,
    Order,
    Rate,
    ShippingLine,
    Units,
)
from local.shopify.state import Shop


@dataclass(frozen=True, slots=True)
class Currencies:
    """The two currencies of an order. `exchange_rate`: buyer's per shop's."""

    shop: str
    buyer: str
    exchange_rate: Decimal

    def to_shop(self, amount: Decimal) -> Decimal:
        return rounded(amount, self.shop)

    def to_buyer(self, amount: Decimal) -> Decimal:
        return rounded(amount * self.exchange_rate, self.buyer)

    def bag(self, shop_amount: Decimal, buyer_amount: Decimal) -> MoneyBag:
        return MoneyBag(shop_amount, self.shop, buyer_amount, self.buyer)

    def both(self, amount: Decimal) -> MoneyBag:
        """An amount given in the shop's currency."""
        return self.bag(self.to_shop(amount), self.to_buyer(amount))


def currencies_of(order: Order) -> Currencies:
    return Currencies(order.currency, order.presentment_currency, order.exchange_rate)


@dataclass(frozen=True, slots=True)
class Priced:
    lines: list[LineItem]
    shipping: list[ShippingLine]
    discounts: list[DiscountApplication]


def price_lines(
    shop: Shop, cart: Cart, currencies: Currencies, *, taxes_included: bool, discounts_before: int = 0
) -> Priced:
    """The cart's lines in both currencies; their discounts are counted on from `discounts_before`."""

    def priced(currency: str, convert: Callable[[Decimal], Decimal]) -> PricedCart:
        return price_cart(cart, currency=currency, taxes_included=taxes_included, convert=convert)

    mine = priced(currencies.shop, currencies.to_shop)
    theirs = priced(currencies.buyer, currencies.to_buyer)

    def allocations(pair: tuple[PricedLine, PricedLine]) -> tuple[DiscountAllocation, ...]:
        in_shop, in_buyer = (dict(each.allocations) for each in pair)
        return tuple(
            DiscountAllocation(
                discounts_before + index, currencies.bag(in_shop.get(index, ZERO), in_buyer.get(index, ZERO))
            )
            for index in sorted(in_shop.keys() | in_buyer.keys())
        )

    def taxes(pair: tuple[PricedLine, PricedLine]) -> tuple[MoneyBag, ...]:
        return tuple(currencies.bag(a, b) for a, b in zip(pair[0].taxes, pair[1].taxes, strict=True))

    lines = []
    for line, pair in zip(cart.lines, zip(mine.lines, theirs.lines, strict=True), strict=True):
        units = Units(line.quantity, allocations(pair), taxes(pair))
        duties = [_duty(shop, duty, currencies, taxes_included=taxes_included) for duty in line.duties]
        lines.append(_line(shop, line, currencies.bag(pair[0].price, pair[1].price), units, duties))
    shipping_lines = []
    for shipping_line, pair in zip(cart.shipping, zip(mine.shipping, theirs.shipping, strict=True), strict=True):
        taxed = taxes(pair)
        price = currencies.bag(pair[0].price, pair[1].price)
        shipping_lines.append(
            ShippingLine(
                id=shop.next_id(),
                title=shipping_line.title,
                code=shipping_line.code,
                source="shopify",
                price=price,
                discounted_price=currencies.bag(pair[0].net, pair[1].net),
                allocations=list(allocations(pair)),
                rates=shipping_line.rates,
                taxes=taxed,
                refunded=price.zero,
                refunded_taxes=tuple(tax.zero for tax in taxed),
            )
        )
    return Priced(lines, shipping_lines, list(applications(cart)))


def _line(shop: Shop, line: CartLine, price: MoneyBag, units: Units, duties: list[Duty]) -> LineItem:
    nothing = price.zero
    return LineItem(
        id=shop.next_id(),
        title=line.title,
        sku=line.sku,
        variant=line.variant,
        price=price,
        rates=line.rates,
        left=units,
        returned=Units(0, (), tuple(nothing for _ in line.rates)),
        gone=Units(0, (), tuple(nothing for _ in line.rates)),
        unfulfilled=0,
        taxable=bool(line.rates),
        requires_shipping=line.requires_shipping,
        gift_card=line.gift_card,
        tip=line.tip,
        properties=[{"name": name, "value": value} for name, value in line.properties],
        fulfillment_line_id=shop.next_id(),
        duties=duties,
    )


def _duty(shop: Shop, duty: CartDuty, currencies: Currencies, *, taxes_included: bool) -> Duty:
    if duty.amount < 0:
        raise CartError("a duty cannot be negative")
    price = currencies.both(duty.amount)
    return Duty(
        id=shop.next_id(),
        harmonized_system_code=duty.harmonized_system_code,
        country_of_origin=duty.country_of_origin,
        price=price,
        refunded=price.zero,
        rates=duty.rates,
        taxes=charge_taxes(price, duty.rates, taxes_included=taxes_included),
    )


def charge_taxes(price: MoneyBag, rates: tuple[Rate, ...], *, taxes_included: bool) -> tuple[MoneyBag, ...]:
    """The taxes of a duty or an additional fee, computed as those of a line."""
    mine = taxes_of(price.shop, rates, price.shop_currency, included=taxes_included)
    theirs = taxes_of(price.presentment, rates, price.presentment_currency, included=taxes_included)
    return tuple(replace(price, shop=a, presentment=b) for a, b in zip(mine, theirs, strict=True))


def spread_duties(shop: Shop, lines: list[LineItem], amount: Decimal, currencies: Currencies) -> None:
    """Duties given for the whole order, over its goods by what they cost."""
    goods = [line for line in lines if not line.tip and not line.gift_card]
    weights = [line.net(line.left) for line in goods]
    whole = currencies.both(amount)
    worth = sum(weights, whole.zero)
    if amount < 0 or not (worth.shop and worth.presentment):
        raise CartError("duties need goods with a price")
    for line, weight in zip(goods, _spread(whole, weights), strict=True):
        if weight:
            line.duties.append(
                Duty(
                    id=shop.next_id(),
                    harmonized_system_code=None,
                    country_of_origin=None,
                    price=weight,
                    refunded=weight.zero,
                )
            )


def _spread(whole: MoneyBag, weights: list[MoneyBag]) -> list[MoneyBag]:
    in_shop = allocate(whole.shop, [each.shop for each in weights], whole.shop_currency)
    in_buyer = allocate(whole.presentment, [each.presentment for each in weights], whole.presentment_currency)
    return [replace(whole, shop=a, presentment=b) for a, b in zip(in_shop, in_buyer, strict=True)]
