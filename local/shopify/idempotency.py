"""`@idempotent(key:)`: required on the listed mutations, and the result of a repeated key."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from graphql import GraphQLResolveInfo, get_directive_values

from local.shopify.faults import FaultKind
from local.shopify.nodes import Request, error
from local.shopify.state import IdempotentCall

#: How long a key is kept. Shopify's figure is not known; a day is an assumption.
RETENTION = timedelta(hours=24)

_CONCURRENT = ("This request is currently in progress, please try again.", "IDEMPOTENCY_CONCURRENT_REQUEST")
_MISMATCH = (
    "The same idempotency key cannot be used with different operation parameters.",
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
)
_FAILED = (
    "A previous request with this idempotency key failed. Retry with a new idempotency key.",
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
)


def idempotent(
    request: Request,
    arguments: dict[str, Any],
    run: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Run a mutation under its key: the same call gets the first response again, another call an error."""
    info = request.mutation
    assert info is not None
    key = _key(info)
    shop, fingerprint = request.shop, json.dumps(arguments, sort_keys=True)
    if request.simulator.faults.take(FaultKind.IDEMPOTENCY_CONCURRENT, shop.seed.domain, operation=request.operation):
        return _refused(info, *_CONCURRENT)
    known = shop.idempotency.get(key)
    if known and shop.clock() - known.made_at < RETENTION:
        if (known.mutation, known.arguments) != (info.field_name, fingerprint):
            return _refused(info, *_MISMATCH)
        return _refused(info, *_FAILED) if known.payload["userErrors"] else known.payload
    payload = run()
    shop.idempotency[key] = IdempotentCall(info.field_name, fingerprint, payload, shop.clock())
    return payload


def _key(info: GraphQLResolveInfo[Request]) -> str:
    directive = info.schema.get_directive("idempotent")
    assert directive is not None
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if values is None:
        text = "The @idempotent directive is required for this mutation but was not provided."
        raise error(text, "BAD_REQUEST")
    key: str = values["key"]
    if not key.strip():
        raise error("The idempotency key must not be blank.", "BAD_REQUEST")
    return key


def _refused(info: GraphQLResolveInfo[Request], message: str, code: str) -> dict[str, Any]:
    """A payload that holds only the user error."""
    payload_type = info.schema.type_map[info.return_type.name]  # type: ignore[union-attr] # payloads are objects
    fields: dict[str, Any] = dict.fromkeys(payload_type.fields)  # type: ignore[attr-defined] # as above
    return {**fields, "userErrors": [{"field": None, "message": message, "code": code}]}
