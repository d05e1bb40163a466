"""Posted packing slips as F&O keeps them: the slip, its lines, its versions, its tracking numbers, its load."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books, folded, key_of
from local.d365.edm import Value
from local.d365.ledger import PostingError
from local.d365.tables import Row

SLIPS, LINES, VERSIONS = (
    "CustPackingSlipJourBiEntities",
    "CustPackingSlipTransBiEntities",
    "CustPackingSlipVersionBiEntities",
)
TRACKING = "PackingSlipTrackingInformation"
LOADS, SHIPMENTS = "OutboundLoadHeaders", "OutboundShipmentHeaders"
POSTED = frozenset({SLIPS, LINES, VERSIONS, TRACKING, LOADS, SHIPMENTS})
"""Sets that only postings write."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A tracking number; `warehouse` says on which of several slips, "" on the first."""

    number: str
    url: str = ""
    warehouse: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """The truck: several slips may be on one."""

    id: str
    carrier: str = ""
    service: str = ""
    pro_number: str = ""


def add_slip(books: Books, fields: Mapping[str, Value], lines: Iterable[Mapping[str, Value]]) -> Row:
    """
    A slip with its first version. `fields` are those of the journal that the order knows, company and PackingSlipId
    among them; `lines` those of its lines. Quantity of the slip is the sum of its lines.
    """
    company, number = fields["dataAreaId"], fields["PackingSlipId"]
    added = [_add(books, LINES, "SourceDocumentLine", {**line, "PackingSlipId": number}) for line in lines]
    same = {"SysDataAreaId": company, "InternalPackingSlipId": number, "Qty": _total(added)}
    slip = _add(books, SLIPS, "SourceDocumentHeader", {**fields, **same})
    _add_version(books, slip, books.clock())
    return slip


def find_slip(books: Books, company: str, number: str) -> Row | None:
    wanted = folded((company, number))
    return next((row for row in books.rows(SLIPS) if _slip_key(row) == wanted), None)


def lines_of_slip(books: Books, slip: Row) -> list[Row]:
    return [row for row in books.rows(LINES) if _slip_key(row) == _slip_key(slip)]


def change_slip(books: Books, slip: Row, lines: Sequence[tuple[Row, Mapping[str, Value]]]) -> None:
    """New figures of lines, and with them the slip's next version. A slip of which nothing is left may disappear."""
    for line, changes in lines:
        books.replace(books.schema.sets[LINES], line, {**line.values, **changes})
    now = lines_of_slip(books, slip)
    changed = books.replace(books.schema.sets[SLIPS], slip, {**slip.values, "Qty": _total(now)})
    _add_version(books, changed, _next_moment(books, changed))
    if books.tenant.cancelled_slips == "go" and not any(edm.number(line.values, "Qty") for line in now):
        for set_name, row in ((SLIPS, changed), *((LINES, line) for line in now)):
            books.rows(set_name).remove(key_of(books.schema.sets[set_name], row.values))


def add_tracking(books: Books, slip: Row, parcels: Iterable[Parcel]) -> None:
    """Raises PostingError for a number that the slip has already."""
    entity_set = books.schema.sets[TRACKING]
    for parcel in parcels:
        values: dict[str, Value] = {
            "dataAreaId": slip.values["dataAreaId"],
            "SalesOrderNumber": slip.values["SalesId"],
            "PackingSlipNumber": slip.values["PackingSlipId"],
            "DeliveryDate": slip.values["DeliveryDate"],
            "TrackingNumber": parcel.number,
            "TrackingURL": parcel.url,
        }
        if key_of(entity_set, values) in books.rows(TRACKING):
            raise PostingError(f"tracking number {parcel.number} is on the packing slip already")
        books.add(entity_set, values)


def add_to_load(books: Books, slip: Row, load: Load) -> None:
    company = str(slip.values["dataAreaId"])
    if books.find(LOADS, company, load.id) is None:
        header: dict[str, Value] = {
            "dataAreaId": company,
            "LoadId": load.id,
            "ShippingCarrierCode": load.carrier,
            "ShippingCarrierServiceId": load.service,
            "ProNumber": load.pro_number,
        }
        books.add(books.schema.sets[LOADS], {**books.blank(LOADS), **header})
    shipment: dict[str, Value] = {
        "dataAreaId": company,
        "ShipmentId": books.numbers.draw(company, "shipment", lambda _: False),
        "OutboundLoadId": load.id,
        "CustomerReference": slip.values["CustomerRef"],
        "DeliveryName": slip.values["DeliveryName"],
        "DeliveryTermsCode": slip.values["DlvTerm"],
        "PreallocatedPackingSlipId": slip.values["PackingSlipId"],
    }
    books.add(books.schema.sets[SHIPMENTS], {**books.blank(SHIPMENTS), **shipment})


def _next_moment(books: Books, slip: Row) -> datetime:
    """The key of versions is the slip and the second: a change within the same second is stamped a second later."""
    key = slip.values["SourceKey"]
    earlier = [row.values for row in books.rows(VERSIONS) if row.values["CustPackingSlipJour"] == key]
    latest = max(edm.moment(values, "VersionDateTime") for values in earlier)
    return max(books.clock(), latest + timedelta(seconds=1))


def _add_version(books: Books, slip: Row, moment: datetime) -> None:
    values: dict[str, Value] = {
        "CustPackingSlipJour": slip.values["SourceKey"],
        "VersionDateTime": moment.replace(microsecond=0),
        "InternalPackingSlipId": slip.values["PackingSlipId"],
        "AccountingDate": edm.day(moment),
        "Qty": slip.values["Qty"],
        "SourceKey": books.numbers.record_id(),
    }
    books.add(books.schema.sets[VERSIONS], {**books.blank(VERSIONS), **values})


def _add(books: Books, set_name: str, key: str, values: Mapping[str, Value]) -> Row:
    now = books.clock().replace(microsecond=0)
    stamps: dict[str, Value] = {
        "DeliveryDate": edm.day(now),
        "CreatedOn": now,
        "SourceKey": books.numbers.record_id(),
        key: books.numbers.record_id(),
    }
    return books.add(books.schema.sets[set_name], {**books.blank(set_name), **stamps, **values})


def _total(lines: Iterable[Row]) -> Decimal:
    return sum((edm.number(line.values, "Qty") for line in lines), Decimal(0))


def _slip_key(row: Row) -> tuple[Value, ...]:
    return folded((row.values["dataAreaId"], row.values["PackingSlipId"]))
