"""Query costs and the leaky bucket.

Published: scalars and enums 0, objects 1, interfaces and unions their most expensive selection, a mutation 10.
Measured on live stores, not published: a connection costs 2 plus its node's cost times a factor that grows
with the logarithm of the page (first: 250 of flat orders costs 13, with lineItems(first: 250) { id } 156;
first: 10 of a two-object node 11), and the objects directly under a mutation's payload are free
(inventorySetQuantities with group, changes, item and location costs 13).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)
from graphql.language import ValueNode
from graphql.utilities import value_from_ast_untyped

MAX_QUERY_COST = 1000
MUTATION_COST = 10
#: Mutations that cost more, as recorded since June 2026.
_EXPENSIVE = {"fulfillmentTrackingInfoUpdate": 50}
CONNECTION_COST = 2
#: What the entries of an input's lists cost, by mutation and path: documented in the schema.
_INPUT_COSTS: dict[str, dict[tuple[str, ...], float]] = {
    "productSet": {
        ("input", "variants"): 0.2,
        ("input", "variants", "metafields"): 0.4,
        ("input", "variants", "file"): 0.6,
        ("input", "metafields"): 0.4,
        ("input", "files"): 1.9,
    },
}


def page_factor(size: int) -> float:
    """The factor between the cost of a page of `size` nodes and that of one node."""
    return max(1.0, 2 * math.log(size)) if size else 0.0


@dataclass(frozen=True, slots=True)
class CostModel:
    """The cost of one operation: before it runs from the page sizes, afterwards from the nodes returned."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def requested(self, operation: OperationDefinitionNode) -> int:
        return self._operation(operation, None)

    def actual(self, operation: OperationDefinitionNode, data: Mapping[str, Any]) -> int:
        return self._operation(operation, data)

    def _operation(self, operation: OperationDefinitionNode, data: Mapping[str, Any] | None) -> int:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        if operation.operation is OperationType.QUERY:
            return math.floor(self._selections(operation.selection_set, root, data))
        total = 0.0
        for field in self._fields(operation.selection_set, root.name):
            definition = root.fields.get(field.name.value)
            if definition is None:
                continue
            payload_type = get_named_type(definition.type)
            payload = None if data is None else data.get(_key(field)) or {}
            total += _EXPENSIVE.get(field.name.value, MUTATION_COST) + self._input(field)
            if isinstance(payload_type, GraphQLObjectType) and field.selection_set:
                total += self._payload(field.selection_set, payload_type, payload)
        return math.floor(total)

    def _input(self, field: FieldNode) -> float:
        """The cost of what a mutation is given, whether it succeeds or not."""
        weights = _INPUT_COSTS.get(field.name.value)
        if weights is None:
            return 0.0
        given = {each.name.value: self._value(each.value) for each in field.arguments or ()}
        return sum(weight * _entries(given, path) for path, weight in weights.items())

    def _payload(
        self, selections: SelectionSetNode, payload_type: GraphQLObjectType, payload: Mapping[str, Any] | None
    ) -> float:
        total = 0.0
        for field in self._fields(selections, payload_type.name):
            definition = payload_type.fields.get(field.name.value)
            if definition is None:
                continue
            value = None if payload is None else payload.get(_key(field))
            if payload is None or value is not None:
                total += max(0.0, self._field(field, definition, value) - 1)
        return total

    def _selections(self, selections: SelectionSetNode, parent: Any, data: Mapping[str, Any] | None) -> float:
        if isinstance(parent, GraphQLUnionType | GraphQLInterfaceType):
            possible = self._candidates(selections, self.schema.get_possible_types(parent))
            return max((self._selections(selections, each, data) for each in possible), default=0.0)
        total = 0.0
        for field in self._fields(selections, parent.name):
            definition = parent.fields.get(field.name.value)
            value = None if data is None else data.get(_key(field))
            if definition is None:
                continue
            if data is not None and value is None:  # a null field has nothing below it
                total += 0 if is_leaf_type(get_named_type(definition.type)) else 1
            else:
                total += self._field(field, definition, value)
        return total

    def _candidates(
        self, selections: SelectionSetNode, possible: Sequence[GraphQLObjectType]
    ) -> Sequence[GraphQLObjectType]:
        """The types that fragments name: the most expensive is among them. All others cost the same."""
        spreads = [s for s in selections.selections if not isinstance(s, FieldNode)]
        named = {_condition(s, self.fragments) for s in spreads}
        return [each for each in possible if each.name in named] or possible[:1]

    def _field(self, field: FieldNode, definition: GraphQLField, value: Any) -> float:
        named = get_named_type(definition.type)
        if is_leaf_type(named) or field.selection_set is None or named.name == "PageInfo":
            return 0.0
        if named.name.endswith("Connection"):
            return self._connection(field, named, value)
        if field.name.value == "nodes":
            return self._by_ids(field, named, value)
        if isinstance(value, list):
            costs = [self._selections(field.selection_set, named, item) for item in value if item]
            return (1 + sum(costs) / len(costs)) if costs else 0.0
        return 1 + self._selections(field.selection_set, named, value)

    def _by_ids(self, field: FieldNode, named: Any, value: list[Any] | None) -> float:
        """The root field `nodes`: the cost of its most expensive node, whatever the number of ids."""
        assert field.selection_set is not None
        if value is None:
            return 1 + self._selections(field.selection_set, named, None)
        found = [self._selections(field.selection_set, named, item) for item in value if item]
        return 1 + max(found) if found else 0.0

    def _connection(self, field: FieldNode, connection: Any, value: Any) -> float:
        assert field.selection_set is not None
        nodes: SelectionSetNode | None = None
        size = self._page(field)
        items: list[Any] | None = None
        for child in self._fields(field.selection_set, connection.name):
            if child.name.value == "nodes":
                nodes, items = child.selection_set, (value or {}).get(_key(child))
            if child.name.value == "edges" and child.selection_set:
                for grandchild in self._fields(child.selection_set, ""):
                    if grandchild.name.value == "node":
                        nodes = grandchild.selection_set
                        edges = (value or {}).get(_key(child))
                        items = [edge[_key(grandchild)] for edge in edges] if edges is not None else None
        if nodes is None:
            return CONNECTION_COST
        node_type = get_named_type(connection.fields["nodes"].type)
        if items is None:
            return math.floor(CONNECTION_COST + page_factor(size) * (1 + self._selections(nodes, node_type, None)))
        found = [item for item in items if item is not None]
        if not found:
            return CONNECTION_COST
        mean = sum(1 + self._selections(nodes, node_type, item) for item in found) / len(found)
        return math.floor(CONNECTION_COST + page_factor(len(found)) * mean)

    def _page(self, field: FieldNode) -> int:
        for argument in field.arguments or ():
            if argument.name.value in ("first", "last"):
                value = self._value(argument.value)
                if isinstance(value, int):
                    return max(0, value)
        return 0

    def _value(self, node: ValueNode) -> Any:
        return value_from_ast_untyped(node, dict(self.variables))

    def _fields(self, selections: SelectionSetNode, parent: str) -> list[FieldNode]:
        """The fields below, fragments opened; a fragment on another object type does not count."""
        found: list[FieldNode] = []
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                found.append(selection)
                continue
            condition = _condition(selection, self.fragments)
            if isinstance(selection, FragmentSpreadNode):
                inner = self.fragments[selection.name.value].selection_set
            else:
                assert isinstance(selection, InlineFragmentNode)
                inner = selection.selection_set
            other_object = (
                condition
                and parent
                and condition != parent
                and isinstance(self.schema.type_map.get(condition), GraphQLObjectType)
                and isinstance(self.schema.type_map.get(parent), GraphQLObjectType)
            )
            if not other_object:
                found.extend(self._fields(inner, parent))
        return found


