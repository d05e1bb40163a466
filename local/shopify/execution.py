"""One GraphQL call: parse, validate, compute the cost, throttle, run."""

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_argument_values,
    parse,
)
from graphql.execution import get_variable_values
from graphql.execution.values import VariableValues

from local.shopify.costs import MAX_QUERY_COST, CostModel
from local.shopify.faults import FaultKind
from local.shopify.loading import load
from local.shopify.mutation_root import Notify
from local.shopify.mutations import Mutation
from local.shopify.nodes import Request, resolve_field, resolve_type
from local.shopify.queries import QueryRoot
from local.shopify.schema import admin_schema, granted
from local.shopify.state import Call, Shop, Simulator, Token
from local.shopify.static_validation import syntax_error, validate_document
from local.shopify.variables import check_variables, oversized

_RATE_LIMITS = "https://shopify.dev/api/usage/rate-limits"


@dataclass(slots=True)
class Answer:
    """The response body, and the cost if it was computed."""

    body: dict[str, Any]
    operation: str | None = None
    fields: list[str] = field(default_factory=list)
    requested: int | None = None
    actual: int | None = None

    @property
    def codes(self) -> list[str]:
        return [error.get("extensions", {}).get("code", "") for error in self.body.get("errors", [])]


@functools.lru_cache(maxsize=512)
def _prepared(query: str) -> tuple[DocumentNode, tuple[dict[str, Any], ...]]:
    """The document and its static errors; clients repeat the same few documents."""
    document = parse(query)
    return document, tuple(validate_document(admin_schema().graphql, document))


def run_graphql(
    simulator: Simulator,
    shop: Shop,
    payload: Mapping[str, Any],
    *,
    token: Token,
    version: str,
    notify: Notify,
) -> Answer:
    """Answer one call; everything that goes wrong is in the answer, as HTTP 200."""
    try:
        document, problems = _prepared(payload.get("query") or "")
    except GraphQLSyntaxError as failure:
        return Answer({"errors": [syntax_error(failure)]})
    if problems:
        return Answer({"errors": list(problems)})
    name = payload.get("operationName")
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    chosen = [each for each in operations if name in (None, each.name.value if each.name else None)]
    if len(chosen) != 1:
        text = f'No operation named "{name}"' if name else "An operation name is required"
        return Answer({"errors": [{"message": text}]})
    operation = chosen[0]
    variables = payload.get("variables") or {}
    return _Run(simulator, shop, token, version, document, operation, variables, notify).answer()


