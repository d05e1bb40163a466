"""F&O's product images as Shopify takes them. Their bytes are read later, and only of those that are new."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import ProductImage
from shared.model.fo_product import FoImage, FoProduct

_MIME_TYPES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
}


def image_key(image: FoImage) -> str:
    """The same as long as the same picture is attached."""
    parts = (image.type_code, image.description, image.attached_at)
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def images_of(product: FoProduct, problems: list[RefusedError]) -> tuple[ProductImage, ...]:
    """The default image first, the others in the order in which they were attached."""
    found = []
    for image in sorted(product.images, key=lambda each: (not each.is_default, each.attached_at, each.description)):
        kind = (image.file_type or image.file_name.rpartition(".")[2]).strip(". ").casefold()
        mime_type = _MIME_TYPES.get(kind)
        if mime_type is None:
            problems.append(
                RefusedError(
                    ErrorCode.PRODUCT_IMAGE_REFUSED,
                    item=product.item_number,
                    file=image.file_name,
                    reason=f"Shopify shows no file of the type {kind or '(none)'}",
                )
            )
        else:
            key = image_key(image)
            found.append(ProductImage(key, key, image.file_name or f"{key}.{kind}", mime_type))
    return tuple(found)