def _entries(value: Any, path: tuple[str, ...]) -> int:
    """How many entries are at the end of a path, in all entries of the lists on its way."""
    if isinstance(value, list):
        return sum(_entries(each, path) for each in value) if path else len(value)
    if not path:
        return 0 if value is None else 1
    return _entries(value.get(path[0]), path[1:]) if isinstance(value, dict) else 0


def _condition(spread: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> str | None:
    """The type that a fragment is for."""
    if isinstance(spread, FragmentSpreadNode):
        return fragments[spread.name.value].type_condition.name.value
    assert isinstance(spread, InlineFragmentNode)
    return spread.type_condition.name.value if spread.type_condition else None


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value


class Bucket:
    """The leaky bucket of one app and shop: 2000 points, 100 restored each second (Standard plan)."""

    maximum = 2000
    restore_rate = 100

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._available = float(self.maximum)
        self._since = clock()

    def available(self) -> float:
        now = self._clock()
        restored = (now - self._since) / timedelta(seconds=1) * self.restore_rate
        self._available = min(float(self.maximum), self._available + restored)
        self._since = now
        return self._available

    def charge(self, points: float) -> None:
        """Remove points; a negative number adds them."""
        self._available = min(float(self.maximum), self.available() - points)

    def empty(self) -> None:
        self._available = min(0.0, self.available())

    def status(self, requested: int, actual: int | None) -> dict[str, Any]:
        """The `extensions.cost` block."""
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.maximum,
                "currentlyAvailable": int(self.available()),
                "restoreRate": self.restore_rate,
            },
        }
