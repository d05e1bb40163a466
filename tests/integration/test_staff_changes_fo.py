"""What staff changed on a line in F&O, while Shopify has it as before: kept or overruled, and told in both cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fixtures.order_changes import NUMBER, ChangeScenario, moved, running_change_scenario, sale

from shared.errors import RefusedError, TransientError
from tests.builders.sales import EU, euros, tax, with_rules

OVERRULE = with_rules(EU, changes={"by_staff": "overrule"})
TENTS, ANOTHER_TENT, FREIGHT = "products:11", "products:12", "shipping:900"


@pytest.fixture
async def scenario() -> AsyncIterator[ChangeScenario]:
    async with running_change_scenario() as one:
        yield one


@pytest.mark.parametrize("pieces", [1, 5])
async def test_pieces_that_staff_took_off_or_added_stay_as_they_are(scenario: ChangeScenario, pieces: int) -> None:
    await scenario.create(sale(3, 1))
    await scenario.correct(TENTS, OrderedSalesQuantity=pieces)
    report = await scenario.change(sale(3, 1, po_number="PO-7"))
    assert scenario.wire.writes == ["PATCH SalesOrderHeadersV4"]
    assert await scenario.quantities() == {"11": pieces, "12": 1, "900": 1}
    kept = f"TENT-2P on line 1: quantity {pieces} -> 3, which staff changed in F&O: [changes] by_staff = keep"
    assert report.evidence["left_alone"] == [kept]
    assert kept in report.note
    assert scenario.allocated == []


@pytest.mark.parametrize("pieces", [1, 5])
async def test_a_store_may_overrule_staff(scenario: ChangeScenario, pieces: int) -> None:
    await scenario.create(sale(3, 1), OVERRULE)
    await scenario.correct(TENTS, OrderedSalesQuantity=pieces)
    report = await scenario.change(sale(3, 1, po_number="PO-7"), OVERRULE)
    assert await scenario.quantities() == {"11": 3, "12": 1, "900": 1}
    assert await scenario.amount() == sale(3, 1).total.amount
    (told,) = [each for each in report.evidence["decided_by"] if "TENT-2P" in each]
    assert "which staff had changed in F&O: [changes] by_staff = overrule" in told
    assert report.evidence["left_alone"] == []


async def test_a_line_that_staff_deleted_does_not_come_back(scenario: ChangeScenario) -> None:
    await scenario.create(sale(3, 1))
    await scenario.strike(ANOTHER_TENT)
    report = await scenario.change(sale(3, 1, po_number="PO-7"))
    assert await scenario.quantities() == {"11": 3, "900": 1}
    assert "1 x TENT-2P more, which staff changed in F&O" in report.note
    await scenario.change(sale(3, 2, po_number="PO-7"))
    assert await scenario.quantities() == {"11": 3, "12": 2, "900": 1}


async def test_a_deleted_line_comes_back_where_staff_are_overruled(scenario: ChangeScenario) -> None:
    await scenario.create(sale(3, 1), OVERRULE)
    await scenario.strike(FREIGHT)
    await scenario.change(sale(3, 1, po_number="PO-7"), OVERRULE)
    assert await scenario.quantities() == {"11": 3, "12": 1, "900": 1}
    assert await scenario.amount() == sale(3, 1).total.amount


@pytest.mark.parametrize("source", [TENTS, FREIGHT])
async def test_a_price_that_staff_gave_stays(scenario: ChangeScenario, source: str) -> None:
    await scenario.create(sale(3, 1))
    before = await scenario.amount()
    await scenario.correct(source, SalesPrice=Decimal(1))
    lower = await scenario.amount()
    assert lower < before
    await scenario.change(sale(3, 1, shipping_address=moved()))
    assert scenario.wire.writes == ["PATCH SalesOrderHeadersV4"]
    assert await scenario.amount() == lower


async def test_what_shopify_changes_is_written_although_staff_changed_it_before(scenario: ChangeScenario) -> None:
    await scenario.create(sale(3, 1))
    await scenario.correct(TENTS, OrderedSalesQuantity=1)
    await scenario.change(sale(4, 1))
    assert await scenario.quantities() == {"11": 4, "12": 1, "900": 1}
    assert await scenario.amount() == sale(4, 1).total.amount


async def test_another_price_in_shopify_leaves_the_pieces_to_staff(scenario: ChangeScenario) -> None:
    await scenario.create(sale(3))
    await scenario.correct(TENTS, OrderedSalesQuantity=2)
    await scenario.change(sale(3, discount="15.00"))
    assert await scenario.quantities() == {"11": 2, "900": 1}
    (tents,) = [row for row in await scenario.lines() if row["ExternalItemNumber"] == "11"]
    assert tents["LineAmount"] == 2 * (249 - 5)


async def test_a_cancellation_gives_up_what_staff_changed_too(scenario: ChangeScenario) -> None:
    await scenario.create(sale(3, 1))
    await scenario.correct(TENTS, OrderedSalesQuantity=5)
    await scenario.change(sale())
    assert await scenario.lines(NUMBER) == []


@pytest.mark.parametrize("put", [1, 2])
async def test_a_crash_does_not_make_the_apps_own_change_one_of_staff(scenario: ChangeScenario, put: int) -> None:
    """The buyer takes the change back before it is recorded that F&O has it."""
    await scenario.create(sale(3, 1))
    scenario.stored.fails_at = scenario.stored.puts + put
    with pytest.raises(TransientError, match="the app was stopped"):
        await scenario.change(sale(2, 1, shipping_address=moved()))
    scenario.stored.fails_at = None
    scenario.pass_by(minutes=8)
    report = await scenario.change(sale(3, 1))
    assert await scenario.quantities() == {"11": 3, "12": 1, "900": 1}
    assert report.evidence["left_alone"] == []
    header = await scenario.header()
    assert header is not None
    assert header["DeliveryAddressCity"] == "Amsterdam"


async def test_a_link_without_the_lines_values_follows_shopify(scenario: ChangeScenario) -> None:
    """It is not known then who changed the line."""
    await scenario.create(sale(3, 1))
    fingerprints = {kind: value for kind, value in scenario.link.fingerprints.items() if ":" not in kind}
    scenario.stored.link = replace(scenario.link, fingerprints=fingerprints)
    await scenario.correct(TENTS, OrderedSalesQuantity=1)
    await scenario.change(sale(3, 1, po_number="PO-7"))
    assert await scenario.quantities() == {"11": 3, "12": 1, "900": 1}


async def test_what_a_person_entered_for_a_held_change_follows_shopify_when_it_is_taken_back(
    scenario: ChangeScenario,
) -> None:
    """The person did what Shopify's order said then: it is no change of their own."""
    rules = with_rules(EU, changes={"quantity_down": {"confirmed": "hold"}})
    await scenario.create(sale(3, 1), rules)
    await scenario.post("confirm")
    with pytest.raises(RefusedError, match="CHANGE_HELD"):
        await scenario.change(sale(2, 1), rules)
    await scenario.correct(TENTS, OrderedSalesQuantity=2)
    report = await scenario.change(sale(3, 1), rules)
    assert await scenario.quantities() == {"11": 3, "12": 1, "900": 1}
    assert report.evidence["left_alone"] == []


