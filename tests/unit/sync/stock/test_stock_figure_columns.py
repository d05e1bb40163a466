"""What is stored of a store's figures."""

from __future__ import annotations

import json

import pytest

from shared.model import LevelId
from shared.sync.stock.figures import UNCERTAIN, ShownFigures


@pytest.fixture
def figures():
    made = ShownFigures([101, 102], [1, 2])
    made.set(LevelId(101, 1), 5, 77)
    made.set(LevelId(102, 2), -3, 78)
    made.settle(0, 2**64 - 1)
    return made


def content(figures):
    levels = [LevelId(item, location) for item in figures.items for location in figures.locations]
    return {level: (figures.shown(level), figures.basis(level)) for level in levels}


NEVER = (None, UNCERTAIN)


def test_all_is_stored_and_read_again(figures):
    again = ShownFigures.from_stored(json.loads(json.dumps(figures.as_stored())))
    assert content(again) == content(figures)
    assert content(figures) == {
        LevelId(101, 1): (5, 77),
        LevelId(101, 2): NEVER,
        LevelId(102, 1): NEVER,
        LevelId(102, 2): (-3, 78),
    }
    assert [again.settled(position) for position in range(2)] == [2**64 - 1, UNCERTAIN]
    again.set(LevelId(102, 1), 9, 79)
    assert again.shown(LevelId(102, 1)) == 9


def test_a_figure_takes_some_twenty_bytes():
    many = ShownFigures(range(1000), range(100))
    assert len(json.dumps(many.as_stored())) < 25 * 100_000


def test_what_is_kept_follows_the_items_wherever_they_stand(figures):
    moved = figures.of([103, 102, 101], [1, 2])
    assert content(moved) == {
        LevelId(103, 1): NEVER,
        LevelId(103, 2): NEVER,
        LevelId(102, 1): NEVER,
        LevelId(102, 2): (-3, 78),
        LevelId(101, 1): (5, 77),
        LevelId(101, 2): NEVER,
    }
    assert [moved.settled(position) for position in range(3)] == [UNCERTAIN, UNCERTAIN, 2**64 - 1]


def test_an_item_with_another_location_is_settled_no_more_and_keeps_its_figures(figures):
    moved = figures.of([101, 102], [2, 3, 1])
    assert {level: found for level, found in content(moved).items() if found != NEVER} == {
        LevelId(101, 1): (5, 77),
        LevelId(102, 2): (-3, 78),
    }
    assert moved.settled(0) == UNCERTAIN


def test_the_same_items_in_the_same_order_stay_as_they_are(figures):
    assert figures.of([101, 102], [1, 2]) is figures
    assert figures.of([102, 101], [1, 2]) is not figures


def test_an_uncertain_figure_keeps_its_number_and_unsettles_its_item(figures):
    figures.settle(1, 9)
    figures.doubt(LevelId(101, 1))
    assert (figures.shown(LevelId(101, 1)), figures.basis(LevelId(101, 1))) == (5, UNCERTAIN)
    assert [figures.settled(position) for position in range(2)] == [UNCERTAIN, 9]
    figures.doubt_all()
    assert (figures.shown(LevelId(102, 2)), figures.basis(LevelId(102, 2))) == (-3, UNCERTAIN)
    assert figures.settled(1) == UNCERTAIN


def test_figures_that_were_never_read_are_told_apart(figures):
    assert [figures.count_shown(position) for position in range(2)] == [1, 1]
    assert (figures.is_empty, ShownFigures([101], [1]).is_empty, ShownFigures().is_empty) == (False, True, True)
    assert (LevelId(101, 1) in figures, LevelId(101, 3) in figures, LevelId(9, 1) in figures) == (True, False, False)
    assert (figures.shown(LevelId(9, 1)), figures.basis(LevelId(101, 3))) == (None, UNCERTAIN)
