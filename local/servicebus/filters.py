"""Which subscription gets a message."""

from collections.abc import Iterable

from local.servicebus.message import Content
from local.servicebus.topology import CorrelationFilter, Rule

_SYSTEM_PROPERTIES = (
    "correlation_id",
    "message_id",
    "to",
    "reply_to",
    "subject",
    "session_id",
    "reply_to_session_id",
    "content_type",
)


def selects(rules: Iterable[Rule], content: Content) -> bool:
    """Rules are OR-ed: rules without actions yield one copy, however many of them match."""
    return any(rule.correlation_filter is None or matches(rule.correlation_filter, content) for rule in rules)


def matches(wanted: CorrelationFilter, content: Content) -> bool:
    """All conditions hold. Strings compare case-sensitively, and a number never equals a string or a boolean."""
    for name in _SYSTEM_PROPERTIES:
        expected = getattr(wanted, name)
        if expected is not None and getattr(content, name) != expected:
            return False
    return all(_same(content.properties.get(name), value) for name, value in wanted.properties.items())


def _same(actual: object, expected: object) -> bool:
    kinds_agree = isinstance(actual, bool) == isinstance(expected, bool)
    return kinds_agree and actual == expected
