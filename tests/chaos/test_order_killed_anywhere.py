"""An order's way into F&O, cut off at every call that leaves the process: the end is that of the clean run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
from chaos_app import Installation, differences, installed
from chaos_wire import How
from order_stories import STORIES, told

from tests.builders.sales import EU

_READING: Final = ("GET ", "get ", "query ")


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[Installation]:
    async with installed(EU) as installation:
        yield installation


def positions(calls: list[str], how: How) -> list[int]:
    """Where a strike makes a difference. Who dies after a reading leaves what he left after the last writing, and a
    reading whose answer is lost might as well not have been sent.
    """
    reading = [call.startswith(_READING) or "/admin/" in call for call in calls]
    return [at for at in range(len(calls)) if how is How.UNREACHABLE or not reading[at]]


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("how", How)
async def test_an_order_cut_off_at_any_call_ends_as_the_one_that_was_not(
    app: Installation, name: str, how: How
) -> None:
    story = STORIES[name]
    events = await told(app, story)
    before = app.remember()
    clean = await app.deliver(events)
    wanted = app.state()
    assert tuple(wanted["ends"][one.event_id][0] for one in events) == story.ends
    assert tuple(one.code for one in await app.parking().open()) == story.parked
    wrong = {}
    for position in positions(clean, how):
        app.go_back(before)
        struck = await app.deliver(events, (position, how))
        assert len(struck) > position
        if found := differences(app.state(), wanted):
            wrong[f"{position} {clean[position]}"] = found
    import pprint

    assert not wrong, "\n" + pprint.pformat(wrong, width=170) + f"of {clean}"
