"""What the Admin API's answers mean: an answer with HTTP 200 may have errors, user errors and search warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import DeniedError, ErrorCode, RefusedError, ThrottledError, TransientError

type Json = dict[str, Any]

_TEMPORARY: Final = {"INTERNAL_SERVER_ERROR", "TIMEOUT"}


@dataclass(frozen=True, slots=True)
class UserError:
    """One error in a mutation's input."""

    field: tuple[str, ...]
    """The path to it, positions in lists included ("input", "quantities", "0", "inventoryItemId"); often ()."""
    message: str
    code: str
    """ "" where the mutation's errors have none."""


def data_of(body: Json, what: str) -> Json:
    """The data of an answer without any error.

    Raises ThrottledError when nothing was executed, TransientError for faults inside Shopify, DeniedError where the app
    lacks a right, RefusedError SHOPIFY_REJECTED for all other errors, even if the answer has some of the data.
    """
    errors = body.get("errors")
    if errors:
        raise _error(errors if isinstance(errors, list) else [{"message": str(errors)}], what)
    if warnings := list(_search_warnings(body)):
        # Shopify ignores an unknown search term, and then returns everything.
        raise RefusedError(ErrorCode.SHOPIFY_REJECTED, what=what, message="; ".join(warnings))
    match body:
        case {"data": dict(data)}:
            return data
        case _:
            raise RefusedError(ErrorCode.SHOPIFY_SHAPE, what=what, problem="it has neither data nor errors")


def user_errors(payload: Mapping[str, Any]) -> list[UserError]:
    """The user errors in a mutation's payload."""
    return [
        UserError(tuple(str(part) for part in error.get("field") or ()), error["message"], error.get("code") or "")
        for error in payload["userErrors"]
    ]


def _error(errors: list[Json], what: str) -> RefusedError | TransientError:
    codes = {str((error.get("extensions") or {}).get("code", "")) for error in errors}
    message = "; ".join(dict.fromkeys(str(error.get("message", "")) for error in errors))
    if codes == {"THROTTLED"}:
        return ThrottledError(f"Shopify's query budget is spent ({what})")
    if codes <= _TEMPORARY:
        return TransientError(f"Shopify could not answer {what}: {message}")
    if "ACCESS_DENIED" in codes:
        return DeniedError(ErrorCode.SHOPIFY_DENIED, message=message)
    return RefusedError(ErrorCode.SHOPIFY_REJECTED, what=what, message=message)


def _search_warnings(body: Json) -> Iterable[str]:
    for search in (body.get("extensions") or {}).get("search") or ():
        for warning in search.get("warnings") or ():
            yield f"{warning.get('field', 'search')}: {warning.get('message', warning.get('code', ''))}"
