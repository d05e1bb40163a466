"""The sales tax that F&O posts for lines, computed from its own tax codes.

A line is taxed by the codes that both its sales tax group and its item sales tax group contain. The rounding is that of
F&O's documentation ("Sales tax calculation and rounding"), whose examples are a test: what is rounded in one piece is a
code on a line, a code over the document, or a combination of codes over the document; and a piece's amount is shared
out by rounding its running total. Companies on the separate tax calculation service round by other rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Final, Literal, NamedTuple

from shared.errors import ErrorCode, RefusedError, TaxRefusedError
from shared.model import Money, RoundingBy, RoundOff, TaxCode, TaxGroup, TaxSetup, smallest_unit

type CalculationMethod = Literal["line", "total"]
"""General ledger parameter "Calculation method", which OData does not show."""


class Taxed(NamedTuple):
    """What the tax of a line depends on."""

    amount: Money
    """LineAmount."""
    sales_tax_group: str
    item_tax_group: str


class CodeTax(NamedTuple):
    code: str
    rate: Decimal
    """A fraction of the net amount; 0 where the code's tax is exempt or reverse-charged."""
    amount: Money


class _CodeInForce(NamedTuple):
    id: str
    rate: Decimal
    step: Decimal
    rounding: str
    whole_document: bool
    """It is computed on the document, whatever the calculation method."""


class _Combination(NamedTuple):
    codes: tuple[_CodeInForce, ...]
    rate: Decimal
    rounding_by: RoundingBy


class FoTax:
    """F&O's tax set-up for the documents of one day in one currency. Lines taxed alike are looked up once."""

    def __init__(self, setup: TaxSetup, *, day: date, currency: str, method: CalculationMethod, store: str) -> None:
        self._setup = setup
        self._day = day
        self._currency = currency
        self._unit = smallest_unit(currency)
        self._method = method
        self._store = store
        self._found: dict[tuple[str, str], _Combination] = {}

    def of(self, lines: Iterable[Taxed], *, included: bool) -> list[tuple[CodeTax, ...]]:
        """Each line's tax by tax code; the amounts contain the tax if it is included.

        Raises RefusedError TAX_SETUP_MISSING for a group or a rate that F&O does not have, TAX_SETUP_BEYOND for a tax
        code that depends on more than a percentage.
        """
        running: dict[tuple[object, ...], tuple[Decimal, Decimal]] = {}
        taxed = []
        for number, line in enumerate(lines):
            combination = self._combination(line.sales_tax_group, line.item_tax_group)
            divisor = 1 + combination.rate if included else Decimal(1)
            amounts = []
            for code in combination.codes:
                piece = self._piece(code, combination, number)
                exact, rounded = running.get(piece, _NOTHING)
                exact += line.amount.amount * code.rate / divisor
                up_to_here = _round(exact, code)
                running[piece] = exact, up_to_here
                amounts.append(CodeTax(code.id, code.rate, Money(up_to_here - rounded, self._currency)))
            taxed.append(tuple(amounts))
        return taxed

    def _piece(self, code: _CodeInForce, combination: _Combination, number: int) -> tuple[object, ...]:
        """What is rounded together with this code on this line."""
        if combination.rounding_by is RoundingBy.COMBINATION:
            return combination.codes
        return (code.id,) if code.whole_document or self._method == "total" else (code.id, number)

    def _combination(self, sales_tax_group: str, item_tax_group: str) -> _Combination:
        key = (sales_tax_group, item_tax_group)
        if key not in self._found:
            group = self._get(self._setup.groups, sales_tax_group, "sales tax group")
            item_group = self._get(self._setup.item_groups, item_tax_group, "item sales tax group")
            codes = tuple(self._codes(group, item_group))
            self._found[key] = _Combination(codes, sum((code.rate for code in codes), Decimal(0)), group.rounding_by)
        return self._found[key]

    def _codes(self, group: TaxGroup, item_group: Mapping[str, bool]) -> Iterable[_CodeInForce]:
        for name in sorted(group.codes.keys() & item_group.keys()):
            code = self._get(self._setup.codes, name, "tax code")
            paid = group.codes[name] and item_group[name]
            foreign = code.currency not in ("", self._currency)
            yield _CodeInForce(
                id=code.id,
                rate=self._rate(code) if paid else Decimal(0),
                # A foreign currency's amounts are rounded by that currency, and no amount is finer than its currency.
                step=self._unit if foreign else max(code.precision, self._unit),
                rounding=_ROUNDING[code.round_off],
                whole_document=code.marginal_base == "InvoiceWithoutVAT",
            )

    def _rate(self, code: TaxCode) -> Decimal:
        """The tax as a fraction of the net amount."""
        rates = [
            rate
            for rate in code.rates
            if (rate.first is None or rate.first <= self._day) and (rate.last is None or self._day <= rate.last)
        ]
        if not rates:
            raise self._missing(f"rate of the tax code {code.id} on {self._day}")
        if len(rates) > 1 or rates[0].minimum or rates[0].maximum:
            raise self._beyond(code, "its rate depends on the amount")
        rate = rates[0].percent / 100
        match code.origin:
            case "PctPerNet":
                return rate
            case "PctGrosOnNet":
                return rate / (1 - rate)
            case origin:
                raise self._beyond(code, f"its origin is {origin}")

    def _get[Found](self, table: Mapping[str, Found], name: str, what: str) -> Found:
        found = table.get(name.casefold())
        if found is None:
            raise self._missing(f"{what} {name}")
        return found

    def _missing(self, what: str) -> RefusedError:
        return TaxRefusedError(ErrorCode.TAX_SETUP_MISSING, company=self._setup.company, what=what)

    def _beyond(self, code: TaxCode, problem: str) -> RefusedError:
        return TaxRefusedError(ErrorCode.TAX_SETUP_BEYOND, tax_code=code.id, problem=problem, store=self._store)


_NOTHING: Final = (Decimal(0), Decimal(0))
_ROUNDING: Final = {RoundOff.ORDINARY: ROUND_HALF_UP, RoundOff.DOWN: ROUND_DOWN, RoundOff.UP: ROUND_UP}
_NOISE: Final = Decimal("1e-12")


def _round(amount: Decimal, code: _CodeInForce) -> Decimal:
    """To the code's precision. Thirds that make a whole must not be rounded up by their last digit."""
    steps = amount.quantize(_NOISE, ROUND_HALF_EVEN) / code.step
    return steps.quantize(Decimal(1), code.rounding) * code.step
