"""Our GraphQL documents against Shopify's official schema of the pinned version, and the access scopes they need."""

import gzip
import json
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import NoDeprecatedCustomRule

from shared.flows import FLOWS
from shared.shopify.queries import load
from shared.shopify.scopes import missing_scopes

VERSION = "2026-10"
SCHEMA_FILE = Path(f"local/node_modules/@shopify/dev-mcp/dist/data/admin_{VERSION}.json.gz")
FOLDER = Path("shared/shopify/queries")
NAMES = sorted(path.stem for path in FOLDER.glob("*.graphql"))

# Mutations on which Shopify requires @idempotent since 2026-04: the schema itself does not say it.
NEED_KEY = {
    "inventoryActivate",
    "inventoryAdjustQuantities",
    "inventoryMoveQuantities",
    "inventorySetOnHandQuantities",
    "inventorySetQuantities",
    "inventoryShipmentAddItems",
    "inventoryShipmentCreate",
    "inventoryShipmentCreateInTransit",
    "inventoryShipmentReceive",
    "inventoryTransferCreate",
    "inventoryTransferCreateAsReadyToShip",
    "inventoryTransferDuplicate",
    "inventoryTransferSetItems",
    "locationActivate",
    "locationDeactivate",
    "refundCreate",
}

# The schema names no scope for mutations that take owners of any kind: these are what orders and products need.
ON_ANY_OWNER = {
    ("Mutation", "metafieldsSet"): frozenset({"write_orders", "write_products"}),
    ("Mutation", "tagsAdd"): frozenset({"write_orders", "write_products"}),
    ("Mutation", "tagsRemove"): frozenset({"write_orders", "write_products"}),
}


@pytest.fixture(scope="module")
def official():
    return json.loads(gzip.decompress(SCHEMA_FILE.read_bytes()))


@pytest.fixture(scope="module")
def schema(official):
    return build_client_schema(official["data"], assume_valid=True)


@pytest.fixture(scope="module")
def scopes(official):
    """(type, field or None) -> the scopes any of which opens it."""
    return {
        (item["typeName"], item.get("fieldName")): frozenset(item["offlineScopes"])
        for item in official["offline_scopes"]["items"]
        if item["offlineScopes"]
    } | ON_ANY_OWNER


class Uses(Visitor):
    """The access that a document needs: for each field its own scopes, else those of the type it returns."""

    def __init__(self, types, scopes):
        super().__init__()
        self.types = types
        self.scopes = scopes
        self.needs = set()

    def enter_field(self, node, *_):
        parent, returned = self.types.get_parent_type(), self.types.get_type()
        own = self.scopes.get((parent.name, node.name.value)) if parent else None
        if returned and not isinstance(get_named_type(returned), GraphQLEnumType):
            own = own or self.scopes.get((get_named_type(returned).name, None))
        if own:
            self.needs.add(own)

    def enter_inline_fragment(self, node, *_):
        if node.type_condition and (own := self.scopes.get((node.type_condition.name.value, None))):
            self.needs.add(own)


def needs(name, schema, scopes):
    types = TypeInfo(schema)
    uses = Uses(types, scopes)
    visit(parse(load(name).text), TypeInfoVisitor(types, uses))
    return uses.needs


def unmet(needed, granted):
    """The needs that none of the granted scopes meets; writing includes reading."""
    return [
        sorted(alternatives)
        for alternatives in needed
        if len(missing_scopes(granted, alternatives)) == len(alternatives)
    ]


def test_there_are_documents():
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_valid_and_uses_nothing_deprecated(name, schema):
    errors = validate(schema, parse(load(name).text), [*specified_rules, NoDeprecatedCustomRule])
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_mutation_that_needs_a_key_has_one(name):
    [operation] = [node for node in parse(load(name).text).definitions if isinstance(node, OperationDefinitionNode)]
    if operation.operation is not OperationType.MUTATION:
        return
    roots = {
        field.name.value: {each.name.value for each in field.directives or ()}
        for field in operation.selection_set.selections
    }
    for root, directives in roots.items():
        assert ("idempotent" in directives) == (root in NEED_KEY)
    assert load(name).repeatable == (set(roots) <= NEED_KEY)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_belongs_to_a_flow(name):
    assert any(name in flow.documents for flow in FLOWS)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_flow_asks_for_the_scopes_of_its_documents_and_no_more(flow, schema, scopes):
    needed = set().union(*(needs(name, schema, scopes) for name in flow.documents))
    assert unmet(needed, flow.scopes) == []
    assert [scope for scope in flow.scopes if not unmet(needed, flow.scopes - {scope})] == []
