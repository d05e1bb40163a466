"""A postal address in F&O's fields. A value too long for its own field continues in the next one of the label.

F&O prints an address as the name, the street, which has lines of its own, and the rest by the country's format. So the
street takes what its neighbours cannot hold, and gives its own last line to the building complement.
"""

from __future__ import annotations

from typing import Final

from shared.mapping.fo.fields import LIMITS, fit, fits, length
from shared.mapping.text import split_to_lengths
from shared.model import Address, FoRow

_COMPLEMENT: Final = "BuildingCompliment"
_BLOCK: Final = LIMITS["Street"] + 1 + LIMITS[_COMPLEMENT]
"""The longest text that street and building complement hold together, with the line end between them."""


def name_over_lines(field: str, name: str) -> tuple[str, list[str]]:
    """What the name's field holds of it, and the lines that must follow it above the street.

    Raises RefusedError FIELD_TOO_LONG for a name that both together do not hold.
    """
    if fits(field, name):
        return name, []
    if length(name) > LIMITS[field] + 1 + _BLOCK:
        fit(field, name)
    first, *further = split_to_lengths(name, LIMITS[field])
    return first, further


def address_block(
    address: Address,
    prefix: str,
    *,
    state_field: str,
    complement_field: str,
    with_state: bool,
    above: list[str],
    company: str = "",
) -> FoRow:
    """An address as fields that begin with the prefix, those without a value left out.

    `above` are lines to print over the street. `company` is written into the building complement if it fits there.
    Country is F&O's AddressCountryRegionId, ISO alpha-3 by its default set-up.
    Raises RefusedError FIELD_TOO_LONG for what fits nowhere.
    """
    complement = company if fits(_COMPLEMENT, company) else ""
    lines = [*above, *([] if complement else [company]), address.street]
    street, complement = _street("\n".join(filter(None, lines)), complement)
    values = {
        f"{prefix}Street": street,
        complement_field: complement,
        f"{prefix}City": fit("City", address.city),
        f"{prefix}{state_field}": fit("State", address.province) if with_state else "",
        f"{prefix}ZipCode": fit("ZipCode", address.postal_code),
        f"{prefix}CountryRegionId": address.country_alpha3,
    }
    return {field: value for field, value in values.items() if value}


def _street(street: str, complement: str) -> tuple[str, str]:
    """Street and building complement, the street's last line in the latter where it is needed and free."""
    if not complement and LIMITS["Street"] < length(street) <= _BLOCK:
        *upper, last = split_to_lengths(street, LIMITS[_COMPLEMENT])
        shortened = "\n".join(upper)
        if fits("Street", shortened):
            return shortened, last
    return fit("Street", street), complement
