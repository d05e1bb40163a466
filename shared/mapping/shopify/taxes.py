"""The tax lines of a Shopify order, and which of them were charged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from shared.errors import ErrorCode, RefusedError
from shared.mapping.bounds import refuse_beyond_bounds
from shared.mapping.shopify.fields import Amounts, Block, blocks, currency, optional_flag, rate, text
from shared.model import CurrencySide, Money, Order, TaxedCharge, TaxLine, smallest_unit, total


class TaxedPart(NamedTuple):
    """A line or a charge with the tax lines that Shopify shows on it."""

    net: Money
    """After discounts; contains the taxes where the order's prices do."""
    taxes: tuple[TaxLine, ...]


def read_taxes(block: Block, path: str, amounts: Amounts, *, net: Money, included: bool) -> tuple[TaxLine, ...]:
    """The tax lines of a line or a charge that costs `net`, which contains the taxes if they are `included`.

    A rate is a fraction. Some tax apps write a percent figure, or none: such a rate is what the amounts prove.
    Raises RefusedError NOT_AN_ORDER, NEGATIVE_AMOUNT, TAX_RATE_UNCLEAR.
    """
    rows = [(each, f"{path}.tax_lines[{at}]") for at, each in enumerate(blocks(block, "tax_lines", path))]
    charged = [amounts.required(each, "price", where) for each, where in rows]
    sum_of_taxes = total(charged, amounts.currency)
    return tuple(
        TaxLine(
            title=text(each, "title", where),
            rate=_proved_rate(
                rate(each, "rate", where),
                amount,
                net - sum_of_taxes + amount if included else net,
                where,
                included=included,
            ),
            amount=amount,
            channel_liable=optional_flag(each, "channel_liable", where),
        )
        for (each, where), amount in zip(rows, charged, strict=True)
    )


_MOST_DECIMALS: Final = 8
"""Of a rate that is found by its amounts."""


def is_unusual(shown: Decimal | None) -> bool:
    return shown is None or shown > 1


def _proved_rate(shown: Decimal | None, tax: Money, taxed: Money, path: str, *, included: bool) -> Decimal:
    """The rate as a fraction. Where the one that is shown gives another tax, the shortest that gives it to the cent.

    `taxed` contains the tax if it is included.
    """
    if shown is not None and not is_unusual(shown):
        return shown
    percent = Decimal(0) if shown is None else shown / 100
    if not tax:
        return percent

    def differs(rate: Decimal) -> Decimal:
        return abs(taxed.amount * rate / (1 + rate if included else 1) - tax.amount)

    base = taxed - tax if included else taxed
    if base.amount > 0:
        unit = smallest_unit(base.currency)
        fitting = [] if shown is None else [each for each in (percent, shown) if differs(each) <= unit]
        if len(fitting) == 1:
            return fitting[0]
        ratio = tax.amount / base.amount
        shortest = (ratio.quantize(Decimal(1).scaleb(-digits)) for digits in range(1, _MOST_DECIMALS + 1))
        for each in shortest if not fitting and ratio <= 1 else ():
            if differs(each) * 2 <= unit:
                return each
    raise RefusedError(
        ErrorCode.TAX_RATE_UNCLEAR, where=path, rate="none" if shown is None else shown, tax=tax, base=base
    )


def name_unusual_rates(payload: Block, order: Order) -> tuple[str, ...]:
    """What the rates that are no fractions in Shopify were read as."""
    read = {(each.title, each.rate) for each in order.taxes}
    shown = {
        (text(tax, "title", ""), rate(tax, "rate", ""))
        for name in ("line_items", "shipping_lines")
        for block in blocks(payload, name, "")
        if not optional_flag(block, "is_removed", "")
        for tax in blocks(block, "tax_lines", "")
    }
    return tuple(
        sorted(
            f"the rate of {title}, {'not given' if number is None else number} in Shopify, is {found:f} by the amounts"
            for title, number in shown
            if is_unusual(number)
            for name, found in read
            if name == title
        )
    )


def charged_taxes(parts: Sequence[TaxedPart], *, included: bool) -> list[tuple[TaxLine, ...]]:
    """The tax lines of each part that count, in the order of the parts.

    Shopify shows a rate with an amount of 0.00 for what it does not tax: an untaxable line, an exempt buyer, an exempt
    jurisdiction. Such a tax line does not count. One whose amount is 0.00 because the part is free, or too small for
    its rate to come to anything, does, unless the order was exempt from that tax: it was charged nowhere, although
    there was something to tax.
    """
    bases = [_base(part, included=included) for part in parts]
    exempt = {_key(tax) for part, base in zip(parts, bases, strict=True) for tax in part.taxes if _is_waived(tax, base)}
    exempt -= {_key(tax) for part in parts for tax in part.taxes if tax.amount}
    return [
        tuple(tax for tax in part.taxes if tax.amount or not (_is_waived(tax, base) or _key(tax) in exempt))
        for part, base in zip(parts, bases, strict=True)
    ]


