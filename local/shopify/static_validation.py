"""Static validation of a document, with errors as graphql-ruby, which Shopify runs, writes them."""

import re
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    specified_rules,
    validate,
)
from graphql.validation import (
    ExecutableDefinitionsRule,
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    KnownDirectivesRule,
    KnownFragmentNamesRule,
    KnownTypeNamesRule,
    NoFragmentCyclesRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    PossibleFragmentSpreadsRule,
    ProvidedRequiredArgumentsRule,
    ScalarLeafsRule,
    ValuesOfCorrectTypeRule,
    VariablesInAllowedPositionRule,
)

from local.shopify.ruby_rules import ArgumentRule, DirectiveRule, FieldRule, UnusedVariableRule

#: Rules of graphql-core that are used as they are, with graphql-ruby's code; their texts differ.
_CODES = {
    KnownFragmentNamesRule: "useAndDefineFragment",
    NoUnusedFragmentsRule: "useAndDefineFragment",
    PossibleFragmentSpreadsRule: "cannotSpreadFragment",
    NoFragmentCyclesRule: "infiniteLoop",
    OverlappingFieldsCanBeMergedRule: "fieldConflict",
    NoUndefinedVariablesRule: "variableNotDefined",
    VariablesInAllowedPositionRule: "variableMismatch",
    KnownTypeNamesRule: "undefinedType",
    ExecutableDefinitionsRule: "queryRootOnly",
}
_REPLACED = {
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    ProvidedRequiredArgumentsRule,
    ValuesOfCorrectTypeRule,
    ScalarLeafsRule,
    KnownDirectivesRule,
    NoUnusedVariablesRule,
}


def validate_document(schema: GraphQLSchema, document: DocumentNode) -> list[dict[str, Any]]:
    """The errors of a document as in the response; empty if it is valid."""
    own = validate(schema, document, (FieldRule, ArgumentRule, DirectiveRule, UnusedVariableRule))
    errors = [_as_answered(each, None) for each in own]
    for rule in specified_rules:
        if rule not in _REPLACED:
            found = validate(schema, document, (rule,))
            errors += [_as_answered(each, _CODES.get(rule)) for each in found if not _differs_in_null_only(each)]
    return errors


def _differs_in_null_only(error: GraphQLError) -> bool:
    """Whether fields conflict only as `String` and `String!` do, which graphql-ruby accepts."""
    pairs = re.findall(r"conflicting types '([^']+)' and '([^']+)'", error.message)
    reasons = re.findall(r"are different fields|differing arguments|conflicting stream", error.message)
    return bool(pairs) and not reasons and all(one.replace("!", "") == two.replace("!", "") for one, two in pairs)


def syntax_error(failure: GraphQLSyntaxError) -> dict[str, Any]:
    """PARSE_ERROR, as in "syntax error, unexpected end of file at [3, 5]"."""
    location = failure.locations[0] if failure.locations else None
    line, column = (location.line, location.column) if location else (1, 1)
    found = re.search(r"(?:found|Unexpected) (.+?)\.?$", failure.message)
    token = "end of file" if "<EOF>" in failure.message else found[1] if found else "token"
    return {
        "message": f"syntax error, unexpected {token} at [{line}, {column}]",
        "locations": [{"line": line, "column": column}],
        "extensions": {"code": "PARSE_ERROR"},
    }


def _as_answered(error: GraphQLError, code: str | None) -> dict[str, Any]:
    extensions = dict(error.extensions or {})
    if code:
        extensions["code"] = code
    path = extensions.pop("path", None)
    answered: dict[str, Any] = {
        "message": error.message,
        "locations": [{"line": at.line, "column": at.column} for at in error.locations or []],
    }
    if path is not None:
        answered["path"] = path
    return {**answered, "extensions": extensions}
