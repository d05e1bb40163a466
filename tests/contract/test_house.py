"""The layout rules of shared/: folders stay small, a type name means one thing, no import hides a circle."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from builders.root import ROOT

SHARED = ROOT / "shared"
FULL = 12
"""Modules that a folder holds at most, without __init__."""

LONG = {
    "shared/d365": "one file for each document or entity of F&O",
    "shared/shopify": "one file for each subject of the Admin API",
    "shared/shopify/queries": "one file for each GraphQL document",
    "shared/rules/sections": "one file for each section of a store's file",
    "shared/store": "one file for each table or container",
}
TYPE_CHECKING_ONLY = {
    "shared/triggers.py": "the cold start: clients are loaded at the first invocation",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SHARED.rglob("*.py")):
        yield name_of(path), ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def type_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.TypeAlias):
            yield node.name.id


def test_a_folder_has_at_most_twelve_modules_unless_it_is_a_list_of_subjects() -> None:
    counts = {
        name_of(folder): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in (SHARED, *(each for each in SHARED.rglob("*") if each.is_dir()))
    }
    assert LONG.keys() <= counts.keys()
    assert {folder for folder, count in counts.items() if count > FULL} <= LONG.keys()


def test_a_type_name_is_defined_once() -> None:
    defined = defaultdict(list)
    for module, tree in modules():
        for name in type_names(tree):
            defined[name].append(module)
    twice = {name: places for name, places in defined.items() if len(places) > 1}
    assert twice == {}


def test_imports_for_the_type_checker_alone_have_a_reason() -> None:
    users = {
        module
        for module, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).endswith("TYPE_CHECKING")
    }
    assert users == TYPE_CHECKING_ONLY.keys()
