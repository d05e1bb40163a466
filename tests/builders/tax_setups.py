"""F&O's tax set-up, in few words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from shared.model import RoundingBy, RoundOff, TaxCode, TaxGroup, TaxRate, TaxSetup


def rate(percent: str, *, first: date | None = None, last: date | None = None, **limits: int) -> TaxRate:
    minimum, maximum = Decimal(limits.get("minimum", 0)), Decimal(limits.get("maximum", 0))
    return TaxRate(first=first, last=last, minimum=minimum, maximum=maximum, percent=Decimal(percent))


def code(name: str, percent: str = "10", **other: Any) -> TaxCode:
    plain = TaxCode(
        id=name,
        origin="PctPerNet",
        marginal_base="LineWithoutVAT",
        precision=Decimal("0.01"),
        round_off=RoundOff.ORDINARY,
        currency="",
        rates=(rate(percent),),
    )
    return replace(plain, **other)


def setup(
    *codes: TaxCode,
    groups: Mapping[str, str],
    item_groups: Mapping[str, str],
    rounding_by: RoundingBy = RoundingBy.CODE,
) -> TaxSetup:
    """Groups name their codes in one text: {"NL-VAT": "NL21 NL9"}; "-NL21" is one that the buyer does not pay."""

    def members(names: str) -> dict[str, bool]:
        return {name.removeprefix("-").casefold(): not name.startswith("-") for name in names.split()}

    return TaxSetup(
        company="nleu",
        codes={one.id.casefold(): one for one in codes},
        groups={name.casefold(): TaxGroup(rounding_by, members(its)) for name, its in groups.items()},
        item_groups={name.casefold(): members(its) for name, its in item_groups.items()},
    )


DUTCH = setup(
    code("NL21", "21"),
    code("NL9", "9"),
    code("DE19", "19"),
    groups={"NL-VAT": "NL21 NL9", "DE-VAT": "DE19", "EXPORT": "", "EXEMPT": "-NL21 -NL9"},
    item_groups={"FULL": "NL21 DE19", "REDUCED": "NL9", "NONE": ""},
)
DENVER = setup(
    code("CO-STATE", "2.9"),
    code("DENVER", "4.81"),
    code("RTD", "1.1"),
    groups={"CO-DEN": "CO-STATE DENVER RTD", "NOTAX": ""},
    item_groups={"ALL": "CO-STATE DENVER RTD", "EXEMPT": ""},
)
