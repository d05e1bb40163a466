"""`python -m tools.probe`: asks an F&O sandbox how it behaves, and writes config/tenants/<environment>.toml.

It creates sales orders, a customer, a payment journal, a return order and a free text invoice, in a sandbox only and
after it was told to, and deletes them at the end or lists what is left.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

from shared.command_line import run
from shared.d365.entities import CUSTOMERS
from shared.d365.items import ItemCache, SkuField, read_items
from shared.d365.odata.client import FoCall, ODataClient
from shared.errors import ConfigurationError, ConnectorError
from shared.rules import ShipmentsEntity, load_stores
from shared.settings import TENANTS
from shared.telemetry import quiet_libraries, redact
from tools.probe import answers, fields, money, orders, shipments
from tools.probe.sandbox import NeverOpen, OneCall, Person, Sandbox, Task, clean_up

_TIMEOUT: Final = 120.0
_LOCAL: Final = frozenset({"127.0.0.1", "localhost"})
_SANDBOXES: Final = (".sandbox.", ".axcloud.", ".cloudax.")

type Say = Callable[[str], None]


class AtTheTerminal:
    """The person who runs the command."""

    async def does(self, task: Task, number: str) -> bool:
        sys.stdout.write(f"\n  >> {task.format(number=number)}\n  >> Enter when done, s to skip: ")
        sys.stdout.flush()
        answer: str = await asyncio.to_thread(sys.stdin.readline)
        return answer != "" and answer.strip().lower() != "s"


class Nobody:
    async def does(self, task: Task, number: str) -> bool:  # noqa: ARG002 - nothing is done, whatever it is
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 for a refusal, with the reason on stderr; 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    quiet_libraries()
    host = urlsplit(options.url).hostname or ""
    if host not in _LOCAL and not any(part in host for part in _SANDBOXES):
        sys.stderr.write(
            f"{host} is not a sandbox. The probe writes orders, so it runs on sandboxes only: copy production to one, "
            "probe that, and copy the file.\n"
        )
        return 1
    path: Path = options.file or TENANTS / f"{host.split('.')[0]}.toml"
    print(_what_it_does(options, path))  # noqa: T201 - a command's output
    if not options.yes and input("Type the company to go on: ").strip() != options.company:
        sys.stderr.write("Nothing was written.\n")
        return 1
    person: Person = Nobody() if options.alone else AtTheTerminal()
    try:
        asyncio.run(_probe(options, path, person, print))
    except (ConfigurationError, ConnectorError, LookupError) as problem:
        sys.stderr.write(f"{redact(str(problem))}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.probe", description="Ask an F&O sandbox how it behaves.")
    parser.add_argument("url", help="https://contoso-uat.sandbox.operations.dynamics.com")
    parser.add_argument("company", help="legal entity of a configured store")
    parser.add_argument("--sku", required=True, help="of a stocked item with stock in the store's first warehouse")
    parser.add_argument("--customer", required=True, help="account of a customer for test orders")
    parser.add_argument("--stores", type=Path, default=Path("config/stores"), help="folder of the stores' files")
    parser.add_argument("--file", type=Path, help="the file to write; default: config/tenants/<environment>.toml")
    parser.add_argument("--alone", action="store_true", help="leave out what a person has to do in F&O's pages")
    parser.add_argument("--yes", action="store_true", help="do not ask before writing")
    parser.add_argument("--as-app", action="store_true", help="sign in as the app's identity, on a machine of Azure")
    return parser


def _what_it_does(options: argparse.Namespace, path: Path) -> str:
    return (
        f"This writes into {options.url}, company {options.company}: about eight sales orders, a customer, a payment "
        f"journal,\na return order and a free text invoice, with {options.sku} and customer {options.customer}. "
        f"What F&O lets go is deleted at the end;\nthe rest is listed. The answers go into {path}."
    )


async def _probe(options: argparse.Namespace, path: Path, person: Person, say: Say) -> None:
    async with _credential(as_app=options.as_app) as credential:
        await probe(
            options.url,
            credential,
            company=options.company,
            sku=options.sku,
            customer=options.customer,
            stores=options.stores,
            path=path,
            person=person,
            say=say,
        )


async def probe(
    url: str,
    credential: AsyncTokenCredential,
    *,
    company: str,
    sku: str,
    customer: str,
    stores: Path,
    path: Path,
    person: Person,
    say: Say,
) -> list[str]:
    """Asks, writes the file, cleans up. Returns what is left in F&O.

    Raises ConfigurationError without a store of this company or for a wrong file, and the client's errors.
    """
    before = answers.known(path)
    rules = next((rules for rules in load_stores(stores).values() if rules.company == company), None)
    if rules is None:
        raise ConfigurationError([f"{stores}: no store has the company {company}"])
    fo = ODataClient(
        url,
        credential,
        slots=OneCall(),
        timeout=_TIMEOUT,
        breaker=NeverOpen(),
        on_call=_no_telemetry,
        knows_fields=True,
    )
    async with aclosing(fo):
        say("\nFields")
        await fields.missing_fields(fo, rules, say)
        field: SkuField = "ItemNumber" if rules.orders.product_identity == "item" else "ProductVariantNumber"
        found = await read_items(fo, company, field, [sku], cache=ItemCache())
        if sku not in found:
            raise LookupError(f"company {company} has no released item with {field} {sku}")
        if await fo.get(CUSTOMERS, {"dataAreaId": company, "CustomerAccount": customer}) is None:
            raise LookupError(f"company {company} has no customer {customer}, or the user does not see it")
        sandbox = Sandbox(fo, rules, found[sku], customer, person, say)
        try:
            await _ask(sandbox, before.of(company).shipments_entity)
        finally:
            # What was learnt is kept, and what was written is deleted, also when the probe ends early.
            answers.write(path, answers.with_answers(before, company, sandbox.answers, date.today()))  # noqa: DTZ011
            left = await clean_up(sandbox)
    say(f"\nWritten: {path}")
    say("Left in F&O, for you to remove:" if left else "Nothing is left in F&O.")
    for each in left:
        say(f"  {each}")
    return left


async def _ask(sandbox: Sandbox, entity: ShipmentsEntity | None) -> None:
    say = sandbox.say
    say("Stock")
    await orders.statuses(sandbox)
    say("Packing slips")
    await shipments.shipments(sandbox, entity)
    say("Sales orders: numbers")
    await orders.own_number(sandbox)
    say("Customers")
    await money.own_account(sandbox)
    say("Sales orders: reservation, changes, holds, warehouse")
    await orders.reservation(sandbox)
    await orders.changes(sandbox)
    await orders.charge(sandbox)
    await orders.hold(sandbox)
    await orders.release(sandbox)
    await orders.deletion(sandbox)
    say("Deliveries and returns")
    lot = await orders.delivery(sandbox)
    if lot is None:
        sandbox.unanswered("return_price", "no order was invoiced")
    else:
        await money.returned(sandbox, lot)
    say("Payments and credits")
    await money.journal(sandbox)
    await money.payment_search(sandbox)
    await money.invoice_account(sandbox)


def _credential(*, as_app: bool) -> ManagedIdentityCredential | AzureCliCredential:
    return ManagedIdentityCredential() if as_app else AzureCliCredential(process_timeout=60)


def _no_telemetry(_: FoCall) -> None:
    pass


if __name__ == "__main__":
    sys.exit(run(main))
