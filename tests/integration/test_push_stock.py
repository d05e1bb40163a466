"""The stock flow with the real clients, against both simulators, over the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from fixtures.stock import Retailer, retailing

from local.shopify.changing import cancel
from local.shopify.merchandise import Variant
from local.shopify.moving import move
from local.shopify.order import Order
from local.shopify.placing import place_order
from local.shopify.products import staff
from local.shopify.refunding import everything, refund
from local.shopify.staff_shipping import fulfill
from local.shopify.state import Shop
from shared.mapping.stock.assortment import Unlisted
from shared.mapping.stock.figures import FigureOutcome
from shared.model import SoldUnits
from shared.store.links import PendingSale
from shared.sync.stock.report import StockReport

WEB = 71001001
MOUNTAIN, AUSTIN = 72001001, 72002002


@pytest.fixture
async def nordlys(wire: None):
    async with retailing("nordlys") as retailer:
        yield retailer


@pytest.fixture
async def prairie(wire: None):
    async with retailing("prairie") as retailer:
        yield retailer


async def test_first_run_sets_every_figure_of_two_warehouses_behind_one_location(nordlys: Retailer):
    report = await nordlys.push()
    assert nordlys.shown(WEB) == {
        "TENT-2P": 18,  # 14 + 6, less 2 of safety stock
        "BAG-DOWN": 18,  # 9 + 11, less 2 reserved
        "STOVE-GAS": 40,
        "LAMP-HEAD": 50,  # 25 + 30, less 5 open issues
        "MAP-NORDIC": 120,
        "MUG-ENAMEL": 0,  # 3, of which 5 must stay
        "GHOST-1": 5,  # unknown to F&O: left alone
    }
    assert report.changed == 6
    assert [problem.code for problem in report.problems] == ["STOCK_SKU_UNKNOWN"]
    assert report.unlisted == (("GHOST-1", Unlisted.UNKNOWN),)


async def test_first_run_sets_variants_at_two_locations(prairie: Retailer):
    await prairie.push()
    assert prairie.shown(MOUNTAIN) == {
        "TEE-RED-M": 85,
        "TEE-RED-L": 44,
        "TEE-BLU-M": 26,
        "BOOT-BRN-9": 12,
        "BOOT-BRN-10": 7,
        "HAT-STR-ONE": 0,  # no row in 11 and 12: left as it was
    }
    assert prairie.shown(AUSTIN) == {
        "TEE-RED-M": 18,
        "TEE-RED-L": 12,
        "TEE-BLU-M": 0,
        "BOOT-BRN-9": 2,
        "BOOT-BRN-10": 1,
        "HAT-STR-ONE": 33,
    }


async def test_second_run_writes_nothing_and_asks_little(nordlys: Retailer):
    await nordlys.push()
    nordlys.shopify.simulator.calls.clear()
    report = await nordlys.push()
    assert report.outcomes.keys() == {FigureOutcome.UNCHANGED}
    assert (report.shopify_calls, report.fo_calls) == (3, 1)
    called = [call.operation for call in nordlys.shopify.simulator.calls]
    assert called == ["StockChangedLevels", "StockOrders", "StockOrders"]


async def test_one_changed_on_hand_writes_one_figure(nordlys: Retailer):
    await nordlys.push()
    nordlys.set_on_hand("STOVE-GAS", "AMS", 41)
    report = await nordlys.push()
    assert [(f.wanted.listing.sku, f.before, f.after) for f in report.figures if f.is_changed] == [
        ("STOVE-GAS", 40, 41)
    ]
    assert nordlys.shown(WEB)["STOVE-GAS"] == 41


async def test_what_shopify_sold_and_fo_does_not_know_is_subtracted_until_fo_has_it(nordlys: Retailer):
    await nordlys.push()
    order = nordlys.sell("STOVE-GAS", 3)
    report = await nordlys.push()
    [stove] = [figure for figure in report.figures if figure.wanted.listing.sku == "STOVE-GAS"]
    assert (stove.wanted.atp, stove.wanted.unknown, stove.outcome) == (40, 3, FigureOutcome.EQUAL)
    assert report.backlog == 1
    nordlys.memory.known_orders.add(order)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 37)
    report = await nordlys.push()
    assert (report.backlog, report.changed, nordlys.shown(WEB)["STOVE-GAS"]) == (0, 0, 37)


async def test_an_online_order_counts_at_the_location_that_fulfils_it(prairie: Retailer):
    await prairie.push()
    prairie.sell("TEE-RED-M", 5)
    report = await prairie.push()
    unknown = {f.wanted.listing.level.location: f.wanted.unknown for f in report.figures if f.wanted.unknown}
    assert unknown == {MOUNTAIN: 5}
    assert report.changed == 0


async def test_a_parked_order_counts_wherever_it_may_be_shipped_from(prairie: Retailer):
    await prairie.push()
    prairie.memory.pending.append(PendingSale(4711, (SoldUnits("TEE-RED-M", 3),), None))
    await prairie.push()
    assert (prairie.shown(MOUNTAIN)["TEE-RED-M"], prairie.shown(AUSTIN)["TEE-RED-M"]) == (82, 15)


@pytest.mark.parametrize("line_sku", ["stove-gas", "STOVE-GAS-2025"])
async def test_a_parked_order_counts_although_its_variant_has_another_sku_by_now(nordlys: Retailer, line_sku: str):
    """Another case is found without the variant's id too."""
    variant = nordlys.shop.variant_by_sku["STOVE-GAS"].id if line_sku == "STOVE-GAS-2025" else None
    nordlys.memory.pending.append(PendingSale(4711, (SoldUnits(line_sku, 3, variant),), None))
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 37


