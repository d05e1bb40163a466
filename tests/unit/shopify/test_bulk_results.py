"""The file of a bulk operation: read line by line as it comes, and never taken for whole when it ends early."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.errors import TransientError
from shared.shopify.bulk import read_rows

ROWS = [{"id": "1", "sku": "A\u2028B\x85C"}, {"id": "2", "sku": ""}, {"id": "3", "__parentId": "1"}]
BODY = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in ROWS).encode()


class Parts(httpx.AsyncByteStream):
    """A body in parts, after which the connection may be lost."""

    def __init__(self, parts: list[bytes], *, is_lost: bool = False) -> None:
        self.parts = parts
        self.is_lost = is_lost
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.given += 1
            yield part
        if self.is_lost:
            raise httpx.ReadError("connection lost")


def shop(body: Parts, status: int = 200) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status, stream=body)))


async def rows(http: httpx.AsyncClient) -> list[Any]:
    return [row async for row in read_rows(http, "https://results.example/1")]


@pytest.mark.parametrize("size", [1, 7, len(BODY)])
async def test_only_a_line_feed_ends_a_line_wherever_the_parts_end(size: int) -> None:
    parts = [BODY[start : start + size] for start in range(0, len(BODY), size)]
    assert await rows(shop(Parts(parts))) == ROWS


async def test_the_last_line_needs_no_line_feed_and_empty_ones_are_none() -> None:
    assert await rows(shop(Parts([BODY.rstrip()]))) == ROWS
    assert await rows(shop(Parts([b"\n", BODY, b"\n"]))) == ROWS
    assert await rows(shop(Parts([]))) == []


async def test_a_row_is_given_before_the_rest_has_come() -> None:
    first, rest = BODY.split(b"\n", 1)
    body = Parts([first + b"\n", rest])
    found = read_rows(shop(body), "https://results.example/1")
    assert (await anext(found), body.given) == (ROWS[0], 1)


async def test_a_connection_that_is_lost_is_told_after_the_rows_that_came() -> None:
    found = read_rows(shop(Parts([BODY], is_lost=True)), "https://results.example/1")
    assert [await anext(found) for _ in ROWS] == ROWS
    with pytest.raises(TransientError, match="end early: ReadError"):
        await anext(found)


async def test_a_file_that_ends_within_a_line_or_is_gone_is_told() -> None:
    with pytest.raises(TransientError, match="end early: JSONDecodeError"):
        await rows(shop(Parts([BODY[:-4]])))
    with pytest.raises(TransientError, match="Shopify answered 404"):
        await rows(shop(Parts([]), 404))
