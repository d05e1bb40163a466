"""The syntax trees of Bicep files, by tree-sitter's grammar.

pycep parses the same files as a second opinion, but its tree is of no use for working values out: a string and a name
look alike in it, and operators have no precedence.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}

_parser: Final = Parser(Language(tree_sitter_bicep.language()))


class BicepError(Exception):
    """A file that no compiler would take, or that uses what is not understood here."""


def tree(path: Path) -> Node:
    root = _parser.parse(path.read_bytes()).root_node
    if root.has_error:
        where = ", ".join(f"{path}:{node.start_point[0] + 1}" for node in _errors(root))
        raise BicepError(f"syntax error at {where}")
    return root


def text(node: Node) -> str:
    return (node.text or b"").decode()


def field(node: Node, name: str) -> Node:
    child = node.child_by_field_name(name)
    if child is None:
        raise BicepError(f"no {name} in “{text(node)}”")
    return child


def first(node: Node, kind: str) -> str:
    """The text of the first child of a kind."""
    return next(text(child) for child in node.named_children if child.type == kind)


def pieces(string: Node) -> Iterator[str | Node]:
    """A string as literal texts and the expressions between them. By offsets, since the grammar drops blanks."""
    source = string.text or b""
    start = string.start_byte
    begin = 1
    for child in string.named_children:
        if child.type == "interpolation":
            yield _unescaped(source[begin : child.start_byte - start].decode())
            yield child.named_children[0]
            begin = child.end_byte - start
    yield _unescaped(source[begin:-1].decode())


def _unescaped(raw: str) -> str:
    parts = iter(raw)
    return "".join(_escape(next(parts)) if part == "\\" else part for part in parts)


def _escape(letter: str) -> str:
    return ESCAPES.get(letter, letter)


def _errors(node: Node) -> Iterator[Node]:
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from _errors(child)
