"""The base of every table of rules, and the types of value that several tables use."""

from __future__ import annotations

from typing import Annotated

import pycountry
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Rules(BaseModel):
    """A table of a store's file: frozen, no unknown keys, no conversion of types (`"yes"` is not a boolean)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _country(code: str) -> str:
    if pycountry.countries.get(alpha_2=code) is None or code != code.upper():
        raise ValueError(f"{code!r} is not an ISO 3166-1 alpha-2 country code (NL, US, ...)")
    return code


def _country_or_any(code: str) -> str:
    return code if code == "*" else _country(code)


def _currency(code: str) -> str:
    if pycountry.currencies.get(alpha_3=code) is None or code != code.upper():
        raise ValueError(f"{code!r} is not an ISO 4217 currency code (EUR, USD, ...)")
    return code


def _currency_or_any(code: str) -> str:
    return code if code == "*" else _currency(code)


Country = Annotated[str, AfterValidator(_country)]
CountryOrAny = Annotated[str, AfterValidator(_country_or_any)]
Currency = Annotated[str, AfterValidator(_currency)]
CurrencyOrAny = Annotated[str, AfterValidator(_currency_or_any)]

Code = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^\S(.*\S)?$")]
"""A key of an F&O table: at most 20 characters, no leading or trailing blanks."""

LedgerAccount = Annotated[str, StringConstraints(min_length=1, max_length=250, pattern=r"^\S(.*\S)?$")]
"""A main account with its dimensions, or a bank account, as F&O displays it."""

Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{0,2}$")]
"""The prefix of numbers that the app assigns in F&O. Sales order numbers and customer accounts hold 20 characters, and
Shopify's ids have up to 18 digits, so 2 are left. No "-", which F&O escapes in display values."""

ANY = "*"
"""Any country, province, title or currency."""
