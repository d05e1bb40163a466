"""The timer of the flow prices: every store by itself, one event a run, one journal entry for each new problem."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from builders.log_events import events_in
from builders.memory_table import MemoryTable
from builders.price_world import Snapshots, World, store_rules
from builders.sales import with_rules

from shared.errors import DeniedError, ErrorCode, TransientError
from shared.store.journal import Journal
from shared.sync.prices.ports import PricePorts
from shared.sync.prices.run import push_all_prices
from shared.sync.problems import read_open_problems


class Reports:
    """The container of the reports."""

    def __init__(self):
        self.documents = {}

    async def put(self, name, body):
        self.documents[name] = json.loads(body)


class BrokenTable(MemoryTable):
    """A journal that cannot be written."""

    async def upsert_entity(self, *_, **__):
        raise RuntimeError("storage is away")


class App:
    """One installation with the store of a world, and perhaps a second one."""

    def __init__(self, world: World, *others: World):
        self.world, self.rows, self.reports = world, MemoryTable(), Reports()
        worlds = (world, *others)
        self.ports = PricePorts(
            rules={each.rules.key: each.rules for each in worlds},
            admins={each.rules.key: each.shop for each in worlds},
            fo=world.fo,
            snapshots=world.snapshots,
            reports=self.reports,
            journal=Journal(self.rows),
            files=httpx.AsyncClient(),
        )

    async def run(self, after: int = 15) -> None:
        self.world.time += timedelta(minutes=after)
        await push_all_prices(self.ports, now=self.world.now)

    @property
    def entries(self):
        return [row for _, row in sorted(self.rows.rows.items())]


@pytest.fixture
def world() -> World:
    world = World()
    world.sell("TENT", "249")
    world.sell("BOOT", "99.95")
    return world


@pytest.fixture(autouse=True)
def level(caplog):
    caplog.set_level(logging.INFO)


async def test_a_run_is_one_event_with_its_figures(world, caplog):
    world.agree("TENT", "229")
    await App(world).run()
    [event] = events_in(caplog, "prices.pushed")
    assert event["level"] == "INFO"
    assert event["store"] == "nordlys"
    assert {name: event[name] for name in ("changed", "held", "prices", "problems", "shopify_calls", "fo_calls")} == {
        "changed": 1,
        "held": 0,
        "prices": 2,
        "problems": 0,
        "shopify_calls": 3,
        "fo_calls": 3,
    }


async def test_a_timer_between_two_comparisons_says_nothing(world, caplog):
    app = App(world)
    await app.run()
    await app.run(after=5)
    assert len(events_in(caplog, "prices.pushed")) == 1


async def test_a_new_problem_is_one_event_and_one_journal_entry(world, caplog):
    world.agree("TENT", "-1")
    app = App(world)
    await app.run()
    await app.run()
    [event] = events_in(caplog, "prices.problem")
    assert (event["level"], event["code"], event["item"]) == ("WARNING", "PRICE_NEGATIVE", "TENT")
    [entry] = app.entries
    assert (entry["PartitionKey"], entry["topic"], entry["outcome"]) == ("nordlys-prices", "prices", "parked")
    assert entry["note"].startswith("PRICE_NEGATIVE: A price of item TENT for the shop is negative")
    evidence = json.loads(entry["evidence"])
    assert evidence["owner"] == "operations clerk"
    assert "trade agreement" in evidence["next_step"]
    [shown] = await read_open_problems(app.ports.snapshots, app.ports.journal, "nordlys")
    assert (shown.flow, shown.text, shown.next_step) == ("prices", entry["note"], evidence["next_step"])


async def test_a_problem_whose_entry_was_not_written_is_told_by_the_next_run(world):
    world.agree("TENT", "-1")
    app = App(world)
    working, app.rows = app.ports, BrokenTable()
    app.ports = PricePorts(
        working.rules,
        working.admins,
        working.fo,
        working.snapshots,
        working.reports,
        Journal(app.rows),
        working.files,
    )
    with pytest.raises(ExceptionGroup) as failed:
        await app.run()
    assert "storage is away" in str(failed.value.exceptions[0])
    app.ports, app.rows = working, working.journal._table
    await app.run()
    assert len(app.entries) == 1


async def test_many_problems_are_told_over_several_runs():
    world = World(store_rules(brake_floor=1000))
    for number in range(120):
        world.sell(f"ITEM-{number:03}", "10")
        world.agree(f"ITEM-{number:03}", "-1")
    app = App(world)
    await app.run()
    assert len(app.entries) == 100
    await app.run()
    assert len(app.entries) == 120
    await app.run()
    assert len(app.entries) == 120


async def test_the_document_has_what_was_written_and_every_problem(world):
    world.agree("TENT", "229")
    world.agree("BOOT", "-1")
    app = App(world)
    await app.run()
    document = app.reports.documents["prices/nordlys/report.json"]
    [shop] = document["lists"]
    assert shop["written"] == [
        {
            "sku": "TENT",
            "variant": 9001,
            "before": "249.00",
            "after": "229.00",
            "outcome": "set to F&O's price",
        }
    ]
    assert shop["outcomes"] == {"set to F&O's price": 1, "has no price by the rules": 1}
    assert [problem["code"] for problem in document["problems"]] == ["PRICE_NEGATIVE"]


async def test_a_run_without_changes_and_problems_leaves_the_document(world):
    app = App(world)
    await app.run()
    assert app.reports.documents == {}


async def test_a_run_that_is_halted_is_a_warning_with_its_code(world, caplog):
    world.shop.currency = "USD"
    await App(world).run()
    [event] = events_in(caplog, "prices.pushed")
    assert (event["level"], event["halted"]) == ("WARNING", ErrorCode.PRICE_SHOP_MISMATCH)


async def test_a_store_that_fails_stops_none_of_the_others(world, caplog):
    bad = World(with_rules(store_rules(), key="bad", shop_domain="bad.myshopify.com"), snapshots=Snapshots())
    bad.shop.faults["PriceShop"] = ["down"]
    world.agree("TENT", "229")
    with pytest.raises(ExceptionGroup) as failed:
        await App(world, bad).run()
    assert [type(each) for each in failed.value.exceptions] == [TransientError]
    assert world.shop.shown()["TENT"] == "229.00"
    [event] = events_in(caplog, "prices.failed")
    assert (event["store"], event["reason"]) == ("bad", "TransientError")


async def test_a_store_with_the_flow_off_is_left_alone(world):
    world.rules = with_rules(world.rules, flows={"prices": False})
    world.agree("TENT", "229")
    await App(world).run()
    assert world.shop.calls.total() == 0


async def test_a_price_list_and_its_currency_are_in_the_document():
    world = World(
        store_rules(lists=({"name": "Dealers", "currency": "EUR", "groups": ("D",), "company_locations": (1,)},))
    )
    world.sell("TENT", "249")
    app = App(world)
    await app.run()
    document = app.reports.documents["prices/nordlys/report.json"]
    assert [(each["list"], each["currency"]) for each in document["lists"]] == [
        ("(the shop's own prices)", "EUR"),
        ("Dealers", "EUR"),
    ]
    assert document["lists"][1]["written"][0]["before"] == "(none)"
    assert Decimal(document["lists"][1]["written"][0]["after"]) == Decimal(249)


async def test_a_run_that_is_denied_names_the_code(world, caplog):
    world.shop.faults["PriceShop"] = ["denied"]
    with pytest.raises(ExceptionGroup) as failed:
        await App(world).run()
    assert [type(each) for each in failed.value.exceptions] == [DeniedError]
    [event] = events_in(caplog, "prices.failed")
    assert (event["reason"], event["code"]) == ("DeniedError", "SHOPIFY_DENIED")
