"""Metafields on orders, products and variants: `metafieldsSet`, atomic, 25 a call, with compare-and-set by digest.

A namespace that begins with `$app`, or none, is one that only this app can read and write.
"""

import hashlib
import re
from typing import Any, Protocol

from local.shopify.ids import APP_ID, gid
from local.shopify.merchandise import Product, Variant
from local.shopify.metafield_values import value_problem
from local.shopify.model import Metafield, MetafieldDefinition
from local.shopify.nodes import Connection, Node, Request, connect, not_simulated, parse_gid, utc
from local.shopify.order import Order

MAX_METAFIELDS = 25
#: The value of `$app`. Namespaces of other apps have other numbers.
APP_NAMESPACE = f"app--{APP_ID}"
OWNER_TYPES = {"Order": "ORDER", "Product": "PRODUCT", "ProductVariant": "PRODUCTVARIANT"}
#: Owners that Shopify takes and this simulator does not.
_OTHER_OWNERS = frozenset({"Customer", "Collection", "Company", "CompanyLocation", "Location", "Shop", "DraftOrder"})
_RESERVED = ("protected", "shopify_standard", "shopify-l10n-fields")

Owner = Order | Product | Variant
Slot = tuple[str, str]


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
    kind = owner.removeprefix("gid://shopify/").partition("/")[0]
    return {
        "__typename": "Metafield",
        "id": gid("Metafield", metafield.id),
        "legacyResourceId": metafield.id,
        "namespace": metafield.namespace,
        "key": metafield.key,
        "type": metafield.type,
        "value": metafield.value,
        "compareDigest": digest(metafield),
        "ownerType": OWNER_TYPES[kind],
        "sizeInBytes": len(metafield.value.encode()),
        "createdAt": utc(metafield.created_at),
        "updatedAt": utc(metafield.updated_at),
        "owner": {"__typename": kind, "id": owner},
    }


class HasMetafields(Protocol):
    metafields: dict[Slot, Metafield]


class MetafieldsNode(Node):
    """A node with metafields; those of other apps are hidden."""

    id: str

    def __init__(self, request: Request, owner: HasMetafields) -> None:
        super().__init__(request)
        self._owner = owner

    def metafield(self, key: str, namespace: str | None = None) -> dict[str, Any] | None:
        found = self._owner.metafields.get((resolved(namespace), key))
        return metafield_document(found, self.id) if found and not is_private(found.namespace) else None

    def metafields(self, *, namespace: str | None = None, keys: list[str] | None = None, **window: Any) -> Connection:
        """`keys` are names with their namespace: custom.material."""
        asked = None if namespace is None else resolved(namespace)
        found = [
            each
            for each in self._owner.metafields.values()
            if asked in (None, each.namespace)
            and (keys is None or f"{each.namespace}.{each.key}" in keys)
            and not is_private(each.namespace)
        ]
        return connect(
            self.request,
            found,
            lambda each: metafield_document(each, self.id),
            lambda each: (each.id, each.id),
            **window,
        )


def set_metafields(request: Request, inputs: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Owner]]:
    """The payload of `metafieldsSet` and the owners that it changed; nothing is written if any row has an error."""
    if len(inputs) > MAX_METAFIELDS:
        problem = _problem(
            [],
            f"Exceeded the maximum metafields input limit of {MAX_METAFIELDS}.",
            "LESS_THAN_OR_EQUAL_TO",
        )
        return {"metafields": [], "userErrors": [problem]}, []
    problems = [p for index, each in enumerate(inputs) for p in _check(request, index, each)]
    problems += _repeated(request, inputs)
    if problems:
        return {"metafields": [], "userErrors": problems}, []
    owners: list[Owner] = []
    documents = []
    for each in inputs:
        owner = find_owner(request, each["ownerId"])
        assert owner is not None
        before = owner.metafields.get(_slot(each))
        same = before and (before.value, before.type) == (each["value"], each.get("type") or before.type)
        documents.append(metafield_document(write_metafield(request, owner, each), each["ownerId"]))
        if not any(owner is known for known in owners) and not (same and not isinstance(owner, Order)):
            owners.append(owner)
    return {"metafields": documents, "userErrors": []}, owners


def find_owner(request: Request, owner: str) -> Owner | None:
    kind = owner.removeprefix("gid://shopify/").partition("/")[0]
    if kind in _OTHER_OWNERS:
        raise not_simulated(f"metafieldsSet on {kind}")
    number = parse_gid(owner, kind if kind in OWNER_TYPES else "Order")
    if kind == "Product":
        return request.shop.products.get(number)
    return request.shop.variants.get(number) if kind == "ProductVariant" else request.shop.orders.get(number)


def owner_type(owner: Owner) -> str:
    match owner:
        case Order():
            return "ORDER"
        case Product():
            return "PRODUCT"
        case Variant():
            return "PRODUCTVARIANT"


