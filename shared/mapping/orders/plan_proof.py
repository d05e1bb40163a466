"""The proof that a planned sales order is the same money as the Shopify order, kept for the accountant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError, TaxRefusedError
from shared.mapping.evidence import Proof, ProofRow, compared, line_name, present
from shared.mapping.orders.lines import TAX_GROUPS, PlannedLine
from shared.mapping.taxes.groups import TaxGroups, charged_tax, taxes_by_title
from shared.mapping.taxes.proof import TaxedSource, compare_taxes
from shared.model import (
    COMPONENTS,
    Component,
    FoRow,
    Money,
    Order,
    OrderLine,
    ShippingLine,
    TaxedCharge,
    source_of,
    total,
)

_BESIDE_THE_TOTAL: Final = {Component.CASH_ROUNDING, Component.TAX_DIFFERENCE}


def prove_plan(order: Order, lines: Sequence[PlannedLine], taxes: TaxGroups, *, notes: tuple[str, ...]) -> Proof:
    """The proof, component by component, with F&O's LineAmounts.

    Raises RefusedError SUM_DIFFERS unless F&O's lines and Shopify's tax are Shopify's total to the cent. Tax is
    Shopify's here: how far F&O's may be from it is a rule of its own (TaxSettling.difference). Cash rounding is beside
    the total, since Shopify applies it to what is received, not to what is owed.
    """
    sum_in_fo = _sum_in_fo(order, lines, taxes)
    amounts = _amounts(order, lines)
    if sum_in_fo != order.total or any(amounts[one] != amount for one, amount in _wanted(order, taxes).items()):
        raise RefusedError(
            ErrorCode.SUM_DIFFERS,
            sum=sum_in_fo,
            total=order.total,
            difference=sum_in_fo - order.total,
        ).with_proof(compare_plan(order, lines, taxes).as_dict())
    proof = compare_plan(order, lines, taxes, line_by_line=False)
    return replace(proof, notes=(*proof.notes, *notes))


def compare_plan(order: Order, lines: Sequence[PlannedLine], taxes: TaxGroups, *, line_by_line: bool = True) -> Proof:
    """Both sides, line by line, component by component, tax by tax; they need not agree."""
    amounts = _amounts(order, lines)
    charged = charged_tax(order, by_marketplace=False)
    expected = total((line.expected_tax for line in lines), order.currency)
    return Proof(
        subject=order.name,
        lines=present(_line_rows(order, lines, taxes)) if line_by_line else (),
        components=present(
            ProofRow(one.value, amount, amounts[one]) for one, amount in _in_shopify(order, taxes).items()
        ),
        taxes=_charged_rows(order)
        if taxes.external
        else (
            *_tax_rows(order, lines),
            *_marketplace_rows(order),
            *(_taxes_by_line(order, lines) if line_by_line else ()),
        ),
        totals=(
            ProofRow("total tax", charged) if taxes.external else compared("total tax", charged, expected),
            ProofRow("tax owed by a marketplace", charged_tax(order, by_marketplace=True)),
            compared("total", order.total, _sum_in_fo(order, lines, taxes)),
        ),
        notes=_notes(order, taxes),
    )


def compare_booked(lines: Sequence[PlannedLine], booked: Iterable[Mapping[str, Any]], *, subject: str) -> None:
    """Whether F&O computed every line's LineAmount as planned, from its rows of SalesOrderLinesV3.

    Raises RefusedError FO_SUM_DIFFERS: trade agreements in F&O may override a price or add a discount.
    """
    currency = lines[0].amount.currency
    planned = {line.number: line for line in lines}
    found = {row["LineNumber"]: Money(row["LineAmount"], currency) for row in booked}
    if found == {number: line.amount for number, line in planned.items()}:
        return
    numbers = sorted(found.keys() | planned.keys())
    nothing = total((), currency)
    rows = [
        compared(
            f"line {number.normalize():f}: {_line_title(planned[number]) if number in planned else 'not ours'}",
            planned[number].amount if number in planned else nothing,
            found.get(number, nothing),
        )
        for number in numbers
    ]
    expected, sum_in_fo = total((line.amount for line in lines), currency), total(found.values(), currency)
    proof = Proof(
        subject=subject,
        lines=tuple(rows),
        components=(),
        totals=(compared("sum of the lines", expected, sum_in_fo),),
    )
    differing = [number for number in numbers if number not in planned or found.get(number) != planned[number].amount]
    raise RefusedError(
        ErrorCode.FO_SUM_DIFFERS,
        booked=sum_in_fo,
        expected=expected,
        lines=", ".join(str(number) for number in differing),
    ).with_proof(proof.as_dict())


def compare_tax_groups(
    header: FoRow, lines: Sequence[PlannedLine], found: Mapping[str, Any], booked: Iterable[Mapping[str, Any]]
) -> None:
    """Whether F&O's sales order and its lines have the tax groups that were sent.

    Raises TaxRefusedError FO_TAX_GROUPS_REPLACED: F&O may take them from the delivery address, or leave them to another
    engine, and post another tax under the same amounts.
    """
    sent = {line.number: line for line in lines}
    differing = [f"the order: {each}" for each in _other_groups(header, found)]
    for row in booked:
        line = sent[row["LineNumber"]]
        name = f"line {line.number.normalize():f} ({_line_title(line)})"
        differing += [f"{name}: {each}" for each in _other_groups(line.record, row)]
    if differing:
        raise TaxRefusedError(
            ErrorCode.FO_TAX_GROUPS_REPLACED, sales_order=found["SalesOrderNumber"], what="; ".join(differing)
        )


def _other_groups(sent: FoRow, found: Mapping[str, Any]) -> Iterator[str]:
    for name in TAX_GROUPS:
        if name in sent and sent[name] != found[name]:
            yield f"{name} {found[name] or 'empty'} in place of {sent[name]}"


def _line_title(line: PlannedLine) -> str:
    return f"{line.record['OrderedSalesQuantity']} x {line.record['ItemNumber']}"


def _amounts(order: Order, lines: Iterable[PlannedLine]) -> dict[Component, Money]:
    """What F&O's lines of each component come to."""
    amounts = dict.fromkeys(Component, total((), order.currency))
    for line in lines:
        amounts[line.component] += line.amount
    return amounts


