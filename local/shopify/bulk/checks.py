"""What a document of a bulk operation has to be, with the recorded errors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
)

from local.shopify.nodes import Request
from local.shopify.static_validation import syntax_error, validate_document
from local.shopify.user_errors import user_error

MOST_BYTES = 65_535
_MOST_CONNECTIONS = 5
_DEEPEST = 2
#: Mutations that cannot be run in bulk.
_FORBIDDEN = ("bulkOperationRunMutation", "bulkOperationRunQuery")
_CANCELLED_BY = ("bulkOperationCancel",)


def stored_size(text: str) -> int:
    """Bytes as they are counted: a line break is written with two characters."""
    return len(text.replace("\n", "\\n").encode())


@dataclass(slots=True)
class Shape:
    """The connections of a document."""

    count: int = 0
    deepest: int = 0
    #: by name: those that select nodes, and parents of others without an id
    with_nodes: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    has_list: bool = False


def query_problem(request: Request, text: str) -> dict[str, Any] | None:
    """The user error for a query that cannot be run; None if it can."""

    def refused(message: str) -> dict[str, Any]:
        return user_error(["query"], message, "INVALID")

    size = stored_size(text)
    if size > MOST_BYTES:
        return refused(f"Query is too large ({size} bytes; maximum is {MOST_BYTES} bytes)")
    try:
        document = parse(text)
    except GraphQLSyntaxError as failure:
        return refused(f"Invalid bulk query: {_without_place(failure)}")
    operation = _operation(document)
    if operation.operation.value != "query":
        return refused("Invalid operation type. Only `query` operations are supported.")
    problems = validate_document(request.schema.graphql, document)
    if problems:
        return refused(f"Invalid bulk query: {problems[0]['message']}")
    if any(each.name.value in ("node", "nodes") for each in _fields(operation.selection_set, document)):
        return refused("Bulk queries cannot contain a top level `node` field.")
    message = _shape_problem(shape_of(request, document, operation))
    return refused(message) if message else None


def _shape_problem(shape: Shape) -> str | None:
    if not shape.count:
        return "Bulk queries must contain at least one connection."
    if shape.with_nodes:
        first = shape.with_nodes[0]
        return (
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
            f"'{first} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. Invalid connection fields: "
            f"{', '.join(repr(each) for each in shape.with_nodes)}."
        )
    if shape.count > _MOST_CONNECTIONS:
        return f"Bulk queries cannot contain more than {_MOST_CONNECTIONS} connections."
    if shape.deepest > _DEEPEST:
        return f"Bulk queries cannot contain connections with a nesting depth greater than {_DEEPEST}."
    if shape.has_list:
        return "Queries that contain a connection field within a list field are not currently supported."
    if shape.without_id:
        return (
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be "
            f"of 'ID' return type. Connection fields without 'id': {', '.join(shape.without_id)}."
        )
    return None


def mutation_problem(request: Request, text: str) -> dict[str, Any] | None:
    size = stored_size(text)
    if size > MOST_BYTES:
        message = f"is too large ({size} bytes; maximum is {MOST_BYTES} bytes)"
        return user_error(["query"], message, "INVALID_MUTATION")
    try:
        document = parse(text)
    except GraphQLSyntaxError as failure:
        message = f"Failed to parse the mutation - {syntax_error(failure)['message']}"
        return user_error(None, message, "INVALID_MUTATION")
    operation = _operation(document)
    if operation.operation.value != "mutation":
        message = "Invalid operation type. Only `mutation` operations are supported."
        return user_error(None, message, "INVALID_MUTATION")
    roots = list(_fields(operation.selection_set, document))
    if len(roots) != 1:
        return user_error(["mutation"], "You must specify a single top level mutation.")
    if roots[0].name.value in (*_FORBIDDEN, *_CANCELLED_BY):
        return user_error(["mutation"], "You must use an allowed mutation name.")
    problems = validate_document(request.schema.graphql, document)
    if problems:
        return user_error(None, f"Failed to parse the mutation - {problems[0]['message']}", "INVALID_MUTATION")
    if shape_of(request, document, operation).count > 1:
        return user_error(["mutation"], "Bulk mutations cannot contain more than 1 connection.")
    return None


def _without_place(failure: GraphQLSyntaxError) -> str:
    return str(syntax_error(failure)["message"]).partition(" at [")[0]


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    return next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))


def _fields(selections: SelectionSetNode, document: DocumentNode) -> Iterator[FieldNode]:
    """The fields of a selection, fragments opened."""
    for each in selections.selections:
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, FragmentSpreadNode):
            named = (d for d in document.definitions if isinstance(d, FragmentDefinitionNode))
            fragment = next(d for d in named if d.name.value == each.name.value)
            yield from _fields(fragment.selection_set, document)
        else:
            assert isinstance(each, InlineFragmentNode)
            yield from _fields(each.selection_set, document)


def shape_of(request: Request, document: DocumentNode, operation: OperationDefinitionNode) -> Shape:
    walk = _Walk(request, document)
    walk.below(operation.selection_set, request.schema.graphql.get_root_type(operation.operation), 0)
    return walk.shape


@dataclass(slots=True)
class _Walk:
    """The way down a document, from connection to connection."""

    request: Request
    document: DocumentNode
    shape: Shape = field(default_factory=Shape)

    def below(
        self,
        selections: SelectionSetNode,
        parent: Any,
        depth: int,
        *,
        outer: tuple[str, bool] | None = None,
        in_list: bool = False,
    ) -> None:
        """`outer` is the connection around this node: its name, and whether the node selects its id."""
        for each in _fields(selections, self.document):
            definition = _definition(self.request, parent, each.name.value)
            if definition is None or each.selection_set is None:
                continue
            named: Any = get_named_type(definition.type)
            listed = in_list or _is_list(definition.type)
            if not named.name.endswith("Connection"):
                self.below(each.selection_set, named, depth, outer=outer, in_list=listed)
                continue
            self.shape.count += 1
            self.shape.deepest = max(self.shape.deepest, depth)
            self.shape.has_list = self.shape.has_list or in_list
            if outer and not outer[1] and outer[0] not in self.shape.without_id:
                self.shape.without_id.append(outer[0])
            self._inside(each.name.value, each.selection_set, get_named_type(named.fields["nodes"].type), depth)

    def _inside(self, name: str, selections: SelectionSetNode, node_type: Any, depth: int) -> None:
        for child in _fields(selections, self.document):
            if child.name.value == "nodes" and child.selection_set:
                self.shape.with_nodes.append(name)
                self.below(child.selection_set, node_type, depth + 1)
            if child.name.value != "edges" or child.selection_set is None:
                continue
            for inner in _fields(child.selection_set, self.document):
                if inner.name.value == "node" and inner.selection_set:
                    own = _fields(inner.selection_set, self.document)
                    has_id = any(each.name.value == "id" and each.alias is None for each in own)
                    self.below(inner.selection_set, node_type, depth + 1, outer=(name, has_id))


def _definition(request: Request, parent: Any, name: str) -> Any:
    """A field's definition; fields of fragments on other types are looked up in all of them."""
    known = getattr(parent, "fields", {}).get(name)
    if known is not None or not hasattr(parent, "name"):
        return known
    schema = request.schema.graphql
    possible = schema.get_possible_types(parent) if not hasattr(parent, "fields") or parent.name == "Node" else []
    return next((each.fields[name] for each in possible if name in each.fields), None)


def _is_list(wanted: Any) -> bool:
    while isinstance(wanted, GraphQLNonNull):
        wanted = wanted.of_type
    return isinstance(wanted, GraphQLList)
