"""Metafields on orders: `metafieldsSet`, atomic, at most 25 a call, with compare-and-set by digest.

A namespace that begins with `$app`, or none, is one that only this app can read and write.
"""

import hashlib
import re
from typing import Any

from local.shopify.ids import gid
from local.shopify.model import Metafield, MetafieldDefinition
from local.shopify.nodes import Request, not_simulated, parse_gid, utc
from local.shopify.order import Order

MAX_METAFIELDS = 25
#: The value of `$app`. Namespaces of other apps have other numbers.
APP_NAMESPACE = "app--284957184001"
#: Owners that Shopify takes and this simulator does not.
_OTHER_OWNERS = frozenset(
    {
        "Product",
        "ProductVariant",
        "Customer",
        "Collection",
        "Company",
        "CompanyLocation",
        "Location",
        "Shop",
        "DraftOrder",
    }
)
_RESERVED = ("protected", "shopify_standard", "shopify-l10n-fields")


def resolved(namespace: str | None) -> str:
    """The namespace as it is stored and returned."""
    return re.sub(r"^\$app(:|$)", lambda match: APP_NAMESPACE + ("--" if match[1] else ""), namespace or "$app")


def is_private(namespace: str) -> bool:
    """Whether the namespace belongs to another app."""
    mine = namespace == APP_NAMESPACE or namespace.startswith(f"{APP_NAMESPACE}--")
    return namespace.startswith("app--") and not mine


def digest(metafield: Metafield) -> str:
    return hashlib.sha256(f"{metafield.type}\0{metafield.value}".encode()).hexdigest()


def metafield_document(metafield: Metafield, owner: str) -> dict[str, Any]:
    return {
        "__typename": "Metafield",
        "id": gid("Metafield", metafield.id),
        "legacyResourceId": metafield.id,
        "namespace": metafield.namespace,
        "key": metafield.key,
        "type": metafield.type,
        "value": metafield.value,
        "compareDigest": digest(metafield),
        "ownerType": "ORDER",
        "sizeInBytes": len(metafield.value.encode()),
        "createdAt": utc(metafield.created_at),
        "updatedAt": utc(metafield.updated_at),
        "owner": {"__typename": "Order", "id": owner},
    }


def set_metafields(request: Request, inputs: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Order]]:
    """The payload of `metafieldsSet` and the orders that it changed; nothing is written if any row has an error."""
    if len(inputs) > MAX_METAFIELDS:
        problem = _problem(
            [],
            f"Exceeded the maximum metafields input limit of {MAX_METAFIELDS}.",
            "LESS_THAN_OR_EQUAL_TO",
        )
        return {"metafields": [], "userErrors": [problem]}, []
    problems = [p for index, each in enumerate(inputs) for p in _check(request, index, each)]
    if problems:
        return {"metafields": [], "userErrors": problems}, []
    orders, documents = [], []
    for each in inputs:
        order = request.shop.orders[parse_gid(each["ownerId"], "Order")]
        documents.append(metafield_document(_write(request, order, each), each["ownerId"]))
        if order not in orders:
            orders.append(order)
    return {"metafields": documents, "userErrors": []}, orders


def _check(request: Request, index: int, each: dict[str, Any]) -> list[dict[str, Any]]:
    row = [str(index)]
    _require_order(each["ownerId"])
    order = request.shop.orders.get(parse_gid(each["ownerId"], "Order"))
    if order is None:
        return [_problem([*row, "ownerId"], "Owner does not exist.", "INVALID_VALUE")]
    namespace, key = resolved(each.get("namespace")), each["key"]
    known = order.metafields.get((namespace, key))
    found = []
    if is_private(namespace):
        text = "Access to this namespace and key on Metafields for this resource type is not allowed."
        return [_problem(row, text, "APP_NOT_AUTHORIZED")]
    if namespace in _RESERVED:
        found.append(_problem([*row, "namespace"], f"Namespace {namespace} is a reserved namespace", None))
    if len(namespace) < 3:
        found.append(_problem([*row, "namespace"], "Namespace is too short (minimum is 3 characters)", "TOO_SHORT"))
    if len(namespace) > 255:
        found.append(_problem([*row, "namespace"], "Namespace is too long (maximum is 255 characters)", "TOO_LONG"))
    if len(key) < 2:
        found.append(_problem([*row, "key"], "Key is too short (minimum is 2 characters)", "TOO_SHORT"))
    if len(key) > 64:
        found.append(_problem([*row, "key"], "Key is too long (maximum is 64 characters)", "TOO_LONG"))
    definition = request.shop.definitions.get((namespace, key))
    kind = each.get("type") or _known_type(definition, known)
    if not kind:
        found.append(_problem([*row, "type"], "Type can't be blank", "BLANK"))
    if not each["value"]:
        found.append(_problem([*row, "value"], "Value can't be blank.", "INVALID_VALUE"))
    elif kind == "single_line_text_field" and "\n" in each["value"]:
        found.append(_problem([*row, "value"], "Value must be a single line text string.", "INVALID_VALUE"))
    elif kind == "number_integer" and not re.fullmatch(r"-?\d+", each["value"]):
        found.append(_problem([*row, "value"], "Value must be an integer.", "INVALID_VALUE"))
    elif kind == "boolean" and each["value"] not in ("true", "false"):
        found.append(_problem([*row, "value"], "Value must be true or false.", "INVALID_VALUE"))
    elif definition and definition.max_length is not None and len(each["value"]) > definition.max_length:
        text = f"Value has a maximum length of {definition.max_length}."
        found.append(_problem([*row, "value"], text, "INVALID_VALUE"))
    if _is_stale(each, known):
        stale = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
        found.append(_problem(row, stale, "STALE_OBJECT"))
    return found


def _require_order(owner: str) -> None:
    """Products, variants and customers have metafields in Shopify too; here only orders do."""
    kind = owner.removeprefix("gid://shopify/").partition("/")[0]
    if kind in _OTHER_OWNERS:
        raise not_simulated(f"metafieldsSet on {kind}")


def _known_type(definition: MetafieldDefinition | None, known: Metafield | None) -> str | None:
    if definition:
        return definition.type
    return known.type if known else None


def _is_stale(each: dict[str, Any], known: Metafield | None) -> bool:
    """Whether the digest is of another value. A malformed one passes where the value stays as it is."""
    if "compareDigest" not in each or each["compareDigest"] == (digest(known) if known else None):
        return False
    is_malformed = each["compareDigest"] is not None and not re.fullmatch(r"[0-9a-f]{64}", each["compareDigest"])
    return not (is_malformed and known and known.value == each["value"])


def _problem(path: list[str], message: str, code: str | None) -> dict[str, Any]:
    """The row stands in `field[1]`. `elementIndex` counts inside a list value, and is null for everything else."""
    return {"field": ["metafields", *path], "message": message, "code": code, "elementIndex": None}


def _write(request: Request, order: Order, each: dict[str, Any]) -> Metafield:
    now = request.shop.clock()
    slot = (resolved(each.get("namespace")), each["key"])
    known = order.metafields.get(slot)
    if known:
        known.value, known.updated_at = each["value"], now
        known.type = each.get("type") or known.type
        return known
    kind = each.get("type") or request.shop.definitions[slot].type
    metafield = Metafield(request.shop.next_id(), *slot, kind, each["value"], now, now)
    order.metafields[slot] = metafield
    return metafield
