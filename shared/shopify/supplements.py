"""What webhooks of orders leave out, for many orders in one call: `nodes` has one price however many ids it gets."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Final

from shared.errors import DeniedError, ErrorCode, RefusedError, ThrottledError
from shared.shopify import queries
from shared.shopify.admin.answers import Json
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of
from shared.telemetry import correlated, emit

PAYMENTS: Final = "order_payments"
"""With the risk."""
RISK: Final = "order_risk"
DELIVERY: Final = "order_delivery"
LISTED: Final = 25
"""Where order_payments.graphql cuts off the transactions."""
_BATCH: Final = 50
"""Orders in one call."""


@dataclass(frozen=True, slots=True)
class _Asked:
    order_id: int
    answer: asyncio.Future[tuple[Json | None, int]]
    """The order's node, and how many orders its call asked for."""
    context: Context
    """Of whoever awaits the answer: the trace of the order's event."""


@dataclass(slots=True)
class _AskedTogether:
    waiting: deque[_Asked] = field(default_factory=deque)
    running: asyncio.Task[None] | None = None


class Supplements:
    """Use one for the whole process. A call goes out at once; what is asked for meanwhile goes together in the next."""

    def __init__(self) -> None:
        self._queues: defaultdict[tuple[QueryRunner, str], _AskedTogether] = defaultdict(_AskedTogether)

    async def read(self, admin: QueryRunner, store: str, document: str, order_id: int) -> Json | None:
        """The order's node of the document, None where Shopify does not show the order.

        Raises what AdminClient.run does. A failure is of this order alone, but where Shopify throttles or denies calls.
        """
        queue = self._queues[admin, document]
        asked = _Asked(order_id, asyncio.get_running_loop().create_future(), copy_context())
        queue.waiting.append(asked)
        if queue.running is None or queue.running.done():
            run = _run(admin, store, document, queue.waiting)
            queue.running = asyncio.create_task(run, context=Context())  # of many orders, so in the trace of none
        node, together = await asked.answer
        if together > 1:
            emit("shopify.asked_together", **{document: together})
        return node


async def _run(admin: QueryRunner, store: str, document: str, waiting: deque[_Asked]) -> None:
    with correlated(store=store):
        while waiting:
            some = [waiting.popleft() for _ in range(min(_BATCH, len(waiting)))]
            asked = [each for each in some if not each.answer.done()]
            if len(asked) > 1:
                await _ask_together(admin, document, asked)
            else:
                await _ask_alone(admin, document, asked)


async def _ask_together(admin: QueryRunner, document: str, asked: Sequence[_Asked]) -> None:
    """An order at which Shopify fails must fail no other: where the call fails, each is asked for alone."""
    try:
        nodes = await _nodes(admin, document, asked)
    except (ThrottledError, DeniedError) as error:
        for each in asked:
            _fail(each, error)
    except Exception:  # noqa: BLE001 - each call of one order has its own failure
        await _ask_alone(admin, document, asked)
    else:
        for each, node in zip(asked, nodes, strict=True):
            _answer(each, node, len(asked))


async def _ask_alone(admin: QueryRunner, document: str, asked: Iterable[_Asked]) -> None:
    """A call for each, in its own trace."""

    async def ask(one: _Asked) -> None:
        try:
            (node,) = await _nodes(admin, document, [one])
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            _fail(one, error)
        else:
            _answer(one, node, 1)

    await asyncio.gather(*(asyncio.create_task(ask(one), context=one.context) for one in asked))


async def _nodes(admin: QueryRunner, document: str, asked: Sequence[_Asked]) -> list[Json | None]:
    """As many as are asked for. Raises RefusedError SHOPIFY_SHAPE for another number."""
    variables = {"orders": [gid_of("Order", each.order_id) for each in asked]}
    nodes: list[Json | None] = (await admin.run(queries.load(document), variables))["nodes"]
    if len(nodes) != len(asked):
        problem = f"it has {len(nodes)} nodes for {len(asked)} ids"
        raise RefusedError(ErrorCode.SHOPIFY_SHAPE, what=document, problem=problem)
    return nodes


def _answer(asked: _Asked, node: Json | None, together: int) -> None:
    if not asked.answer.done():
        asked.answer.set_result((node, together))


def _fail(asked: _Asked, error: Exception) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)
