"""stagedUploadsCreate: targets that files are uploaded to, and what becomes of the bytes.

A target is an address of the simulator itself. Its parameters have the recorded names; with PUT they are headers, with
POST the fields of a form before the file.
"""

import uuid
from typing import Any

from local.shopify.media_records import Upload
from local.shopify.nodes import Request, not_simulated
from local.shopify.state import Shop, Simulator
from local.shopify.user_errors import user_error

IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_RESOURCES = {"IMAGE": "products", "PRODUCT_IMAGE": "products", "BULK_MUTATION_VARIABLES": "bulk"}


def address(simulator: Simulator, shop: Shop) -> str:
    return f"{simulator.url}/{shop.seed.domain}/_sim/uploads/"


def create_targets(request: Request, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    targets: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    for index, each in enumerate(rows):
        if each["resource"] not in _RESOURCES:
            raise not_simulated(f"staged uploads of the resource {each['resource']}")
        if each["resource"] != "BULK_MUTATION_VARIABLES" and each["mimeType"] not in IMAGE_TYPES:
            text = f"{each['filename']}: ({each['mimeType']}) is not a recognized format"
            problems.append(user_error(["input", str(index), "mimeType"], text))
            targets.append({"url": None, "resourceUrl": None, "parameters": []})
            continue
        targets.append(_target(request, each))
    return targets, problems


def _target(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    shop, method = request.shop, given.get("httpMethod") or "PUT"
    folder = _RESOURCES[given["resource"]]
    key = f"tmp/{shop.seed.id}/{folder}/{uuid.uuid4()}/{given['filename']}"
    shop.uploads[key] = Upload(key, given["resource"], given["mimeType"], method)
    base = address(request.simulator, shop)
    if method == "PUT":
        parameters = {"content_type": given["mimeType"], "acl": "private"}
        return {"url": f"{base}{key}", "resourceUrl": f"{base}{key}", "parameters": _rows(parameters)}
    form = {
        "Content-Type": given["mimeType"],
        "success_action_status": "201",
        "acl": "private",
        "key": key,
        "x-goog-date": "20261123T090000Z",
        "x-goog-credential": "simulated",
        "x-goog-algorithm": "GOOG4-RSA-SHA256",
        "x-goog-signature": "simulated",
        "policy": "simulated",
    }
    return {"url": base, "resourceUrl": f"{base}{key}", "parameters": _rows(form)}


def _rows(parameters: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in parameters.items()]


def store(shop: Shop, key: str, method: str, mime_type: str, content: bytes) -> str | None:
    """Keep what was uploaded; the storage's error code if the target is not for it."""
    target = shop.uploads.get(key)
    if target is None:
        return "AccessDenied"
    if (target.method, target.mime_type) != (method, mime_type):
        return "SignatureDoesNotMatch"
    target.content = content
    return None
