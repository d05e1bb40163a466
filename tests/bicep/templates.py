"""What a Bicep file would deploy with given parameters: its resources, those of its modules, and its outputs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tree_sitter import Node

from bicep.expressions import Expressions, Later
from bicep.syntax import BicepError, field, first, text, tree

LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "allowed": lambda value, allowed: value in allowed,
    "minLength": lambda value, least: len(value) >= least,
    "maxLength": lambda value, most: len(value) <= most,
    "minValue": lambda value, least: value >= least,
    "maxValue": lambda value, most: value <= most,
}
TYPES = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}


@dataclass(frozen=True)
class Resource:
    file: str
    symbol: str
    kind: str
    api_version: str
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def id(self) -> Later:
        return Later(f"/{self.kind}/{self.name}")

    @property
    def properties(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.body.get("properties", {})
        return properties

    def member(self, name: str) -> Any:
        """As Bicep sees it: what the file says, else what Azure will say."""
        if name in {"id", "name"}:
            return self.id if name == "id" else self.name
        return Later(f"{self.symbol}.{name}")


class Template:
    """One Bicep file with values for its parameters. Raises BicepError where a deployment could not start."""

    def __init__(self, path: Path, parameters: Mapping[str, Any]) -> None:
        self.path = path
        self._given = parameters
        self._known: dict[str, Any] = {}
        self._in_work: set[str] = set()
        self._expressions = Expressions(path.parent, self._lookup)
        self._declared: dict[str, Node] = {}
        self.decorators: dict[str, dict[str, Any]] = {}
        self._read(tree(path))
        if unknown := set(parameters) - set(self.parameters):
            raise BicepError(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
        for name in self.parameters:
            self._lookup(name)

    @property
    def parameters(self) -> list[str]:
        return [name for name, node in self._declared.items() if node.type == "parameter_declaration"]

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        return {
            name.removeprefix("output "): self._expressions.value(node.named_children[-1])
            for name, node in self._declared.items()
            if node.type == "output_declaration"
        }

    def resources(self) -> Iterator[Resource]:
        """Those that are deployed under these parameters, modules' included."""
        for name, node in self._declared.items():
            if node.type not in {"resource_declaration", "module_declaration"}:
                continue
            value = self._lookup(name)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Template):
                    yield from each.resources()
                elif each is not None:
                    yield each

    def member(self, name: str) -> Any:
        if name != "outputs":
            raise BicepError(f"only the outputs of a module can be used, not {name}")
        return self.outputs

    def _read(self, root: Node) -> None:
        decorators: Mapping[str, Any] = {}
        for node in root.named_children:
            if node.type == "decorators":
                decorators = dict(_decorator(child, self._expressions) for child in node.named_children)
            elif node.type.endswith("_declaration") and node.type != "metadata_declaration":
                prefix = "output " if node.type == "output_declaration" else ""
                name = prefix + first(node, "identifier")
                if name in self._declared:
                    raise BicepError(f"{self.path.name} declares {name} twice")
                self._declared[name] = node
                self.decorators[name] = dict(decorators)
                decorators = {}

    def _lookup(self, name: str) -> Any:
        if name not in self._known:
            if name not in self._declared:
                raise BicepError(f"{self.path.name} uses {name}, which is not declared")
            if name in self._in_work:
                raise BicepError(f"{self.path.name}: {name} depends on itself")
            self._in_work.add(name)
            self._known[name] = self._declaration(name, self._declared[name])
            self._in_work.discard(name)
        return self._known[name]

    def _declaration(self, name: str, node: Node) -> Any:
        if node.type == "parameter_declaration":
            return self._parameter(name, node)
        if node.type == "variable_declaration":
            return self._expressions.value(node.named_children[-1])
        return self._deployed(name, node, node.named_children[-1], self._expressions)

    def _parameter(self, name: str, node: Node) -> Any:
        kind = first(node, "type")
        if name in self._given:
            value = self._given[name]
        elif node.named_children[-1].type == "type":
            raise BicepError(f"{self.path.name} is not given {name}")
        else:
            value = self._expressions.value(node.named_children[-1])
        if type(value) is not TYPES[kind] and not (kind == "string" and isinstance(value, str)):
            raise BicepError(f"{name} must be of type {kind}, not {value!r}")
        for limit, holds in LIMITS.items():
            if limit in self.decorators[name] and not holds(value, self.decorators[name][limit]):
                raise BicepError(f"{name}: {value!r} is against @{limit}({self.decorators[name][limit]})")
        return value

    def _deployed(self, name: str, node: Node, body: Node, expressions: Expressions) -> Any:
        if body.type == "if_statement":
            condition, rest = body.named_children
            return self._deployed(name, node, rest, expressions) if expressions.value(condition) else None
        if body.type == "for_statement":
            return [self._deployed(name, node, field(body, "body"), inner) for inner in expressions.turns(body)]
        values = expressions.value(body)
        source = next(expressions.value(child) for child in node.named_children if child.type == "string")
        if node.type == "module_declaration":
            return Template(self.path.parent / source, values["params"])
        kind, _, api_version = source.partition("@")
        return Resource(self.path.name, name, kind, api_version, values)


def _decorator(node: Node, expressions: Expressions) -> tuple[str, Any]:
    call = node.named_children[0]
    arguments = [expressions.value(child) for child in field(call, "arguments").named_children]
    return text(field(call, "function")), arguments[0] if arguments else True
