"""The order in which a run writes what it chose."""

from __future__ import annotations

from shared.mapping.products.decisions import ProductAction
from shared.model import Item
from shared.sync.products.choice import Choice

CHANGE, CREATE, WITHDRAW = ProductAction.CHANGE, ProductAction.CREATE, ProductAction.WITHDRAW


def order(actions: dict[str, ProductAction], failed: list[str], *stops: str) -> list[str]:
    choice = Choice(actions=actions, withheld={item: {Item(item): 1} for item in stops})
    return [item for item, _ in choice.in_order(failed)]


def test_what_must_not_be_sold_comes_first_and_what_failed_comes_last() -> None:
    actions = {"NEW": CREATE, "LATE": CHANGE, "CHANGED": CHANGE, "OFF": WITHDRAW}
    assert order(actions, ["LATE"]) == ["OFF", "CHANGED", "NEW", "LATE"]


def test_a_withdrawal_that_failed_comes_directly_behind_the_others() -> None:
    actions = {"NEW": CREATE, "CHANGED": CHANGE, "AGAIN": WITHDRAW, "OFF": WITHDRAW, "LATE": CREATE}
    assert order(actions, ["LATE", "AGAIN"]) == ["OFF", "AGAIN", "CHANGED", "NEW", "LATE"]


def test_so_does_a_product_whose_variants_must_not_be_sold() -> None:
    actions = {"NEW": CREATE, "AGAIN": CHANGE, "OFF": WITHDRAW, "LATE": CHANGE}
    assert order(actions, ["LATE", "AGAIN"], "AGAIN") == ["OFF", "AGAIN", "NEW", "LATE"]


def test_only_those_two_that_were_tried_longest_ago_so_that_others_are_come_to() -> None:
    failed = [f"OFF-{number}" for number in range(9)]
    actions = {"NEW": CREATE} | dict.fromkeys(reversed(failed), WITHDRAW)
    assert order(actions, failed) == [*failed[:2], "NEW", *failed[2:]]
