"""The operator's commands as a person calls them: what they print, their exit code, and what they left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, OutcomeUnknownError, RefusedError
from shared.mapping.products.decisions import RememberedProduct
from shared.model import Part, ShopState, SoldUnits
from shared.operator.__main__ import main
from shared.store.blobs import Bodies, Snapshots
from shared.store.journal import Journal, JournalEntry
from shared.store.links import OrderLink, OrderLinks
from shared.store.parking import ParkedMessage, Parking
from shared.sync.brake import Brake, digest_of, read_held_changes
from shared.sync.exports import TABLES, ExportPorts, export_tables
from shared.sync.messages.parked import ParkedPorts
from shared.sync.prices.lists.memory import PriceMemory
from shared.sync.prices.lists.shop_prices import load_shop_prices
from shared.sync.prices.state import RunState, fingerprint
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.report import mark_of
from tests.builders.memory_blobs import MemoryContainer
from tests.builders.memory_table import MemoryTable

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
BODY = b'{"id": 42, "total_price": "9.50", "email": "sanne@example.com"}'
SKU = RefusedError(ErrorCode.UNKNOWN_SKU, sku="GHOST-1", title="Ghost", company="nleu")


@dataclass
class Storage:
    """The app's tables, containers and queues, in memory."""

    links: MemoryTable = field(default_factory=MemoryTable)
    parked: MemoryTable = field(default_factory=MemoryTable)
    journal: MemoryTable = field(default_factory=MemoryTable)
    container: MemoryContainer = field(default_factory=MemoryContainer)
    sent: list[Envelope] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Entities whose messages the queue does not confirm."""

    @property
    def ports(self) -> ParkedPorts:
        links, parked, journal, container = self._as_any()
        return ParkedPorts(
            Parking(parked, Bodies(container)),
            OrderLinks(links),
            Bodies(container),
            self._publish,
            Journal(journal),
            "kim@contoso.com",
        )

    @property
    def exports(self) -> ExportPorts:
        tables: Any = {name: self.links if name == "links" else MemoryTable() for name in TABLES}
        return ExportPorts(tables, self._as_any()[3])

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(self._as_any()[3])

    def park(self, event: str, *, entity: str = "42", store: str = "nordlys", error: RefusedError = SKU, **other: Any):
        envelope = Envelope("orders", event, "shopify", store, "orders/create", entity, NOW, "", BODY)
        message = ParkedMessage(
            "orders", store, event, entity, NOW, envelope.properties(), other.pop("body", BODY), error, **other
        )
        asyncio.run(self.ports.parking.park(message))

    def link(self, link: OrderLink) -> None:
        asyncio.run(self.ports.links.put(link))

    def link_of(self, order_id: int) -> OrderLink:
        found = asyncio.run(self.ports.links.get("nordlys", order_id))
        assert found is not None
        return found

    @property
    def asked(self) -> list[str]:
        return [row["note"] for _, row in sorted(self.journal.rows.items())]

    async def _publish(self, envelope: Envelope) -> None:
        if envelope.entity_id in self.refused:
            raise OutcomeUnknownError("Service Bus did not confirm")
        self.sent.append(envelope)

    def _as_any(self) -> tuple[Any, Any, Any, Any]:
        return self.links, self.parked, self.journal, self.container


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Storage:
    known = Storage()

    @asynccontextmanager
    async def opened(connections: object, *, as_app: bool = False) -> AsyncIterator[tuple[Any, Any, Any]]:
        yield known.ports, known.snapshots, known.exports

    monkeypatch.setattr("shared.operator.__main__.opened", opened)
    for name in ("ServiceBusConnection", "StateStorage"):
        monkeypatch.setenv(name, "UseDevelopmentStorage=true")
    return known


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def call(*arguments: str, ends: int = 0) -> None:
    try:
        code = main(arguments)
    except SystemExit as wrong:  # argparse
        code = wrong.code
    assert code == ends


def test_a_list_shows_each_open_message_with_its_cause_and_what_to_do(storage: Storage, capsys: Any) -> None:
    storage.park("e1", part=Part.ORDER)
    storage.park("e2", entity="", store="prairie", error=RefusedError(ErrorCode.NOT_JSON, problem="ValueError"))
    call("list", "--store", "nordlys")
    assert lines(capsys) == [
        "nordlys  order 42  UNKNOWN_SKU  since 2026-11-02 10:00 UTC  (operations clerk)",
        f"    cause: {SKU.cause}",
        f"    next:  {SKU.next_step}",
        "    part:  order",
        "    event: e1",
    ]
    call("list", "--code", "NOT_JSON")
    assert lines(capsys)[0].startswith("prairie  order (unknown)  NOT_JSON  ")


def test_what_is_closed_is_listed_with_all_and_who_closed_it(storage: Storage, capsys: Any) -> None:
    storage.park("e1")
    call("discard", "e1", "--reason", "a test order")
    assert lines(capsys) == ["e1 discarded"]
    assert storage.asked == ["discard: a test order, by kim@contoso.com"]
    call("list")
    assert lines(capsys) == ["Nothing is parked"]
    call("list", "--all")
    shown = lines(capsys)
    assert shown[4] == "    event: e1"
    assert shown[5].startswith("    discarded: a test order (by kim@contoso.com) (")


def test_a_message_is_shown_with_its_body_and_without_the_buyer(storage: Storage, capsys: Any) -> None:
    storage.park("e1")
    call("show", "e1")
    shown = lines(capsys)
    body = shown[shown.index("{") :]
    assert json.loads("\n".join(body)) == {"id": 42, "total_price": "9.50", "email": "***"}
    assert "    topic = orders/create" in shown


def test_a_refusal_of_an_amount_is_shown_with_its_proof(storage: Storage, capsys: Any) -> None:
    total = {"name": "total", "shopify": "9.50 EUR", "fo": "9.00 EUR", "difference": "0.50 EUR"}
    differs = RefusedError(ErrorCode.SUM_DIFFERS, total="9.50", sum="9.00", difference="0.50")
    storage.park("e1", error=differs.with_proof({"subject": "order #1042", "totals": [total]}))
    call("show", "e1")
    shown = lines(capsys)
    assert "total        9.50 EUR  9.00 EUR    0.50 EUR" in shown


def test_a_body_that_is_not_json_is_shown_by_its_size(storage: Storage, capsys: Any) -> None:
    storage.park("e1", body=b"<html>")
    call("show", "e1")
    assert lines(capsys)[-1] == "(6 bytes that are not JSON)"


@pytest.mark.parametrize("command", [("show", "e1"), ("discard", "e1", "--reason", "x"), ("replay", "e1")])
def test_an_event_that_is_not_parked_or_of_two_stores_is_an_error(
    storage: Storage, capsys: Any, command: tuple[str, ...]
) -> None:
    call(*command, ends=1)
    assert capsys.readouterr().err == "there are 0 parked messages of event e1\n"
    storage.park("e1")
    storage.park("e1", store="prairie")
    call(*command, ends=1)
    assert capsys.readouterr().err == "there are 2 parked messages of event e1\n"
    assert storage.sent == []


def test_the_refused_parts_of_one_message_are_sent_again_once(storage: Storage, capsys: Any) -> None:
    storage.park("e1", part=Part.ORDER)
    storage.park("e1", part=Part.PAYMENTS)
    call("replay", "e1")
    assert lines(capsys) == ["e1 sent again as e1.replay-20261102T100000000000", "1 of 1 sent again"]
    (sent,) = storage.sent
    assert (sent.entity_id, sent.source, sent.body) == ("42", "operator", BODY)
    call("replay", "e1", ends=1)
    assert lines(capsys)[-1] == "0 of 1 sent again"
    call("replay", "e1", "--again")
    assert len(storage.sent) == 2


def test_one_message_that_cannot_be_sent_does_not_keep_the_others(storage: Storage, capsys: Any) -> None:
    storage.park("e1", entity="41")
    storage.park("e2", entity="42")
    storage.park("e3", store="prairie")
    storage.refused.add("41")
    call("replay", "--store", "nordlys", ends=1)
    assert lines(capsys) == [
        "e1 not sent: Service Bus did not confirm",
        "e2 sent again as e2.replay-20261102T100000000000",
        "1 of 2 sent again",
    ]
    assert [each.event_id for each in storage.sent] == ["e2.replay-20261102T100000000000"]
    call("replay", "--code", "UNKNOWN_SKU", ends=1)
    assert len(storage.sent) == 2


def test_a_replay_of_nothing_is_no_success(storage: Storage, capsys: Any) -> None:
    storage.park("e1")
    call("replay", "--store", "prairie", ends=1)
    assert lines(capsys) == ["0 of 0 sent again"]


def test_what_holds_stock_back_is_listed_with_its_way_out(storage: Storage, capsys: Any) -> None:
    call("held")
    call("held", "--store", "nordlys")
    assert lines(capsys) == [
        "No order held stock back at the last stock run",
        "No order of store nordlys held stock back at the last stock run",
    ]
    storage.park("e1", entity="41")
    held = [
        {"order": 42, "why": "WAITING", "since": NOW.isoformat(), "units": {}},
        {"order": 41, "why": "PARKED", "since": None, "units": {"TENT-2P": 2, "MUG": 1}},
        {"order": 43, "why": "CHANGED", "since": NOW.isoformat(), "units": {"MUG": 1}},
    ]
    asyncio.run(storage.snapshots.write("stock/nordlys/orders", {"held": held}, None))
    call("held")
    assert lines(capsys) == [
        "nordlys  order 41  1 x MUG, 2 x TENT-2P  Shopify does not show it any more",
        "    why:   parked",
        f"    UNKNOWN_SKU: {SKU.cause}",
        f"    next:  {SKU.next_step}",
        "    event: e1",
        "nordlys  order 42  units not read yet  since 2026-11-02 10:00 UTC",
        "    why:   waits for F&O",
        "    next:  bring nordlys 42, or release it",
        "nordlys  order 43  1 x MUG  since 2026-11-02 10:00 UTC",
        "    why:   changed in Shopify, and F&O does not have the change yet",
        "    next:  bring nordlys 43",
    ]


def test_a_released_order_is_given_up_under_the_number_that_staff_gave_it(storage: Storage, capsys: Any) -> None:
    storage.link(OrderLink("nordlys", 42, NOW, parked_digest="d", sold=(SoldUnits("A", 1),)))
    call("release", "nordlys", "42", "--reason", "sold at the fair", "--sales-order", "SO-9")
    assert lines(capsys) == ["order 42 is given up: the next stock run offers its goods again"]
    assert storage.link_of(42).sales_order == "SO-9"


def test_an_order_is_brought_by_its_id(storage: Storage, capsys: Any) -> None:
    before = datetime.now(UTC)
    call("bring", "nordlys", "42")
    (sent,) = storage.sent
    assert (sent.entity_id, sent.topic, json.loads(sent.body)["order_id"]) == ("42", "operator/bring", 42)
    assert timedelta(0) <= sent.occurred_at - before < timedelta(minutes=5)
    assert lines(capsys) == [f"order 42 is fetched and booked as event {sent.event_id}: the journal has its outcome"]


def test_held_changes_are_listed_and_confirmed(storage: Storage, capsys: Any) -> None:
    call("changes")
    assert lines(capsys) == ["No changes are held"]
    changes = {f"SKU-{number:02}": "249.00 -> 2.49" for number in range(21)}
    brake = Brake(storage.snapshots, "nordlys", "prices", lambda: NOW)
    asyncio.run(brake.hold("prices", changes, limit=20))
    call("changes", "--store", "nordlys")
    shown = lines(capsys)
    assert shown[:2] == ["nordlys  prices  prices: 21  since 2026-11-02 10:00 UTC", "    SKU-00: 249.00 -> 2.49"]
    assert shown[-3:] == [
        "    SKU-19: 249.00 -> 2.49",
        "    and 1 more",
        "    next:  see all of them: python -m shared.operator changes --store nordlys --all",
    ]
    call("changes", "--all")
    *_, last, advice, command = lines(capsys)
    assert last == "    SKU-20: 249.00 -> 2.49"
    assert advice == "    next:  correct F&O, or let the next run write these; --except NAME ... leaves some held:"
    *words, reason = command.split()
    assert (words[:-2], words[-1], reason) == (
        ["python", "-m", "shared.operator", "confirm", "nordlys", "prices", "--shown"],
        "--reason",
        '"..."',
    )
    call("confirm", "nordlys", "prices", "--shown", words[-2], "--reason", "a sale")
    assert lines(capsys) == ["21 changes of prices confirmed: the next run writes those that F&O still has"]
    assert storage.asked[-1] == f"confirm prices {words[-2]}: a sale, by kim@contoso.com"
    assert not asyncio.run(brake.hold("prices", changes, limit=0)).held


def test_only_what_was_shown_is_confirmed_and_names_may_be_left_out(storage: Storage, capsys: Any) -> None:
    brake = Brake(storage.snapshots, "nordlys", "prices", lambda: NOW)
    asyncio.run(brake.hold_each("shop-single", {"TENT": "249.00 -> 2.49", "RED TEE": "9.00 -> 90.00"}))
    call("confirm", "nordlys", "prices", "--reason", "a sale", ends=2)
    call("confirm", "nordlys", "prices", "--shown", "00000000", "--reason", "a sale", ends=1)
    assert capsys.readouterr().err.endswith("Look again: changes --store nordlys --all\n")
    shown = digest_of(asyncio.run(read_held_changes(storage.snapshots)))
    call("confirm", "nordlys", "prices", "--shown", shown, "--except", "RED TEE", "--reason", "a sale")
    assert lines(capsys) == [
        "1 changes of prices confirmed: the next run writes those that F&O still has",
        "still held: RED TEE",
    ]
    assert storage.asked[-1] == f"confirm prices {shown} but RED TEE: a sale, by kim@contoso.com"
    call("changes")
    assert lines(capsys)[1] == "    RED TEE: 9.00 -> 90.00 (left out of a confirmation)"


def test_a_night_is_restored_and_the_journal_says_who_asked(storage: Storage, capsys: Any) -> None:
    storage.link(OrderLink("nordlys", 42, NOW))
    asyncio.run(export_tables(storage.exports, now=lambda: NOW))
    storage.links.rows.clear()
    call("restore", "--night", "2026-11-02")
    assert lines(capsys)[0] == "links: 1 rows restored from 2026-11-02, 0 were there and are kept"
    call("restore")
    assert lines(capsys)[0] == "links: 0 rows restored from 2026-11-02, 1 were there and are kept"
    assert sorted(storage.asked) == [
        "restore 2026-11-02, by kim@contoso.com",
        "restore the last night, by kim@contoso.com",
    ]


def test_storage_that_is_away_is_one_line_without_its_keys(
    storage: Storage, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ServiceRequestError("cannot connect: AccountKey=abc123==;")

    monkeypatch.setattr(storage.parked, "query_entities", away)
    call("list", ends=1)
    output = capsys.readouterr()
    assert output.out == ""
    assert "cannot connect" in output.err
    assert "abc123" not in output.err


def test_bulk_operations_are_shown_the_newest_first(storage: Storage, capsys: Any) -> None:
    asyncio.run(storage.snapshots.write("stock/nordlys/orders", {"held": []}, None))
    call("bulk", "nordlys")
    assert lines(capsys) == ["The journal has no bulk operation of store nordlys"]
    for number in range(22):
        note = f"Setting prices of products, {number} lines"
        at = NOW + timedelta(minutes=number)
        entry = JournalEntry("nordlys", "bulk", "prices", "bulk/prices", 1, at, "done", note)
        asyncio.run(storage.ports.journal.write(entry))
    call("bulk", "nordlys")
    shown = lines(capsys)
    assert (shown[0], len(shown)) == ("done     prices: Setting prices of products, 21 lines", 20)
    call("bulk", "nordlys", "--all")
    shown = lines(capsys)
    assert (shown[-1], len(shown)) == ("done     prices: Setting prices of products, 0 lines", 22)


def test_the_plan_of_the_products_is_shown(storage: Storage, capsys: Any) -> None:
    asyncio.run(storage.snapshots.write("stock/prairie/orders", {"held": []}, None))
    call("plan", "prairie", ends=1)
    assert lines(capsys) == [
        "There is no plan of store prairie: a full run of the flow products with adopt = false makes one"
    ]
    plan = {
        "at": "2026-11-29T12:00:00+00:00",
        "adopt": {
            "TEE": {"product": 42, "variants": {}, "changes": ["title", "barcode of variants"]},
            "HAT": {"product": 43, "variants": {}, "changes": []},
        },
        "create": [f"NEW-{number:02}" for number in range(21)],
        "unclear": {"CUP": ["two products have the SKU"]},
        "cannot": {"MUG": ["it has no name"]},
        "not_sold": {"OLD": "lifecycle state Ended"},
        "last": "NEW-20",
        "not_looked_at": 7,
    }
    asyncio.run(storage.snapshots.write("products/prairie/plan", plan, None))
    call("plan", "prairie")
    shown = lines(capsys)
    assert shown[:4] == [
        "Planned at 2026-11-29T12:00:00+00:00. Nothing is written until adopt = true in [products]",
        "taken over: 2",
        "    TEE  as product 42, changing title, barcode of variants",
        "    HAT  as product 43, changing nothing",
    ]
    assert shown[-9:] == [
        "    NEW-19",
        "    and 1 more: --all shows them",
        "cannot be written: 2",
        "    MUG  it has no name",
        "    CUP  two products have the SKU",
        "not sold: 1",
        "    OLD  lifecycle state Ended",
        "The plan is not complete: it has come to NEW-20, and the next run goes on from there",
        "not looked at yet: 7",
    ]
    call("plan", "prairie", "--all")
    assert "    NEW-20" in lines(capsys)
    memory = catalogue(storage, read_at=NOW)
    asyncio.run(memory.release_lease())
    call("plan", "prairie")
    assert lines(capsys)[0].endswith("Nothing is written until adopt = true in [products]")
    memory.read_at = datetime(2026, 11, 29, 13, tzinfo=UTC)
    asyncio.run(memory.release_lease())
    call("plan", "prairie")
    assert lines(capsys)[0] == (
        "Planned at 2026-11-29T12:00:00+00:00. Since then the flow writes: adopt = true in [products]. What follows "
        "was the plan before"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("changes", "--store", "prarie"),
        ("plan", "prarie"),
        ("bulk", "prarie"),
        ("problems", "prarie"),
        ("compare", "prarie", "prices"),
        ("confirm", "prarie", "prices", "--shown", "00000000", "--reason", "a sale"),
    ],
)
def test_a_store_of_which_nothing_is_known_is_an_error_with_those_that_are(
    storage: Storage, capsys: Any, command: tuple[str, ...]
) -> None:
    asyncio.run(storage.snapshots.write("sweep/nordlys", {}, None))
    asyncio.run(storage.snapshots.write("stock/prairie/orders", {}, None))
    call(*command, ends=1)
    expected = "no run has stored anything of a store prarie, but of: nordlys, prairie\n"
    assert (capsys.readouterr().err, storage.asked) == (expected, [])


def catalogue(storage: Storage, *, read_at: datetime) -> CatalogueMemory:
    products = {
        "TEE": RememberedProduct(42, "d", ShopState.ACTIVE, NOW),
        "MUG": RememberedProduct(None, "d", ShopState.REFUSED, NOW),
    }
    return CatalogueMemory(storage.snapshots, "products/prairie/catalogue", "r", None, products, read_at=read_at)


def test_products_are_compared_at_once_unless_a_run_writes(storage: Storage, capsys: Any) -> None:
    memory = catalogue(storage, read_at=NOW)
    asyncio.run(memory.renew_lease(datetime.now(UTC)))
    call("compare", "prairie", "products", ends=1)
    assert "a run writes products until" in capsys.readouterr().err
    asyncio.run(memory.release_lease())
    call("compare", "prairie", "products")
    assert lines(capsys) == [
        "The next run of products, within five minutes, begins to compare everything; a big shop takes several"
    ]
    assert storage.asked[-1] == "compare products, by kim@contoso.com"
    after = asyncio.run(CatalogueMemory.load(storage.snapshots, store="prairie", run="r"))
    assert (after.read_at, after.products["TEE"].digest, after.products["MUG"].digest) == (None, "d", "")


def test_prices_are_compared_at_once(storage: Storage, capsys: Any) -> None:
    state = RunState(storage.snapshots, "prices/prairie/runs", ran_at=NOW, day=NOW.date())
    shop = PriceMemory(storage.snapshots, "prices/prairie/shop", [], read_at=NOW, is_changed=True)
    asyncio.run(state.save())
    asyncio.run(shop.save())
    assert not state.is_due(NOW, NOW.date(), 15)
    call("compare", "prairie", "prices")
    assert asyncio.run(RunState.load(storage.snapshots, "prairie")).is_due(NOW, NOW.date(), 15)
    assert asyncio.run(load_shop_prices(storage.snapshots, "prairie")).is_full_reading_due(NOW, 24)


def test_open_problems_are_shown_with_what_to_do(storage: Storage, capsys: Any) -> None:
    title = RefusedError(ErrorCode.PRODUCT_TITLE_MISSING, item="TEE", language="en-US")
    currency = RefusedError(ErrorCode.PRODUCTS_OTHER_CURRENCY, currency="EUR", shop="USD")
    zero = RefusedError(ErrorCode.PRICE_ZERO, item="MUG", list="the shop")
    memory = catalogue(storage, read_at=NOW)
    asyncio.run(memory.release_lease())
    call("problems", "prairie")
    assert lines(capsys) == ["No problem of products, prices or stock figures of store prairie is open"]
    memory.told = {"TEE": (mark_of(title), "PRODUCT_REFUSED:00000000")}
    asyncio.run(memory.release_lease())
    state = RunState(storage.snapshots, "prices/prairie/runs", ran_at=NOW, day=NOW.date())
    state.news([zero], about="list ")
    asyncio.run(state.save())
    stock = {"code": "STOCK_STALE", "cause": "It changed.", "next_step": "Nothing."}
    report = {"run": "prairie-20261102T100000", "problems": [stock]}
    asyncio.run(storage.snapshots.write("stock/prairie/report", report, None))
    for flow, mark, problem, minutes in (
        ("products", mark_of(title), title, 0),
        ("products", "run", currency, 1),
        ("prices", fingerprint(zero), zero, 0),
        ("prices", "closed", title, 0),
    ):
        at, evidence = NOW + timedelta(minutes=minutes), {"mark": mark, "next_step": problem.next_step}
        note = f"{problem.code}: {problem.cause}"
        entry = JournalEntry("prairie", flow, f"e-{mark}", flow, 1, at, "parked", note, evidence=evidence)
        asyncio.run(storage.ports.journal.write(entry))
    call("problems", "prairie")
    assert lines(capsys) == [
        f"products  PRODUCTS_OTHER_CURRENCY: {currency.cause}",
        f"    next:  {currency.next_step}",
        "    since: 2026-11-02T10:01:00+00:00",
        f"products  TEE  PRODUCT_TITLE_MISSING: {title.cause}",
        f"    next:  {title.next_step}",
        "    since: 2026-11-02T10:00:00+00:00",
        "products  TEE  PRODUCT_REFUSED",
        f"prices  PRICE_ZERO: {zero.cause}",
        f"    next:  {zero.next_step}",
        "    since: 2026-11-02T10:00:00+00:00",
        "stock  STOCK_STALE: It changed.",
        "    next:  Nothing.",
        "    since: prairie-20261102T100000",
    ]
    memory.read_at = NOW + timedelta(minutes=2)
    asyncio.run(memory.release_lease())
    call("problems", "prairie")
    assert "PRODUCTS_OTHER_CURRENCY" not in capsys.readouterr().out
