"""Pictures as files of the shop: made, changed, and attached to products."""

import re
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from local.shopify.media.uploads import address
from local.shopify.media_records import Picture
from local.shopify.merchandise import Product
from local.shopify.nodes import Request, error, not_simulated, parse_gid
from local.shopify.state import Shop
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
#: A picture may have so many bytes, and its text so many characters.
LARGEST = 20 * 1024 * 1024
_LONGEST_ALT = 512
_LONGEST_SOURCE = 2048
_MOST_MEDIA = 250
_BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_TOO_LONG_ALT = f"The alt value exceeds the maximum limit of {_LONGEST_ALT} characters."


def is_address(request: Request, source: str) -> bool:
    """Whether a picture can be fetched from there: https, or a staged upload."""
    parts = urlsplit(source)
    return (parts.scheme in ("http", "https") and bool(parts.hostname)) or source.startswith(
        address(request.simulator, request.shop)
    )


def check_source(source: str) -> None:
    """Its length, which is a top-level error."""
    if not source:
        raise error("originalSource is too short (minimum is 1)", "INVALID_FIELD_ARGUMENTS")
    if len(source) > _LONGEST_SOURCE:
        raise error(f"originalSource is too long (maximum is {_LONGEST_SOURCE})", "INVALID_FIELD_ARGUMENTS")


def create_files(request: Request, rows: list[dict[str, Any]]) -> tuple[list[Picture], Problems]:
    """fileCreate: of each row only the first problem, and nothing is made if there is any."""
    for each in rows:
        check_source(each["originalSource"])
        if each.get("contentType") not in (None, "IMAGE"):
            raise not_simulated(f"files of the type {each['contentType']}")
    problems = [problem for index, each in enumerate(rows) for problem in _creation_problems(request, each, index)]
    return ([], problems) if problems else ([make_picture(request, each) for each in rows], [])


def _creation_problems(request: Request, given: dict[str, Any], index: int) -> Problems:
    row = ["files", str(index)]
    if not is_address(request, given["originalSource"]):
        return [user_error([*row, "originalSource"], "File URL is invalid", "INVALID_IMAGE_SOURCE_URL")]
    name = given.get("filename")
    if name and _extension(name) != _extension(file_name(given["originalSource"])):
        text = "Provided filename extension must match original source."
        return [user_error([*row, "filename"], text, "MISMATCHED_FILENAME_AND_ORIGINAL_SOURCE")]
    mode = given.get("duplicateResolutionMode")
    if mode == "REPLACE" and not name:
        text = "Missing filename argument when attempting to use REPLACE duplicate mode."
        return [user_error([*row, "filename"], text, "MISSING_FILENAME_FOR_DUPLICATE_MODE_REPLACE")]
    if mode not in (None, "APPEND_UUID"):
        raise not_simulated(f"the duplicateResolutionMode {mode}")
    if len(given.get("alt") or "") > _LONGEST_ALT:
        return [user_error([*row, "alt"], _TOO_LONG_ALT, "ALT_VALUE_LIMIT_EXCEEDED")]
    return []


def file_name(source: str) -> str:
    return PurePosixPath(urlsplit(source).path).name


def _extension(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".").replace("jpeg", "jpg")


def make_picture(request: Request, given: dict[str, Any]) -> Picture:
    """A picture that is processed for a while. What is wrong with it shows afterwards."""
    shop, now, source = request.shop, request.shop.clock(), given["originalSource"]
    name = given.get("filename") or file_name(source) or "image"
    number = shop.next_catalogue_id()
    if any(each.file_name == name for each in shop.pictures.values()):
        path = PurePosixPath(name)
        name = f"{path.stem}_{number}{path.suffix}"
    mime_type, size, wrong = _content(request, source)
    done = now + timedelta(seconds=shop.processing_seconds)
    made = Picture(number, name, mime_type, source, size, now, now, done, given.get("alt"), wrong)
    shop.pictures[made.id] = made
    return made


def _content(request: Request, source: str) -> tuple[str, int, tuple[str, str] | None]:
    """MIME type and size of what is there, and what is wrong with it. Nothing is fetched from elsewhere."""
    base = address(request.simulator, request.shop)
    guessed = _TYPES.get(_extension(file_name(source)), "image/jpeg")
    if not source.startswith(base):
        return guessed, 0, None
    upload = request.shop.uploads.get(source.removeprefix(base))
    if upload is None or upload.content is None:
        return guessed, 0, ("IMAGE_DOWNLOAD_FAILURE", "The image could not be downloaded.")
    content, kind = upload.content, upload.mime_type
    if len(content) > LARGEST:
        return kind, len(content), ("INVALID_IMAGE_FILE_SIZE", "The image is larger than 20 MB.")
    if not content.startswith(_BEGINNINGS[kind]):
        known = any(content.startswith(beginning) for beginning in _BEGINNINGS.values())
        code = "UNSUPPORTED_IMAGE_FILE_TYPE" if known else "IMAGE_PROCESSING_FAILURE"
        return kind, len(content), (code, "The image could not be processed.")
    return kind, len(content), None


