"""The commands of `python -m shared.operator` about products, prices and stock figures."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from shlex import quote
from typing import Any, Final

from shared.errors import ConnectorError
from shared.store.blobs import Snapshots
from shared.sync.brake import Held, confirm, digest_of, read_held_changes
from shared.sync.bulk.jobs import BULK
from shared.sync.messages.parked import ParkedPorts, record
from shared.sync.prices.state import compare_prices_at_once
from shared.sync.problems import read_open_problems
from shared.sync.products.first_contact import plan_lines, read_plan
from shared.sync.products.memory import CatalogueMemory, compare_products_at_once

STORE: Final = "the store's key: the name of its file"
_FLOWS: Final = ("products", "prices")
_SHOWN: Final = 20

type Print = Callable[[str], None]


def add_catalogue_commands(commands: argparse._SubParsersAction[Any]) -> None:
    changing = commands.add_parser("changes", help="what would change in products or prices beyond the rules' limits")
    changing.add_argument("--store", help="of this store only")
    changing.add_argument("--all", action="store_true", help="every change, not the first 20 of each kind")
    planning = commands.add_parser("plan", help="what the flow products would do in a shop, before adopt = true")
    planning.add_argument("store", help=STORE)
    planning.add_argument("--all", action="store_true", help="every product, not the first 20 of each kind")
    bulk = commands.add_parser("bulk", help="what Shopify does for a store in bulk: how far, since when, how it ended")
    bulk.add_argument("store", help=STORE)
    bulk.add_argument("--all", action="store_true", help="every operation, not the last 20")
    open_problems = commands.add_parser("problems", help="what is wrong with products, prices and stock of a store")
    open_problems.add_argument("store", help=STORE)
    comparing = commands.add_parser("compare", help="let the next run compare everything at once")
    comparing.add_argument("store", help=STORE)
    comparing.add_argument("flow", choices=_FLOWS)
    confirming = commands.add_parser("confirm", help="let the next run write what `changes` shows")
    confirming.add_argument("store", help=STORE)
    confirming.add_argument("flow", choices=_FLOWS)
    confirming.add_argument("--shown", required=True, help="what `changes` named when it had shown all of them")
    confirming.add_argument(
        "--except", nargs="+", default=[], dest="leaving", metavar="NAME", help="these stay as they are in the shop"
    )
    confirming.add_argument("--reason", required=True, help="kept in the journal")


async def run_catalogue_command(
    options: argparse.Namespace, ports: ParkedPorts, snapshots: Snapshots, out: Print
) -> int:
    """One of those of add_catalogue_commands; returns the exit code. Raises ConnectorError for a refusal."""
    if options.store is not None:
        await _refuse_unknown(options.store, snapshots)
    match options.command:
        case "bulk":
            await _show_bulk(options.store, ports, out, every=options.all)
        case "changes":
            _show_changes(await read_held_changes(snapshots, options.store), options.store, out, every=options.all)
        case "confirm":
            await _confirm(options, ports, snapshots, out)
        case "compare":
            await _compare(options.store, options.flow, ports, snapshots, out)
        case "problems":
            await _show_problems(options.store, ports, snapshots, out)
        case "plan":
            return await _show_plan(options.store, snapshots, out, every=options.all)
    return 0


async def _show_plan(store: str, snapshots: Snapshots, out: Print, *, every: bool) -> int:
    plan = await read_plan(snapshots, store)
    if plan is None:
        out(f"There is no plan of store {store}: a full run of the flow products with adopt = false makes one")
        return 1
    out(f"Planned at {plan['at']}. {await _what_a_plan_means(store, plan['at'], snapshots)}")
    for line in plan_lines(plan, None if every else _SHOWN):
        out(line)
    return 0


async def _what_a_plan_means(store: str, planned_at: str, snapshots: Snapshots) -> str:
    memory = await CatalogueMemory.load(snapshots, store=store, run="")
    if memory.products and memory.read_at is not None and memory.read_at > datetime.fromisoformat(planned_at):
        return "Since then the flow writes: adopt = true in [products]. What follows was the plan before"
    return "Nothing is written until adopt = true in [products]"


async def _refuse_unknown(store: str, snapshots: Snapshots) -> None:
    """Raises ConnectorError for a store of which no run has stored anything: most often its key is misspelt."""
    known = sorted({name.split("/")[1] for name in await snapshots.names("") if "/" in name})
    if store not in known:
        stores = ", ".join(known) or "no store"
        raise ConnectorError(f"no run has stored anything of a store {store}, but of: {stores}")


async def _show_problems(store: str, ports: ParkedPorts, snapshots: Snapshots, out: Print) -> None:
    found = await read_open_problems(snapshots, ports.journal, store)
    for problem in found:
        out("  ".join(filter(None, (problem.flow, problem.item, problem.text))))
        if problem.next_step:
            out(f"    next:  {problem.next_step}")
            out(f"    since: {problem.since}")
    if not found:
        out(f"No problem of products, prices or stock figures of store {store} is open")


async def _compare(store: str, flow: str, ports: ParkedPorts, snapshots: Snapshots, out: Print) -> None:
    await record(ports, f"compare {flow}", store=store, entity_id=flow)
    if flow == "products":
        await compare_products_at_once(snapshots, store, datetime.now(UTC))
    else:
        await compare_prices_at_once(snapshots, store)
    out(f"The next run of {flow}, within five minutes, begins to compare everything; a big shop takes several")


async def _confirm(options: argparse.Namespace, ports: ParkedPorts, snapshots: Snapshots, out: Print) -> None:
    store, flow, leaving = options.store, options.flow, options.leaving
    but = f" but {', '.join(leaving)}" if leaving else ""
    await record(ports, f"confirm {flow} {options.shown}{but}: {options.reason}", store=store, entity_id=flow)
    now = datetime.now(UTC)
    confirmed = await confirm(snapshots, store, flow, now, shown=options.shown, leaving=leaving)
    count = sum(len(each.changes) for each in confirmed)
    out(f"{count} changes of {flow} confirmed: the next run writes those that F&O still has")
    if leaving:
        out(f"still held: {', '.join(leaving)}")


async def _show_bulk(store: str, ports: ParkedPorts, out: Print, *, every: bool) -> None:
    """The newest first."""
    rows = await ports.journal.history(store, BULK)
    for row in rows[::-1] if every else rows[: -_SHOWN - 1 : -1]:
        out(f"{row['outcome']:<8} {row['topic'].removeprefix(f'{BULK}/')}: {row['note']}")
    if not rows:
        out(f"The journal has no bulk operation of store {store}")


def _show_changes(found: Sequence[Held], store: str | None, out: Print, *, every: bool) -> None:
    by_flow: defaultdict[tuple[str, str], list[Held]] = defaultdict(list)
    for held in found:
        by_flow[held.store, held.flow].append(held)
    for (key, flow), kinds in by_flow.items():
        for held in kinds:
            out("\n".join(_change_lines(held, None if every else _SHOWN)))
        if every or all(len(held.changes) <= _SHOWN for held in kinds):
            out("    next:  correct F&O, or let the next run write these; --except NAME ... leaves some held:")
            left_out = sorted({name for held in kinds for name in held.excepted_of(held.changes)})
            leaving = "".join(f" {quote(name)}" for name in left_out)
            command = f"confirm {key} {flow} --shown {digest_of(kinds)}{leaving and ' --except' + leaving} --reason"
            out(f'           python -m shared.operator {command} "..."')
        else:
            out(f"    next:  see all of them: python -m shared.operator changes --store {key} --all")
    if not found:
        out("No changes are held" + (f" for store {store}" if store else ""))


def _change_lines(held: Held, most: int | None) -> list[str]:
    excepted = held.excepted_of(held.changes)
    return [
        f"{held.store}  {held.flow}  {held.kind}: {len(held.changes)}  since {held.since:%Y-%m-%d %H:%M} UTC",
        *(
            f"    {what}: {how}" + (" (left out of a confirmation)" if what in excepted else "")
            for what, how in islice(held.changes.items(), most)
        ),
        *([f"    and {len(held.changes) - most} more"] if most is not None and len(held.changes) > most else []),
    ]