@dataclass(slots=True)
class _Run:
    simulator: Simulator
    shop: Shop
    token: Token
    version: str
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]
    notify: Notify

    def answer(self) -> Answer:
        schema = admin_schema()
        name = self.operation.name.value if self.operation.name else None
        roots = [selection for selection in self.operation.selection_set.selections if isinstance(selection, FieldNode)]
        answer = Answer({}, name, [root.name.value for root in roots])
        answer.body = {"errors": check_variables(schema.graphql, self.operation, self.variables)}
        if answer.body["errors"]:
            return answer
        definitions = self.operation.variable_definitions or ()
        values = get_variable_values(schema.graphql, definitions, self.variables)
        if isinstance(values, list):
            answer.body["errors"] = [{**e.formatted, "extensions": {"code": "INVALID_VARIABLE"}} for e in values]
            return answer
        answer.body["errors"] = self._oversized(roots, values)
        if answer.body["errors"]:
            return answer
        fragments = {
            each.name.value: each for each in self.document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        costs = CostModel(schema.graphql, fragments, values.coerced)
        answer.requested = costs.requested(self.operation)
        if answer.requested > MAX_QUERY_COST:
            answer.body = _too_expensive(answer.requested)
        elif self._throttled(answer.requested):
            answer.body = {
                "errors": [
                    {
                        "message": "Throttled",
                        "extensions": {"code": "THROTTLED", "documentation": _RATE_LIMITS},
                    }
                ],
                "extensions": {"cost": self.shop.bucket.status(answer.requested, None)},
            }
        else:
            self._execute(answer, costs)
        return answer

    def _oversized(self, roots: list[FieldNode], values: VariableValues) -> list[dict[str, Any]]:
        root_type = admin_schema().graphql.get_root_type(self.operation.operation)
        assert root_type is not None
        for root in roots:
            definition = root_type.fields.get(root.name.value)
            if definition is None:
                continue
            arguments = get_argument_values(definition, root, values)
            error = oversized(root.name.value, arguments)
            if error:
                return [error]
        return []

    def _throttled(self, requested: int) -> bool:
        fault = self.simulator.faults.take(
            FaultKind.THROTTLED,
            self.shop.seed.domain,
            operation=self.operation.name.value if self.operation.name else None,
        )
        if fault:
            self.shop.bucket.empty()
        return fault is not None or requested > self.shop.bucket.available()

    def _execute(self, answer: Answer, costs: CostModel) -> None:
        """Run the operation and charge its actual cost to the bucket."""
        assert answer.requested is not None
        request = Request(
            simulator=self.simulator,
            shop=self.shop,
            schema=admin_schema(),
            scopes=granted(self.token.scopes),
            operation=answer.operation,
            version=self.version,
            load=load,
            token_scopes=self.token.scopes,
        )
        is_mutation = self.operation.operation is OperationType.MUTATION
        result = execute_sync(
            admin_schema().graphql,
            self.document,
            root_value=Mutation(request, self.notify) if is_mutation else QueryRoot(request),
            context_value=request,
            variable_values=self.variables,
            operation_name=answer.operation,
            field_resolver=resolve_field,
            type_resolver=resolve_type,
        )
        answer.actual = min(answer.requested, costs.actual(self.operation, result.data or {}))
        self.shop.bucket.charge(answer.actual)
        answer.body = _body(result)
        extensions: dict[str, Any] = {"cost": self.shop.bucket.status(answer.requested, answer.actual)}
        if request.search:
            extensions["search"] = request.search
        answer.body["extensions"] = extensions


def _body(result: ExecutionResult) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [_error(each) for each in result.errors]
    body["data"] = result.data
    return body


def _error(error: GraphQLError) -> dict[str, Any]:
    """An execution error; an unexpected exception is a bug in the simulator, and is raised."""
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        raise error.original_error
    return dict(error.formatted)


def _too_expensive(cost: int) -> dict[str, Any]:
    """MAX_COST_EXCEEDED carries the cost inside the error and no `extensions` beside it."""
    return {
        "errors": [
            {
                "message": (f"Query cost is {cost}, which exceeds the single query max cost limit ({MAX_QUERY_COST})."),
                "extensions": {
                    "code": "MAX_COST_EXCEEDED",
                    "cost": cost,
                    "maxCost": MAX_QUERY_COST,
                    "documentation": _RATE_LIMITS,
                },
            }
        ]
    }


def run_inside(
    simulator: Simulator,
    shop: Shop,
    payload: Mapping[str, Any],
    *,
    scopes: frozenset[str],
    version: str,
    notify: Notify,
) -> dict[str, Any]:
    """One call inside a bulk operation: the body of its answer. It costs nothing, and its pages have no limit."""
    document, _ = _prepared(payload["query"])
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    schema = admin_schema()
    problems = check_variables(schema.graphql, operation, payload["variables"])
    if problems:
        return {"errors": problems}
    request = Request(
        simulator=simulator,
        shop=shop,
        schema=schema,
        scopes=granted(scopes),
        token_scopes=scopes,
        operation=operation.name.value if operation.name else None,
        version=version,
        load=load,
        is_bulk=True,
    )
    is_mutation = operation.operation is OperationType.MUTATION
    result = execute_sync(
        schema.graphql,
        document,
        root_value=Mutation(request, notify) if is_mutation else QueryRoot(request),
        context_value=request,
        variable_values=payload["variables"],
        field_resolver=resolve_field,
        type_resolver=resolve_type,
    )
    return _body(result)


def internal_error() -> Answer:
    """Shopify's INTERNAL_SERVER_ERROR; the same call may be sent again."""
    request_id = str(uuid.uuid4())
    message = (
        "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests)."
    )
    extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id}
    return Answer({"errors": [{"message": message, "extensions": extensions}]})


def record(simulator: Simulator, shop: Shop, answer: Answer, ms: int) -> None:
    simulator.calls.append(
        Call(
            shop.seed.domain,
            answer.operation,
            answer.fields,
            answer.requested,
            answer.actual,
            answer.codes,
            ms,
        )
    )
