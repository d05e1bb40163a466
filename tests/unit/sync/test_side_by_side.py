"""A timer's work for every store: nobody waits for another's trouble, and nobody's trouble goes unheard."""

import asyncio

import pytest

from shared.errors import RefusedError
from shared.sync.each_store import side_by_side
from shared.sync.orders.changes import suffix_of


async def test_one_stores_trouble_keeps_no_other_from_its_work() -> None:
    done: list[str] = []

    async def works(name: str) -> None:
        await asyncio.sleep(0)
        done.append(name)

    async def fails() -> None:
        raise ValueError("its own")

    with pytest.raises(ExceptionGroup, match="not all") as caught:
        await side_by_side([works("a"), fails(), works("b")], otherwise="not all")
    assert done == ["a", "b"]
    assert [str(each) for each in caught.value.exceptions] == ["its own"]


async def test_a_cancelled_run_is_no_trouble_of_a_store() -> None:
    async def is_cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await side_by_side([is_cancelled()], otherwise="not all")


def test_the_letters_of_further_orders_end_with_words_for_a_clerk() -> None:
    assert [suffix_of(at, "SN1") for at in (0, 24)] == ["B", "Z"]
    with pytest.raises(RefusedError) as refused:
        suffix_of(25, "SN1")
    assert refused.value.code == "FURTHER_ORDERS_EXHAUSTED"
