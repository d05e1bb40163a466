"""The value of a Bicep expression.

What only Azure knows (a resource's id, an identity's client id) has a stand-in that says where it comes from, so that
names, settings and references can be followed. Only the language that our files use is understood; anything else is an
error, and so is a name that nobody declared.

A lambda's body that is more than a string or an object stands in parentheses: the grammar takes `x => x.y` for
`(x => x).y`.
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final

from tree_sitter import Node

from bicep.syntax import BicepError, field, pieces, text

type Names = Callable[[str], Any]


class Later(str):
    """What is known only in Azure: a text that names its source, as in `account.properties.primaryEndpoints.blob`."""

    __slots__ = ()

    def member(self, name: str) -> "Later":
        return Later(f"{self}.{name}")


class Expressions:
    """Works out expressions of one file."""

    def __init__(self, folder: Path, names: Names) -> None:
        self._folder = folder
        self._names = names

    def value(self, node: Node) -> Any:
        method = getattr(self, f"_{node.type}", None)
        if method is None:
            raise BicepError(f"{node.type} is not understood: “{text(node)}”")
        return method(node)

    def within(self, **more: Any) -> "Expressions":
        """With further names: a loop's item, a lambda's argument."""
        return Expressions(self._folder, lambda name: more[name] if name in more else self._names(name))

    def _identifier(self, node: Node) -> Any:
        return self._names(text(node))

    def _string(self, node: Node) -> str:
        parts = [part if isinstance(part, str) else self.value(part) for part in pieces(node)]
        if len(parts) > 1 and not all(isinstance(part, (str, int)) for part in parts):
            raise BicepError(f"a text made of what is no text: {text(node)}")
        return "".join(str(part) for part in parts)

    def _number(self, node: Node) -> int:
        return int(text(node))

    def _boolean(self, node: Node) -> bool:
        return text(node) == "true"

    def _null(self, _node: Node) -> None:
        return None

    def _parenthesized_expression(self, node: Node) -> Any:
        return self.value(node.named_children[0])

    def _array(self, node: Node) -> list[Any]:
        return [self.value(child) for child in node.named_children if child.type != "comment"]

    def _for_statement(self, node: Node) -> list[Any]:
        return [inner.value(field(node, "body")) for inner in self.turns(node)]

    def turns(self, loop: Node) -> Iterator["Expressions"]:
        """One for each item of a loop, with the names that the loop gives."""
        variables, over = loop.named_children[:2]
        names = [text(child) for child in variables.named_children] or [text(variables)]
        for number, item in enumerate(self.value(over)):
            yield self.within(**dict(zip(names, (item, number), strict=False)))

    def _object(self, node: Node) -> dict[str, Any]:
        properties = [child for child in node.named_children if child.type == "object_property"]
        found = {}
        for each in properties:
            key, content = (child for child in each.named_children if child.type != "comment")
            name = text(key) if key.type == "identifier" else self._string(key)
            if name in found:
                raise BicepError(f"{name} is given twice")
            found[name] = self.value(content)
        return found

    def _member_expression(self, node: Node) -> Any:
        return member(self.value(field(node, "object")), text(field(node, "property")))

    def _subscript_expression(self, node: Node) -> Any:
        return member(self.value(field(node, "object")), self.value(field(node, "index")))

    def _ternary_expression(self, node: Node) -> Any:
        branch = "consequence" if self._truth(field(node, "condition")) else "alternative"
        return self.value(field(node, branch))

    def _unary_expression(self, node: Node) -> Any:
        if text(field(node, "operator")) != "!":
            raise BicepError(f"only ! is understood: {text(node)}")
        return not self._truth(field(node, "argument"))

    def _binary_expression(self, node: Node) -> Any:
        sign, left = text(field(node, "operator")), field(node, "left")
        right = field(node, "right")
        if sign == "&&":
            return self._truth(left) and self._truth(right)
        if sign == "||":
            return self._truth(left) or self._truth(right)
        if sign not in OPERATORS:
            raise BicepError(f"operator {sign} is not understood")
        return OPERATORS[sign](self.value(left), self.value(right))

    def _truth(self, node: Node) -> bool:
        value = self.value(node)
        if not isinstance(value, bool):
            raise BicepError(f"neither true nor false: {text(node)}")
        return value

    def _lambda_expression(self, node: Node) -> Callable[[Any], Any]:
        argument, body = node.named_children
        return lambda value: self.within(**{text(argument): value}).value(body)

    def _call_expression(self, node: Node) -> Any:
        name = text(field(node, "function"))
        arguments = [self.value(child) for child in field(node, "arguments").named_children]
        if name == "loadJsonContent":
            return json.loads((self._folder / arguments[0]).read_text(encoding="utf-8"))
        if name == "loadTextContent":
            return (self._folder / arguments[0]).read_text(encoding="utf-8")
        if name not in FUNCTIONS:
            raise BicepError(f"function {name} is not understood")
        return FUNCTIONS[name](*arguments)


def member(value: Any, name: str | int) -> Any:
    """Of an object, a list, a resource or a stand-in. Raises BicepError when there is none."""
    if isinstance(value, Later):
        return value.member(str(name))
    if isinstance(value, Mapping) and name in value:
        return value[name]
    if isinstance(value, list) and isinstance(name, int) and 0 <= name < len(value):
        return value[name]
    if isinstance(name, str) and hasattr(value, "member"):
        return value.member(name)
    raise BicepError(f"no {name} in {value!r}")


def _union(*values: Any) -> Any:
    if isinstance(values[0], list):
        return list(dict.fromkeys(item for each in values for item in each))
    return reduce(operator.or_, values)


def _items(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value[key]} for key in sorted(value)]


def _joined(name: str) -> Callable[..., Later]:
    return lambda *arguments: Later(f"{name}({','.join(map(str, arguments))})")


OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    ">": operator.gt,
    "+": operator.add,
    "*": operator.mul,
    "/": operator.floordiv,  # Bicep has whole numbers only
    "%": operator.mod,
}

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "concat": lambda *lists: [item for each in lists for item in each],
    "contains": lambda items, item: item in items,
    "empty": lambda value: not value,
    "environment": lambda: {"suffixes": {"storage": "core.windows.net"}},
    "filter": lambda items, keep: [item for item in items if keep(item)],
    "guid": _joined("guid"),
    "items": _items,
    "join": lambda items, delimiter: delimiter.join(items),
    "length": len,
    "max": max,
    "min": min,
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda value, old, new: value.replace(old, new),
    "resourceGroup": lambda: Later("resourceGroup()"),
    "resourceId": lambda kind, name: Later(f"/{kind}/{name}"),
    "string": str,
    "subscription": lambda: Later("subscription()"),
    "subscriptionResourceId": lambda kind, name: f"/{kind}/{name}",
    "tenant": lambda: Later("tenant()"),
    "toLower": str.lower,
    "toUpper": str.upper,
    "union": _union,
    "uniqueString": lambda *_seeds: "abcdefghijklm",  # 13 characters, as Azure gives
}
