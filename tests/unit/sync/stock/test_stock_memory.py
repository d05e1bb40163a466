"""What a run of the stock flow marks as uncertain, and when it stores that."""

from __future__ import annotations

import pytest

from shared.model import LevelId
from shared.sync.stock.figures import UNCERTAIN, ShownFigures
from shared.sync.stock.memory import FigureMemory

LEVEL = LevelId(101, 1)


@pytest.fixture
def memory():
    """A settled item with a figure at each of two locations."""
    figures = ShownFigures([101], [1, 2])
    for location in figures.locations:
        figures.set(LevelId(101, location), 5, 77)
    figures.settle(0, 99)
    return FigureMemory(None, "nordlys", "1", None, None, figures, {}, None, None)


def test_a_figure_that_is_marked_is_read_again_and_the_mark_is_stored(memory):
    memory.mark_uncertain([LEVEL])
    assert (memory.is_uncertain(LEVEL), memory.is_uncertain(LevelId(101, 2))) == (True, False)
    assert (memory.figures.settled(0), memory.has_changes) == (UNCERTAIN, True)


def test_an_item_whose_figure_was_never_known_is_settled_no_more_when_that_is_marked(memory):
    memory.figures.doubt(LEVEL)
    memory.figures.settle(0, 99)
    memory.mark_uncertain([LEVEL])
    assert (memory.figures.settled(0), memory.has_changes) == (UNCERTAIN, True)


def test_a_figure_that_is_marked_already_is_not_stored_again(memory):
    memory.figures.doubt(LEVEL)
    memory.mark_uncertain([LEVEL])
    assert not memory.has_changes


def test_what_is_no_figure_of_the_store_is_not_marked(memory):
    memory.mark_uncertain([LevelId(101, 3), LevelId(999, 1)])
    assert (memory.figures.settled(0), memory.has_changes) == (99, False)