def _key(tax: TaxLine) -> tuple[str, Decimal]:
    return tax.title, tax.rate


def _base(part: TaxedPart, *, included: bool) -> Money:
    """What the part's rates are of."""
    rates = sum((each.rate for each in part.taxes), Decimal(0))
    return Money(part.net.amount / (1 + rates), part.net.currency) if included else part.net


def _is_waived(tax: TaxLine, base: Money) -> bool:
    """Whether nothing was charged where the rate would come to something."""
    return not tax.amount and bool((base * tax.rate).rounded())


def read_taxed_duties(line_blocks: Iterable[Block], amounts: Amounts, *, included: bool) -> tuple[TaxedCharge, ...]:
    """The duties that are taxed, one charge for all with the same taxes."""
    return _taxed_alike(
        duty
        for at, line in enumerate(line_blocks)
        for duty in _duties(line, f"line_items[{at}]", amounts, included=included)
    )


def _duties(line: Block, path: str, amounts: Amounts, *, included: bool) -> Iterator[TaxedCharge]:
    """A line's duties that have tax lines. A duty is itself the set of its amounts."""
    for at, duty in enumerate(_optional_blocks(line, "duties", path)):
        where = f"{path}.duties[{at}]"
        if _optional_blocks(duty, "tax_lines", where):
            price = amounts.required({"duty_set": duty}, "duty", where)
            yield TaxedCharge(price, read_taxes(duty, where, amounts, net=price, included=included))


def read_taxed_fees(payload: Block, amounts: Amounts, *, included: bool) -> tuple[TaxedCharge, ...]:
    """The additional fees that are taxed, one charge for all with the same taxes."""
    found = []
    for at, fee in enumerate(_optional_blocks(payload, "additional_fees", "")):
        path = f"additional_fees[{at}]"
        if _optional_blocks(fee, "tax_lines", path):
            price = amounts.required(fee, "price", path)
            found.append(TaxedCharge(price, read_taxes(fee, path, amounts, net=price, included=included)))
    return _taxed_alike(found)


def lacks_taxes_of_fees(payload: Block) -> bool:
    """Whether an order has additional fees that are taxed, and the payload does not show how.

    Shopify's REST order has the sum of its fees alone; their tax lines are in GraphQL. An order whose other tax lines
    sum to its tax has fees without tax. Raises RefusedError NOT_AN_ORDER, ORDER_TOO_LARGE.
    """
    if payload.get("additional_fees") is not None:
        return False
    amounts = Amounts(CurrencySide.SHOP, currency(payload, "currency", ""))
    if not amounts.optional(payload, "original_total_additional_fees_set", ""):
        return False
    refuse_beyond_bounds(payload)
    taxed = [
        (block, f"{name}[{at}]")
        for name in ("line_items", "shipping_lines")
        for at, block in enumerate(blocks(payload, name, ""))
    ]
    taxed += [
        (duty, f"{path}.duties[{at}]")
        for block, path in taxed
        for at, duty in enumerate(_optional_blocks(block, "duties", path))
    ]
    shown = [
        amounts.required(tax, "price", f"{path}.tax_lines[{at}]")
        for block, path in taxed
        for at, tax in enumerate(_optional_blocks(block, "tax_lines", path))
    ]
    return total(shown, amounts.currency) != amounts.required(payload, "total_tax", "")


def _taxed_alike(charges: Iterable[TaxedCharge]) -> tuple[TaxedCharge, ...]:
    sums: dict[tuple[tuple[str, Decimal, bool], ...], TaxedCharge] = {}
    for charge in charges:
        taxes = [tax for tax in charge.taxes if tax.amount]
        key = tuple((tax.title, tax.rate, tax.channel_liable) for tax in taxes)
        if key:
            sums[key] = (
                sums[key].plus(charge.amount, taxes) if key in sums else TaxedCharge(charge.amount, tuple(taxes))
            )
    return tuple(sums.values())


def with_taxes_of_duties(
    taxes: tuple[TaxLine, ...], block: Block, path: str, amounts: Amounts, *, included: bool
) -> tuple[TaxLine, ...]:
    """The taxes of a line whose price contains its duties: those of the duties are on the same price."""
    found = {(tax.title, tax.rate, tax.channel_liable): tax for tax in taxes}
    for charge in _duties(block, path, amounts, included=included):
        for tax in charge.taxes:
            key = (tax.title, tax.rate, tax.channel_liable)
            known = found.get(key)
            found[key] = replace(known, amount=known.amount + tax.amount) if known else tax
    return tuple(found.values())


def tax_of(charges: Iterable[TaxedCharge], currency: str) -> Money:
    return total((tax.amount for charge in charges for tax in charge.taxes), currency)


def _optional_blocks(block: Block, key: str, path: str) -> list[Block]:
    return [] if block.get(key) is None else blocks(block, key, path)