async def test_a_variant_that_gets_another_sku_after_the_assortment_was_read_keeps_its_parked_orders(nordlys: Retailer):
    stove = nordlys.shop.variant_by_sku["STOVE-GAS"]
    nordlys.memory.pending.append(PendingSale(4711, (SoldUnits("STOVE-GAS", 3, stove.id),), None))
    await nordlys.push()
    stove.sku = "stove-gas"
    nordlys.set_on_hand("STOVE-GAS", "AMS", 50)
    for _ in range(2):
        await nordlys.push()
        assert nordlys.shown(WEB)[stove.sku] == 47
        nordlys.clock.ahead += timedelta(hours=2)


@pytest.mark.parametrize("is_readable", [True, False])
@pytest.mark.parametrize(
    "end",
    [
        lambda shop, order: cancel(shop, order, {"restock": False}),
        lambda shop, order: refund(shop, order, everything(order, restock=False, refund_money=True)),
    ],
)
async def test_a_parked_order_no_longer_counts_once_it_is_cancelled_or_given_back_in_shopify(
    nordlys: Retailer, end: Callable[[Shop, Order], object], *, is_readable: bool
):
    await nordlys.push()
    order = nordlys.shop.orders[nordlys.sell("STOVE-GAS", 3)]
    sold = (SoldUnits("STOVE-GAS", 3),) if is_readable else ()
    nordlys.memory.pending.append(PendingSale(order.id, sold, None, is_readable=is_readable))
    end(nordlys.shop, order)
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 37
    nordlys.clock.ahead += timedelta(hours=2)
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 40


async def test_an_order_of_many_lines_counts_at_the_location_that_fulfils_it(prairie: Retailer):
    await prairie.push()
    place_order(prairie.shop, {"lines": [{"sku": "TEE-RED-M", "quantity": 1}] * 130})
    report = await prairie.push()
    unknown = {f.wanted.listing.level.location: f.wanted.unknown for f in report.figures if f.wanted.unknown}
    assert unknown == {MOUNTAIN: 130, AUSTIN: 45}  # Mountain has 85


async def test_an_assortment_that_an_older_release_stored_is_read_again(nordlys: Retailer):
    await nordlys.push()
    name = "stock/nordlys/catalogue"
    stored = json.loads(nordlys.memory.documents[name])
    older = {
        **{name: stored[name] for name in ("read_at", "safety")},
        "basis": stored["basis"][1:],
        "items": [[sku, *rest] for sku, _, *rest in stored["single"]],
    }
    nordlys.memory.documents[name] = json.dumps(older)
    assert (await nordlys.push()).changed == 0
    again = json.loads(nordlys.memory.documents[name])
    assert {**again, "read_at": ""} == {**stored, "read_at": ""}


