"""Countries and their provinces: from the text of an address to ISO 3166."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final, NamedTuple

import pycountry


class CountryCodes(NamedTuple):
    alpha2: str
    alpha3: str


# Codes that Shopify or people use and ISO 3166-1 has not, or has no longer. Kosovo's are the user-assigned codes that
# the EU and the World Bank use. Parts of a country with a reserved code of their own are mapped to that country.
_CODES: Final = {
    "XK": CountryCodes("XK", "XKX"),
    "AN": CountryCodes("AN", "ANT"),  # the Netherlands Antilles, dissolved in 2010, still in Shopify's list
    "AC": CountryCodes("SH", "SHN"),
    "TA": CountryCodes("SH", "SHN"),
    "IC": CountryCodes("ES", "ESP"),
    "EA": CountryCodes("ES", "ESP"),
    "DG": CountryCodes("IO", "IOT"),
    "UK": CountryCodes("GB", "GBR"),
    "EL": CountryCodes("GR", "GRC"),  # Greece in VAT numbers
}

# Names in Shopify's list and in people's mouths that pycountry lacks.
_NAMES: Final = {
    "Ascension Island": "AC",
    "Brunei": "BN",
    "Burma": "MM",
    "Canary Islands": "IC",
    "Cape Verde": "CV",
    "Caribbean Netherlands": "BQ",
    "Congo - Brazzaville": "CG",
    "Congo - Kinshasa": "CD",
    "Democratic Republic of the Congo": "CD",
    "East Timor": "TL",
    "England": "GB",
    "Falkland Islands": "FK",
    "Great Britain": "GB",
    "Heard & McDonald Islands": "HM",
    "Holland": "NL",
    "Hong Kong SAR": "HK",
    "Hong Kong SAR China": "HK",
    "Ivory Coast": "CI",
    "Kosovo": "XK",
    "Libyan Arab Jamahiriya": "LY",
    "Macao SAR": "MO",
    "Macao SAR China": "MO",
    "Macau": "MO",
    "Macedonia": "MK",
    "Macedonia, Republic of": "MK",
    "Micronesia": "FM",
    "Myanmar (Burma)": "MM",
    "Netherlands Antilles": "AN",
    "Northern Ireland": "GB",
    "Palestine": "PS",
    "Palestinian Territories": "PS",
    "Palestinian Territory, Occupied": "PS",
    "Pitcairn Islands": "PN",
    "Russia": "RU",
    "Saint Helena": "SH",
    "Saint Martin": "MF",
    "Scotland": "GB",
    "Sint Maarten": "SX",
    "St. Barthélemy": "BL",
    "St. Helena": "SH",
    "St. Kitts & Nevis": "KN",
    "St. Lucia": "LC",
    "St. Martin": "MF",
    "St. Pierre & Miquelon": "PM",
    "St. Vincent": "VC",
    "St. Vincent & Grenadines": "VC",
    "Swaziland": "SZ",
    "Tristan da Cunha": "TA",
    "Turkey": "TR",
    "U.S. Outlying Islands": "UM",
    "U.S.A.": "US",
    "UAE": "AE",
    "US Virgin Islands": "VI",
    "Vatican City": "VA",
    "Wales": "GB",
}


@lru_cache(maxsize=1024)
def find_country(code: str, name: str) -> CountryCodes | None:
    """The country of a code (alpha-2 or alpha-3) or else of a name, whatever their case and accents."""
    return _countries().get(_fold(code)) or _countries().get(_fold(name))


@lru_cache(maxsize=4096)
def find_province(country: str, code: str, name: str) -> str:
    """The ISO 3166-2 code, without its country, of a province's code or else of its name; failing both, the name.

    A name may be short ("Veracruz" for Veracruz de Ignacio de la Llave) as long as only one province begins with it.
    Shopify's own codes are ISO's for most countries, with the country before them for some ("JP-13").
    """
    bare = code.upper().removeprefix(f"{country}-")
    if bare in _codes(country):
        return bare
    wanted = _fold(name)
    if wanted:
        provinces = _provinces(country)
        found = provinces.get(wanted) or {
            each for known, codes in provinces.items() if known.startswith(f"{wanted} ") for each in codes
        }
        if len(found) == 1:
            return next(iter(found))
    return name or bare


@cache
def _countries() -> dict[str, CountryCodes]:
    """Every known code and name, folded."""
    known: dict[str, CountryCodes] = {}
    for each in pycountry.countries:
        country = CountryCodes(each.alpha_2, each.alpha_3)
        for word in (each.alpha_2, each.alpha_3, each.name, *(getattr(each, key, "") for key in _OTHER_NAMES)):
            known.setdefault(_fold(word), country)
    known |= {_fold(code): country for code, country in _CODES.items()}
    known |= {_fold(name): known[_fold(code)] for name, code in _NAMES.items()}
    known.pop("", None)
    return known


_OTHER_NAMES: Final = ("common_name", "official_name")


@cache
def _provinces(country: str) -> dict[str, set[str]]:
    """A country's provinces: folded name -> codes. Provinces of two levels may share a name."""
    known: dict[str, set[str]] = {}
    # pycountry annotates its records, but not this look-up
    for each in pycountry.subdivisions.get(country_code=country) or ():  # type: ignore[no-untyped-call]
        known.setdefault(_fold(each.name), set()).add(each.code.removeprefix(f"{country}-"))
    return known


@cache
def _codes(country: str) -> frozenset[str]:
    return frozenset(code for codes in _provinces(country).values() for code in codes)


def _fold(text: str) -> str:
    """For comparing: no case, no accents, no punctuation, no "the"; "&" reads "and"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(word for word in re.findall(r"\w+", plain.replace("&", " and ")) if word != "the")
