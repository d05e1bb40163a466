"""What is written for people about an order, a cause, a note, a proof, quotes nothing of the buyer."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from shared.bus.envelope import Envelope
from shared.errors import RefusedError, TransientError
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.orders.plan import plan_sales_order
from shared.mapping.orders.proof import prove
from shared.mapping.redaction import HIDDEN, redacted
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide
from shared.rules import StoreRules
from shared.store.journal import Journal
from shared.store.parking import Parking
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import MessageOutcome, Park
from tests.builders.memory_table import MemoryTable
from tests.builders.orders import as_json, line, order_payload, parsed, tax_line
from tests.builders.sales import EU, everything_from, items_of, with_rules

type Path = tuple[str | int, ...]

_NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
MARK = "Zyxwvut"
SHARED_ACCOUNT = with_rules(EU, customers={"strategy": "shared", "shared_account": "WEB"})
STORES = {"an account per consumer": EU, "one shared account": SHARED_ACCOUNT}


def order() -> dict[str, Any]:
    """One with a value in every field that a buyer fills."""
    gift = [{"name": "Engraving", "value": "For Ada"}]
    return parsed(
        order_payload(
            lines=[line(11, taxes=[tax_line("1.74")], properties=gift), line(12, taxes=[tax_line("1.74")])],
            note="for my mother",
            phone="+31201234567",
            note_attributes=gift,
            po_number=None,
        )
    )


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    match value:
        case dict():
            for key, part in value.items():
                yield from leaves(part, (*path, key))
        case list() if value:
            for position, part in enumerate(value):
                yield from leaves(part, (*path, position))
        case _:
            yield path


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def with_value(path: Path, value: Any) -> dict[str, Any]:
    payload = order()
    at(payload, path[:-1])[path[-1]] = value
    return payload


PERSONAL = [path for path in leaves(order()) if at(redacted(order()), path) == HIDDEN]
SPOILED = {
    "short": MARK,
    "long": MARK * 60,
    "several lines": f"{MARK}\n" * 80,
    "an object": {MARK: MARK},
    "a list": [MARK],
    "a control character": f"\x00{MARK}\ud800",
}


def written_about(payload: dict[str, Any], rules: StoreRules) -> str:
    """Every text that is kept of the reading and planning of this order, and of its refusal."""
    try:
        one = read_state(payload, store=rules.key, side=CurrencySide.SHOP).order
        proof = prove(one).as_dict()
        account = customer_identity(one, rules)
        if rules.customers.strategy == "per_consumer":
            customer_record(one, rules, account)
        plan = plan_sales_order(
            one, rules, customer_account=account, items=items_of(one), allocation=everything_from(rules, one)
        )
    except RefusedError as refused:
        return _as_text(refused.cause, refused.next_step, refused.details, refused.proof)
    return _as_text(proof, plan.evidence.as_dict(), plan.left_behind)


def _as_text(*parts: object) -> str:
    return json.dumps(parts, default=str, ensure_ascii=False)


def test_the_fields_that_a_buyer_fills_are_among_the_personal_ones() -> None:
    keys = {str(path[-1]) for path in PERSONAL}
    assert {"email", "phone", "note", "value", "address1", "zip", "city", "first_name", "browser_ip"} <= keys


@pytest.mark.parametrize("spoiled", SPOILED)
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("path", PERSONAL, ids=lambda path: ".".join(map(str, path)))
def test_no_text_about_an_order_quotes_a_personal_field(path: Path, store: str, spoiled: str) -> None:
    value = SPOILED[spoiled]
    assert MARK not in written_about(with_value(path, copy.deepcopy(value)), STORES[store])


class Claims:
    async def put(self, name: str, body: bytes) -> str:
        raise AssertionError("no body is large enough for a claim")


class Bodies:
    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> str:
        self.held[name] = body
        return ""


class Queue:
    async def publish(self, envelope: Envelope, *, at: object = None) -> None:
        pass


@pytest.mark.parametrize("ends", ["parked", "waiting"])
@pytest.mark.parametrize("key", ["email", "note", "phone"])
async def test_journal_and_parked_row_hold_no_personal_field_and_the_blob_holds_all(key: str, ends: str) -> None:
    journal, rows, bodies = MemoryTable(), MemoryTable(), Bodies()
    body = as_json(with_value((key,), MARK * 60) | {"customer": None})
    envelope = Envelope("orders", "e-1", "shopify", "nordlys", "orders/create", "5", _NOW, "", body)

    async def handler(_: Envelope) -> MessageOutcome:
        if ends == "waiting":
            raise TransientError("F&O answered POST SalesOrderHeadersV4 with 502: (no reason given)")
        payload = json.loads(body) | {key: {MARK: MARK}}
        with pytest.raises(RefusedError) as refused:
            read_state(payload, store="nordlys", side=CurrencySide.SHOP)
        return Park(refused.value)

    ports = QueuePorts(Queue(), Claims(), Journal(journal), Parking(rows, bodies))
    await handle_message(handler, body, envelope.properties(), "m-1", ports)
    assert MARK not in _as_text(list(journal.rows.values()), list(rows.rows.values()))
    assert all(MARK.encode() in held for held in bodies.held.values())
    assert len(bodies.held) == (ends == "parked")