async def test_a_held_change_leaves_what_staff_changed_elsewhere(scenario: ChangeScenario) -> None:
    rules = with_rules(EU, changes={"quantity_down": {"confirmed": "hold"}})
    await scenario.create(sale(3, 2), rules)
    await scenario.post("confirm")
    await scenario.correct(ANOTHER_TENT, OrderedSalesQuantity=1)
    with pytest.raises(RefusedError, match="CHANGE_HELD"):
        await scenario.change(sale(2, 2), rules)
    await scenario.change(sale(3, 2, po_number="PO-7"), rules)
    assert await scenario.quantities() == {"11": 3, "12": 1, "900": 1}


LEFT_ALONE = with_rules(EU, changes={"quantity_down": {"confirmed": "ignore"}, "line_added": {"confirmed": "ignore"}})


@pytest.mark.parametrize("pieces", [(2, 0), (3, 1)], ids=["fewer", "another line"])
async def test_what_the_rules_left_alone_is_not_taken_for_a_change_by_staff(
    scenario: ChangeScenario, pieces: tuple[int, ...]
) -> None:
    await scenario.create(sale(3), LEFT_ALONE)
    await scenario.post("confirm")
    await scenario.change(sale(*pieces), LEFT_ALONE)
    report = await scenario.change(sale(*pieces, po_number="PO-7"), LEFT_ALONE)
    (left,) = report.evidence["left_alone"]
    assert left.endswith("confirmed = ignore")
    assert await scenario.quantities() == {"11": 3, "900": 1}
    await scenario.change(sale(*pieces, po_number="PO-8"))
    assert await scenario.amount() == sale(*pieces).total.amount


async def test_shipping_taxed_otherwise_is_divided_anew_although_its_sum_stays(
    scenario: ChangeScenario,
) -> None:
    """Two rates share the charge: how is Shopify's, and staff have changed nothing."""
    rules = with_rules(EU, tax={"shipping_rates": "divide"})

    def shared(full: str, reduced: str) -> Any:
        taxes = [tax(euros(full)), tax(euros(reduced), "0.09")]
        before = sale(3)
        charged = replace(before.shipping[0], price=euros("10.00"), taxes=tuple(taxes))
        charged_tax = sum((each.amount for line in (*before.lines, charged) for each in line.taxes), euros(0))
        return replace(before, shipping=(charged,), total=euros("757.00"), total_tax=charged_tax)

    await scenario.create(shared("1.04", "0.33"), rules)
    report = await scenario.change(shared("0.52", "0.58"), rules)
    freight = [row["LineAmount"] for row in await scenario.lines() if row["ItemNumber"] == "FREIGHT"]
    assert freight == [Decimal("2.99"), Decimal("7.01")]
    assert report.evidence["left_alone"] == []
