"""An order's totals: as ordered, with all units ever on it, and now, after edits, refunds and returns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from local.shopify.money import MoneyBag, total
from local.shopify.order import Charge, Order, ShippingLine, TaxLine, Units, tax_lines


@dataclass(frozen=True, slots=True)
class Totals:
    """`shipping` is before discounts, `shipping_discounted` after; `duties` and `fees` are beside the lines."""

    line_items: MoneyBag
    subtotal: MoneyBag
    discounts: MoneyBag
    shipping: MoneyBag
    shipping_discounted: MoneyBag
    tax: MoneyBag
    duties: MoneyBag
    fees: MoneyBag
    total: MoneyBag
    tax_lines: tuple[TaxLine, ...]


def ordered(order: Order) -> Totals:
    """Before returns: all units that were ever ordered, removed ones included."""
    zero = order.zero
    units = [line.everything for line in order.lines]
    shipping_lines = order.shipping_lines
    return _totals(
        order,
        units,
        shipping=total((shipping_line.price for shipping_line in shipping_lines), zero),
        shipping_discounted=total((shipping_line.discounted_price for shipping_line in shipping_lines), zero),
        shipping_discounts=total(
            (a.amount for shipping_line in shipping_lines for a in shipping_line.allocations), zero
        ),
        shipping_taxes=lambda shipping_line: shipping_line.taxes,
        charge_taxes=lambda charge: charge.taxes,
        duties=total((duty.price for line in order.lines for duty in line.duties), zero),
        fees=total((fee.price for fee in order.fees), zero),
        adjustments=zero,
    )


def current(order: Order) -> Totals:
    """What remains of units, shipping, duties and fees, return fees that were charged, and adjustments of refunds.

    Outstanding is this less the net payment.
    """
    zero = order.zero
    left = [shipping_line for shipping_line in order.shipping_lines if not shipping_line.removed]
    shipping = total((shipping_line.left for shipping_line in left), zero)
    return _totals(
        order,
        [line.left for line in order.lines],
        shipping=shipping,
        shipping_discounted=shipping,
        shipping_discounts=total((a.amount for shipping_line in left for a in shipping_line.allocations), zero),
        shipping_taxes=lambda shipping_line: shipping_line.taxes_left,
        charge_taxes=lambda charge: charge.taxes_left,
        duties=total((duty.left for line in order.lines for duty in line.duties), zero),
        fees=total((fee.left for fee in order.fees), zero),
        adjustments=total((a.amount for refund in order.refunds for a in refund.adjustments), zero)
        + total((fee.amount for fee in order.return_fees), zero),
    )


def _totals(
    order: Order,
    units: list[Units],
    *,
    shipping: MoneyBag,
    shipping_discounted: MoneyBag,
    shipping_discounts: MoneyBag,
    shipping_taxes: Callable[[ShippingLine], tuple[MoneyBag, ...]],
    charge_taxes: Callable[[Charge], tuple[MoneyBag, ...]],
    duties: MoneyBag,
    fees: MoneyBag,
    adjustments: MoneyBag,
) -> Totals:
    zero = order.zero
    pairs = list(zip(order.lines, units, strict=True))
    line_items = total((line.price.times(some.quantity) for line, some in pairs), zero)
    subtotal = total((line.net(some) for line, some in pairs), zero)
    taxes = _aggregate(
        chain(
            (tax_lines(line.rates, some.taxes) for line, some in pairs),
            (tax_lines(shipping_line.rates, shipping_taxes(shipping_line)) for shipping_line in order.shipping_lines),
            (tax_lines(charge.rates, charge_taxes(charge)) for charge in order.charges),
        )
    )
    tax = total((each.price for each in taxes), zero)
    beside = (zero if order.taxes_included else tax) + (zero if order.duties_included else duties)
    return Totals(
        line_items=line_items,
        subtotal=subtotal,
        discounts=line_items - subtotal + shipping_discounts,
        shipping=shipping,
        shipping_discounted=shipping_discounted,
        tax=tax,
        duties=duties,
        fees=fees,
        total=subtotal + shipping_discounted + beside + fees + adjustments,
        tax_lines=taxes,
    )


def _aggregate(lines: Iterable[list[TaxLine]]) -> tuple[TaxLine, ...]:
    """The order's own tax lines: one for each title and rate."""
    found: dict[tuple[str, Decimal], TaxLine] = {}
    for line in chain.from_iterable(lines):
        key = (line.title, line.rate)
        known = found.get(key)
        price = known.price + line.price if known else line.price
        found[key] = TaxLine(line.title, line.rate, price, line.channel_liable, line.shown)
    return tuple(found.values())


def tip(order: Order) -> MoneyBag:
    return total((line.original_total for line in order.lines if line.tip), order.zero)


def grams(order: Order, *, now: bool = False) -> int:
    return sum(
        line.variant.grams * (line.current_quantity if now else line.quantity) for line in order.lines if line.variant
    )
