"""The timer of the products: every store for itself, one event a run, each problem told once, a report."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from local.d365.faults import Fault as FoFault
from local.d365.world_products import parse_product, parse_release
from local.shopify.products import staff
from shared.errors import DeniedError, ErrorCode, RefusedError, TransientError
from shared.rules import StoreRules
from shared.store.journal import Journal
from shared.sync.problems import OpenProblem, read_open_problems
from shared.sync.products.ports import ProductPorts
from shared.sync.products.run import push_all_products
from tests.builders.catalogue_world import RULES, CatalogueWorld, catalogue_world
from tests.builders.log_events import events_in
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import with_rules


@dataclass
class Reports:
    documents: dict[str, Any] = field(default_factory=dict)

    async def put(self, name: str, body: bytes) -> str:
        self.documents[name] = json.loads(body)
        return ""


@dataclass
class Told:
    world: CatalogueWorld
    reports: Reports = field(default_factory=Reports)
    rows: MemoryTable = field(default_factory=MemoryTable)

    async def run(self, rules: StoreRules = RULES) -> None:
        self.world.rules = rules
        ports = ProductPorts(
            rules={rules.key: rules},
            admins={rules.key: self.world.admin()},
            fo=self.world.client,
            snapshots=self.world.snapshots,
            reports=cast("Any", self.reports),
            journal=Journal(self.rows),  # type: ignore[arg-type]
            files=self.world.http,
        )
        await push_all_products(ports, now=self.world.time.now)

    async def open_problems(self) -> list[OpenProblem]:
        return await read_open_problems(self.world.snapshots, Journal(self.rows), "prairie")  # type: ignore[arg-type]

    @property
    def notes(self) -> list[str]:
        return [row["note"].partition(":")[0] for row in self.rows.rows.values()]


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    async with catalogue_world() as world:
        yield Told(world)


async def test_a_run_is_one_event_with_its_figures(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await told.run()
    [event] = events_in(caplog, "products.pushed")
    assert (event["store"], event["flow"], event["full"], event["created"]) == ("prairie", "products", True, 3)
    assert (event["problems"], event["held"], event["pending"], event["halted"]) == (0, 0, 0, "")
    assert told.notes == []
    report = told.reports.documents["products/prairie/report.json"]
    assert set(report["done"]) == {"BOOT", "HAT", "TEE"}


async def test_prices_of_new_variants_are_those_of_the_prices_flow(told: Told) -> None:
    told.world.catalogue.set_state("usmf", "JACKET", "Released")
    priced = with_rules(RULES, prices={**RULES.prices.model_dump(exclude_unset=True), "base_currency": "USD"})  # type: ignore[union-attr]
    await told.run(priced)
    jacket = told.world.document("JACKET")
    assert jacket["status"] == "ACTIVE"
    assert {each["price"] for each in jacket["variants"]} == {"129.00"}


async def test_a_problem_is_in_the_journal_once_with_who_acts(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    told.world.catalogue.set_text("HAT", "en-US", " ", "")
    await told.run()
    await told.world.later(hours=2)
    await told.run()
    assert told.notes == ["PRODUCT_TITLE_MISSING"]
    [problem] = events_in(caplog, "products.problem")
    assert (problem["code"], problem["item"], problem["owner"]) == (
        "PRODUCT_TITLE_MISSING",
        "HAT",
        "F&O administrator",
    )
    [row] = told.rows.rows.values()
    assert row["PartitionKey"] == "prairie-products"
    assert json.loads(row["evidence"])["next_step"].startswith("In F&O, open the released product")
    [shown] = await told.open_problems()
    assert (shown.flow, shown.item, shown.text, shown.since) == ("products", "HAT", row["note"], row["at"])


async def test_a_run_that_fails_in_f_and_o_is_an_event_and_no_problem_of_a_person(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    told.world.fo.faults.add(FoFault("bad_gateway", entity_set="ProductTranslations"))
    with pytest.raises(ExceptionGroup) as failed:
        await told.run()
    assert [type(error) for error in failed.value.exceptions] == [TransientError]
    assert [event["reason"] for event in events_in(caplog, "products.failed")] == ["TransientError"]
    assert told.notes == []


async def test_a_run_that_lacks_a_scope_names_the_code(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    told.world.shop.scopes -= {"write_publications"}
    with pytest.raises(ExceptionGroup) as failed:
        await told.run()
    assert [type(each) for each in failed.value.exceptions] == [DeniedError]
    [event] = events_in(caplog, "products.failed")
    assert (event["reason"], event["code"]) == ("DeniedError", "SHOPIFY_DENIED")


async def test_a_rule_that_does_not_fit_the_shop_is_told(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    rules = with_rules(RULES, products={"publications": ("Nowhere",)})
    with pytest.raises(ExceptionGroup) as failed:
        await told.run(rules)
    [refusal] = failed.value.exceptions
    assert isinstance(refusal, RefusedError)
    assert refusal.code is ErrorCode.PRODUCTS_CHANNEL_UNKNOWN
    assert told.notes == ["PRODUCTS_CHANNEL_UNKNOWN"]
    [shown] = await told.open_problems()
    assert shown.text.startswith("PRODUCTS_CHANNEL_UNKNOWN: ")
    assert [event["reason"] for event in events_in(caplog, "products.failed")] == ["PRODUCTS_CHANNEL_UNKNOWN"]


async def test_a_store_without_the_flow_is_left_alone(told: Told) -> None:
    await told.run(with_rules(RULES, flows={"products": False}))
    assert told.reports.documents == {}
    assert told.world.fo_calls == {}


async def test_a_refused_product_stays_an_open_problem_until_it_is_looked_at_again(told: Told) -> None:
    product = parse_product({"number": "CAP", "name": "Cap"})
    told.world.catalogue.add(product, parse_release({"company": "usmf", "price": "1", "state": "Released"}))
    twins = [staff.add_product(told.world.shop, {"title": name, "sku": "CAP", "price": "1"}) for name in ("One", "Two")]
    await told.run()
    await told.world.later(hours=2)
    await told.run()
    assert told.notes == ["PRODUCT_AMBIGUOUS"]
    assert [each.item for each in await told.open_problems()] == ["CAP"]
    twins[0].variants[0].sku = "OTHER"
    await told.world.later(hours=25)
    await told.run()
    assert await told.open_problems() == []
