"""What every table of rules has in common, and the kinds of value that occur in several of them."""

from __future__ import annotations

from typing import Annotated

import pycountry
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Rules(BaseModel):
    """A table of a store's file: frozen, every key known, every type meant as written (`"yes"` is no bool)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _country(code: str) -> str:
    if pycountry.countries.get(alpha_2=code) is None or code != code.upper():
        raise ValueError(f"{code!r} is no ISO 3166-1 alpha-2 country code (NL, US, ...)")
    return code


def _country_or_any(code: str) -> str:
    return code if code == "*" else _country(code)


def _currency(code: str) -> str:
    if pycountry.currencies.get(alpha_3=code) is None or code != code.upper():
        raise ValueError(f"{code!r} is no ISO 4217 currency code (EUR, USD, ...)")
    return code


def _currency_or_any(code: str) -> str:
    return code if code == "*" else _currency(code)


Country = Annotated[str, AfterValidator(_country)]
CountryOrAny = Annotated[str, AfterValidator(_country_or_any)]
Currency = Annotated[str, AfterValidator(_currency)]
CurrencyOrAny = Annotated[str, AfterValidator(_currency_or_any)]

Code = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^\S(.*\S)?$")]
"""A key of an F&O table: at most 20 characters, no blanks around it."""

Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{0,2}$")]
"""What our own F&O numbers begin with. F&O's sales order numbers and customer accounts hold 20 characters, Shopify's
ids have up to 18 digits: 2 are left. No "-", which F&O escapes in display values."""

ANY = "*"
"""Stands for every country, province or title."""