def check_value(
    request: Request, kind_of_owner: str, owner: Owner | None, each: dict[str, Any]
) -> list[tuple[list[str], str, str | None]]:
    """What is wrong with one metafield of an owner, None for one that is being made: (path, text, code)."""
    slot = _slot(each)
    namespace, key = slot
    known = owner.metafields.get(slot) if owner else None
    found: list[tuple[list[str], str, str | None]] = []
    if is_private(namespace):
        text = "Access to this namespace and key on Metafields for this resource type is not allowed."
        return [([], text, "APP_NOT_AUTHORIZED")]
    if namespace in _RESERVED:
        found.append((["namespace"], f"Namespace {namespace} is a reserved namespace", None))
    if len(namespace) < 3:
        found.append((["namespace"], "Namespace is too short (minimum is 3 characters)", "TOO_SHORT"))
    if len(namespace) > 255:
        found.append((["namespace"], "Namespace is too long (maximum is 255 characters)", "TOO_LONG"))
    if len(key) < 2:
        found.append((["key"], "Key is too short (minimum is 2 characters)", "TOO_SHORT"))
    if len(key) > 64:
        found.append((["key"], "Key is too long (maximum is 64 characters)", "TOO_LONG"))
    definition = request.shop.definitions_of[kind_of_owner].get(slot)
    kind = each.get("type") or _known_type(definition, known)
    value = each.get("value") or ""
    if definition and kind != definition.type:
        raise not_simulated(f"a metafield of the type {kind} whose definition has the type {definition.type}")
    if not kind:
        found.append((["type"], "Type can't be blank", "BLANK"))
        if not value:
            found.append((["value"], "Value can't be blank.", "INVALID_VALUE"))
        return found
    if kind == "id" and definition is None:
        raise not_simulated("metafields of the type id without a definition")
    if not value:
        found.append((["value"], "Value can't be blank.", "INVALID_VALUE"))
    elif problem := value_problem(kind, value, request.shop.seed.currency):
        found.append((["value"], problem, "INVALID_VALUE"))
    elif definition and definition.max_length is not None and len(value) > definition.max_length:
        text = f"Value has a maximum length of {definition.max_length}."
        found.append((["value"], text, "INVALID_VALUE"))
    elif definition and definition.has_unique_values:
        taken = request.shop.assortment.unique_values.get((kind_of_owner, *slot, value))
        if taken is not None and (owner is None or taken != owner.id):
            found.append((["value"], "Value is already in use.", "CAPABILITY_VIOLATION"))
    return found


def write_metafield(request: Request, owner: Owner, each: dict[str, Any]) -> Metafield:
    """Write a metafield that was checked."""
    now = request.shop.clock()
    slot, known = _slot(each), owner.metafields.get(_slot(each))
    definition = request.shop.definitions_of[owner_type(owner)].get(slot)
    unique = request.shop.assortment.unique_values
    if definition and definition.has_unique_values:
        if known:
            unique.pop((owner_type(owner), *slot, known.value), None)
        unique[owner_type(owner), *slot, each["value"]] = owner.id
    if known:
        if (known.value, known.type) != (each["value"], each.get("type") or known.type):
            known.updated_at = now
        known.value = each["value"]
        known.type = each.get("type") or known.type
        return known
    kind = each.get("type") or (definition.type if definition else "")
    number = request.shop.next_id() if isinstance(owner, Order) else request.shop.next_catalogue_id()
    metafield = Metafield(number, *slot, kind, each["value"], now, now)
    owner.metafields[slot] = metafield
    return metafield


def remove_metafield(request: Request, owner: Owner, slot: Slot) -> None:
    gone = owner.metafields.pop(slot)
    request.shop.assortment.unique_values.pop((owner_type(owner), *slot, gone.value), None)


def _slot(each: dict[str, Any]) -> Slot:
    return resolved(each.get("namespace")), each["key"]


def _repeated(request: Request, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two owners of one call that ask for the same unique value."""
    seen: dict[tuple[str, ...], str] = {}
    problems = []
    for index, each in enumerate(inputs):
        kind = each["ownerId"].removeprefix("gid://shopify/").partition("/")[0]
        definition = request.shop.definitions_of[OWNER_TYPES.get(kind, "ORDER")].get(_slot(each))
        if definition and definition.has_unique_values:
            first = seen.setdefault((kind, *_slot(each), each["value"]), each["ownerId"])
            if first != each["ownerId"]:
                path = [str(index), "value"]
                problems.append(_problem(path, "Value is already in use.", "CAPABILITY_VIOLATION"))
    return problems


def _check(request: Request, index: int, each: dict[str, Any]) -> list[dict[str, Any]]:
    row = [str(index)]
    owner = find_owner(request, each["ownerId"])
    if owner is None:
        return [_problem([*row, "ownerId"], "Owner does not exist.", "INVALID_VALUE")]
    found = [
        _problem([*row, *path], text, code) for path, text, code in check_value(request, owner_type(owner), owner, each)
    ]
    if [each["code"] for each in found] == ["APP_NOT_AUTHORIZED"]:
        return found
    known = owner.metafields.get(_slot(each))
    if "compareDigest" in each and each["compareDigest"] is not None and known is None and not isinstance(owner, Order):
        found.append(_problem(row, "Invalid `compareDigest` value.", "INVALID_COMPARE_DIGEST"))
    elif _is_stale(each, known):
        stale = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
        found.append(_problem(row, stale, "STALE_OBJECT"))
    return found


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
