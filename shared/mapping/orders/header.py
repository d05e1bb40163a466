"""Changes of a sales order's header: what changed in Shopify, apart from what staff changed in F&O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final

from shared.mapping.fo.fields import written_day
from shared.model import FoRow
from shared.rules import ChangeKind

_SHIPPING: Final = "RequestedShippingDate"

FIELDS: Final = {
    ChangeKind.ADDRESS: (
        "DeliveryAddressName",
        "DeliveryBuildingCompliment",
        "DeliveryAddressStreet",
        "DeliveryAddressCity",
        "DeliveryAddressStateId",
        "DeliveryAddressZipCode",
        "DeliveryAddressCountryRegionId",
    ),
    ChangeKind.CONTACT: ("SalesOrderName", "Email"),
    ChangeKind.PO_NUMBER: ("CustomerRequisitionNumber",),
    ChangeKind.REQUESTED_DATE: (_SHIPPING,),
    ChangeKind.DELIVERY_MODE: ("DeliveryModeCode",),
    ChangeKind.PRICE: ("SalesTaxGroupCode",),
}
"""The fields of SalesOrderHeadersV4 that follow Shopify."""

ON_LINES: Final = (ChangeKind.ADDRESS, ChangeKind.REQUESTED_DATE)
"""Kinds of which each line has its own values in the same fields, which its parcel follows. Modes of delivery and sales
tax groups are compared line by line anyway (shared/mapping/orders/differences.py).
"""

_MODE: Final = "DeliveryModeCode"
_EMPTIED: Final = frozenset({"DeliveryBuildingCompliment", "CustomerRequisitionNumber", _MODE})
"""Fields that an order without them empties. Elsewhere F&O fills in what is not sent (a state from the postal code), or
the value is personal data, which Shopify may withhold.
"""
_PERSONAL: Final = frozenset({ChangeKind.CONTACT})
"""Kinds of which a missing field says nothing. An address is complete, or it is not in the header at all."""
_COUNTRY: Final = "DeliveryAddressCountryRegionId"
"""Without it the order has no address, and F&O keeps its own."""


def without_past(header: FoRow, today: date | None) -> FoRow:
    """The fields with a ship date of today where it has passed: with delivery-date control F&O refuses or moves one.

    Only for what is written. A fingerprint is of the day that Shopify asks for, which stays the same.
    """
    if today is None or _SHIPPING not in header or date.fromisoformat(str(header[_SHIPPING])[:10]) >= today:
        return header
    return {**header, _SHIPPING: written_day(today)}


def header_fingerprints(header: FoRow, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Kind of change -> fingerprint of Shopify's values for it, to be stored in the order's link.

    A kind that the header has no values for keeps its fingerprint of `before`: when withheld data come back, they are
    no change.
    """
    before = before or {}
    return {
        kind.value: before[kind.value]
        if kind.value in before and _has_no_values(header, kind, before)
        else _fingerprint(header, kind)
        for kind in FIELDS
    }


def header_changes(
    header: FoRow,
    in_fo: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    written: Mapping[ChangeKind, FoRow] | None = None,
    *,
    today: date | None = None,
) -> dict[ChangeKind, FoRow]:
    """What is to be written, by kind. Where Shopify's values are unchanged, staff changed F&O, and that stays.

    With `today` no ship date is written that has passed.
    `written` has what kinds were before they were written just now: F&O may have corrected an address, but must not
    have left it as it was.
    """
    changes: dict[ChangeKind, FoRow] = {}
    written = written or {}
    due = without_past(header, today)
    for kind, fields in FIELDS.items():
        if kind in written and kind in ON_LINES:
            left = {field: due.get(field, "") for field, old in written[kind].items() if in_fo.get(field, "") == old}
            if left:
                changes[kind] = left
        if kind in written or _has_no_values(header, kind, fingerprints):
            continue
        if fingerprints.get(kind.value) == _fingerprint(header, kind):
            continue
        wanted = {field: due.get(field, "") for field in fields if field in due or kind not in _PERSONAL}
        if any(_differs(field, due, in_fo) for field in fields):
            changes[kind] = {field: value for field, value in wanted.items() if in_fo.get(field, "") != value}
            if kind is ChangeKind.ADDRESS:
                changes[kind]["IsDeliveryAddressOrderSpecific"] = "Yes"
    return changes


def wanted_on_lines(kind: ChangeKind, header: FoRow, *, today: date | None = None) -> FoRow:
    """What lines get when their header gets this kind of Shopify's values."""
    header = without_past(header, today)
    return {field: header.get(field, "") for field in FIELDS[kind] if field in header or field in _EMPTIED}


def unseen_on_lines(
    kind: ChangeKind, header: FoRow, in_fo: Mapping[str, Any], fingerprints: Mapping[str, str]
) -> FoRow:
    """The header's values in F&O, of a kind that its lines may not have: since it was written, nobody has seen them on
    the lines. {} for any other kind.
    """
    before = fingerprints.get(kind.value)
    if before is None or before == _fingerprint(header, kind) or _has_no_values(header, kind, fingerprints):
        return {}
    return {field: in_fo.get(field, "") for field in FIELDS[kind]}


def missing_on_line(kind: ChangeKind, wanted: FoRow, in_fo: Mapping[str, Any]) -> FoRow:
    """What is to be written on a line; {} where it has what is wanted."""
    if not any(_is_other(field, value, in_fo.get(field, "")) for field, value in wanted.items()):
        return {}
    return {**wanted, "IsDeliveryAddressOrderSpecific": "Yes"} if kind is ChangeKind.ADDRESS else dict(wanted)


def loses_delivery_mode(header: FoRow, fingerprints: Mapping[str, str]) -> bool:
    """Whether Shopify's order had a method of shipping when it was last written to F&O, and has none now.

    If it never had one, F&O keeps the customer's mode, which it fills in by itself.
    """
    before = fingerprints.get(ChangeKind.DELIVERY_MODE.value)
    return _MODE not in header and before not in {None, _fingerprint(header, ChangeKind.DELIVERY_MODE)}


def _has_no_values(header: FoRow, kind: ChangeKind, fingerprints: Mapping[str, str]) -> bool:
    """Whether the order has no values for the kind."""
    match kind:
        case ChangeKind.ADDRESS:
            return _COUNTRY not in header
        case ChangeKind.CONTACT:
            return not any(field in header for field in FIELDS[kind])
        case ChangeKind.DELIVERY_MODE:
            return _MODE not in header and not loses_delivery_mode(header, fingerprints)
        case _:
            return False


def _differs(field: str, header: FoRow, in_fo: Mapping[str, Any]) -> bool:
    if field not in header and field not in _EMPTIED:
        return False
    return _is_other(field, header.get(field, ""), in_fo.get(field, ""))


def _is_other(field: str, wanted: Any, found: Any) -> bool:
    if field.endswith("Date"):
        return str(wanted)[:10] != str(found)[:10]
    return bool(wanted != found)


def _fingerprint(header: FoRow, kind: ChangeKind) -> str:
    values = [header.get(field, "") for field in FIELDS[kind]]
    if kind is ChangeKind.REQUESTED_DATE:
        values *= 2  # as stored by releases that wrote the same day as receipt date
    return sha256(json.dumps(values).encode()).hexdigest()[:16]
