"""`python -m shared.operator`: parked messages, orders that hold stock back, holds in F&O and changes of products and
prices that are held, for whoever looks after stuck orders.

It opens what the app's own settings name, as whoever signed in by `az login`, and needs no others of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from azure.core.exceptions import AzureError

from shared.bus.envelope import Envelope
from shared.bus.publisher import Publisher
from shared.command_line import run
from shared.connections import open_blobs, open_service_bus, open_tables, opened_credential, read_name
from shared.errors import ConfigurationError, ConnectorError
from shared.mapping.evidence import proof_table
from shared.mapping.redaction import redacted
from shared.model.maintenance import Maintenance
from shared.operator.catalogue import STORE, Print, add_catalogue_commands, run_catalogue_command
from shared.settings import Connections, read_connections
from shared.store import blobs
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.parking import Parked, Parking
from shared.sync.exports import TABLES, ExportPorts, restore_tables
from shared.sync.messages.parked import ParkedPorts, bring, discard, record, release, release_hold, replay
from shared.sync.stock.unknown.held import HeldBack, HeldOrder, read_held
from shared.telemetry import quiet_libraries, redact

_SEND_SECONDS: Final = 30.0

_WHERE_SETTINGS_COME_FROM: Final = (
    "In Azure the app's settings are in the environment. Next to `make up`, call: "
    "python -m shared.operator --settings local.settings.sample.json ..."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 for a refusal or an unreachable service, with the reason on stderr; 2 for wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    quiet_libraries()
    try:
        environ = {**_values(options.settings), **os.environ}
    except (OSError, ValueError) as problem:
        parser.error(f"--settings: {problem}")
    try:
        return asyncio.run(_run(options, read_connections(environ), print))
    except ConfigurationError as problem:
        advice = "" if options.settings else f"{_WHERE_SETTINGS_COME_FROM}\n"
        sys.stderr.write(f"{problem}\n{advice}")
        return 1
    except (ConnectorError, AzureError) as problem:
        sys.stderr.write(f"{redact(str(problem))}\n")
        return 1


_ORDER: Final = "Shopify's order id, as in the address of the order's page in the admin; not #1001"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.operator", description="What is parked and what is held.")
    parser.add_argument(
        "--settings", type=Path, help="a local.settings.json for what the environment lacks (Azure sets all of it)"
    )
    parser.add_argument(
        "--as-app", action="store_true", help="sign in as the app's own identity, on a machine of Azure that carries it"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what is parked: order, code, cause, next step, since when")
    listing.add_argument("--store", help="of this store only")
    listing.add_argument("--code", help="with this code only")
    listing.add_argument("--all", action="store_true", help="the closed ones too")
    showing = commands.add_parser("show", help="one message with its body, personal data hidden")
    showing.add_argument("event")
    replaying = commands.add_parser("replay", help="send messages again, after the cause was mended")
    replaying.add_argument("event", nargs="*")
    replaying.add_argument("--store", help="all open ones of this store")
    replaying.add_argument("--code", help="all open ones with this code")
    replaying.add_argument("--again", action="store_true", help="also what was sent again before, if that got lost")
    discarding = commands.add_parser("discard", help="give a message up; with it an order that F&O never got")
    discarding.add_argument("event")
    discarding.add_argument("--reason", required=True, help="kept with the message")
    discarding.add_argument("--sales-order", default="", help="the number under which it was entered in F&O by hand")
    holding = commands.add_parser("held", help="orders that hold stock back: units by SKU, since when, why, what to do")
    holding.add_argument("--store", help="of this store only")
    releasing = commands.add_parser("release", help="give an order up that F&O does not have: its goods are sold again")
    releasing.add_argument("store", help=STORE)
    releasing.add_argument("order", type=int, help=_ORDER)
    releasing.add_argument("--reason", required=True, help="kept with the order and its parked messages")
    releasing.add_argument("--sales-order", default="", help="the number under which it was entered in F&O by hand")
    ending = commands.add_parser("release-hold", help="end the hold of an order in F&O: the app does not set it again")
    ending.add_argument("store", help=STORE)
    ending.add_argument("order", type=int, help=_ORDER)
    ending.add_argument("--reason", required=True, help="kept with the order")
    bringing = commands.add_parser("bring", help="fetch and book one order by its id in Shopify")
    bringing.add_argument("store", help=STORE)
    bringing.add_argument("order", type=int, help=_ORDER)
    add_catalogue_commands(commands)
    restoring = commands.add_parser("restore", help="insert the rows of a nightly export that the tables lack")
    restoring.add_argument("--night", help="its day, as 2026-11-28; the last one by default")
    return parser


def _values(path: Path | None) -> Mapping[str, str]:
    """Raises OSError, or ValueError for a file that is no local.settings.json."""
    values = json.loads(path.read_text(encoding="utf-8")) if path else {"Values": {}}
    if not (isinstance(values, dict) and isinstance(values.get("Values"), dict)):
        raise ValueError(f"{path} has no object Values")  # noqa: TRY004 - what the file holds is wrong
    return dict(values["Values"])


async def _run(options: argparse.Namespace, connections: Connections, out: Print) -> int:
    async with opened(connections, as_app=options.as_app) as (ports, snapshots, exports):
        match options.command:
            case "list":
                show_maintenance(connections.maintenance, datetime.now(UTC), out)
                found = await (ports.parking.all() if options.all else ports.parking.open())
                list_parked(found, options.store, options.code, out)
            case "show":
                await _show(await _parts_of(options.event, ports), ports, out)
            case "replay":
                return await _replay(options, ports, out)
            case "discard":
                rows = await _parts_of(options.event, ports)
                await discard(rows, options.reason, sales_order=options.sales_order, ports=ports)
                out(f"{options.event} discarded")
            case "held":
                await _show_held(options.store, ports, snapshots, out)
            case "release" | "release-hold" | "bring":
                await _about_order(options, ports, out)
            case "restore":
                await record(ports, f"restore {options.night or 'the last night'}", store="operator", entity_id="")
                await _restore(options.night, exports, out)
            case _:
                return await run_catalogue_command(options, ports, snapshots, out)
    return 0


async def _about_order(options: argparse.Namespace, ports: ParkedPorts, out: Print) -> None:
    store, order, now = options.store, options.order, datetime.now(UTC)
    match options.command:
        case "release":
            await release(store, order, options.reason, sales_order=options.sales_order, now=now, ports=ports)
            out(f"order {order} is given up: the next stock run offers its goods again")
        case "release-hold":
            event = await release_hold(store, order, options.reason, now, ports)
            out(f"the hold of order {order} ends by event {event}: the journal has its outcome")
        case "bring":
            event = await bring(store, order, now, ports)
            out(f"order {order} is fetched and booked as event {event}: the journal has its outcome")


async def _show_held(store: str | None, ports: ParkedPorts, snapshots: blobs.Snapshots, out: Print) -> None:
    """As the last stock run of each store found it."""
    messages: defaultdict[tuple[str, str], list[Parked]] = defaultdict(list)
    for row in await ports.parking.open():
        messages[row.store, row.entity_id].append(row)
    held = [(each, order) for each, orders in (await read_held(snapshots, store)).items() for order in orders]
    for each, order in held:
        out("\n".join(_held_lines(each, order, messages[each, str(order.order_id)])))
    if not held:
        out(f"No order{f' of store {store}' if store else ''} held stock back at the last stock run")


def _held_lines(store: str, order: HeldOrder, messages: Sequence[Parked]) -> list[str]:
    units = ", ".join(f"{count} x {sku}" for sku, count in sorted(order.units.items())) or "units not read yet"
    since = f"since {order.since:%Y-%m-%d %H:%M} UTC" if order.since else "Shopify does not show it any more"
    lines = [f"{store}  order {order.order_id}  {units}  {since}", f"    why:   {order.why}"]
    for row in messages:
        lines += [f"    {row.code}: {row.cause}", f"    next:  {row.next_step}", f"    event: {row.event_id}"]
    if not messages:
        instead = "" if order.why is HeldBack.CHANGED else ", or release it"
        lines.append(f"    next:  bring {store} {order.order_id}{instead}")
    return lines


async def _restore(night: str | None, exports: ExportPorts, out: Print) -> None:
    chosen, tables = await restore_tables(exports, night=night)
    for name, restored in tables.items():
        out(f"{name}: {restored.inserted} rows restored from {chosen}, {restored.kept} were there and are kept")


async def _replay(options: argparse.Namespace, ports: ParkedPorts, out: Print) -> int:
    """Each by itself: what is wrong with one does not keep the others."""
    chosen = [row for event in options.event for row in await _parts_of(event, ports)]
    if options.store or options.code:
        chosen += _chosen(await ports.parking.open(), options.store, options.code)
    events: defaultdict[tuple[str, str, str], list[Parked]] = defaultdict(list)
    for row in chosen:
        events[row.flow, row.store, row.event_id].append(row)
    failed = 0
    for rows in events.values():
        try:
            sent = await replay(rows, ports, once_more=datetime.now(UTC) if options.again else None)
            out(f"{rows[0].event_id} sent again as {sent}")
        except ConnectorError as problem:
            failed += 1
            out(f"{rows[0].event_id} not sent: {problem}")
    out(f"{len(events) - failed} of {len(events)} sent again")
    return 1 if failed or not events else 0


def show_maintenance(maintenance: Maintenance, now: datetime, out: Print) -> None:
    """Nothing where no window is open."""
    if (until := maintenance.until(now)) is not None:
        out(
            f"F&O is in maintenance until {until:%Y-%m-%d %H:%M} UTC: until then every order waits, which is no failure"
        )


def list_parked(found: list[Parked], store: str | None, code: str | None, out: Print) -> None:
    chosen = _chosen(found, store, code)
    for parked in chosen:
        out("\n".join(_lines(parked)))
    if not chosen:
        out("Nothing is parked" + (f" for store {store}" if store else "") + (f" with code {code}" if code else ""))


def _chosen(found: list[Parked], store: str | None, code: str | None) -> list[Parked]:
    return [one for one in found if store in {None, one.store} and code in {None, one.code}]


async def _parts_of(event: str, ports: ParkedPorts) -> list[Parked]:
    """The refused parts of one message."""
    found = await ports.parking.of_event(event)
    if len({(row.flow, row.store) for row in found}) != 1:
        raise ConnectorError(f"there are {len(found)} parked messages of event {event}")
    return found


async def _show(rows: list[Parked], ports: ParkedPorts, out: Print) -> None:
    parked = rows[0]
    for row in rows:
        out("\n".join(_lines(row)))
        if row.proof:
            out("\n".join(["", *proof_table(row.proof), ""]))
    for name, value in parked.properties.items():
        out(f"    {name} = {value}")
    body = await ports.parking.body(parked)
    try:
        shown = json.dumps(redacted(json.loads(body, parse_float=Decimal)), indent=2, ensure_ascii=False, default=str)
    except ValueError:
        shown = f"({len(body)} bytes that are not JSON)"
    out(shown)


def _lines(parked: Parked) -> list[str]:
    since = f"{parked.at:%Y-%m-%d %H:%M} UTC"
    closed = [f"    {parked.state}: {parked.why} ({parked.closed_at:%Y-%m-%d %H:%M} UTC)"] if parked.closed_at else []
    return [
        f"{parked.store}  order {parked.entity_id or '(unknown)'}  {parked.code}  since {since}  ({parked.owner})",
        f"    cause: {parked.cause}",
        f"    next:  {parked.next_step}",
        f"    part:  {parked.part}",
        f"    event: {parked.event_id}",
        *closed,
    ]


@asynccontextmanager
async def opened(
    connections: Connections, *, as_app: bool = False
) -> AsyncIterator[tuple[ParkedPorts, blobs.Snapshots, ExportPorts]]:
    """What the commands work with, closed again at the end. A queue is opened when something is sent to it."""
    async with AsyncExitStack() as stack:
        credential = await stack.enter_async_context(opened_credential(connections, as_app=as_app))
        by = await read_name(credential, connections)
        tables = await stack.enter_async_context(open_tables(connections.state, credential))
        containers = await stack.enter_async_context(open_blobs(connections.state, credential))
        bus = await stack.enter_async_context(open_service_bus(connections.service_bus, credential))
        publishers: dict[str, Publisher] = {}

        async def publish(envelope: Envelope) -> None:
            queue = envelope.flow
            if queue not in publishers:
                publishers[queue] = Publisher(lambda: bus.get_queue_sender(queue), deadline=_SEND_SECONDS)
                stack.push_async_callback(publishers[queue].close)
            await publishers[queue].publish(envelope)

        ports = ParkedPorts(
            parking=Parking(
                tables.get_table_client("parked"), blobs.Bodies(containers.get_container_client(blobs.PARKED))
            ),
            links=OrderLinks(tables.get_table_client("links")),
            claims=blobs.Bodies(containers.get_container_client(blobs.CLAIMS)),
            publish=publish,
            journal=Journal(tables.get_table_client("journal")),
            by=by,
        )
        exports = ExportPorts(
            {name: tables.get_table_client(name) for name in TABLES}, containers.get_container_client(blobs.EXPORTS)
        )
        yield ports, blobs.Snapshots(containers.get_container_client(blobs.STATE)), exports


if __name__ == "__main__":
    sys.exit(run(main))
