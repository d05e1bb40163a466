"""GraphQL objects: a node class mirrors a type of the schema, attribute by attribute.

A field of the official schema that its class lacks is an error that names the field, never null.
"""

import base64
import bisect
import functools
import inspect
import json
import keyword
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from graphql import GraphQLError, GraphQLResolveInfo

from local.shopify.money import MoneyBag, graphql_amount
from local.shopify.schema import Access, AdminSchema
from local.shopify.state import Shop, Simulator

MAX_PAGE = 250
#: Arguments whose own names are Python built-ins.
_PYTHON_NAMES = {"id": "id_", "input": "input_", "type": "type_"}


@dataclass(slots=True)
class Request:
    """The call that resolvers run for."""

    simulator: Simulator
    shop: Shop
    schema: AdminSchema
    scopes: frozenset[str]
    operation: str | None
    version: str
    #: the node behind a global id's kind and number, None if there is none
    load: "Callable[[Request, str, int], Any]"
    #: inside a bulk operation, where connections without a size are whole
    is_bulk: bool = False
    #: the scopes as they were granted
    token_scopes: frozenset[str] = frozenset()
    search: list[dict[str, Any]] = field(default_factory=list)
    #: the mutation being run; mutations of one document run one after the other
    mutation: "GraphQLResolveInfo[Request] | None" = None


class Node:
    """Base of all nodes. `typename` is the GraphQL type."""

    typename: ClassVar[str]

    def __init__(self, request: Request) -> None:
        self.request = request
        self.shop = request.shop


def error(message: str, code: str, **extensions: Any) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, **extensions})


def not_simulated(what: str) -> GraphQLError:
    return error(f"This simulator does not implement {what}.", "NOT_SIMULATED")


def resolve_field(source: Any, info: GraphQLResolveInfo[Request], **arguments: Any) -> Any:
    """The resolver of every field: check the access scope, then read the node's attribute."""
    request: Request = info.context
    parent, name = info.parent_type.name, info.field_name
    _check_access(request, parent, name)
    if isinstance(source, dict):
        if name not in source:
            raise not_simulated(f"{parent}.{name}")
        return source[name]
    attribute = _attribute(name)
    value = getattr(source, attribute, None)
    if value is None and not hasattr(source, attribute):
        raise not_simulated(f"{parent}.{name}")
    if not callable(value):
        return value
    defaults = request.schema.defaults(parent, name)
    keywords = {
        _PYTHON_NAMES.get(argument) or _snake(argument): each
        for argument, each in arguments.items()
        # an argument with its default value is the same as none
        if argument not in defaults or defaults[argument] != each
    }
    if parent == "Mutation":
        request.mutation = info
    try:
        _signature(value.__func__).bind(source, **keywords)
    except TypeError as mismatch:
        raise not_simulated(f"{parent}.{name} with these arguments: {mismatch}") from mismatch
    return value(**keywords)


def resolve_type(source: Any, _info: GraphQLResolveInfo[Request], _abstract: Any) -> str:
    return str(source["__typename"] if isinstance(source, dict) else source.typename)


def _check_access(request: Request, parent: str, name: str) -> None:
    access = request.schema.access(parent, name)
    if access:
        require(request, name, access)


def require(request: Request, name: str, access: Access) -> None:
    """Raise ACCESS_DENIED for a field unless the token holds one of the scopes."""
    if not access.scopes & request.scopes:
        raise error(
            f"Access denied for {name} field. Required access: {access.text}",
            "ACCESS_DENIED",
            documentation="https://shopify.dev/api/usage/access-scopes",
            requiredAccess=access.text,
        )


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@functools.cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@functools.cache
def _attribute(name: str) -> str:
    """The Python attribute of a field; `return` is a keyword."""
    attribute = _snake(name)
    return f"{attribute}_" if keyword.iskeyword(attribute) else attribute


