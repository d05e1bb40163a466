"""Metafields on orders: `metafieldsSet`, atomic, at most 25 a call, with compare-and-set by digest.

A namespace that begins with `$app`, or none, is one that only this app can read and write.
"""

import hashlib
import re
from typing import Any

from local.shopify.ids import APP_ID, gid
from local.shopify.inventory import user_error
from local.shopify.model import Metafield, MetafieldDefinition
from local.shopify.nodes import Request, error, not_simulated, parse_gid, utc
from local.shopify.order import Order

MAX_METAFIELDS = 25
_LONGEST_NAME = 255
#: The value of `$app`. Namespaces of other apps have other numbers.
APP_NAMESPACE = f"app--{APP_ID}"
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


def find_definition(request: Request, identifier: dict[str, Any] | None) -> dict[str, Any] | None:
    if identifier is None or identifier["ownerType"] != "ORDER":
        raise not_simulated("metafieldDefinition of anything but orders")
    slot = (resolved(identifier.get("namespace")), identifier["key"])
    found = request.shop.definitions.get(slot)
    return _definition_document(slot, found) if found else None


def create_definition(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """MetafieldDefinitionCreate for orders, with all that is wrong at once."""
    extras = {"constraints", "validations", "useAsCollectionCondition"} & {key for key in given if given[key]}
    if given["ownerType"] != "ORDER" or extras:
        raise not_simulated(f"metafieldDefinitionCreate with {given['ownerType']} {' '.join(sorted(extras))}")
    capabilities = given.get("capabilities") or {}
    if capabilities.keys() - {"adminFilterable"}:
        raise not_simulated("capabilities of metafield definitions other than adminFilterable")
    slot = (resolved(given.get("namespace")), given["key"])
    is_pinned, is_filterable = bool(given.get("pin")), bool((capabilities.get("adminFilterable") or {}).get("enabled"))
    access = (given.get("access") or {}).get("admin")
    problems = _definition_problems(request, slot, given, access)
    known = request.shop.definitions.values()
    if is_pinned and sum(each.pinned_position is not None for each in known) >= request.shop.most_pinned:
        problems.append(user_error(["definition"], "Limit of 20 pinned definitions.", "PINNED_LIMIT_REACHED"))
    if is_filterable and sum(each.is_admin_filterable for each in known) >= request.shop.most_filterable:
        text = "You have reached the maximum allowed definitions to be used as admin filters."
        problems.append(user_error(["definition"], text, "OWNER_TYPE_LIMIT_EXCEEDED_FOR_USE_AS_ADMIN_FILTERS"))
    if problems:
        return {"createdDefinition": None, "userErrors": problems}
    made = MetafieldDefinition(
        given["type"],
        id=request.shop.next_id(),
        name=given["name"],
        description=given.get("description"),
        admin_access=access or ("PRIVATE" if slot[0].startswith(APP_NAMESPACE) else "PUBLIC_READ_WRITE"),
        pinned_position=len(request.shop.definitions) + 1 if is_pinned else None,
        is_admin_filterable=is_filterable,
    )
    request.shop.definitions[slot] = made
    return {"createdDefinition": _definition_document(slot, made), "userErrors": []}


def _definition_problems(
    request: Request, slot: tuple[str, str], given: dict[str, Any], access: str | None
) -> list[dict[str, Any]]:
    (namespace, key), problems = slot, []
    is_own = namespace.startswith(APP_NAMESPACE)
    if is_private(namespace):
        raise error("Access denied for metafieldDefinitionCreate field.", "ACCESS_DENIED")
    for name, text, shortest in (("namespace", namespace, 3), ("key", key, 2)):
        if len(text) < shortest:
            message = f"{name.capitalize()} is too short (minimum is {shortest} characters)"
            problems.append(user_error(["definition", name], message, "TOO_SHORT"))
        elif not re.fullmatch(r"[\w-]+", text, re.ASCII):
            message = f"{name.capitalize()} contains one or more invalid characters."
            problems.append(user_error(["definition", name], message, "INVALID_CHARACTER"))
    if slot in request.shop.definitions:
        message = f"Key is in use for Order metafields on the '{namespace}' namespace."
        problems.append(user_error(["definition", "key"], message, "TAKEN"))
    if len(given["name"]) > _LONGEST_NAME:
        message = "Name is too long (maximum is 255 characters)"
        problems.append(user_error(["definition", "name"], message, "TOO_LONG"))
    if access and not is_own:
        message = 'Setting this access control is not permitted. It must be one of ["public_read_write"].'
        problems.append(user_error(["definition"], message, "INVALID"))
    return problems


def _definition_document(slot: tuple[str, str], definition: MetafieldDefinition) -> dict[str, Any]:
    namespace, key = slot
    return {
        "__typename": "MetafieldDefinition",
        "id": gid("MetafieldDefinition", definition.id),
        "namespace": namespace,
        "key": key,
        "name": definition.name,
        "description": definition.description,
        "ownerType": "ORDER",
        "pinnedPosition": definition.pinned_position,
        "access": {"admin": definition.admin_access},
        "capabilities": {"adminFilterable": {"enabled": definition.is_admin_filterable, "eligible": True}},
    }


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
