"""Definitions of metafields: of orders, products and variants."""

import re
from typing import Any

from local.shopify.ids import gid
from local.shopify.metafields import APP_NAMESPACE, is_private, resolved
from local.shopify.model import MetafieldDefinition
from local.shopify.nodes import Connection, Request, connect, error, not_simulated
from local.shopify.user_errors import user_error

_LONGEST_NAME = 255
_OWNERS = {"ORDER": "Order", "PRODUCT": "Product", "PRODUCTVARIANT": "ProductVariant"}
#: Of the types that are simulated, those whose definitions can demand unique values.
_CAN_BE_UNIQUE = ("id", "number_integer", "single_line_text_field")
_TYPES = (
    "boolean",
    "date",
    "date_time",
    "id",
    "money",
    "multi_line_text_field",
    "number_decimal",
    "number_integer",
    "single_line_text_field",
)
#: What an owner can have of definitions, standard ones aside.
MOST_DEFINITIONS = 256


def find_definition(request: Request, identifier: dict[str, Any] | None) -> dict[str, Any] | None:
    if identifier is None or identifier["ownerType"] not in _OWNERS:
        raise not_simulated("metafieldDefinition of anything but orders, products and variants")
    slot = (resolved(identifier.get("namespace")), identifier["key"])
    found = request.shop.definitions_of[identifier["ownerType"]].get(slot)
    return _document(identifier["ownerType"], slot, found) if found else None


def list_definitions(
    request: Request, owner_type: str, namespace: str | None, key: str | None, window: dict[str, Any]
) -> Connection:
    if owner_type not in _OWNERS:
        raise not_simulated("metafieldDefinitions of anything but orders, products and variants")
    asked = None if namespace is None else resolved(namespace)
    found = [
        (slot, each)
        for slot, each in request.shop.definitions_of[owner_type].items()
        if asked in (None, slot[0]) and key in (None, slot[1])
    ]
    return connect(
        request,
        found,
        lambda each: _document(owner_type, *each),
        lambda each: (each[1].id, each[1].id),
        **window,
    )


def create_definition(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """MetafieldDefinitionCreate for orders, products and variants, with all that is wrong at once."""
    owner = given["ownerType"]
    extras = {"constraints", "validations", "useAsCollectionCondition"} & {key for key in given if given[key]}
    if owner not in _OWNERS or extras:
        raise not_simulated(f"metafieldDefinitionCreate with {owner} {' '.join(sorted(extras))}")
    if owner != "ORDER" and given["type"] not in _TYPES:
        raise not_simulated(f"definitions of the type {given['type']}")
    capabilities = given.get("capabilities") or {}
    if capabilities.keys() - {"adminFilterable", "uniqueValues"}:
        raise not_simulated("capabilities of metafield definitions other than adminFilterable and uniqueValues")
    slot = (resolved(given.get("namespace")), given["key"])
    is_pinned, is_filterable = bool(given.get("pin")), bool((capabilities.get("adminFilterable") or {}).get("enabled"))
    unique = (capabilities.get("uniqueValues") or {}).get("enabled")
    if unique and given["type"] not in _CAN_BE_UNIQUE:
        raise not_simulated(f"unique values of the type {given['type']}")
    if unique and given["type"] != "id":
        raise not_simulated("unique values of other types than id")
    access = (given.get("access") or {}).get("admin")
    definitions = request.shop.definitions_of[owner]
    problems = _problems(definitions, owner, slot, given, access)
    known = definitions.values()
    if given["type"] == "id" and unique is False:
        text = "Capability unique_values is required for type id but is disabled"
        problems.append(user_error(["definition"], text, "CAPABILITY_REQUIRED_BUT_DISABLED"))
    if len(definitions) >= MOST_DEFINITIONS:
        text = "Stores can only have 256 definitions for each store resource."
        problems.append(user_error(["definition"], text, "RESOURCE_TYPE_LIMIT_EXCEEDED"))
    if is_pinned and sum(each.pinned_position is not None for each in known) >= request.shop.most_pinned:
        problems.append(user_error(["definition"], "Limit of 20 pinned definitions.", "PINNED_LIMIT_REACHED"))
    if is_filterable and sum(each.is_admin_filterable for each in known) >= request.shop.most_filterable:
        text = "You have reached the maximum allowed definitions to be used as admin filters."
        problems.append(user_error(["definition"], text, "OWNER_TYPE_LIMIT_EXCEEDED_FOR_USE_AS_ADMIN_FILTERS"))
    if problems:
        return {"createdDefinition": None, "userErrors": problems}
    made = MetafieldDefinition(
        given["type"],
        id=request.shop.next_id() if owner == "ORDER" else request.shop.next_catalogue_id(),
        name=given["name"],
        description=given.get("description"),
        admin_access=access or ("PRIVATE" if slot[0].startswith(APP_NAMESPACE) else "PUBLIC_READ_WRITE"),
        pinned_position=len(definitions) + 1 if is_pinned else None,
        is_admin_filterable=is_filterable,
        has_unique_values=given["type"] == "id",
    )
    definitions[slot] = made
    return {"createdDefinition": _document(owner, slot, made), "userErrors": []}


def _problems(
    definitions: dict[tuple[str, str], MetafieldDefinition],
    owner: str,
    slot: tuple[str, str],
    given: dict[str, Any],
    access: str | None,
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
    if slot in definitions:
        message = f"Key is in use for {_OWNERS[owner]} metafields on the '{namespace}' namespace."
        problems.append(user_error(["definition", "key"], message, "TAKEN"))
    if len(given["name"]) > _LONGEST_NAME:
        message = "Name is too long (maximum is 255 characters)"
        problems.append(user_error(["definition", "name"], message, "TOO_LONG"))
    if access and not is_own:
        message = 'Setting this access control is not permitted. It must be one of ["public_read_write"].'
        problems.append(user_error(["definition"], message, "INVALID"))
    return problems


def _document(owner: str, slot: tuple[str, str], definition: MetafieldDefinition) -> dict[str, Any]:
    namespace, key = slot
    return {
        "__typename": "MetafieldDefinition",
        "id": gid("MetafieldDefinition", definition.id),
        "namespace": namespace,
        "key": key,
        "name": definition.name,
        "description": definition.description,
        "ownerType": owner,
        "type": {"name": definition.type},
        "validations": [],
        "pinnedPosition": definition.pinned_position,
        "access": {"admin": definition.admin_access},
        "capabilities": {
            "adminFilterable": {"enabled": definition.is_admin_filterable, "eligible": True},
            "uniqueValues": {"enabled": definition.has_unique_values, "eligible": definition.type in _CAN_BE_UNIQUE},
        },
    }