def utc(moment: datetime) -> str:
    """GraphQL's DateTime: UTC with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(bag: MoneyBag) -> dict[str, Any]:
    return {
        "shopMoney": money_v2(bag),
        "presentmentMoney": {
            "__typename": "MoneyV2",
            "amount": graphql_amount(bag.presentment),
            "currencyCode": bag.presentment_currency,
        },
    }


def money_v2(bag: MoneyBag) -> dict[str, Any]:
    return {
        "__typename": "MoneyV2",
        "amount": graphql_amount(bag.shop),
        "currencyCode": bag.shop_currency,
    }


def parse_gid(text: str, kind: str) -> int:
    """The number in a global id. A malformed id and one of another type are top-level errors."""
    match = re.fullmatch(r"gid://shopify/(\w+)/(\d+)(\?.*)?", text)
    if match is None:
        raise error("invalid id", "RESOURCE_NOT_FOUND")
    if match[1] != kind:
        raise error(f"Invalid id: {text}", "RESOURCE_NOT_FOUND")
    return int(match[2])


SortKey = tuple[Any, int]


class Connection(Node):
    """A Relay connection. A cursor holds the sort key, so it stays valid while records change."""

    typename = "Connection"

    def __init__(self, request: Request, rows: Sequence[tuple[SortKey, Any]], *, after: bool, before: bool) -> None:
        super().__init__(request)
        self._rows = rows
        self._more = {"hasNextPage": after, "hasPreviousPage": before}

    def nodes(self) -> list[Any]:
        return [node for _, node in self._rows]

    def edges(self) -> list[dict[str, Any]]:
        return [{"cursor": _cursor(key), "node": node} for key, node in self._rows]

    def page_info(self) -> dict[str, Any]:
        return {
            **self._more,
            "startCursor": _cursor(self._rows[0][0]) if self._rows else None,
            "endCursor": _cursor(self._rows[-1][0]) if self._rows else None,
        }


def connect[T](
    request: Request,
    items: Iterable[T],
    wrap: Callable[[T], Any],
    key: Callable[[T], SortKey],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    reverse: bool | None = False,
    **unknown: Any,
) -> Connection:
    """One page of `items`, sorted by `key`; only the page's items are wrapped."""
    if unknown:
        raise not_simulated(f"the connection arguments {', '.join(unknown)}")
    size = _page_size(request, first, last)
    rows = sorted(((key(item), item) for item in items), key=lambda row: row[0], reverse=bool(reverse))
    start, end = (before, after) if reverse else (after, before)
    like = rows[0][0] if rows else None
    lower = None if start is None else _parse_cursor(start, like)
    upper = None if end is None else _parse_cursor(end, like)
    window = [row for row in rows if (lower is None or row[0] > lower) and (upper is None or row[0] < upper)]
    page = window[:size] if last is None else window[max(0, len(window) - size) :]
    return Connection(
        request,
        [(row_key, wrap(item)) for row_key, item in page],
        after=bool(page or window) and (not page or page[-1] is not rows[-1]),
        before=bool(page) and page[0] is not rows[0],
    )


def connect_by_id[T](
    request: Request,
    by_id: Mapping[int, T],
    ids: Sequence[int],
    wrap: Callable[[T], Any],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    reverse: bool | None = False,
) -> Connection:
    """The same of all records by their ids, which are given in ascending order: a page costs no more than its size."""
    size = _page_size(request, first, last)
    start, end = (before, after) if reverse else (after, before)
    low = 0 if start is None else bisect.bisect_right(ids, _parse_cursor(start, (0, 0))[1])
    high = len(ids) if end is None else bisect.bisect_left(ids, _parse_cursor(end, (0, 0))[1])
    from_low = (last is not None) is bool(reverse)
    bounds = (low, min(high, low + size)) if from_low else (max(low, high - size), high)
    page = ids[bounds[0] : bounds[1]]
    if reverse:
        page = page[::-1]
    more = (bounds[1] < len(ids), bounds[0] > 0)
    return Connection(
        request,
        [((number, number), wrap(by_id[number])) for number in page],
        after=bool(page) and more[1 if reverse else 0],
        before=bool(page) and more[0 if reverse else 1],
    )


def _page_size(request: Request, first: int | None, last: int | None) -> int:
    if request.is_bulk and first is None and last is None:
        return sys.maxsize
    if first is not None and last is not None:
        raise error("providing both first and last is not supported", "BAD_REQUEST")
    size = first if first is not None else last
    if size is None:
        raise error("you must provide one of first or last", "BAD_REQUEST")
    _check_page(size)
    return size


def first_of[T](items: Sequence[T], first: int | None) -> Sequence[T]:
    """A list without pages, truncated where `first` asks for it."""
    if first is None:
        return items
    _check_page(first)
    return items[:first]


def _check_page(size: int) -> None:
    if not 0 <= size <= MAX_PAGE:
        raise error(f"a page has 0 to {MAX_PAGE} records, not {size}", "BAD_REQUEST")


def _cursor(key: SortKey) -> str:
    value, number = key
    return base64.b64encode(json.dumps({"last_id": number, "last_value": value}).encode()).decode()


def _parse_cursor(cursor: str, like: SortKey | None) -> SortKey:
    """The sort key in a cursor. Where the records are sorted by a number, its value may be a text."""
    try:
        document = json.loads(base64.b64decode(cursor, validate=True))
        value, number = document["last_value"], int(document["last_id"])
        return (value if like is None else type(like[0])(value)), number
    except (ValueError, KeyError, TypeError) as broken:
        raise error("Invalid cursor for current pagination sort.", "BAD_REQUEST") from broken


def count(number: int) -> dict[str, Any]:
    return {"count": number, "precision": "EXACT"}