def add_twin(retailer: Retailer, status: str = "ACTIVE", *, sku: str = "STOVE-GAS") -> Variant:
    """The variant of another product with the SKU, of which Shopify shows 5."""
    retailer.shop.add_variants(1, sku, Decimal("57.35"), {WEB: 5})
    *_, added = retailer.shop.variant_by_item.values()
    set_status(retailer, added, status)
    return added


def set_status(retailer: Retailer, variant: Variant, status: str) -> None:
    staff.edit_product(retailer.shop, variant.product, {"status": status})


def withhold(retailer: Retailer, *variants: Variant) -> None:
    """As the flow of products does."""
    rows = [[each.id, "STOVE-GAS", *[""] * 5] for each in variants]
    name = "products/nordlys/withheld"
    retailer.memory.documents[name] = json.dumps({"variants": rows})
    retailer.memory.versions[name] = retailer.memory.versions.get(name, 0) + 1


def shown_of_all(retailer: Retailer, *, sku: str = "STOVE-GAS") -> list[int]:
    """What Shopify shows of each variant with the SKU, the first one first."""
    found = [each for each in retailer.shop.variant_by_item.values() if each.sku == sku]
    return [retailer.shop.levels[each.inventory_item_id, WEB].quantity("available") for each in found]


def codes(report: StockReport) -> list[str]:
    return [problem.code for problem in report.problems if problem.details["sku"] != "GHOST-1"]


def unlisted(report: StockReport) -> list[Unlisted]:
    return [why for sku, why in report.unlisted if sku != "GHOST-1"]


@pytest.mark.parametrize("status", ["DRAFT", "ARCHIVED"])
async def test_the_only_variant_of_a_sku_on_sale_gets_its_figure_and_is_no_problem(nordlys: Retailer, status: str):
    add_twin(nordlys, status)
    report = await nordlys.push()
    assert (shown_of_all(nordlys), codes(report), unlisted(report)) == ([40, 5], [], [Unlisted.NOT_ON_SALE])
    nordlys.set_on_hand("STOVE-GAS", "AMS", 41)
    assert codes(await nordlys.push()) == []
    assert shown_of_all(nordlys) == [41, 5]


async def test_safety_stock_is_kept_of_an_item_that_several_variants_share(nordlys: Retailer):
    add_twin(nordlys, "DRAFT", sku="TENT-2P")
    await nordlys.push()
    assert shown_of_all(nordlys, sku="TENT-2P") == [18, 5]


async def test_variants_of_a_sku_that_are_all_on_sale_keep_their_figures(nordlys: Retailer):
    add_twin(nordlys)
    before = shown_of_all(nordlys)
    report = await nordlys.push()
    assert (shown_of_all(nordlys), codes(report), unlisted(report)) == (
        before,
        ["STOCK_SKU_AMBIGUOUS"],
        [Unlisted.AMBIGUOUS] * 2,
    )


async def test_a_draft_that_is_put_on_sale_makes_its_sku_ambiguous_when_the_assortment_is_read_again(nordlys: Retailer):
    added = add_twin(nordlys, "DRAFT")
    await nordlys.push()
    set_status(nordlys, added, "ACTIVE")
    nordlys.set_on_hand("STOVE-GAS", "AMS", 41)
    assert codes(await nordlys.push()) == []
    nordlys.clock.ahead += timedelta(hours=2)
    assert codes(await nordlys.push()) == ["STOCK_SKU_AMBIGUOUS"]
    nordlys.set_on_hand("STOVE-GAS", "AMS", 42)
    await nordlys.push()
    assert shown_of_all(nordlys) == [41, 5]


async def test_which_variants_are_on_sale_is_asked_only_of_those_that_share_a_sku(nordlys: Retailer):
    def asked() -> list[int]:
        calls = nordlys.shopify.simulator.calls
        return [call.actual for call in calls if call.operation == "StockVariantStates"]

    await nordlys.push()
    assert asked() == []
    add_twin(nordlys, "DRAFT")
    nordlys.clock.ahead += timedelta(hours=2)
    await nordlys.push()
    assert asked() == [2]


