"""The layout rules of shared/: folders stay small, a type name means one thing, no import hides a circle. And one rule
of the tests: an error that is expected is looked at.
"""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from builders.root import ROOT
from builders.source import nodes_of, tree_of

SHARED = ROOT / "shared"
CAMEL_CASE = re.compile(r"_?[A-Z]+[a-z]")
FULL = 12
"""Modules that a folder holds at most, without __init__."""

LONG = {
    "shared/d365": "one file for each document or entity of F&O",
    "shared/model": "one file for each business object",
    "shared/shopify": "one file for each subject of the Admin API",
    "shared/shopify/queries": "one file for each GraphQL document",
    "shared/rules/sections": "one file for each section of a store's file",
    "shared/store": "one file for each table or container",
}
TYPE_CHECKING_ONLY = {
    "shared/triggers.py": "the cold start: clients are loaded at the first invocation",
}

CHANGED_IN_PLACE = {
    "CatalogueMemory",
    "CatalogueWriter",
    "ChangedOrders",
    "Choice",
    "CountedShop",
    "CountingReader",
    "CountingRunner",
    "CountingSource",
    "FigureMemory",
    "Finder",
    "Findings",
    "FirstContact",
    "LaneOutcome",
    "ListReading",
    "ListReport",
    "Moved",
    "NewVariants",
    "OpenedShop",
    "OptionValues",
    "PriceMemory",
    "PriceReport",
    "ProductSession",
    "ProductsPush",
    "ProductsReport",
    "Progress",
    "ReleasedProducts",
    "ReportBuilder",
    "RunState",
    "ShipmentReport",
    "ShipmentRunReport",
    "ShopPriceLane",
    "ShopPriceReading",
    "ShowLater",
    "ShownChanges",
    "StockSurvey",
    "SweepReport",
    "Tally",
    "UnknownSales",
    "WriteBackReport",
    "Written",
    "_AskedTogether",
    "_Building",
    "_Event",
    "_PricePush",
    "_StockPush",
}
"""Dataclasses that one run fills step by step. All others are values: some are kept in caches, for all messages."""

SHARED_LIBRARY = {"bounds", "countries", "evidence", "redaction", "text"}
"""What both wings of mapping use: Shopify -> model and model -> F&O."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SHARED.rglob("*.py")):
        yield name_of(path), tree_of(path)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def type_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.TypeAlias):
            yield node.name.id
    for node in tree.body:
        if isinstance(node, ast.Assign):  # aliases that pydantic reads: Code = Annotated[...]
            yield from (each.id for each in node.targets if isinstance(each, ast.Name) and CAMEL_CASE.match(each.id))


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
            defined[name.removeprefix("_")].append(module)
    twice = {name: places for name, places in defined.items() if len(places) > 1}
    assert twice == {}


def test_imports_for_the_type_checker_alone_have_a_reason() -> None:
    users = {
        name_of(path)
        for path in SHARED.rglob("*.py")
        for node in nodes_of(path)
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
    }
    assert users == TYPE_CHECKING_ONLY.keys()


def test_a_dataclass_is_a_value_unless_a_run_fills_it_step_by_step() -> None:
    frozen: dict[str, bool] = {}
    for _, tree in modules():
        for node in (each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "dataclass":
                    options = {each.arg: ast.unparse(each.value) for each in decorator.keywords}
                    assert options["slots"] == "True", node.name
                    frozen[node.name] = options.get("frozen") == "True"
    assert len(frozen) > 100
    assert {name for name, is_frozen in frozen.items() if not is_frozen} == CHANGED_IN_PLACE


def test_each_module_of_mapping_is_on_one_side_of_the_model_or_in_the_shared_library() -> None:
    """import-linter forbids only what its contracts name: a new module that they leave out could import either side."""
    contracts = {
        contract["name"]: contract
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    }
    reading = contracts["What is read from Shopify knows neither rules nor F&O"]
    writing = contracts["What is written to F&O knows no JSON of Shopify"]
    children = {path.stem for path in (SHARED / "mapping").iterdir()} - {"__init__", "__pycache__"}
    to_fo = {f"shared.mapping.{name}" for name in children - SHARED_LIBRARY - {"shopify"}}
    assert children >= SHARED_LIBRARY
    assert set(reading["forbidden_modules"]) == to_fo | {"shared.rules"}
    assert set(writing["source_modules"]) == to_fo


BROAD = {"Exception", "BaseException", "ExceptionGroup", "BaseExceptionGroup", "ConnectorError", "TransientError"}
"""Errors of many causes; and those with a code, which gives the cause."""
CODED = {"RefusedError", "TaxRefusedError", "WebhookRefusedError", "DeniedError"}
GROUPS = {"ExceptionGroup", "BaseExceptionGroup"}


def expected_errors(function: ast.AST) -> Iterator[tuple[ast.Call, ast.expr | None]]:
    """Each `pytest.raises` of the function, and the name that it gives to the error."""
    for node in ast.walk(function):
        for item in node.items if isinstance(node, ast.With | ast.AsyncWith) else ():
            call = item.context_expr
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.raises":
                yield call, item.optional_vars


def is_looked_at(call: ast.Call, name: ast.expr | None, function: ast.AST) -> bool:
    """Whether the test reads the error's text, or the error by its name; of a group, the errors in it."""
    errors = {node.id for node in ast.walk(call.args[0]) if isinstance(node, ast.Name)}
    if not errors & (BROAD | CODED):
        return True
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if isinstance(name, ast.Name) and name.id in read:
        return True
    return not errors & GROUPS and any(each.arg == "match" for each in call.keywords)


def test_no_test_expects_an_error_without_looking_at_its_cause() -> None:
    unread = [
        f"{name_of(path)}:{call.lineno}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for function in nodes_of(path)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call, name in expected_errors(function)
        if not is_looked_at(call, name, function)
    ]
    assert unread == []


def test_an_expected_error_is_looked_at_by_its_text_or_by_its_name() -> None:
    def fits(raises: str, then: str = "pass") -> bool:
        function = ast.parse(f"def test():\n    with {raises}:\n        act()\n    {then}").body[0]
        ((call, name),) = expected_errors(function)
        return is_looked_at(call, name, function)

    assert not fits("pytest.raises(RefusedError)")
    assert not fits("pytest.raises(RefusedError) as refused")
    assert not fits("pytest.raises((KeyError, errors.Broken, TransientError))")
    assert not fits("pytest.raises(ExceptionGroup, match='failed')")
    assert fits("pytest.raises(RefusedError, match='NO_LINES')")
    assert fits("pytest.raises(RefusedError) as refused", "assert refused.value.code == 'NO_LINES'")
    assert fits("pytest.raises(ExceptionGroup) as caught", "assert caught.value.exceptions == ()")
    assert fits("pytest.raises(ThrottledError)")
