"""Pictures of products: their bytes go to an address that Shopify gives for them, and become files of the shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import httpx

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.model import ShopPicture
from shared.shopify import queries
from shared.shopify.admin.answers import Json, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of
from shared.shopify.products.reading import pictures_of
from shared.shopify.products.writing import refusal, refuse

_HEADERS: Final = {"content_type": "Content-Type", "acl": "x-goog-acl"}
"""Parameters of an upload by PUT -> the headers that they stand for."""
_PASSING: Final = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS})
"""Client errors that the same bytes may not meet again."""


class NewPicture(NamedTuple):
    file_name: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class UploadTarget:
    url: str
    headers: Mapping[str, str]
    resource_url: str
    """By which Shopify finds the bytes."""


class Uploader(Protocol):
    async def __call__(self, target: UploadTarget, content: bytes, *, item: str, file: str) -> None:
        """It may be repeated. `item` and `file` are F&O's, for what is refused.

        Raises RefusedError PRODUCT_IMAGE_REFUSED for bytes that are not taken, and TransientError if it is not certain
        that all of them are there.
        """


@dataclass(frozen=True, slots=True)
class HttpUploader:
    """By PUT. The address is signed, so that no credentials are sent."""

    http: httpx.AsyncClient

    async def __call__(self, target: UploadTarget, content: bytes, *, item: str, file: str) -> None:
        try:
            response = await self.http.put(target.url, content=content, headers=dict(target.headers))
        except httpx.RequestError as error:
            raise TransientError(f"a file cannot be uploaded: {type(error).__name__}") from error
        if response.is_client_error and response.status_code not in _PASSING:
            reason = f"its upload is refused with HTTP {response.status_code}"
            raise RefusedError(ErrorCode.PRODUCT_IMAGE_REFUSED, item=item, file=file, reason=reason)
        if not response.is_success:
            raise TransientError(f"a file cannot be uploaded: HTTP {response.status_code}")


async def stage_pictures(
    admin: QueryRunner, pictures: Sequence[NewPicture], item: str
) -> tuple[list[UploadTarget | None], dict[int, str]]:
    """A target for each picture, and Shopify's words for those that it takes no file of, by their place.

    Raises RefusedError PRODUCT_REFUSED where it names no picture.
    """
    rows = [
        {"resource": "IMAGE", "filename": each.file_name, "mimeType": each.mime_type, "httpMethod": "PUT"}
        for each in pictures
    ]
    payload = (await admin.run(queries.load("product_uploads"), {"input": rows}))["stagedUploadsCreate"]
    refused = {}
    for error in user_errors(payload):
        match error.field:
            case ("input", place, *_) if place.isdecimal() and int(place) < len(pictures):
                refused[int(place)] = error.message
            case _:
                raise refusal([error], item, "pictures")
    return [_target(each) if each["url"] else None for each in payload["stagedTargets"]], refused


async def add_pictures(
    admin: QueryRunner, product: int, pictures: Sequence[tuple[UploadTarget, str]], item: str
) -> tuple[ShopPicture, ...]:
    """Uploaded pictures with their alternative texts; returns all that the product then has, new ones last.

    Raises RefusedError PRODUCT_REFUSED.
    """
    media = [
        {"originalSource": target.resource_url, "alt": alt, "mediaContentType": "IMAGE"} for target, alt in pictures
    ]
    variables = {"product": gid_of("Product", product), "media": media}
    payload = (await admin.run(queries.load("product_pictures_add"), variables))["productUpdate"]
    refuse(payload, item, "pictures")
    return pictures_of(payload["product"])


async def change_pictures(
    admin: QueryRunner, product: int, alts: Mapping[int, str], dropped: Iterable[int], item: str
) -> None:
    """New alternative texts, and pictures that are not the product's any more. Raises RefusedError PRODUCT_REFUSED."""
    files: list[Json] = [{"id": gid_of("MediaImage", number), "alt": alt} for number, alt in alts.items()]
    files += [
        {"id": gid_of("MediaImage", number), "referencesToRemove": [gid_of("Product", product)]} for number in dropped
    ]
    refuse((await admin.run(queries.load("product_files"), {"files": files}))["fileUpdate"], item, "pictures")


def _target(node: Json) -> UploadTarget:
    headers = {_HEADERS.get(each["name"], each["name"]): each["value"] for each in node["parameters"]}
    return UploadTarget(url=node["url"], headers=headers, resource_url=node["resourceUrl"])
