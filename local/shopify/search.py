"""Shopify's search syntax: filters on fields.

An unknown field matches everything and is reported in `extensions.search`, as on the real API. So does a
timestamp without quotes: the parser cuts it at its colons, and `00` becomes a field.
"""

import operator as operators
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from local.shopify.nodes import Request, error, not_simulated

#: Reads the values of a record under one search field; several for lists such as tags.
Reader = Callable[[Any], Iterable[Any]]
Test = Callable[[Any], bool]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operators.ge,
    "<=": operators.le,
    ">": operators.gt,
    "<": operators.lt,
    "": operators.eq,
}
_TERM = re.compile(
    r"""(?P<open>\()|(?P<close>\))|(?P<word>(?:AND|OR|NOT)(?=[\s(]))
    |(?P<minus>-)?(?:(?P<field>[\w.]+):)(?P<op>>=|<=|>|<)?(?P<value>'[^']*'|"[^"]*"|[^\s:()]*):?
    |(?P<free>[^\s()]+)""",
    re.VERBOSE,
)


@dataclass(slots=True)
class Search:
    """A search over one kind of record: its fields, and its warnings."""

    request: Request
    path: str
    readers: Mapping[str, Reader]
    timezone: ZoneInfo
    warnings: list[dict[str, str]] = field(default_factory=list)
    parsed: list[dict[str, str]] = field(default_factory=list)

    def filter[T](self, query: str | None, records: Iterable[T]) -> list[T]:
        if not query or not query.strip():
            return list(records)
        tokens = list(_TERM.finditer(query))
        test, rest = self._any(tokens)
        if rest:
            raise error(f"unbalanced parentheses in the search query {query!r}", "BAD_REQUEST")
        if self.warnings:
            parsed = self.parsed[0] if len(self.parsed) == 1 else {"and": self.parsed}
            self.request.search.append(
                {"path": [self.path], "query": query, "parsed": parsed, "warnings": self.warnings}
            )
        return [record for record in records if test(record)]

    def _any(self, tokens: list[re.Match[str]]) -> tuple[Test, list[re.Match[str]]]:
        test, tokens = self._all(tokens)
        alternatives = [test]
        while tokens and tokens[0]["word"] == "OR":
            test, tokens = self._all(tokens[1:])
            alternatives.append(test)
        return (lambda record: any(each(record) for each in alternatives)), tokens

    def _all(self, tokens: list[re.Match[str]]) -> tuple[Test, list[re.Match[str]]]:
        tests: list[Test] = []
        while tokens and not tokens[0]["close"] and tokens[0]["word"] != "OR":
            if tokens[0]["word"] == "AND":
                tokens = tokens[1:]
                continue
            test, tokens = self._one(tokens)
            tests.append(test)
        return (lambda record: all(each(record) for each in tests)), tokens

    def _one(self, tokens: list[re.Match[str]]) -> tuple[Test, list[re.Match[str]]]:
        token, tokens = tokens[0], tokens[1:]
        if token["word"] == "NOT" and tokens:
            inner, tokens = self._one(tokens)
            return (lambda record: not inner(record)), tokens
        if token["open"]:
            inner, tokens = self._any(tokens)
            return inner, tokens[1:]
        if token["free"]:
            raise not_simulated(f"search without a field ({token['free']!r})")
        test = self._term(token["field"], token["op"] or "", token["value"].strip("'\""))
        return ((lambda record: not test(record)) if token["minus"] else test), tokens

    def _term(self, name: str, operator: str, value: str) -> Test:
        ranges = {">=": "range_gte", "<=": "range_lte", ">": "range_gt", "<": "range_lt", "": "match_all"}
        self.parsed.append({"field": name, ranges[operator]: value})
        reader = self.readers.get(name)
        if reader is None:
            if name in self.request.schema.search_fields(self.path) or name.startswith("metafields."):
                raise not_simulated(f"the documented search field {name} of {self.path}")
            self.warnings.append(
                {
                    "field": name,
                    "message": "Invalid search field for this query.",
                    "code": "invalid_field",
                }
            )
            return lambda _record: True
        wanted = _Wanted(value, self._moment)
        return lambda record: any(wanted.matches(each, operator) for each in reader(record))

    def _moment(self, text: str) -> datetime:
        """A point in time; without a zone it is the shop's local time, and parts may be missing."""
        if text == "now":
            return self.request.shop.clock()
        padded = text + "0000-01-01T00"[len(text) :] if len(text) < len("0000-01-01T00") else text
        try:
            moment = datetime.fromisoformat(padded)
        except ValueError as broken:
            raise error(f"Invalid timestamp for query filter: {text}", "BAD_REQUEST") from broken
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.timezone)).astimezone(UTC)


@dataclass(slots=True)
class _Wanted:
    """The value of a filter, read once for all records. What it has to be is known from the first of them."""

    text: str
    as_moment: Callable[[str], datetime]
    moment: datetime | None = None
    number: Decimal | None = None
    texts: frozenset[str] = frozenset()

    def matches(self, actual: Any, operator: str) -> bool:
        if isinstance(actual, bool):
            return str(actual).lower() == self.text.lower()
        if isinstance(actual, datetime):
            self.moment = self.moment or self.as_moment(self.text)
            return bool(_COMPARE[operator](actual.replace(microsecond=0), self.moment))
        if isinstance(actual, int | Decimal):
            return self._matches_number(Decimal(actual), operator)
        if actual is None:
            return False
        self.texts = self.texts or frozenset(each.casefold() for each in self.text.split(","))
        return str(actual).casefold() in self.texts

    def _matches_number(self, actual: Decimal, operator: str) -> bool:
        try:
            self.number = Decimal(self.text) if self.number is None else self.number
        except InvalidOperation:
            return False
        return bool(_COMPARE[operator](actual, self.number))