async def test_what_is_sold_of_a_variant_that_is_archived_then_is_not_offered_by_the_other_one(nordlys: Retailer):
    [stove] = [each for each in nordlys.shop.variant_by_item.values() if each.sku == "STOVE-GAS"]
    await nordlys.push()
    order = nordlys.sell("STOVE-GAS", 3)
    set_status(nordlys, stove, "ARCHIVED")
    add_twin(nordlys)
    nordlys.clock.ahead += timedelta(hours=2)
    await nordlys.push()
    assert shown_of_all(nordlys) == [37, 37]
    nordlys.set_on_hand("STOVE-GAS", "AMS", 50)
    await nordlys.push()
    assert shown_of_all(nordlys) == [37, 47]
    nordlys.memory.known_orders.add(order)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 36)
    await nordlys.push()
    assert shown_of_all(nordlys) == [37, 36]


async def test_a_withheld_variant_falls_to_0_at_once_and_the_other_one_of_its_sku_gets_its_figure(nordlys: Retailer):
    added = add_twin(nordlys)
    await nordlys.push()
    before, _ = shown_of_all(nordlys)
    assert before != 40
    withhold(nordlys, added)
    report = await nordlys.push()
    assert (shown_of_all(nordlys), codes(report)) == ([40, 0], [])
    report = await nordlys.push()
    assert (report.changed, report.shopify_calls) == (0, 3)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 41)
    await nordlys.push()
    assert shown_of_all(nordlys) == [41, 0]
    nordlys.clock.ahead += timedelta(hours=2)
    report = await nordlys.push()
    assert (report.changed, codes(report), unlisted(report)) == (0, [], [])


async def test_withheld_variants_of_one_sku_all_fall_to_0(nordlys: Retailer):
    [stove] = [each for each in nordlys.shop.variant_by_item.values() if each.sku == "STOVE-GAS"]
    added = add_twin(nordlys)
    withhold(nordlys, stove, added)
    report = await nordlys.push()
    assert (shown_of_all(nordlys), codes(report)) == ([0, 0], [])


async def test_a_variant_that_is_sold_again_beside_another_one_of_its_sku_makes_both_ambiguous(nordlys: Retailer):
    added = add_twin(nordlys)
    withhold(nordlys, added)
    await nordlys.push()
    withhold(nordlys)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 41)
    await nordlys.push()
    assert shown_of_all(nordlys) == [40, 0]
    nordlys.clock.ahead += timedelta(hours=2)
    assert codes(await nordlys.push()) == ["STOCK_SKU_AMBIGUOUS"]


@pytest.mark.parametrize(("days", "unknown"), [(-1, 3), (0, 3), (1, 0)])
async def test_orders_before_the_first_day_in_the_stores_time_zone_are_taken_as_known(
    nordlys: Retailer, days: int, unknown: int
):
    """At 23:30 UTC the next day has begun in Amsterdam."""
    now = nordlys.clock.now()
    late = now.replace(hour=23, minute=30)
    nordlys.clock.ahead = late - now if late > now else late + timedelta(days=1) - now  # no clock goes back
    today_there = nordlys.clock.now().date() + timedelta(days=1)
    orders = nordlys.store.orders.model_copy(update={"first_day": today_there + timedelta(days=days)})
    nordlys.store = nordlys.store.model_copy(update={"orders": orders})
    nordlys.sell("STOVE-GAS", 3)
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 40 - unknown


async def test_a_sale_while_the_figure_is_being_set_is_not_lost(nordlys: Retailer):
    await nordlys.push()
    nordlys.set_on_hand("STOVE-GAS", "AMS", 50)

    def sell_once():
        del nordlys.admin.before["StockSet"]
        nordlys.sell("STOVE-GAS", 4)

    nordlys.admin.before["StockSet"] = sell_once
    report = await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 46
    assert report.outcomes[FigureOutcome.RAISED] == 1
    assert report.problems == ()


async def test_a_figure_that_never_rests_is_reported_and_tried_again_by_the_next_run(nordlys: Retailer):
    await nordlys.push()
    nordlys.set_on_hand("STOVE-GAS", "AMS", 50)
    nordlys.admin.before["StockSet"] = lambda: nordlys.sell("STOVE-GAS", 1)
    report = await nordlys.push()
    assert [problem.code for problem in report.problems] == ["STOCK_STALE"]
    nordlys.admin.before.clear()
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 47


