"""Which pictures of F&O are added to a product, and which of those that it gave are taken off it.

The app knows its pictures by the ids that it remembers. One that was added in a run that ended before it could remember
the id is found by its file name, once Shopify has processed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.shop.given import Given, GivenPicture
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import MediaStatus, ProductImage, ShopPicture, ShopProduct, WantedProduct

MOST_BYTES: Final = 20 * 1024 * 1024
"""Of one picture, as Shopify limits it."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LENGTH: Final = 100
_WORKING: Final = frozenset({MediaStatus.UPLOADED, MediaStatus.PROCESSING})


@dataclass(frozen=True, slots=True)
class PicturePlan:
    known: Mapping[str, GivenPicture] = field(default_factory=dict)
    """Pictures of F&O that the product has."""
    new: tuple[ProductImage, ...] = ()
    alts: Mapping[int, str] = field(default_factory=dict)
    dropped: Mapping[str, GivenPicture] = field(default_factory=dict)
    """Pictures that F&O gave and has no more, and that can be taken off the product now."""
    waiting: Mapping[str, GivenPicture] = field(default_factory=dict)
    """The same, while Shopify is still processing them."""
    problems: tuple[RefusedError, ...] = ()
    is_pending: bool = False

    @property
    def remembered(self) -> dict[str, GivenPicture]:
        """What is known before anything is written."""
        return {**self.dropped, **self.waiting, **self.known}


def plan_pictures(wanted: WantedProduct, shop: ShopProduct, given: Given, policy: ShopPolicy) -> PicturePlan:
    if policy.pictures == "never" or (policy.pictures == "once" and "images" not in given.to_give):
        return PicturePlan(known=given.pictures)
    shown = {picture.id: picture for picture in shop.pictures}
    ours = {each.id for each in given.pictures.values()}
    others = [picture for picture in shop.pictures if picture.id not in ours]
    known: dict[str, GivenPicture] = {}
    new: list[ProductImage] = []
    alts: dict[int, str] = {}
    problems: list[RefusedError] = []
    is_pending = False
    for image in wanted.images:
        has = given.pictures.get(image.key)
        picture = shown.get(has.id) if has else _by_name(image, others)
        if picture is None:
            if any(other.status in _WORKING for other in others) and has is None:
                is_pending = True  # it may be this one
            else:
                new.append(image)
            continue
        known[image.key] = has or GivenPicture(image.digest, picture.id)
        if picture.status in _WORKING:
            is_pending = True
        elif picture.status is MediaStatus.FAILED:
            problems.append(refused_picture(wanted, image, picture.error or "Shopify cannot process it"))
        elif image.alt and image.alt != picture.alt:
            alts[picture.id] = image.alt
    gone = {key: each for key, each in given.pictures.items() if key not in known and each.id in shown}
    gone = {key: each for key, each in gone.items() if key not in {image.key for image in wanted.images}}
    waiting = {key: each for key, each in gone.items() if shown[each.id].status in _WORKING}
    return PicturePlan(
        known=known,
        new=tuple(new),
        alts=alts,
        dropped={key: each for key, each in gone.items() if shown[each.id].status is MediaStatus.READY},
        waiting=waiting,
        problems=tuple(problems),
        is_pending=is_pending or bool(waiting),
    )


def refused_picture(wanted: WantedProduct, image: ProductImage, reason: str) -> RefusedError:
    return RefusedError(ErrorCode.PRODUCT_IMAGE_REFUSED, item=wanted.item_number, file=image.file_name, reason=reason)


def file_name_of(image: ProductImage) -> str:
    """By which the picture is found again."""
    return f"{_prefix(image)}{_UNSAFE.sub('-', image.file_name)[-_NAME_LENGTH:]}"


def _prefix(image: ProductImage) -> str:
    return f"fo-{_UNSAFE.sub('-', image.key)}-"


def _by_name(image: ProductImage, pictures: list[ShopPicture]) -> ShopPicture | None:
    return next((each for each in pictures if each.file_name.startswith(_prefix(image))), None)
