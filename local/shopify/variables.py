"""Variables: graphql-ruby's INVALID_VARIABLE, and the limit on the length of input arrays."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_location,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from graphql.utilities import type_from_ast

MAX_ARRAY = 250
#: Longer arrays that are documented or recorded, by root and name.
_LONGER = {
    ("fulfillmentCreate", "fulfillmentOrderLineItems"): 512,
    ("productSet", "variants"): 2048,
    ("productVariantsBulkCreate", "variants"): 2048,
    ("productVariantsBulkUpdate", "variants"): 2048,
}
#: Scalars that are numbers, mostly as texts, and Shopify's words for them.
_NUMBERS = {"Money": "money", "Decimal": "decimal"}

Problem = tuple[list[str | int], str]


def check_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The errors of the variables as in the response; empty if all fit their types."""
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        wanted: Any = type_from_ast(schema, definition.type)
        if name not in values and (definition.default_value or not is_non_null_type(wanted)):
            continue
        value = values.get(name)
        problems = list(_problems(value, wanted, []))
        if not problems:
            continue
        details = ", ".join(f"{'.'.join(map(str, path))} ({text})" for path, text in problems if path)
        message = f"Variable ${name} of type {wanted} was provided invalid value"
        at = get_location(definition.loc.source, definition.loc.start) if definition.loc else None
        errors.append(
            {
                "message": f"{message} for {details}" if details else message,
                "locations": [{"line": at.line, "column": at.column}] if at else [],
                "extensions": {
                    "code": "INVALID_VARIABLE",
                    "value": value,
                    "problems": [{"path": path, "explanation": text} for path, text in problems],
                },
            }
        )
    return errors


def _problems(value: Any, wanted: Any, path: list[str | int]) -> Iterator[Problem]:
    if is_non_null_type(wanted):
        if value is None:
            yield path, "Expected value to not be null"
            return
        wanted = get_nullable_type(wanted)
    if value is None:
        return
    if is_list_type(wanted):
        if not isinstance(value, list):
            yield from _problems(value, wanted.of_type, path)
            return
        for index, item in enumerate(value):
            yield from _problems(item, wanted.of_type, [*path, index])
    elif isinstance(wanted, GraphQLInputObjectType):
        yield from _object_problems(value, wanted, path)
    elif isinstance(wanted, GraphQLEnumType):
        if value not in wanted.values:
            yield path, f'Expected "{value}" to be one of: {", ".join(wanted.values)}'
    elif wanted.name in _NUMBERS:
        if not _is_number(value):
            yield path, f"invalid {_NUMBERS[wanted.name]} '{value}'"
    else:
        try:
            wanted.parse_value(value)
        except (GraphQLError, ValueError, TypeError):
            yield path, f"Could not coerce value {value!r} to {wanted.name}"


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _object_problems(value: Any, wanted: GraphQLInputObjectType, path: list[str | int]) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield path, f"Expected {value!r} to be a key-value object."
        return
    for name in value.keys() - wanted.fields.keys():
        yield [*path, name], f"Field is not defined on {wanted.name}"
    for name, field in wanted.fields.items():
        if name in value or is_non_null_type(field.type):
            yield from _problems(value.get(name), field.type, [*path, name])


def oversized(root: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """MAX_INPUT_SIZE_EXCEEDED for the first array that is too long; its path starts at the root field."""
    for path, size in _arrays(values, []):
        most = _LONGER.get((root, path[-1]), MAX_ARRAY)
        if size > most:
            message = f"The input array size of {size} is greater than the maximum allowed of {most}."
            return {
                "message": message,
                "path": [root, *path],
                "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
            }
    return None


def _arrays(value: Any, path: list[str]) -> Iterator[tuple[list[str], int]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _arrays(inner, [*path, name])
    elif isinstance(value, list):
        yield path, len(value)
        for index, inner in enumerate(value):
            yield from _arrays(inner, [*path, str(index)])
