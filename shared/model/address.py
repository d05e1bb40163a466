"""A postal address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Standardised, in the buyer's own script: nothing is transliterated, nothing is cut."""

    name: str
    """The recipient: person, or company when no person is named."""
    company: str
    street: str
    """All street lines, separated by line feeds, as F&O keeps them in one field."""
    city: str
    postal_code: str
    province: str
    """ISO 3166-2 code without its country ("CO", "ON"), or the province's name where it has no code, or ""."""
    country: str
    """ISO 3166-1 alpha-2 ("NL")."""
    country_alpha3: str
    """ISO 3166-1 alpha-3 ("NLD"), F&O's AddressCountryRegionId by its default set-up."""
    phone: str
    """E.164 ("+31201234567") where it could be understood, else as given."""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether it does not say where to deliver: Shopify withholds personal data, or has erased it.

        Some places have no postal code or no city, none has neither and no street.
        """
        return not self.street or not (self.city or self.postal_code)
