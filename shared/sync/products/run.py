"""The flow products: one run for every store that has it on, and its report.

The last run that changed a product or found a problem is stored as `products/<store>/report.json` in the container
`state`; what the flow would do in a shop that it may not write to yet, as `products/<store>/plan.json`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial

from shared.errors import DeniedError, RefusedError, TransientError
from shared.flows import PRODUCTS
from shared.mapping.products.decisions import ProductAction
from shared.model import Item, ShopState, VariantPrices
from shared.rules import StoreRules
from shared.store.journal import Journal, JournalEntry
from shared.sync.counting import CountingRunner
from shared.sync.each_store import for_each_store
from shared.sync.prices.quotes import quotes
from shared.sync.products.flow import ProductsPush
from shared.sync.products.open_shop import open_shop
from shared.sync.products.ports import ProductPorts
from shared.sync.products.report import ENDED_THE_RUN, ProductsReport, explained, mark_of
from shared.telemetry import emit


async def push_all_products(ports: ProductPorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """F&O's products to every store that has the flow on. Raises what for_each_store does."""
    await for_each_store(PRODUCTS, ports.rules.values(), lambda rules: _push(rules, ports, now))


async def _push(rules: StoreRules, ports: ProductPorts, now: Callable[[], datetime]) -> None:
    began = now()
    shopify = CountingRunner(ports.admins[rules.key])

    async def prices_of(rules: StoreRules, items: Collection[Item]) -> VariantPrices:
        return await quotes(rules, ports.fo, items, now=now)

    push = ProductsPush(
        rules=rules,
        admin=shopify,
        fo=ports.fo,
        snapshots=ports.snapshots,
        open_shop=partial(open_shop, files=ports.files, snapshots=ports.snapshots, journal=ports.journal, now=now),
        quotes=prices_of,
        now=now,
    )
    try:
        report = await push.run()
    except TransientError as error:
        code = error.code if isinstance(error, DeniedError) else None
        emit("products.failed", level=logging.WARNING, reason=type(error).__name__, code=code)
        raise
    except RefusedError as refusal:
        emit("products.failed", level=logging.WARNING, reason=refusal.code)
        event_id = f"{rules.key}-{began:%Y%m%dT%H%M%S}"
        await _problem("", refusal, ENDED_THE_RUN, store=rules.key, event_id=event_id, journal=ports.journal, at=now())
        raise
    report.shopify_calls = shopify.calls
    await _report(report, began, now(), ports)


async def _report(report: ProductsReport, began: datetime, ended: datetime, ports: ProductPorts) -> None:
    """One event for the run, one journal entry for each problem that people were not told of yet."""
    states = report.states
    emit(
        "products.pushed",
        run=report.run,
        full=report.is_full,
        plan=report.is_plan,
        read=report.read,
        created=_done(report, ProductAction.CREATE),
        changed=_done(report, ProductAction.CHANGE, ProductAction.RETURN),
        compared=_done(report, ProductAction.COMPARE),
        withdrawn=_done(report, ProductAction.WITHDRAW),
        waiting=states[ShopState.WAITING] + report.actions[ProductAction.AWAIT_PRICE],
        refused=states[ShopState.REFUSED] + report.actions[ProductAction.REFUSED],
        problems=sum(map(len, report.problems.values())),
        pending=report.pending,
        under_way=report.under_way,
        another_day=report.awaiting_another_day,
        held=report.held,
        halted=report.halted,
        busy=report.busy,
        shopify_calls=report.shopify_calls,
        seconds=round((ended - began).total_seconds(), 3),
    )
    for number, (item, problem) in enumerate(report.new_problems):
        event_id = f"{report.run}-{number}"
        mark = mark_of(problem)
        await _problem(item, problem, mark, store=report.store, event_id=event_id, journal=ports.journal, at=ended)
    if report.done or report.problems:
        document = json.dumps(explained(report), ensure_ascii=False).encode()
        await ports.reports.put(f"products/{report.store}/report.json", document)


def _done(report: ProductsReport, *actions: ProductAction) -> int:
    return sum(action in actions and state is not ShopState.REFUSED for action, state in report.done.values())


async def _problem(
    item: str, problem: RefusedError, mark: str, *, store: str, event_id: str, journal: Journal, at: datetime
) -> None:
    emit("products.problem", level=logging.WARNING, code=problem.code, owner=problem.entry.owner, item=item or None)
    await journal.write(
        JournalEntry(
            store=store,
            entity_id="products",
            event_id=event_id,
            topic="products",
            attempt=1,
            at=at,
            outcome="parked",
            note=f"{problem.code}: {problem.cause}",
            evidence={
                "mark": mark,
                "next_step": problem.next_step,
                "owner": problem.entry.owner,
                **problem.details,
            },
        )
    )
