"""The timer of the stock flow: every store for itself, one event a run, one journal entry a problem, one document."""

import json
import logging

import pytest

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.flows import STOCK
from shared.rules import StockRules
from shared.store.journal import Journal
from shared.sync.stock.run import StockPorts, push_all_stock
from tests.builders.log_events import events_in
from tests.builders.memory_table import MemoryTable
from tests.builders.stock_world import FakeAdmin, FakeFo, FakeState, World

RULES = StockRules(settle_seconds=30, catalogue_minutes=60)


class Reports:
    """The container of the reports."""

    def __init__(self):
        self.documents = {}

    async def put(self, name, body):
        self.documents[name] = json.loads(body)


class Rules:
    """The rules of a world's store, under another key."""

    def __init__(self, world, key, *, is_on=True):
        self._world, self.key, self._is_on = world.rules, key, is_on

    def runs(self, flow):
        assert flow is STOCK
        return self._is_on

    def __getattr__(self, name):
        return getattr(self._world, name)


class Failing(FakeAdmin):
    """Shopify that answers nothing but an error."""

    def __init__(self, world, error):
        super().__init__(world)
        self.error = error

    async def run(self, query, variables):
        raise self.error


class OrdersFail(FakeAdmin):
    """Shopify that does not show its orders for so many runs."""

    def __init__(self, world, runs):
        super().__init__(world)
        self.runs = runs

    async def run(self, query, variables):
        if query.name == "StockOrders" and self.runs:
            self.runs -= 1
            raise TransientError("Shopify shows no orders")
        return await super().run(query, variables)


class Slow(FakeAdmin):
    """Shopify that takes 20 seconds to show 250 figures."""

    def StockLevels(self, **variables):  # noqa: N802 - GraphQL's name
        self.world.time += 20
        return super().StockLevels(**variables)


class App:
    """One installation with a store, and perhaps a second one whose Shopify fails."""

    def __init__(self, world, *, error=None, is_on=True):
        self.world = world
        self.reports, self.rows = Reports(), MemoryTable()
        admin, fo, state = FakeAdmin(world), FakeFo(world), FakeState(world)
        admin.fo = fo
        stores, admins = {"nordlys": Rules(world, "nordlys", is_on=is_on)}, {"nordlys": admin}
        if error is not None:
            stores = {"bad": Rules(world, "bad")} | stores
            admins["bad"] = Failing(world, error)
        self.ports = StockPorts(stores, admins, fo, state, state, self.reports, Journal(self.rows))

    async def run(self, after=60):
        self.world.time += after
        await push_all_stock(self.ports, now=self.world.now)

    @property
    def problems(self):
        return [row for _, row in sorted(self.rows.rows.items())]


@pytest.fixture
def world():
    built = World(stock=RULES)
    built.receive(1, 5)
    return built


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, logger="connector")
    return lambda name="stock.pushed": events_in(caplog, name)


async def test_a_run_that_changed_a_figure_is_reported_and_stored(world, events):
    app = App(world)
    await app.run()
    assert world.available == {1: 5}
    (event,) = events()
    assert (event["level"], event["store"], event["flow"]) == ("INFO", "nordlys", "stock")
    assert (event["changed"], event["figures"], event["problems"], event["backlog"]) == (1, 1, 0, 0)
    assert (event["frozen"], event["busy"], "halted" in event, event["seconds"]) == (False, False, False, 0.0)
    assert event["shopify_calls"] > 0
    assert event["fo_calls"] > 0
    assert list(app.reports.documents) == ["stock/nordlys/report.json"]
    document = app.reports.documents["stock/nordlys/report.json"]
    assert (document["run"], [each["after"] for each in document["figures"]]) == (event["run"], [5])
    assert app.problems == []


async def test_a_run_that_changed_nothing_leaves_the_stored_report(world, events):
    app = App(world)
    await app.run()
    app.reports.documents.clear()
    await app.run()
    assert app.reports.documents == {}
    assert [event["changed"] for event in events()] == [1, 0]


async def test_each_problem_has_a_journal_entry_of_its_own_and_the_report_is_stored(world, events):
    world.skus_now[102] = "TENT-102P"
    world.refused = {101, 102}
    app = App(world)
    await app.run()
    assert [(row["PartitionKey"], row["topic"], row["outcome"]) for row in app.problems] == [
        ("nordlys-stock", "stock", "parked")
    ] * 2
    (run,) = events()
    assert [row["event_id"] for row in app.problems] == [f"{run['run']}-0", f"{run['run']}-1"]
    assert all(row["note"].startswith("STOCK_REFUSED: ") for row in app.problems)
    assert {row["at"] for row in app.problems} == {world.now().isoformat()}
    evidence = json.loads(app.problems[0]["evidence"])
    assert {"next_step", "owner", "sku", "location", "message"} <= evidence.keys()
    assert [(each["level"], each["code"], each["location"]) for each in events("stock.problem")] == [
        ("WARNING", "STOCK_REFUSED", "1")
    ] * 2
    assert (run["changed"], run["problems"]) == (0, 2)
    assert len(app.reports.documents["stock/nordlys/report.json"]["problems"]) == 2