def update_files(request: Request, rows: list[dict[str, Any]]) -> tuple[list[Picture], Problems]:
    """fileUpdate: texts, names, and the products that a picture belongs to."""
    shop, now = request.shop, request.shop.clock()
    if any(each.get("referencesToAdd") or each.get("referencesToRemove") for each in rows) and (
        "write_products" not in request.scopes
    ):
        raise error("Access denied: Missing permission to manage products.", "ACCESS_DENIED")
    for each in rows:
        if each.get("originalSource"):
            check_source(each["originalSource"])
    lost = [each["id"] for each in rows if picture_by(shop, each["id"]) is None]
    if lost:
        names = ", ".join(f'"{each}"' for each in lost)
        text = f"File id{'s' if len(lost) > 1 else ''} [{names}] do{'' if len(lost) > 1 else 'es'} not exist."
        return [], [user_error(["files"], text, "FILE_DOES_NOT_EXIST")]
    found = [(picture_by(shop, each["id"]), each) for each in rows]
    pictures = [(picture, each) for picture, each in found if picture]
    if any(picture.status(now) != "READY" for picture, _ in pictures):
        return [], [user_error(["files"], "Non-ready files cannot be updated.", "NON_READY_STATE")]
    problems = _update_problems(request, pictures)
    if problems:
        return [], problems
    for picture, each in pictures:
        _update(shop, picture, each)
    return [picture for picture, _ in pictures], []


def _update_problems(request: Request, pictures: list[tuple[Picture, dict[str, Any]]]) -> Problems:
    problems: Problems = []
    for index, (picture, each) in enumerate(pictures):
        row = ["files", str(index)]
        if each.get("originalSource") and each.get("previewImageSource"):
            text = "Cannot update the preview image and image at the same time because they are one and the same."
            problems += [user_error([*row, name], text, "INVALID") for name in ("originalSource", "previewImageSource")]
        elif each.get("originalSource") or each.get("previewImageSource"):
            raise not_simulated("fileUpdate of the source of a picture")
        if len(each.get("alt") or "") > _LONGEST_ALT:
            problems.append(user_error([*row, "alt"], _TOO_LONG_ALT, "ALT_VALUE_LIMIT_EXCEEDED"))
        if each.get("filename") and _extension(each["filename"]) != _extension(picture.file_name):
            text = "The filename extension provided must match the original filename."
            problems.append(user_error(["files"], text, "INVALID_FILENAME_EXTENSION"))
        for reference in (*(each.get("referencesToAdd") or ()), *(each.get("referencesToRemove") or ())):
            if parse_gid(reference, "Product") not in request.shop.products:
                text = "The reference target does not exist"
                problems.append(user_error(["files"], text, "REFERENCE_TARGET_DOES_NOT_EXIST"))
    return problems


def _update(shop: Shop, picture: Picture, given: dict[str, Any]) -> None:
    if "alt" in given:
        picture.alt = given["alt"]
    picture.file_name = given.get("filename") or picture.file_name
    picture.updated_at = shop.clock()
    for each in given.get("referencesToAdd") or ():
        attach(shop, shop.products[parse_gid(each, "Product")], picture)
    for each in given.get("referencesToRemove") or ():
        detach(shop, shop.products[parse_gid(each, "Product")], picture)


def picture_by(shop: Shop, id_: str) -> Picture | None:
    """A picture by its global id; files of other kinds do not exist here."""
    match = re.fullmatch(r"gid://shopify/(MediaImage|Video|Model3d|GenericFile|ExternalVideo)/(\d+)", id_)
    if match is None:
        raise error(f"Invalid id: {id_}", "RESOURCE_NOT_FOUND")
    return shop.pictures.get(int(match[2])) if match[1] == "MediaImage" else None


def attach(shop: Shop, product: Product, picture: Picture) -> None:
    if picture.id not in product.media:
        if len(product.media) >= _MOST_MEDIA:
            raise not_simulated(f"more than {_MOST_MEDIA} pictures of a product")
        product.media.append(picture.id)
        product.touch(shop.clock())


def detach(shop: Shop, product: Product, picture: Picture) -> None:
    """The picture stays among the shop's files."""
    if picture.id in product.media:
        product.media.remove(picture.id)
        for variant in product.variants:
            if variant.media_id == picture.id:
                variant.media_id = None
        product.touch(shop.clock())
