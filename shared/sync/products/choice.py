"""What a run is going to do about each product, and what the brake lets it do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.decisions import (
    ProductAction,
    RememberedProduct,
    decide_action,
    items_without_price,
    withheld_variants,
)
from shared.mapping.products.wanted.product import PlannedProduct
from shared.model import Item, ShopState
from shared.rules import ProductRules, StoreRules
from shared.sync.brake import Brake
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.report import ProductsReport
from shared.sync.products.survey import Survey

_WITHDRAWALS: Final = "withdrawals"
_VARIANTS: Final = "variants"
_GONE: Final = "F&O does not have it any more"
_TIMER_MINUTES: Final = 5
"""Between two runs, with the schedule of infra/timers.json."""
_LEAST_SHARE: Final = 50
_ORDER: Final = (
    ProductAction.WITHDRAW,
    ProductAction.CHANGE,
    ProductAction.RETURN,
    ProductAction.COMPARE,
    ProductAction.CREATE,
)
"""What must not be sold any more comes first, what nobody can buy yet comes last."""
_EARLY: Final = 2
"""Of those that failed: fewer than the failures that end a run, so that it comes to the others."""

_LEFT_ALONE: Final = frozenset({ProductAction.UNCHANGED, ProductAction.AWAIT_PRICE})


@dataclass(slots=True)
class Choice:
    actions: dict[str, ProductAction] = field(default_factory=dict)
    """By item number, of products that are compared with the shop or changed there."""
    awaiting: dict[str, frozenset[Item]] = field(default_factory=dict)
    """By item number: items of products whose price is waited for."""
    withheld: dict[str, dict[Item, int]] = field(default_factory=dict)
    """By item number, of every product that was looked at and that the shop has: variants that may show no stock."""
    withdrawn: dict[str, str] = field(default_factory=dict)
    """By item number: why it is withdrawn."""
    stopped: dict[str, dict[Item, str]] = field(default_factory=dict)
    """By item number: variants of products that are sold, which are not sold any more since this run, and why."""

    untouched: set[str] = field(default_factory=set)
    """Products about which nothing is done now: what is wrong with them is known from before."""

    def in_order(self, failed: Sequence[str]) -> list[tuple[str, ProductAction]]:
        """`failed` are items that earlier runs could not finish, the one that was tried longest ago first: they come
        last, so that they keep no other waiting. But a few that must not be sold come directly behind the withdrawals.
        """
        turn = {item: place for place, item in enumerate(failed)}
        early = frozenset(islice(filter(self._stops, failed), _EARLY))

        def place(entry: tuple[str, ProductAction]) -> tuple[int, int]:
            item, action = entry
            if item in turn:
                return (0 if item in early else len(_ORDER)), turn[item]
            return _ORDER.index(action), -1

        return sorted(self.actions.items(), key=place)

    def _stops(self, item: str) -> bool:
        """Whether the product, or a variant of it, must not be sold."""
        action = self.actions.get(item)
        return action is ProductAction.WITHDRAW or (action is not None and bool(self.withheld.get(item)))

    def leave(self, items: Collection[str]) -> None:
        """Nothing is done about these products in this run."""
        self.untouched.update(items)
        for item in items:
            for of_item in (self.actions, self.awaiting, self.withheld, self.withdrawn, self.stopped):
                of_item.pop(item, None)


def choose(
    survey: Survey,
    memory: CatalogueMemory,
    report: ProductsReport,
    *,
    withheld: Collection[int],
    edited: Collection[int],
    due: Collection[str],
) -> Choice:
    """Looks at every product that was read.

    `withheld` are the variants that showed no stock so far, `edited` the products that others changed in the shop, and
    `due` the items whose turn to be compared has come.
    """
    choice = Choice()
    for product in survey.catalogue:
        item = product.item_number
        planned, digest = survey.plan(product, memory)
        remembered = memory.products.get(item)
        must_compare = item in due or (remembered is not None and remembered.id in edited)
        action = decide_action(planned, digest, remembered, must_compare=must_compare)
        report.actions[action] += 1
        report.add(item, planned.problems)
        if action in _LEFT_ALONE:
            choice.untouched.add(item)
        _note(choice, planned, remembered, action, item=item, withheld=withheld)
    for item in survey.gone(memory):
        remembered = memory.products[item]
        if remembered.id is None:
            continue
        choice.withheld[item] = withheld_variants(None, remembered)
        if remembered.state is not ShopState.WITHDRAWN:
            report.actions[ProductAction.WITHDRAW] += 1
            choice.actions[item] = ProductAction.WITHDRAW
            choice.withdrawn[item] = _GONE
    report.read = len(survey.catalogue)
    return choice


def _note(
    choice: Choice,
    planned: PlannedProduct,
    remembered: RememberedProduct | None,
    action: ProductAction,
    *,
    item: str,
    withheld: Collection[int],
) -> None:
    if action.writes:
        choice.actions[item] = action
    if action is ProductAction.AWAIT_PRICE:
        choice.awaiting[item] = items_without_price(planned, remembered)
    if remembered is None or remembered.id is None:
        return
    choice.withheld[item] = withheld_variants(planned, remembered)
    if action is ProductAction.WITHDRAW:
        choice.withdrawn[item] = planned.unsold
    elif not planned.unsold:
        new = [each for each, variant in choice.withheld[item].items() if variant not in withheld]
        if new:
            choice.stopped[item] = {
                each: planned.unsold_items.get(each, "F&O does not have it any more") for each in new
            }


def due_for_comparison(memory: CatalogueMemory, rules: ProductRules, now: datetime) -> frozenset[str]:
    """The items that were not compared with the shop for too long, the oldest first, as many as one full run's share:
    so that a day's comparisons are spread over the day.
    """
    limit = now - timedelta(hours=rules.full_compare_hours)
    late = sorted((each.compared_at, item) for item, each in memory.products.items() if each.compared_at <= limit)
    runs = max(1, rules.full_compare_hours * 60 // max(rules.full_minutes, _TIMER_MINUTES))
    share = max(_LEAST_SHARE, -(-len(memory.products) // runs))
    return frozenset(item for _, item in late[:share])


async def brake_withdrawals(
    choice: Choice, memory: CatalogueMemory, rules: StoreRules, brake: Brake, report: ProductsReport, *, is_full: bool
) -> None:
    """Leaves what the rules do not let one run withdraw, and tells of it. What is held was found by a full run: until
    it is confirmed, a run that reads a few products withdraws nothing.

    A product of which one variant is held is left as it is. Where an operator left that out, its other variants that
    are not sold show no stock all the same.
    """
    if not is_full and memory.is_held:
        choice.leave([*choice.withdrawn, *choice.stopped])
        return
    sold = [each for each in memory.products.values() if each.id is not None and each.state is not ShopState.WITHDRAWN]
    variants = {_variant_name(each): (item, why) for item, its in choice.stopped.items() for each, why in its.items()}
    memory.is_held = False
    for kind, changes, total in (
        (_WITHDRAWALS, {item: (item, why) for item, why in choice.withdrawn.items()}, len(sold)),
        (_VARIANTS, variants, sum(len(each.variants) for each in sold)),
    ):
        if not changes and not is_full:
            continue
        limit = max(rules.products.unpublish_floor, total * rules.products.unpublish_percent // 100)
        braked = await brake.hold(kind, {name: why for name, (_, why) in changes.items()}, limit)
        if braked.held:
            left = {changes[name][0] for name in braked.held}
            withheld = {} if braked.are_too_many else _withheld_but(braked.held, choice, left)
            choice.leave(left)
            choice.withheld |= withheld
            memory.is_held = True
            report.held += len(braked.held)
            why = f"the rules allow {limit} in one run" if braked.are_too_many else "a confirmation left them out"
            what = {_WITHDRAWALS: "products", _VARIANTS: "variants"}[kind]
            held = RefusedError(ErrorCode.PRODUCTS_HELD, what=what, count=len(braked.held), why=why, store=rules.key)
            report.add("", [held])


def _variant_name(item: Item) -> str:
    return f"{item.number} {', '.join(filter(None, item[1:]))}"


def _withheld_but(held: Collection[str], choice: Choice, items: Collection[str]) -> dict[str, dict[Item, int]]:
    """Of these products, what shows no stock: not the variants of these names."""
    return {
        item: {each: variant for each, variant in choice.withheld[item].items() if _variant_name(each) not in held}
        for item in items & choice.stopped.keys()
    }