async def test_one_bad_figure_is_reported_alone_and_the_rest_is_set(nordlys: Retailer):
    nordlys.set_on_hand("STOVE-GAS", "AMS", 2_000_000_000)
    report = await nordlys.push()
    assert [problem.code for problem in report.problems] == ["STOCK_SKU_UNKNOWN", "STOCK_REFUSED"]
    assert "higher than 1,000,000,000" in report.problems[1].cause
    assert (nordlys.shown(WEB)["STOVE-GAS"], nordlys.shown(WEB)["TENT-2P"]) == (5, 18)
    assert nordlys.writes() == 2
    report = await nordlys.push()
    assert (nordlys.writes(), report.problems, report.outcomes[FigureOutcome.REFUSED]) == (2, (), 1)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 20)
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 20


async def test_a_lost_answer_changes_nothing(nordlys: Retailer):
    nordlys.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": "StockSet"})
    report = await nordlys.push()
    assert (report.changed, nordlys.shown(WEB)["STOVE-GAS"]) == (6, 40)


async def test_a_figure_that_shopify_is_still_setting_is_sent_again_under_the_same_key(nordlys: Retailer):
    nordlys.shopify.simulator.faults.add({"kind": "idempotency_concurrent", "operation": "StockSet"})
    report = await nordlys.push()
    assert (report.changed, nordlys.writes()) == (6, 2)
    assert len(nordlys.shop.idempotency) == 1


async def test_a_backlog_that_is_too_large_lowers_figures_and_raises_none(nordlys: Retailer):
    await nordlys.push()
    nordlys.set_rules(freeze_backlog=1)
    for _ in range(2):
        nordlys.sell("LAMP-HEAD", 1)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 90)
    nordlys.set_on_hand("MAP-NORDIC", "HAM", 90)
    report = await nordlys.push()
    assert report.frozen
    assert (nordlys.shown(WEB)["STOVE-GAS"], nordlys.shown(WEB)["MAP-NORDIC"]) == (40, 90)
    nordlys.set_rules(freeze_backlog=100)
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 90


def staff_correct(retailer: Retailer, order: Order) -> None:
    level = retailer.shop.levels[retailer.shop.variant_by_sku["STOVE-GAS"].inventory_item_id, WEB]
    level.states["available"], level.updated_at = 99, retailer.clock.now()


def goods_come_back(retailer: Retailer, order: Order) -> None:
    refund(retailer.shop, order, {"lines": [{"line": "STOVE-GAS", "quantity": 3, "restock": "return"}]})


@pytest.mark.parametrize("change", [staff_correct, goods_come_back])
async def test_a_figure_that_shopify_alone_has_changed_is_corrected_by_the_next_run(nordlys: Retailer, change):
    """Once, and then the flow asks no more than at any other time."""
    order = nordlys.shop.orders[nordlys.sell("STOVE-GAS", 3)]
    fulfill(nordlys.shop, order, {})
    nordlys.memory.known_orders.add(order.id)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 37)
    await nordlys.push()
    nordlys.clock.ahead += timedelta(hours=1)
    await nordlys.push()
    change(nordlys, order)
    nordlys.clock.ahead += timedelta(minutes=2)
    assert nordlys.shown(WEB)["STOVE-GAS"] > 37
    report = await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 37
    assert (report.outcomes[FigureOutcome.LOWERED], report.changed) == (1, 1)
    report = await nordlys.push()
    assert (report.changed, report.shopify_calls, report.fo_calls) == (0, 3, 1)


async def test_what_the_flow_has_set_itself_is_not_read_again(nordlys: Retailer):
    await nordlys.push()
    for units in (41, 42):
        nordlys.clock.ahead += timedelta(minutes=2)
        nordlys.set_on_hand("STOVE-GAS", "AMS", units)
        report = await nordlys.push()
        nordlys.clock.ahead += timedelta(minutes=2)
        assert (await nordlys.push()).shopify_calls == 3
        assert (report.changed, report.shopify_calls, report.fo_calls) == (1, 7, 2)