async def test_a_run_that_finds_another_one_at_work_says_so_and_stores_nothing(world, events):
    app = App(world)
    await app.run()
    world.receive(1, 1)
    world.time += 60
    push = world.push()
    push.step_until("StockSet")
    app.reports.documents.clear()
    await app.run(after=1)
    assert (events()[-1]["busy"], events()[-1]["changed"], app.reports.documents) == (True, 0, {})


async def test_a_frozen_run_says_so(world, events):
    world.rules.stock = world.stock = RULES.model_copy(update={"freeze_backlog": 1})
    app = App(world)
    await app.run()
    for _ in range(2):
        world.sell(1, 1)
    await app.run()
    assert (events()[-1]["frozen"], events()[-1]["backlog"]) == (True, 2)


async def test_a_run_that_ended_early_says_so(events):
    world = World(stock=RULES, skus=1001)
    world.receive(1, 5)
    app = App(world)
    app.ports.admins["nordlys"] = Slow(world)
    await app.run()
    (event,) = events()
    assert (event["halted"], event["figures"]) == ("time limit reached", 1000)
    assert 100 < event["seconds"] < 190


async def test_an_error_of_one_store_does_not_stop_the_other_and_is_no_problem_for_people(world, events):
    error = TransientError("Shopify is away")
    app = App(world, error=error)
    with pytest.raises(ExceptionGroup, match="stock failed") as caught:
        await app.run()
    assert caught.value.exceptions == (error,)
    assert world.available == {1: 5}
    (failed,) = events("stock.failed")
    assert (failed["level"], failed["store"], failed["reason"]) == ("WARNING", "bad", "TransientError")
    assert app.problems == []


async def test_what_a_run_that_fails_has_found_in_the_assortment_is_told_once_by_the_next_run_that_ends(world, events):
    world.fo_has_items = False
    app = App(world)
    app.ports.admins["nordlys"] = OrdersFail(world, runs=2)
    for _ in range(2):
        with pytest.raises(ExceptionGroup) as caught:
            await app.run()
        assert [str(error) for error in caught.value.exceptions] == ["Shopify shows no orders"]
    assert app.problems == []
    await app.run()
    [row] = app.problems
    assert row["note"].startswith("STOCK_SKU_UNKNOWN: ")
    report = app.reports.documents["stock/nordlys/report.json"]
    assert [(each["code"], each["cause"] in row["note"]) for each in report["problems"]] == [
        ("STOCK_SKU_UNKNOWN", True)
    ]
    assert report["without_figure"] == [{"sku": "TENT-1P", "why": "F&O has no such item"}]
    await app.run()
    assert [event["problems"] for event in events()] == [1, 0]
    assert app.problems == [row]


@pytest.mark.parametrize(
    "stored", [{"format": 3, "problems": [["OF_AN_OLDER_RELEASE", {}]]}, {"format": 4, "unlisted": [], "problems": []}]
)
async def test_findings_of_another_release_are_not_told(world, events, stored):
    app = App(world)
    await app.run()
    world.documents["stock/nordlys/findings"] = json.dumps(stored)
    await app.run()
    assert [event["problems"] for event in events()] == [0, 0]


def test_a_run_whose_findings_another_run_has_reported_meanwhile_ends_all_the_same(world):
    for _ in range(2):  # until nothing is left to store but the findings
        world.push().finish()
    problem = ["STOCK_SKU_AMBIGUOUS", {"sku": "TENT-2P", "count": "2"}]
    world.documents["stock/nordlys/findings"] = json.dumps({"format": 4, "unlisted": [], "problems": [problem]})
    first, second = world.push(), world.push()
    first.step_until("StockOrders")
    assert [len(each.finish().problems) for each in (second, first)] == [1, 1]


async def test_a_refusal_of_a_whole_run_is_journaled_for_a_person_and_fails_the_run(world, events):
    refusal = RefusedError(ErrorCode.SHOPIFY_DENIED, message="no")
    app = App(world, error=refusal)
    with pytest.raises(ExceptionGroup) as caught:
        await app.run()
    assert caught.value.exceptions == (refusal,)
    (row,) = app.problems
    assert (row["PartitionKey"], row["event_id"]) == ("bad-stock", f"bad-{world.now():%Y%m%dT%H%M%S}")
    assert row["note"].startswith("SHOPIFY_DENIED: ")
    assert [each["store"] for each in events("stock.problem")] == ["bad"]
    assert world.available == {1: 5}


async def test_a_store_with_the_flow_off_is_left_alone(world, events):
    app = App(world, is_on=False)
    await app.run()
    assert (world.available, events(), app.reports.documents) == ({1: 0}, [], {})
