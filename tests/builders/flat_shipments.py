"""An entity of the tenant's own in the F&O simulator: a row for each line of a packing slip, like a view of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from local.d365 import Options, Simulator
from local.d365.books import key_of
from local.d365.edm import Value
from local.d365.sales_tables import LINES as SALES_LINES
from local.d365.simulator import METADATA
from local.d365.slips import LINES, SLIPS, TRACKING, VERSIONS

SET: Final = "ContosoShipmentLines"
_TYPE: Final = "ContosoShipmentLine"
_FIELDS: Final = {
    "dataAreaId": "Edm.String",
    "ShipmentLineId": "Edm.Int64",
    "OrderNumber": "Edm.String",
    "DeliveryNote": "Edm.String",
    "LotId": "Edm.String",
    "OrderLine": "Edm.Decimal",
    "ShippedQuantity": "Edm.Decimal",
    "FromWarehouse": "Edm.String",
    "Carrier": "Edm.String",
    "TrackingNumbers": "Edm.String",
    "TrackingPage": "Edm.String",
    "PostedDateTime": "Edm.DateTimeOffset",
    "ChangedDateTime": "Edm.DateTimeOffset",
}
_KEY: Final = ("dataAreaId", "ShipmentLineId")
ENTITY: Final = {
    "entity_set": SET,
    "key": _KEY,
    "sales_order": "OrderNumber",
    "slip": "DeliveryNote",
    "lot": "LotId",
    "quantity": "ShippedQuantity",
    "warehouse": "FromWarehouse",
    "carrier": "Carrier",
    "tracking": "TrackingNumbers",
    "tracking_url": "TrackingPage",
    "created_at": "PostedDateTime",
    "changed_at": "ChangedDateTime",
}
"""As the tenant's file names it."""


def options_with_entity(folder: Path) -> Options:
    """The simulator's options with the entity in its metadata."""
    document = METADATA.read_text(encoding="utf-8")
    keys = "".join(f'<PropertyRef Name="{name}" />' for name in _KEY)
    fields = "".join(f'<Property Name="{name}" Type="{kind}" />' for name, kind in _FIELDS.items())
    kind = f'<EntityType Name="{_TYPE}"><Key>{keys}</Key>{fields}</EntityType>\n'
    one = f'<EntitySet Name="{SET}" EntityType="Microsoft.Dynamics.DataEntities.{_TYPE}" />\n'
    first = document.index("<EntityType ")
    document = document[:first] + kind + document[first:]
    place = document.index("<EntitySet ")
    path = folder / "metadata.xml"
    path.write_text(document[:place] + one + document[place:], encoding="utf-8")
    return Options(metadata=path)


def refresh(fo: Simulator) -> None:
    """The entity shows what the packing slips say now. A row is stamped when it changes."""
    books = fo.books
    entity_set = books.schema.sets[SET]
    slips = {row.values["PackingSlipId"]: row.values for row in books.rows(SLIPS)}
    numbers = {row.values["InventoryLotId"]: row.values["LineNumber"] for row in books.rows(SALES_LINES)}
    for line in books.rows(LINES):
        slip = slips[line.values["PackingSlipId"]]
        number = slip["PackingSlipId"]
        tracked = [row.values for row in books.rows(TRACKING) if row.values["PackingSlipNumber"] == number]
        values: dict[str, Value] = {
            "dataAreaId": line.values["dataAreaId"],
            "ShipmentLineId": line.values["SourceDocumentLine"],
            "OrderNumber": line.values["OrigSalesId"] or line.values["SalesId"],
            "DeliveryNote": number,
            "LotId": line.values["InventTransId"],
            "OrderLine": numbers[line.values["InventTransId"]],
            "ShippedQuantity": line.values["Qty"],
            "FromWarehouse": slip["inventLocationId"],
            "Carrier": slip["ShipCarrierId"],
            "TrackingNumbers": ", ".join(str(each["TrackingNumber"]) for each in tracked),
            "TrackingPage": tracked[0]["TrackingURL"] if tracked else "",
            "PostedDateTime": line.values["CreatedOn"],
        }
        known = books.find(SET, *key_of(entity_set, values))
        changed = known is None or any(known.values[name] != value for name, value in values.items())
        stamped = values | {"ChangedDateTime": books.clock().replace(microsecond=0)}
        if known is None:
            books.add(entity_set, stamped)
        elif changed:
            books.replace(entity_set, known, stamped)


HIDDEN: Final = frozenset({SLIPS, LINES, VERSIONS, TRACKING})
"""Sets that an environment with such an entity may not show."""
