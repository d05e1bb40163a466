"""Which released items F&O stamped as changed."""

from __future__ import annotations

from datetime import datetime

from shared.d365.entities import ITEM_STAMPS, READ
from shared.d365.odata.client import CountedReader
from shared.d365.odata.filters import since
from shared.model.fo_product import StampedItem


async def read_stamped(client: CountedReader, company: str, moment: datetime) -> list[StampedItem]:
    """Since this moment of F&O's clock. F&O stamps the item's own fields, with its state, weight and dates; neither its
    texts, nor its variants, attributes and barcodes.
    """
    where = since("SysModifiedDateTime", moment)
    pages = client.pages(ITEM_STAMPS, company=company, where=where, select=READ[ITEM_STAMPS])
    return [
        StampedItem(row["ItemId"], datetime.fromisoformat(row["SysModifiedDateTime"]))
        async for page in pages
        for row in page
    ]
