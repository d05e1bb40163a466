"""How values are written into F&O's fields: lengths, dates, yes and no."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.errors import ErrorCode, RefusedError

# F&O's standard lengths, in UTF-16 units as SQL Server counts. OData's metadata does not contain them, and a company
# may have extended them: where F&O refuses a value, that decides.
LIMITS: Final = {
    "SalesOrderNumber": 20,
    "CustomerAccount": 20,
    "CustomersOrderReference": 60,
    "CustomerRequisitionNumber": 20,
    "SalesOrderName": 100,
    "DeliveryAddressName": 100,
    "OrganizationName": 100,
    "PersonFirstName": 25,
    "PersonMiddleName": 25,
    "PersonLastName": 25,
    "PrimaryContactEmail": 255,
    "PrimaryContactPhone": 255,
    "Email": 80,
    "URL": 255,
    "LineDescription": 1000,
    "ExternalItemNumber": 20,
    "BuildingCompliment": 60,
    "Street": 250,
    "City": 60,
    "ZipCode": 10,
    "State": 10,
    "PaymentReference": 20,
    "PaymentId": 20,
    "TransactionText": 60,
    "CustomerRequisition": 20,
}

_IN_SHOPIFY: Final = {
    "CustomerRequisitionNumber": "purchase order number",
    "SalesOrderName": "buyer's name",
    "DeliveryAddressName": "name of the shipping address",
    "OrganizationName": "buyer's name or company",
    "PrimaryContactEmail": "e-mail address",
    "PrimaryContactPhone": "phone number",
    "Email": "e-mail address",
    "LineDescription": "title of a line",
    "Street": "street of the address",
    "City": "city of the address",
    "ZipCode": "postal code of the address",
    "State": "state of the address",
}
"""What the value of the field is in Shopify."""


def length(text: str) -> int:
    """In UTF-16 units: a character beyond the basic plane (an emoji) counts two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def fits(field: str, text: str) -> bool:
    return length(text) <= LIMITS[field]


def fit(field: str, text: str) -> str:
    """The text, unless F&O's field is too short for it: then RefusedError FIELD_TOO_LONG, never a cut.

    The refusal names the value without quoting it: most of these are personal data.
    """
    if fits(field, text):
        return text
    what = _IN_SHOPIFY.get(field, "value")
    raise RefusedError(ErrorCode.FIELD_TOO_LONG, what=what, field=field, length=length(text), limit=LIMITS[field])


def yes_no(value: bool) -> str:  # noqa: FBT001 - the only argument
    """F&O's enum NoYes."""
    return "Yes" if value else "No"


def noon(moment: datetime, zone: ZoneInfo) -> str:
    """The day of the moment in this zone as F&O writes dates: at noon UTC, so that no time zone moves the day."""
    return written_day(moment.astimezone(zone).date())


def written_day(day: date) -> str:
    return f"{day:%Y-%m-%d}T12:00:00Z"
