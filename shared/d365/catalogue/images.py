"""The images that are attached to products in F&O: which there are, and the bytes of one."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from shared.d365.catalogue.asked import CatalogueSource
from shared.d365.entities import PRODUCT_ATTACHMENTS, RELEASED_ATTACHMENTS
from shared.d365.odata.client import CountedReader
from shared.d365.odata.filters import all_of, eq
from shared.model.fo_product import FoImage

type AttachedTo = Literal["released", "product"]


class _Attachments(NamedTuple):
    entity_set: str
    owner: str


_SETS: Final[Mapping[AttachedTo, _Attachments]] = {
    "released": _Attachments(RELEASED_ATTACHMENTS, "ItemNumber"),
    "product": _Attachments(PRODUCT_ATTACHMENTS, "ProductNumber"),
}
_BYTES: Final = "Attachment"
_INTERNAL: Final = "Internal"


async def read_images(
    source: CatalogueSource, attached_to: AttachedTo, owners: Collection[str]
) -> dict[str, tuple[FoImage, ...]]:
    """By item number or product number, without the bytes. Other attachments, and images for internal use, are none."""
    sets = _SETS[attached_to]
    found: defaultdict[str, list[FoImage]] = defaultdict(list)
    async for row in source.rows(sets.entity_set, sets.owner, owners):
        if row["IsProductImage"] == "Yes" and row["ProductImageUsage"] != _INTERNAL and row[sets.owner] in owners:
            found[row[sets.owner]].append(
                FoImage(
                    row[sets.owner],
                    row["DocumentAttachmentTypeCode"],
                    row["AttachmentDescription"],
                    row["AttachedDateTime"],
                    row["OriginalFileName"],
                    row["FileType"],
                    row["IsDefaultProductImage"] == "Yes",
                )
            )
    return {owner: tuple(images) for owner, images in found.items()}


async def read_image_bytes(
    client: CountedReader, company: str, attached_to: AttachedTo, image: FoImage
) -> bytes | None:
    """None for an image that is not attached any more, or has no content."""
    sets = _SETS[attached_to]
    where = all_of(eq(sets.owner, image.owner), eq("AttachedDateTime", datetime.fromisoformat(image.attached_at)))
    select = (sets.owner, "DocumentAttachmentTypeCode", "AttachmentDescription", "AttachedDateTime", _BYTES)
    async for page in client.pages(sets.entity_set, company=company, where=where, select=select):
        for row in page:
            if tuple(row[name] for name in select[:-1]) == image[:4] and row[_BYTES]:
                try:
                    return base64.b64decode(row[_BYTES], validate=True)
                except binascii.Error:
                    return None
    return None
