"""Setting figures in few calls, and leaving out those that Shopify will not have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.mapping.stock.figures import FigureOutcome, Listing, Wanted
from shared.model import Item, LevelId
from shared.shopify.inventory import FigureRejection
from shared.sync.stock.writing import FigureStep, set_figures


def step(number: int, outcome=FigureOutcome.RAISED, *, item: int | None = None) -> FigureStep:
    sku = f"SKU-{number if item is None else item}"
    listing = Listing(sku, Item(sku), LevelId(number, 1), number)
    before, after = (5, 9) if outcome is FigureOutcome.RAISED else (9, 5)
    return FigureStep(Wanted(listing, (), Decimal(after), after, 0, after), after, before, outcome)


class Shopify:
    """Refuses whole calls that hold a bad step; names the step, unless it is asked not to."""

    def __init__(self, *bad: int, stale: bool = False, says_which: bool = True):
        self.bad, self.stale, self.says_which = bad, stale, says_which
        self.calls: list[list[int]] = []

    async def send(self, steps):
        numbers = [each.wanted.listing.level.inventory_item for each in steps]
        self.calls.append(numbers)
        return [
            FigureRejection(index if self.says_which else None, self.stale, "no")
            for index, number in enumerate(numbers)
            if number in self.bad
        ]


def numbers(steps):
    return sorted(each.wanted.listing.level.inventory_item for each in steps)


async def test_two_hundred_and_fifty_figures_go_in_one_call():
    shopify = Shopify()
    written = await set_figures(map(step, range(1000)), send=shopify.send)
    assert [len(call) for call in shopify.calls] == [250] * 4
    assert numbers(written.done) == list(range(1000))


async def test_figures_that_fall_go_first():
    shopify = Shopify()
    await set_figures([step(1), step(2, FigureOutcome.LOWERED), step(3)], send=shopify.send)
    assert shopify.calls == [[2, 1, 3]]


async def test_a_figure_that_is_named_is_left_out_and_the_rest_sent_again():
    shopify = Shopify(3, 7)
    written = await set_figures(map(step, range(10)), send=shopify.send)
    assert len(shopify.calls) == 2
    assert numbers(each for each, _ in written.refused) == [3, 7]
    assert numbers(written.done) == [0, 1, 2, 4, 5, 6, 8, 9]


@pytest.mark.parametrize("bad", [(0,), (9,), (3, 4), tuple(range(10))])
async def test_a_figure_that_is_not_named_is_found_by_halving(bad):
    shopify = Shopify(*bad, says_which=False)
    written = await set_figures(map(step, range(10)), send=shopify.send)
    assert numbers(each for each, _ in written.refused) == list(bad)
    assert numbers(written.done) == sorted(set(range(10)) - set(bad))


async def test_a_stale_figure_is_kept_apart_from_the_refused():
    written = await set_figures(map(step, range(3)), send=Shopify(1, stale=True).send)
    assert (numbers(written.stale), numbers(written.done), written.refused) == ([1], [0, 2], [])


async def test_an_item_that_could_not_be_lowered_in_one_place_is_raised_in_none():
    shopify = Shopify(1)
    falls, rises = step(1, FigureOutcome.LOWERED, item=1), step(2, item=1)
    written = await set_figures([rises, falls, step(3)], send=shopify.send)
    assert shopify.calls == [[1, 2, 3], [3]]
    assert (numbers(written.withheld), numbers(written.done)) == ([2], [3])