async def test_an_unknown_order_counts_at_the_location_that_its_goods_are_moved_to(prairie: Retailer):
    """The move need not change when the order was updated, and Shopify shows less than nothing at the new location."""
    await prairie.push()
    order = prairie.shop.orders[prairie.sell("BOOT-BRN-10", 2)]
    await prairie.push()
    move(prairie.shop, order, order.fulfillment_orders[0], AUSTIN, None)
    report = await prairie.push()
    unknown = {f.wanted.listing.level.location: f.wanted.unknown for f in report.figures if f.wanted.unknown}
    assert unknown == {AUSTIN: 2, MOUNTAIN: 1}  # Austin has 1 of the 2
    assert (prairie.shown(MOUNTAIN)["BOOT-BRN-10"], prairie.shown(AUSTIN)["BOOT-BRN-10"]) == (6, 0)


async def test_a_change_that_shopifys_search_does_not_show_is_corrected_by_the_daily_comparison(nordlys: Retailer):
    await nordlys.push()
    nordlys.clock.ahead += timedelta(hours=1)
    await nordlys.push()
    [level] = [level for (item, _), level in nordlys.shop.levels.items() if item == 101003]
    level.states["available"] = 99
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 99
    nordlys.clock.ahead += timedelta(hours=25)
    await nordlys.push()
    assert nordlys.shown(WEB)["STOVE-GAS"] == 40


async def test_orders_that_cannot_be_read_keep_figures_from_rising_only_until_their_units_are_known(nordlys: Retailer):
    await nordlys.push()
    nordlys.set_rules(freeze_backlog=1)
    for _ in range(4):
        order = nordlys.sell("LAMP-HEAD", 1)
        nordlys.memory.pending.append(PendingSale(order, (), None, is_readable=False))
    nordlys.set_on_hand("STOVE-GAS", "AMS", 90)
    report = await nordlys.push()
    assert (report.frozen, report.backlog, nordlys.shown(WEB)["STOVE-GAS"]) == (True, 0, 40)
    for _ in range(3):
        report = await nordlys.push()
    assert (report.frozen, report.backlog, nordlys.shown(WEB)["STOVE-GAS"]) == (False, 0, 90)
    assert nordlys.shown(WEB)["LAMP-HEAD"] == 46


async def test_a_product_that_is_not_stocked_at_the_location_is_reported_once(prairie: Retailer):
    del prairie.shop.levels[102001, AUSTIN]
    report = await prairie.push()
    assert [problem.code for problem in report.problems] == ["STOCK_NOT_STOCKED"]
    report = await prairie.push()
    assert report.problems == ()


async def test_a_figure_that_would_rise_is_not_even_asked_for_while_frozen(nordlys: Retailer):
    for _ in range(2):
        nordlys.sell("LAMP-HEAD", 1)
    await nordlys.push()
    nordlys.set_rules(freeze_backlog=1)
    nordlys.set_on_hand("STOVE-GAS", "AMS", 90)
    report = await nordlys.push()
    assert (report.frozen, report.changed, report.shopify_calls) == (True, 0, 3)


async def test_a_sku_is_raised_nowhere_while_shopify_refuses_to_lower_it_somewhere(prairie: Retailer):
    await prairie.push()
    prairie.shop.levels[102001, AUSTIN].states["available"] = 1_500_000_000
    prairie.set_on_hand("TEE-RED-M", "21", 1_200_000_000)
    prairie.set_on_hand("TEE-RED-M", "11", 70)
    report = await prairie.push()
    assert (report.outcomes[FigureOutcome.REFUSED], report.outcomes[FigureOutcome.WITHHELD]) == (1, 1)
    report = await prairie.push()
    assert (report.outcomes[FigureOutcome.REFUSED], report.outcomes[FigureOutcome.WITHHELD]) == (1, 1)
    assert prairie.shown(MOUNTAIN)["TEE-RED-M"] == 85
    prairie.set_on_hand("TEE-RED-M", "21", 20)
    await prairie.push()
    assert (prairie.shown(MOUNTAIN)["TEE-RED-M"], prairie.shown(AUSTIN)["TEE-RED-M"]) == (95, 20)
