"""The sales tax of a document, from F&O's tax codes and the groups whose intersection applies."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import NamedTuple

from local.d365 import edm
from local.d365.books import Books, folded
from local.d365.edm import Value, Values
from local.d365.ledger import PostingError
from local.d365.pricing import currency_decimals, round_amount
from local.d365.tables import Row

SETS = ("TaxGroups", "TaxGroupDatas", "TaxItemGroups", "TaxCodes", "TaxCodeValuesV2")
_ROUNDING = {"Ordinary": ROUND_HALF_UP, "RoundDown": ROUND_DOWN, "RoundUp": ROUND_UP}
_NOISE = Decimal("1e-12")


class Taxed(NamedTuple):
    """A line as far as tax looks at it."""

    amount: Decimal
    tax_group: Value
    item_tax_group: Value


class _Code(NamedTuple):
    rate: Decimal
    step: Decimal
    rounding: str


def taxes(
    books: Books, company: str, lines: Iterable[Taxed], *, included: bool, currency: str, day: datetime
) -> list[Decimal]:
    """
    Each line's tax, which its amount contains if `included`. The general ledger's calculation method is Line: a code is
    rounded on every line, or all codes together over the document where the tax group is rounded by combination.
    Raises PostingError for a tax code that has no rate on that day or is no percentage of the net amount.
    """
    if percent := books.world.companies[company].external_tax:
        rate = Decimal(percent) / 100
        return [_by_engine(books, company, line, rate, included=included, currency=currency) for line in lines]
    found = []
    exact_of_all = rounded_of_all = Decimal(0)
    for line in lines:
        codes = list(_codes(books, company, line, currency, day))
        net = line.amount / (1 + sum((code.rate for code in codes), Decimal(0)) if included else 1)
        if codes and _by_combination(books, company, line):
            exact_of_all += net * sum((code.rate for code in codes), Decimal(0))
            up_to_here = _rounded(exact_of_all, codes[0])
            found.append(up_to_here - rounded_of_all)
            rounded_of_all = up_to_here
        else:
            found.append(sum((_rounded(net * code.rate, code) for code in codes), Decimal(0)))
    return found


def _by_engine(books: Books, company: str, line: Taxed, rate: Decimal, *, included: bool, currency: str) -> Decimal:
    """What an engine outside F&O makes of the line: nothing where the item sales tax group has no tax code."""
    if not any(_of(books, "TaxItemGroups", company, "TaxItemGroupCode", line.item_tax_group)):
        return Decimal(0)
    return round_amount(line.amount * rate / (1 + rate if included else 1), currency)


def _by_combination(books: Books, company: str, line: Taxed) -> bool:
    group = books.find("TaxGroups", company, line.tax_group)
    return group is not None and group.values["RoundingBy"] == "TaxCodeSet"


def _codes(books: Books, company: str, line: Taxed, currency: str, day: datetime) -> Iterator[_Code]:
    """The codes that are in both of the line's groups, and that the buyer pays."""
    item_group = {
        folded((row.values["TaxCodeId"],)): row.values["ExemptTax"] == "No"
        for row in _of(books, "TaxItemGroups", company, "TaxItemGroupCode", line.item_tax_group)
    }
    for row in _of(books, "TaxGroupDatas", company, "TaxGroupId", line.tax_group):
        member = row.values
        paid = member["ExemptTax"] == "No" and member["ReverseCharge"] == "No"
        if paid and item_group.get(folded((member["TaxCodeId"],))):
            yield _code(books, company, member["TaxCodeId"], currency, day)


def _code(books: Books, company: str, name: Value, currency: str, day: datetime) -> _Code:
    code = books.find("TaxCodes", company, name)
    rates = [
        edm.number(row.values, "Value")
        for row in _of(books, "TaxCodeValuesV2", company, "TaxCodeId", name)
        if _holds(row.values, day)
    ]
    if code is None or len(rates) != 1:
        raise PostingError(f"tax code {name} has no one rate on {day:%Y-%m-%d}")
    if code.values["TaxBase"] != "PctPerNet":
        raise PostingError(f"tax code {name} is no percentage of the net amount, which is all that is simulated")
    unit = Decimal(1).scaleb(-currency_decimals(currency))
    step = max(edm.number(code.values, "TaxRoundOff"), unit)
    return _Code(rates[0] / 100, step, _ROUNDING[str(code.values["TaxRoundOffType"])])


def _of(books: Books, set_name: str, company: str, field: str, key: Value) -> Iterator[Row]:
    wanted = folded((company, key))
    return (row for row in books.rows(set_name) if folded((row.values["dataAreaId"], row.values[field])) == wanted)


def _holds(rate: Values, day: datetime) -> bool:
    """Whether the rate holds on that day; no date is no limit."""
    ends = edm.moment(rate, "ToDate")
    return edm.moment(rate, "FromDate") <= day and (ends == edm.NO_DATE or day <= ends)


def _rounded(amount: Decimal, code: _Code) -> Decimal:
    """To the code's precision; a third that division left must not be rounded up for its last digit."""
    steps = amount.quantize(_NOISE, ROUND_HALF_EVEN) / code.step
    return steps.quantize(Decimal(1), code.rounding) * code.step
