"""A Shopify address block -> Address: ISO country and province, postal code and phone as their country writes them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import phonenumbers

from shared.errors import ErrorCode, RefusedError
from shared.mapping.countries import find_country, find_province
from shared.mapping.shopify.fields import Block, coordinate, text, text_lines
from shared.model import Address

# The blanks and hyphens of a postal code, for countries in which their position is certain (Universal Postal
# Union's addressing guides). What does not fit its country's form is left as it is.
_POSTAL_FORMS: Final = {
    country: (re.compile(form), places)
    for country, form, places in (
        ("BR", r"(\d{5})(\d{3})", r"\1-\2"),
        ("CA", r"([A-Z]\d[A-Z])(\d[A-Z]\d)", r"\1 \2"),
        ("CZ", r"(\d{3})(\d{2})", r"\1 \2"),
        ("GB", r"([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})", r"\1 \2"),
        ("GR", r"(\d{3})(\d{2})", r"\1 \2"),
        ("IE", r"([A-Z]\d[\dW])([A-Z\d]{4})", r"\1 \2"),
        ("JP", r"(\d{3})(\d{4})", r"\1-\2"),
        ("NL", r"(\d{4})([A-Z]{2})", r"\1 \2"),
        ("PL", r"(\d{2})(\d{3})", r"\1-\2"),
        ("PT", r"(\d{4})(\d{3})", r"\1-\2"),
        ("SE", r"(\d{3})(\d{2})", r"\1 \2"),
        ("SK", r"(\d{3})(\d{2})", r"\1 \2"),
        ("US", r"(\d{5})(\d{4})", r"\1-\2"),
    )
}
_SEPARATORS: Final = re.compile(r"[\s-]+")


def read_address(block: Block | None, path: str = "address") -> Address | None:
    """The address, or None when the block names no place at all.

    Raises RefusedError NOT_AN_ORDER for a field of the wrong type, UNKNOWN_COUNTRY for a place in no country.
    """
    if block is None:
        return None
    street = "\n".join(filter(None, (text_lines(block, key, path) for key in ("address1", "address2"))))
    city = text(block, "city", path)
    postal_code = text(block, "zip", path)
    province, province_code = text(block, "province", path), text(block, "province_code", path)
    country_name, country_code = text(block, "country", path), text(block, "country_code", path)
    if not (street or city or postal_code or province or province_code or country_name or country_code):
        return None
    country = find_country(country_code, country_name)
    if country is None:
        raise RefusedError(ErrorCode.UNKNOWN_COUNTRY, country=country_name or country_code)
    company = text(block, "company", path)
    person = text(block, "name", path)
    if not person:
        person = f"{text(block, 'first_name', path)} {text(block, 'last_name', path)}".strip()
    return Address(
        name=person or company,
        company=company,
        street=street,
        city=city,
        postal_code=normal_postal_code(postal_code, country.alpha2),
        province=find_province(country.alpha2, province_code, province),
        country=country.alpha2,
        country_alpha3=country.alpha3,
        phone=normal_phone(text(block, "phone", path), country.alpha2),
        latitude=coordinate(block, "latitude", path, limit=90),
        longitude=coordinate(block, "longitude", path, limit=180),
    )


@lru_cache(maxsize=4096)
def normal_postal_code(code: str, country: str) -> str:
    """In capitals, blanks and hyphens where the country has them ("1012lg" -> "1012 LG" in the Netherlands)."""
    narrow = unicodedata.normalize("NFKC", code).strip().upper()  # NFKC: Japanese keyboards type wide digits
    known = _POSTAL_FORMS.get(country)
    if known is None:
        return narrow
    form, places = known
    fitting = form.fullmatch(_SEPARATORS.sub("", narrow))
    return fitting.expand(places) if fitting else narrow


@lru_cache(maxsize=4096)
def normal_phone(number: str, country: str | None) -> str:
    """E.164 for a valid number, seen from the country (ISO alpha-2); as given for others, and for extensions."""
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
