"""How F&O computes sales tax in one company: its tax codes, and the groups whose intersection applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class RoundOff(StrEnum):
    """RoundOffType: how a tax amount is rounded to the tax code's precision."""

    ORDINARY = "Ordinary"
    DOWN = "RoundDown"
    UP = "RoundUp"


class RoundingBy(StrEnum):
    """TaxGroupRounding: what is rounded in one piece."""

    CODE = "TaxCode"
    COMBINATION = "TaxCodeSet"


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A row of TaxCodeValuesV2."""

    first: date | None
    """The first day it holds, None for always."""
    last: date | None
    minimum: Decimal
    maximum: Decimal
    """The amounts it holds for; a maximum of 0 is none."""
    percent: Decimal


@dataclass(frozen=True, slots=True)
class TaxCode:
    id: str
    origin: str
    """TaxBase, a member of TaxBaseType: "PctPerNet" is a percentage of the net amount."""
    marginal_base: str
    """TaxLimitBase: which amount decides about rates that depend on amounts."""
    precision: Decimal
    """TaxRoundOff: 0.01 rounds to cents, 0 leaves it to the currency."""
    round_off: RoundOff
    currency: str
    """"" is the company's."""
    rates: tuple[TaxRate, ...]


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """A sales tax group."""

    rounding_by: RoundingBy
    codes: Mapping[str, bool]
    """Tax code -> whether the buyer pays it to us: not where it is exempt or reverse-charged."""


@dataclass(frozen=True, slots=True)
class TaxSetup:
    """Codes and groups by their names in F&O, case-folded: F&O compares without case."""

    company: str
    codes: Mapping[str, TaxCode]
    groups: Mapping[str, TaxGroup]
    item_groups: Mapping[str, Mapping[str, bool]]
    """Item sales tax group -> tax code -> whether the buyer pays it."""
