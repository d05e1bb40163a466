"""Reads an OData CSDL document (F&O's `/data/$metadata`) into the schema everything else is typed by."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_PRIMITIVES = frozenset(
    f"Edm.{name}"
    for name in ("String", "Guid", "Binary", "Boolean", "Int32", "Int64", "Decimal", "Double", "DateTimeOffset")
)


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enumeration: `name` is qualified (`Microsoft.Dynamics.DataEntities.NoYes`), `members` maps name to value."""

    name: str
    members: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Property:
    """A field. `enum` is set when `type` names an enumeration, else `type` is an Edm primitive."""

    name: str
    type: str
    nullable: bool
    enum: EnumType | None = None

    @property
    def is_date_only(self) -> bool:
        """
        Whether F&O keeps a day rather than a moment. The metadata types both as DateTimeOffset; F&O's names tell
        them apart, and its answers do: a day is always noon UTC.
        """
        return self.type == "Edm.DateTimeOffset" and not self.name.endswith(
            ("DateTime", "DateTimeValue", "ValidFrom", "ValidTo", "CreatedOn"),
        )


@dataclass(frozen=True, slots=True)
class Navigation:
    """A way from one set to another: rows of `target` whose `theirs` field equals our `ours`, for every pair."""

    name: str
    target: str
    collection: bool
    join: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EntitySet:
    name: str
    type_name: str
    keys: tuple[str, ...]
    properties: Mapping[str, Property]
    navigations: Mapping[str, Navigation]

    def without(self, fields: AbstractSet[str]) -> "EntitySet":
        left = {name: prop for name, prop in self.properties.items() if name not in fields}
        return replace(self, keys=tuple(name for name in self.keys if name not in fields), properties=left)

    @property
    def by_company(self) -> bool:
        """Whether rows belong to a company (nearly all do; units and currencies are shared)."""
        return "dataAreaId" in self.properties


@dataclass(frozen=True, slots=True)
class Schema:
    sets: Mapping[str, EntitySet]
    document: bytes

    def without(self, lacking: Mapping[str, AbstractSet[str]]) -> "Schema":
        """The same without some fields of some sets."""
        return replace(self, sets={**self.sets} | {name: self.sets[name].without(its) for name, its in lacking.items()})


def read_schema(path: Path) -> Schema:
    """
    The schema in an EDMX file. Properties of a type that F&O's public entities do not use (streams, complex types)
    are left out. Raises ValueError when the file declares no entity set.
    """
    document = path.read_bytes()
    # The file is ours or the user's own tenant's, read from disk at start: not an attacker's XML.
    root = ET.fromstring(document)  # noqa: S314
    enums: dict[str, EnumType] = {}
    types: dict[str, ET.Element] = {}
    for schema in root.iter(f"{_EDM}Schema"):
        namespace = schema.get("Namespace", "")
        for node in schema.iter(f"{_EDM}EnumType"):
            enum = _enum(namespace, node)
            enums[enum.name] = enum
        for node in schema.iter(f"{_EDM}EntityType"):
            types[f"{namespace}.{node.get('Name')}"] = node
    set_nodes = list(root.iter(f"{_EDM}EntitySet"))
    if not set_nodes:
        raise ValueError(f"{path} declares no entity set")
    sets = [_entity_set(node, types, enums) for node in set_nodes]
    return Schema({entity_set.name: entity_set for entity_set in sets}, document)


def _enum(namespace: str, node: ET.Element) -> EnumType:
    members = {m.get("Name", ""): int(m.get("Value", "0")) for m in node.iter(f"{_EDM}Member")}
    return EnumType(f"{namespace}.{node.get('Name')}", members)


def _entity_set(
    node: ET.Element,
    types: Mapping[str, ET.Element],
    enums: Mapping[str, EnumType],
) -> EntitySet:
    type_name = node.get("EntityType", "")
    entity = types[type_name]
    targets = {b.get("Path"): b.get("Target", "") for b in node.iter(f"{_EDM}NavigationPropertyBinding")}
    properties = [_property(p, enums) for p in entity.iter(f"{_EDM}Property")]
    navigations = [
        _navigation(n, targets[n.get("Name")], types)
        for n in entity.iter(f"{_EDM}NavigationProperty")
        if n.get("Name") in targets
    ]
    return EntitySet(
        name=node.get("Name", ""),
        type_name=type_name,
        keys=tuple(ref.get("Name", "") for ref in entity.iter(f"{_EDM}PropertyRef")),
        properties={p.name: p for p in properties if p is not None},
        navigations={n.name: n for n in navigations},
    )


def _property(node: ET.Element, enums: Mapping[str, EnumType]) -> Property | None:
    name, type_name = node.get("Name", ""), node.get("Type", "")
    if type_name not in _PRIMITIVES and type_name not in enums:
        return None
    return Property(name, type_name, node.get("Nullable") != "false", enums.get(type_name))


def _navigation(
    node: ET.Element,
    target: str,
    types: Mapping[str, ET.Element],
) -> Navigation:
    declared = node.get("Type", "")
    collection = declared.startswith("Collection(")
    join = _constraints(node)
    if not join:
        # Only the side that holds the foreign key states it: read it from the partner, the other way round.
        other = types[declared.removeprefix("Collection(").removesuffix(")")]
        for candidate in other.iter(f"{_EDM}NavigationProperty"):
            if candidate.get("Name") == node.get("Partner"):
                join = tuple((theirs, ours) for ours, theirs in _constraints(candidate))
    return Navigation(node.get("Name", ""), target, collection, join)


def _constraints(node: ET.Element) -> tuple[tuple[str, str], ...]:
    return tuple(
        (c.get("Property", ""), c.get("ReferencedProperty", "")) for c in node.iter(f"{_EDM}ReferentialConstraint")
    )
