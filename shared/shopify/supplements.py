"""What webhooks of orders leave out, for many orders in one call: `nodes` has one price however many ids it gets."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.shopify import queries
from shared.shopify.admin.answers import Json
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of

PAYMENTS: Final = "order_payments"
"""With the risk."""
RISK: Final = "order_risk"
DELIVERY: Final = "order_delivery"
LISTED: Final = 25
"""Where order_payments.graphql cuts off the transactions."""
_BATCH: Final = 50
"""Orders in one call."""

type _Asked = tuple[int, asyncio.Future[Json | None]]


@dataclass(slots=True)
class _AskedTogether:
    waiting: deque[_Asked] = field(default_factory=deque)
    running: asyncio.Task[None] | None = None


class Supplements:
    """Use one for the whole process. A call goes out at once; what is asked for meanwhile goes together in the next."""

    def __init__(self) -> None:
        self._queues: defaultdict[tuple[QueryRunner, str], _AskedTogether] = defaultdict(_AskedTogether)

    async def read(self, admin: QueryRunner, document: str, order_id: int) -> Json | None:
        """The order's node of the document, None where Shopify does not show the order.

        Raises what AdminClient.run does, for all orders of the call.
        """
        queue = self._queues[admin, document]
        answer: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        queue.waiting.append((order_id, answer))
        if queue.running is None or queue.running.done():
            queue.running = asyncio.create_task(_run(admin, document, queue.waiting))
        return await answer


async def _run(admin: QueryRunner, document: str, waiting: deque[_Asked]) -> None:
    while waiting:
        asked = [waiting.popleft() for _ in range(min(_BATCH, len(waiting)))]
        await _answer(admin, document, [each for each in asked if not each[1].done()])


async def _answer(admin: QueryRunner, document: str, asked: Sequence[_Asked]) -> None:
    """Answers all that still wait, be it with the error."""
    if not asked:
        return
    variables = {"orders": [gid_of("Order", order_id) for order_id, _ in asked]}
    nodes: Any = ()
    failure: Exception | None = None
    try:
        nodes = (await admin.run(queries.load(document), variables))["nodes"]
    except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
        failure = error
    for at, (_, answer) in enumerate(asked):
        if answer.done():
            continue
        if failure is not None:
            answer.set_exception(failure)
        else:
            answer.set_result(nodes[at])
