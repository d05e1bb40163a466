"""Holds in F&O that are gone while their reason stands: the sweep sets them again. How a person ends one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.sweep import Storage, SweepScenario, azure_storage, running_sweep_scenario

from local.d365.faults import Fault
from local.shopify.events import Event, touch
from local.shopify.order import Order
from local.shopify.placing import amend_order
from shared.errors import ConnectorError, OutcomeUnknownError
from shared.model import HoldReason
from shared.sync.messages.parked import discard, release_hold, replay

RISKS = {"hold_risks": ("high",), "hold_tag": "hold"}
RISK_TOPICS = ("orders/risk_assessment_changed",)


@pytest.fixture(scope="module")
async def storage(wire: None) -> AsyncIterator[Storage]:
    async with azure_storage() as started:
        yield started


@pytest.fixture
async def scenario(storage: Storage) -> AsyncIterator[SweepScenario]:
    async with running_sweep_scenario(storage) as built:
        built.use(orders=RISKS, sweep={"sample": 0})
        await built.sweep()  # the first run begins at its own moment
        built.clock.forward(1)
        yield built


async def risky(scenario: SweepScenario, level: str = "high") -> Order:
    order = await scenario.bought()
    await assess(scenario, order, level)
    return order


async def assess(scenario: SweepScenario, order: Order, level: str) -> None:
    await scenario.step(order, "risk", level=level, received=RISK_TOPICS)


async def tag(scenario: SweepScenario, order: Order, *tags: str) -> None:
    scenario.clock.forward(1)
    amend_order(order, {"tags": list(tags)})
    touch(scenario.shop(), order)
    await scenario.receive(order, Event("orders/updated", order))


async def with_refused_change(scenario: SweepScenario) -> Order:
    """A picked order of two that is reduced to one: a person has to decide, and F&O holds it until then."""
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await scenario.advance(await scenario.number(order), "pick")
    await scenario.step(order, "edit", quantities={"TENT-2P": 1}, received=("orders/updated",))
    assert [row["code"] for row in await parked(scenario)] == ["CHANGE_HELD"]
    return order


async def parked(scenario: SweepScenario) -> list[dict[str, Any]]:
    return [{"code": row.code, "row": row} for row in await scenario.ports.orders.parking.open()]


async def is_held(scenario: SweepScenario, order: Order) -> bool:
    (held,) = await scenario.held(await scenario.number(order))
    return held


def told(scenario: SweepScenario) -> list[str]:
    return [each["code"] for each in scenario.events("reconciliation.difference")]


async def test_a_risky_order_that_a_clerk_released_with_another_hold_is_held_again_and_told(
    scenario: SweepScenario,
) -> None:
    order = await risky(scenario)
    number = await scenario.number(order)
    await scenario.clear_another_hold(number)
    assert not await is_held(scenario, order)
    await scenario.later()
    assert await is_held(scenario, order)
    (finding,) = scenario.events("reconciliation.difference")
    assert (finding["level"], finding["code"], finding["order"]) == ("WARNING", "HOLD_GONE", order.name)
    assert (finding["sales_order"], finding["owner"]) == (number, "operations clerk")
    assert (finding["shopify"], finding["fo"]) == ("to be held: risk", "was not held")
    (row,) = await scenario.journal(order, "differs")
    assert row["note"] == (
        f"HOLD_GONE: F&O held {number} no longer, although what it was held for stands: risk. "
        "The app has set the hold again."
    )
    assert f"release-hold nordlys {order.id} --reason" in row["evidence"]
    link = await scenario.link(order)
    assert (link.held, link.is_holding) == ("risk", False)
    await scenario.later()
    assert told(scenario) == []


async def test_what_is_held_costs_one_read_of_fo_and_none_of_shopify(scenario: SweepScenario) -> None:
    for _ in range(3):
        await risky(scenario)
    await scenario.bought()
    scenario.forget_calls()
    await scenario.later()
    assert scenario.fo_calls() == ["GET /data/SalesOrderHeadersV4"]
    assert "OrderState" not in scenario.shopify_calls()


async def test_no_held_order_costs_no_call(scenario: SweepScenario) -> None:
    await scenario.bought()
    scenario.forget_calls()
    await scenario.later()
    assert scenario.fo_calls() == []


async def test_an_order_with_the_tag_is_held_again_until_the_tag_is_gone(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await tag(scenario, order, "hold")
    await scenario.clear_another_hold(await scenario.number(order))
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (True, ["HOLD_GONE"])
    await tag(scenario, order)
    assert not await is_held(scenario, order)
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (False, [])


async def test_a_hold_whose_reason_is_gone_in_shopify_is_not_set_again(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    await scenario.step(order, "risk", level="low")  # its webhook is lost
    await scenario.clear_another_hold(await scenario.number(order))
    for _ in range(2):
        await scenario.later()
        assert (await is_held(scenario, order), told(scenario)) == (False, [])
    assert (await scenario.link(order)).held == ""


async def test_an_order_with_a_refused_change_is_held_again_until_a_person_has_decided(
    scenario: SweepScenario,
) -> None:
    order = await with_refused_change(scenario)
    await scenario.clear_another_hold(await scenario.number(order))
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (True, ["HOLD_GONE"])
    assert (await scenario.link(order)).held == "change"
    (message,) = await parked(scenario)
    await discard([message["row"]], "the buyer keeps both", sales_order="", ports=scenario.operator)
    await scenario.clear_another_hold(await scenario.number(order))
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (False, [])
    assert (await scenario.link(order)).held == ""


async def test_what_has_left_the_warehouse_is_not_held_again(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    number = await scenario.number(order)
    await scenario.clear_another_hold(number)
    await scenario.advance(number, "pack")
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (False, [])


async def test_an_order_that_shopify_does_not_show_is_held_again(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    await scenario.clear_another_hold(await scenario.number(order))
    del scenario.shop().orders[order.id]
    await scenario.later()
    (finding,) = scenario.events("reconciliation.difference")
    assert (await is_held(scenario, order), finding["order"]) == (True, str(order.id))


async def test_one_order_that_fo_does_not_hold_keeps_no_other_from_it(scenario: SweepScenario) -> None:
    orders = [await risky(scenario) for _ in range(2)]
    for order in orders:
        await scenario.clear_another_hold(await scenario.number(order))
    scenario.fo.faults.add(Fault("unavailable", method="PATCH"))
    scenario.clock.forward(15)
    with pytest.raises(BaseExceptionGroup) as raised:
        await scenario.sweep()
    (trouble,) = raised.value.exceptions
    assert isinstance(trouble, OutcomeUnknownError)
    assert [await is_held(scenario, order) for order in orders] == [False, True]
    await scenario.later()
    assert [await is_held(scenario, order) for order in orders] == [True, True]


async def test_an_order_that_was_cancelled_in_shopify_alone_is_held_until_fo_has_that(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    number = await scenario.number(order)
    await scenario.step(order, "cancel", refund=True)  # its webhooks are lost
    await scenario.clear_another_hold(number)
    assert await scenario.later() == [str(order.id)]
    assert (await scenario.held(number), told(scenario)) == ([True], ["HOLD_GONE"])
    await scenario.work()
    row = await scenario.client.get("SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": number})
    assert row is None or row["SalesOrderStatus"] == "Canceled"


# ---- release-hold


async def test_an_order_that_the_operator_released_goes_on_and_is_not_held_for_that_risk_again(
    scenario: SweepScenario,
) -> None:
    order = await risky(scenario)
    assert await scenario.release_hold(order) == [str(order.id)]
    assert not await is_held(scenario, order)
    link = await scenario.link(order)
    assert link.held == ""
    assert set(link.released) == {HoldReason.RISK, HoldReason.CHANGE}
    assert link.released["risk"].startswith("the buyer called (by kim@contoso.com), 20")
    (asked,) = await scenario.journal(order, "asked")
    assert asked["note"] == "release-hold, held for its risk: the buyer called, by kim@contoso.com"
    done = [row for row in await scenario.journal(order, "done") if row["topic"] == "operator/release-hold"]
    assert [row["document"] for row in done] == [await scenario.number(order)]
    await assess(scenario, order, "high")
    await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}], received=("orders/updated",))
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (False, [])
    assert {line["ItemNumber"] for line in await scenario.lines(order)} == {"TENT-2P", "FREIGHT", "MAP-NORDIC"}


async def test_a_released_risk_that_comes_back_holds_the_order_anew(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    await scenario.release_hold(order)
    await assess(scenario, order, "low")
    assert set((await scenario.link(order)).released) == {HoldReason.CHANGE}
    await assess(scenario, order, "high")
    assert await is_held(scenario, order)


async def test_a_released_order_is_held_for_another_reason(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    await scenario.release_hold(order)
    await tag(scenario, order, "hold")
    assert (await is_held(scenario, order), (await scenario.link(order)).held) == (True, "tag")
    await tag(scenario, order)
    assert not await is_held(scenario, order)


async def test_an_order_is_released_from_all_that_it_is_held_for(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    await tag(scenario, order, "hold")
    await scenario.release_hold(order)
    assert set((await scenario.link(order)).released) == {HoldReason.RISK, HoldReason.TAG, HoldReason.CHANGE}
    await tag(scenario, order, "hold", "vip")
    assert not await is_held(scenario, order)


async def test_an_order_whose_cancellation_is_refused_is_let_go(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.advance(await scenario.number(order), "pick")
    await scenario.step(order, "cancel", refund=True, received=("orders/cancelled",))
    assert await is_held(scenario, order)
    await scenario.release_hold(order, "it ships, and the buyer sends it back")
    for message in await parked(scenario):
        await replay([message["row"]], scenario.operator)
    await scenario.work()
    assert "CHANGE_HELD" in {row["code"] for row in await parked(scenario)}
    assert not await is_held(scenario, order)


async def test_a_change_that_is_refused_while_a_clerk_holds_the_order_is_another_one(scenario: SweepScenario) -> None:
    order = await with_refused_change(scenario)
    number = await scenario.number(order)
    await scenario.release_hold(order)
    await scenario.post(f"{scenario.fo.base_url}/_sim/orders/nleu/{number}/hold", {"code": "CREDIT"})
    await scenario.step(order, "edit", quantities={"TENT-2P": 0}, received=("orders/updated",))
    assert await is_held(scenario, order)
    await scenario.post(f"{scenario.fo.base_url}/_sim/orders/nleu/{number}/clear-hold", {"code": "CREDIT"})
    await replay([(await parked(scenario))[-1]["row"]], scenario.operator)
    await scenario.work()
    assert (await is_held(scenario, order), (await scenario.link(order)).held) == (True, "change")


async def test_a_hold_that_a_clerk_sets_after_the_release_stays(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    await scenario.release_hold(order)
    number = await scenario.number(order)
    await scenario.post(f"{scenario.fo.base_url}/_sim/orders/nleu/{number}/hold", {"code": "CREDIT"})
    await assess(scenario, order, "low")
    assert await is_held(scenario, order)


async def test_a_refused_change_is_let_go_and_another_one_holds_the_order_again(scenario: SweepScenario) -> None:
    order = await with_refused_change(scenario)
    await scenario.release_hold(order, "ship both")
    assert not await is_held(scenario, order)
    (message,) = await parked(scenario)
    await replay([message["row"]], scenario.operator)
    await scenario.work()  # refused again, and the same change
    assert [row["code"] for row in await parked(scenario)] == ["CHANGE_HELD"]
    await scenario.later()
    assert (await is_held(scenario, order), told(scenario)) == (False, [])
    await assess(scenario, order, "high")
    assert (await is_held(scenario, order), (await scenario.link(order)).held) == (True, "risk")
    await scenario.release_hold(order, "again")
    await scenario.step(order, "edit", quantities={"TENT-2P": 0}, received=("orders/updated",))
    assert (await is_held(scenario, order), (await scenario.link(order)).held) == (True, "change")


async def test_a_release_waits_for_fo_and_is_carried_out_once(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    scenario.fo.faults.add(Fault("unavailable", times=2))
    await scenario.release_hold(order)
    assert await is_held(scenario, order)
    assert await scenario.work() == [str(order.id)]
    assert not await is_held(scenario, order)


async def test_an_order_that_shopify_does_not_show_is_released(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    del scenario.shop().orders[order.id]
    await scenario.release_hold(order)
    assert not await is_held(scenario, order)


async def test_an_order_that_cannot_be_read_is_released_from_what_it_is_held_for(scenario: SweepScenario) -> None:
    order = await risky(scenario)
    order.created_at = order.created_at.replace(year=1970)
    await scenario.release_hold(order)
    assert not await is_held(scenario, order)
    assert set((await scenario.link(order)).released) == {HoldReason.RISK, HoldReason.CHANGE}


async def test_only_an_order_that_the_app_holds_is_released(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    with pytest.raises(ConnectorError, match=f"does not hold {await scenario.number(order)}"):
        await scenario.release_hold(order)
    with pytest.raises(ConnectorError, match="no sales order of order 1 in F&O"):
        await release_hold("nordlys", 1, "why", scenario.clock.now(), scenario.operator)
    assert await scenario.journal(order, "asked") == []