def _sum_in_fo(order: Order, lines: Iterable[PlannedLine], taxes: TaxGroups) -> Money:
    """F&O's lines with Shopify's tax, where it is on top, and with what a marketplace owes."""
    counted = total((line.amount for line in lines if line.component not in _BESIDE_THE_TOTAL), order.currency)
    on_top = not taxes.included and taxes.exempt is None
    charged = charged_tax(order, by_marketplace=False)
    return counted + charged_tax(order, by_marketplace=True) + charged * (1 if on_top else 0)


def _in_shopify(order: Order, taxes: TaxGroups) -> dict[Component, Money]:
    nothing = total((), order.currency)
    amounts = dict.fromkeys(Component, nothing)
    for line in order.lines:
        amounts[COMPONENTS[line.kind]] += line.net
    return amounts | {Component.SHIPPING: order.shipping_net} | _beside_lines(order, taxes)


def _wanted(order: Order, taxes: TaxGroups) -> dict[Component, Money]:
    """Shopify's amounts as F&O is to have them: with the tax in them or out of them."""
    amounts = dict.fromkeys((*COMPONENTS.values(), Component.SHIPPING), total((), order.currency))
    for line in order.lines:
        amounts[COMPONENTS[line.kind]] += taxes.moved(line.net, line.taxes)
    for shipping in order.shipping:
        amounts[Component.SHIPPING] += taxes.moved(shipping.net, shipping.taxes)
    amounts |= _beside_lines(order, taxes)
    for component, charges in _taxed_charges(order):
        for charge in charges:
            amounts[component] += taxes.moved(charge.amount, charge.taxes) - charge.amount
    return amounts


def _taxed_charges(order: Order) -> tuple[tuple[Component, tuple[TaxedCharge, ...]], ...]:
    return (Component.DUTIES, order.taxed_duties), (Component.FEES, order.taxed_fees)


