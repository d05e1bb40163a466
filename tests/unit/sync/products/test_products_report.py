"""Which problems people are told of, and when again."""

from __future__ import annotations

import json

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.decisions import ProductAction
from shared.model import ShopState
from shared.sync.products.report import ProductsReport, explained, mark_of


def problem(item: str = "TEE", language: str = "en-US") -> RefusedError:
    return RefusedError(ErrorCode.PRODUCT_TITLE_MISSING, item=item, language=language)


def report(**problems: list[RefusedError]) -> ProductsReport:
    made = ProductsReport("prairie", "run")
    for item, its in problems.items():
        made.add(item, its)
    return made


def test_a_problem_is_told_once_while_it_lasts_and_again_when_it_returns() -> None:
    first = report(TEE=[problem()])
    told = first.settle({}, ["TEE", "HAT"])
    assert first.new_problems == [("TEE", first.problems["TEE"][0])]
    second = report(TEE=[problem()])
    told = second.settle(told, ["TEE", "HAT"])
    assert second.new_problems == []
    assert report().settle(told, ["TEE"]) == {}
    third = report(TEE=[problem()])
    third.settle({}, ["TEE"])
    assert len(third.new_problems) == 1


def test_what_was_not_looked_at_stays_told() -> None:
    told = {"HAT": ("PRODUCT_TITLE_MISSING:1",)}
    assert report(TEE=[problem()]).settle(told, ["TEE"]) == {**told, "TEE": (mark_of(problem()),)}


def test_a_run_that_reads_a_part_forgets_nothing_of_the_run_as_a_whole() -> None:
    told = {"": ("PRODUCTS_HELD:1",)}
    run = report()
    run.add("", [problem()])
    assert set(run.settle(told, ["TEE"])[""]) == {"PRODUCTS_HELD:1", mark_of(problem())}
    assert run.settle(told, ["TEE", ""]) == {"": (mark_of(problem()),)}


def test_another_case_of_the_same_code_is_another_problem() -> None:
    told = report(TEE=[problem()]).settle({}, ["TEE"])
    second = report(TEE=[problem(language="de")])
    second.settle(told, ["TEE"])
    assert len(second.new_problems) == 1
    assert mark_of(problem()) == mark_of(problem()) != mark_of(problem(language="de"))


def test_the_report_is_a_document() -> None:
    made = report(TEE=[problem()])
    made.actions[ProductAction.CREATE] += 1
    made.done["HAT"] = (ProductAction.CREATE, ShopState.ACTIVE)
    document = json.loads(json.dumps(explained(made)))
    assert document["actions"] == {"new in the shop": 1}
    assert document["done"] == {"HAT": {"action": "new in the shop", "state": "active"}}
    assert document["problems"][0]["code"] == "PRODUCT_TITLE_MISSING"
    assert made.states == {ShopState.ACTIVE: 1}
