"""Bulk operations are run in the background, when they are due by the shop's clock or when a test asks for it."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    StringValueNode,
    parse,
    print_ast,
)

from local.shopify.bulk.flattening import rows_of
from local.shopify.bulk_records import BulkOperation
from local.shopify.execution import run_inside
from local.shopify.faults import FaultKind
from local.shopify.ids import gid
from local.shopify.mutation_root import Notify
from local.shopify.state import Shop, Simulator

log = logging.getLogger("shopify")

#: Root objects of one step of a query, and lines of one step of a mutation: other calls are answered in between.
_PAGE, _LINES = 100, 25
_LOOK_EVERY = 0.05
_LONGEST = timedelta(hours=24)
Tell = Callable[[Shop, str, dict[str, Any]], None]


class BulkRunner:
    """Runs what is due. `tell` sends the webhook of an operation that ended."""

    def __init__(self, simulator: Simulator, notify: Notify, tell: Tell) -> None:
        self._simulator = simulator
        self._notify = notify
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._running = asyncio.Lock()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            for shop in list(self._simulator.shops.values()):
                await self.run(shop)

    async def run(self, shop: Shop, *, at_once: bool = False) -> None:
        """Run what is due, or all that waits."""
        waiting = [each for each in shop.bulk_operations.values() if not each.has_ended]
        if not waiting:
            return
        async with self._running:
            for each in waiting:
                if each.state == "CANCELING":
                    self._end(shop, each, "CANCELED")
                elif not each.has_ended and (at_once or shop.clock() >= each.due_at):
                    await self._run(shop, each)

    async def _run(self, shop: Shop, operation: BulkOperation) -> None:
        operation.state = "RUNNING"
        fault = self._simulator.faults.take(FaultKind.BULK_FAILURE, shop.seed.domain)
        steps = self._query(shop, operation) if operation.kind == "QUERY" else self._mutation(shop, operation)
        try:
            for rows in steps:
                await asyncio.sleep(0)
                if operation.state == "CANCELING":
                    self._end(shop, operation, "CANCELED")
                    return
                operation.rows += rows
                most = fault.body.get("rows", 0) if fault else None
                if most is not None and len(operation.rows) >= most:
                    del operation.rows[most:]
                    raise _FailedError(str(fault.body.get("code", "INTERNAL_SERVER_ERROR")) if fault else "")  # noqa: TRY301 - one way to fail
                if shop.clock() - operation.created_at > _LONGEST and operation.kind == "MUTATION":
                    raise _FailedError("TIMEOUT")  # noqa: TRY301 - as above
        except _FailedError as failure:
            self._end(shop, operation, "FAILED", str(failure))
            return
        except Exception:
            # a bug here, or what is not simulated: not an endless operation
            log.exception("%s bulk %s", shop.seed.store, operation.kind.lower())
            self._end(shop, operation, "FAILED", "INTERNAL_SERVER_ERROR")
            return
        self._end(shop, operation, "COMPLETED")

    def _end(self, shop: Shop, operation: BulkOperation, state: str, error_code: str | None = None) -> None:
        operation.end(state, shop.clock(), error_code)
        log.info("%s bulk %s %s rows=%s", shop.seed.store, operation.kind.lower(), state, len(operation.rows))
        self._tell(shop, "bulk_operations/finish", finish_body(shop, operation))

    def _query(self, shop: Shop, operation: BulkOperation) -> Iterator[list[str]]:
        """Page after page of each root connection; the connections below are whole."""
        document = parse(operation.query)
        definition = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        for root in definition.selection_set.selections:
            assert isinstance(root, FieldNode)
            after: str | None = None
            while True:
                text = _with_page(document, definition, root, after)
                found = self._call(shop, operation, text, {})
                if "errors" in found:
                    raise _FailedError(_code(found["errors"]))
                connection = found["data"][root.alias.value if root.alias else root.name.value]
                page = connection.pop("bulkPage", None)
                if page is None:
                    rows, count = rows_of([connection], grouped=operation.is_grouped)
                else:
                    rows, count = rows_of([e["node"] for e in connection["edges"]], grouped=operation.is_grouped)
                operation.root_count += count
                yield rows
                if page is None or not page["hasNextPage"]:
                    break
                after = page["endCursor"]

    def _mutation(self, shop: Shop, operation: BulkOperation) -> Iterator[list[str]]:
        """The answer of each line, whether it is an error or not."""
        for start in range(0, len(operation.lines), _LINES):
            rows: list[str] = []
            for number, line in enumerate(operation.lines[start : start + _LINES], start):
                try:
                    variables = json.loads(line)
                except ValueError as broken:
                    operation.root_count += len(rows)
                    yield rows
                    raise _FailedError("INTERNAL_SERVER_ERROR") from broken
                found = self._call(shop, operation, operation.query, variables)
                answer = {key: found[key] for key in ("data", "errors") if key in found}
                rows.append(json.dumps({**answer, "__lineNumber": number}, ensure_ascii=False, separators=(",", ":")))
            operation.root_count += len(rows)
            yield rows

    def _call(self, shop: Shop, operation: BulkOperation, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        return run_inside(
            self._simulator,
            shop,
            {"query": text, "variables": variables},
            scopes=operation.scopes,
            version=operation.version,
            notify=self._notify,
        )


class _FailedError(Exception):
    """The operation ends here, with an error code."""


def _code(errors: list[dict[str, Any]]) -> str:
    codes = {each.get("extensions", {}).get("code") for each in errors}
    if "NOT_SIMULATED" in codes:
        raise RuntimeError(f"a bulk query that is not simulated: {errors[0]['message']}")
    return "ACCESS_DENIED" if "ACCESS_DENIED" in codes else "INTERNAL_SERVER_ERROR"


def _with_page(document: Any, definition: OperationDefinitionNode, root: FieldNode, after: str | None) -> str:
    """The document with one root, and of its connection one page."""
    kept = [each for each in root.arguments or () if each.name.value not in ("first", "after", "last", "before")]
    page = [ArgumentNode(name=NameNode(value="first"), value=IntValueNode(value=str(_PAGE)))]
    if after is not None:
        page.append(ArgumentNode(name=NameNode(value="after"), value=StringValueNode(value=after)))
    has_edges = root.selection_set and any(
        isinstance(each, FieldNode) and each.name.value == "edges" for each in root.selection_set.selections
    )
    others = [each for each in document.definitions if each is not definition]
    fragments = "\n".join(print_ast(each) for each in others)
    if not has_edges:
        return f"query {{ {print_ast(root)} }}\n{fragments}"
    assert root.selection_set is not None
    inner = "\n".join(print_ast(each) for each in root.selection_set.selections)
    arguments = ", ".join(print_ast(each) for each in (*kept, *page))
    alias = f"{root.alias.value}: " if root.alias else ""
    paged = f"{alias}{root.name.value}({arguments}) {{ {inner} bulkPage: pageInfo {{ hasNextPage endCursor }} }}"
    return f"query {{ {paged} }}\n{fragments}"


def finish_body(shop: Shop, operation: BulkOperation) -> dict[str, Any]:
    """The webhook bulk_operations/finish."""
    ended = operation.completed_at
    return {
        "admin_graphql_api_id": gid("BulkOperation", operation.id),
        "completed_at": shop.local(ended) if ended else None,
        "created_at": shop.local(operation.created_at),
        "error_code": operation.error_code.lower() if operation.error_code else None,
        "status": operation.state.lower(),
        "type": operation.kind.lower(),
    }