def _beside_lines(order: Order, taxes: TaxGroups) -> dict[Component, Money]:
    return {
        Component.DUTIES: order.duties,
        Component.FEES: order.additional_fees,
        Component.CASH_ROUNDING: order.cash_rounding,
        Component.TAX: total((), order.currency) if taxes.exempt is None else charged_tax(order, by_marketplace=False),
    }


def _line_rows(order: Order, lines: Sequence[PlannedLine], taxes: TaxGroups) -> list[ProofRow]:
    """Shopify's lines as F&O is to have them, beside all F&O lines of each; then F&O's other lines."""
    by_source = _by_source(lines)
    rows = [
        compared(
            name,
            taxes.moved(line.net, line.taxes),
            total((planned.amount for planned in by_source.pop(source, ())), order.currency),
        )
        for source, name, line in _sources(order)
    ]
    charges = [line for left in by_source.values() for line in left]
    return rows + [ProofRow(line.record["LineDescription"], fo=line.amount) for line in charges]


def _tax_rows(order: Order, lines: Sequence[PlannedLine]) -> tuple[ProofRow, ...]:
    nothing = total((), order.currency)
    on_lines = {line.record["LineDescription"]: line.amount for line in lines if line.component is Component.TAX}
    if on_lines:
        mine = taxes_by_title(order, by_marketplace=False)
        return tuple(compared(name, amount, on_lines.get(name, nothing)) for name, amount in mine.items())
    charged = {source: line.taxes for source, _, line in _sources(order)} | {
        source_of(component, order.id): tuple(tax for charge in charges for tax in charge.taxes)
        for component, charges in _taxed_charges(order)
        if charges
    }
    sources: list[TaxedSource] = [
        (planned, [tax for tax in charged.get(source, ()) if not tax.channel_liable])
        for source, planned in _by_source(lines).items()
    ]
    return compare_taxes(sources, order.currency)


def _charged_rows(order: Order) -> tuple[ProofRow, ...]:
    """Shopify's tax by itself: what an engine outside F&O will make of it is not known."""
    return tuple(ProofRow(name, amount) for name, amount in taxes_by_title(order, by_marketplace=False).items())


def _taxes_by_line(order: Order, lines: Sequence[PlannedLine]) -> tuple[ProofRow, ...]:
    by_source = _by_source(lines)
    taxed = [(source, name, line.taxes) for source, name, line in _sources(order)]
    for component, charges in _taxed_charges(order):
        taxes = tuple(tax for charge in charges for tax in charge.taxes)
        taxed.append((source_of(component, order.id), component.value, taxes))
    return present(
        compared(
            f"tax on {name}",
            total((tax.amount for tax in taxes if not tax.channel_liable), order.currency),
            total((planned.expected_tax for planned in by_source.get(source, ())), order.currency),
        )
        for source, name, taxes in taxed
    )


def _sources(order: Order) -> Iterator[tuple[str, str, OrderLine | ShippingLine]]:
    """Shopify's lines and shipping lines, each with the source of its F&O lines and a name for people."""
    for line in order.lines:
        yield source_of(COMPONENTS[line.kind], line.id), line_name(line), line
    for shipping in order.shipping:
        yield source_of(Component.SHIPPING, shipping.id), f"shipping: {shipping.title}", shipping


def _marketplace_rows(order: Order) -> list[ProofRow]:
    owed = taxes_by_title(order, by_marketplace=True)
    return [ProofRow(f"{name}, owed by a marketplace", amount) for name, amount in owed.items()]


def _by_source(lines: Iterable[PlannedLine]) -> dict[str, list[PlannedLine]]:
    found: defaultdict[str, list[PlannedLine]] = defaultdict(list)
    for line in lines:
        found[line.source].append(line)
    return dict(found)


def _notes(order: Order, taxes: TaxGroups) -> tuple[str, ...]:
    if taxes.external:
        included = "prices include tax" if taxes.included else "tax on top of prices"
        return (included, "tax is computed by F&O's external engine, and compared once F&O has invoiced")
    if order.taxes_included == taxes.included:
        return ("prices include tax" if taxes.included else "tax on top of prices",)
    with_tax, without = ("F&O", "Shopify") if taxes.included else ("Shopify", "F&O")
    return (
        f"prices include tax in {with_tax} and not in {without}: components differ by their tax, the total does not",
    )
