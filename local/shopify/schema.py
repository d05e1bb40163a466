"""Shopify's official Admin schema, access scopes and documented search fields, from npm @shopify/dev-mcp."""

import functools
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, build_client_schema, get_named_type
from graphql.utilities import value_from_ast_untyped

SCHEMA_FILE = Path(__file__).parent.parent / "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"


@dataclass(frozen=True, slots=True)
class Access:
    """The scopes of which a field needs one, and Shopify's text about them."""

    scopes: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class AdminSchema:
    graphql: GraphQLSchema
    by_field: Mapping[tuple[str, str], Access]
    by_type: Mapping[str, Access]
    _known: dict[tuple[str, str], Access | None] = field(default_factory=dict)

    def access(self, type_name: str, field_name: str) -> Access | None:
        """What a field needs: its own scopes, else those of the type that it returns."""
        key = (type_name, field_name)
        if key not in self._known:
            self._known[key] = self._find_access(type_name, field_name)
        return self._known[key]

    def _find_access(self, type_name: str, field_name: str) -> Access | None:
        own = self.by_field.get((type_name, field_name))
        if own:
            return own
        parent = self.graphql.type_map[type_name]
        definition = getattr(parent, "fields", {}).get(field_name)
        if definition is None:
            return None
        returned = get_named_type(definition.type).name
        return self.by_type.get(returned) or self.by_type.get(returned.removesuffix("Connection"))

    def defaults(self, type_name: str, field_name: str) -> Mapping[str, Any]:
        """The default values of a field's arguments."""
        return _defaults(type_name, field_name)

    def search_fields(self, path: str) -> frozenset[str]:
        """The filters that the documentation of a `query` argument lists: of a root, or of a field as `Type.field`."""
        owner, _, name = path.rpartition(".")
        parent = self.graphql.type_map[owner] if owner else self.graphql.query_type
        assert isinstance(parent, GraphQLObjectType)
        description = parent.fields[name].args["query"].description or ""
        return frozenset(re.findall(r"^\| ([a-z_0-9]+) \|", description, re.MULTILINE))


@functools.cache
def admin_schema() -> AdminSchema:
    """Loaded once a process, in about a third of a second. The file is not strictly valid for graphql-core
    (deprecated required inputs), hence `assume_valid`.
    """
    with gzip.open(SCHEMA_FILE) as file:
        document = json.load(file)
    by_field: dict[tuple[str, str], Access] = {}
    by_type: dict[str, Access] = {}
    for item in document["offline_scopes"]["items"]:
        if item["offlineScopes"]:
            access = Access(frozenset(item["offlineScopes"]), item["requiredAccess"])
            if item["type"] == "type":
                by_type[item["typeName"]] = access
            else:
                by_field[item["typeName"], item["fieldName"]] = access
    schema = build_client_schema(document["data"], assume_valid=True)
    unsigned = schema.type_map["UnsignedInt64"]
    assert isinstance(unsigned, GraphQLScalarType)
    # 64 bits are more than JSON's numbers hold: Shopify writes them as text
    unsigned.coerce_output_value = str
    return AdminSchema(schema, by_field, by_type)


@functools.cache
def _defaults(type_name: str, field_name: str) -> Mapping[str, Any]:
    owner = admin_schema().graphql.type_map[type_name]
    assert isinstance(owner, GraphQLObjectType)
    arguments = owner.fields[field_name].args.items()
    literals = {name: each.default.literal for name, each in arguments if each.default}
    return {name: value_from_ast_untyped(node) for name, node in literals.items() if node}


def granted(scopes: frozenset[str]) -> frozenset[str]:
    """Write access to a resource includes reading it."""
    return scopes | {f"read_{scope.removeprefix('write_')}" for scope in scopes if scope.startswith("write_")}
