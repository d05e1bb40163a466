"""F&O's prices reach the shop: what is written, when, what is held, told and left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from builders.price_world import LOCATION, NOON, World, item_row, store_rules, variant_row

from shared.errors import ErrorCode, TransientError
from shared.mapping.prices.changes import PriceOutcome

B2B = {"name": "Dealers", "currency": "EUR", "groups": ("DEALER",), "company_locations": (LOCATION,)}

QUANTITIES = B2B | {"quantity_rules": True}


@pytest.fixture
def world() -> World:
    """Three products at F&O's base prices."""
    world = World()
    for sku, price in (("TENT", "249"), ("BOOT", "99.95"), ("MAP", "12.50")):
        world.sell(sku, price)
    return world


def codes(report):
    return [problem.code for problem in report.all_problems]


async def test_prices_that_differ_are_set_and_then_nothing_is_left_to_do(world):
    world.agree("TENT", "229")
    report = await world.run()
    assert world.shop.shown() == {"TENT": "229.00", "BOOT": "99.95", "MAP": "12.50"}
    assert report.changed == 1
    assert (await world.run()).changed == 0
    assert world.shop.calls["PriceVariantsSet"] == 1


async def test_variants_of_one_product_are_set_in_one_call(world):
    world.sell("ROPE-1", "10", product=8500, base="11")
    world.sell("ROPE-2", "10", product=8500, base="12")
    await world.run()
    assert (world.shop.shown()["ROPE-1"], world.shop.shown()["ROPE-2"]) == ("11.00", "12.00")
    assert world.shop.calls["PriceVariantsSet"] == 1


async def test_it_is_due_after_its_minutes_and_not_before(world):
    await world.run()
    reads = world.fo.read.total()
    assert (await world.run(after=timedelta(minutes=14))).is_idle
    assert world.fo.read.total() == reads
    assert not (await world.run(after=timedelta(minutes=1))).is_idle


async def test_it_is_due_when_the_stores_day_changes(world):
    world.agree("TENT", "199", PriceApplicableFromDate="2026-11-30T12:00:00Z")
    before_midnight = datetime(2026, 11, 29, 22, 57, tzinfo=UTC)  # 23:57 in Amsterdam
    await world.run(after=before_midnight - NOON)
    assert world.shop.shown()["TENT"] == "249.00"
    report = await world.run(after=timedelta(minutes=5))
    assert not report.is_idle
    assert world.shop.shown()["TENT"] == "199.00"


async def test_a_price_that_ended_gives_way_to_what_counts_without_it(world):
    world.agree("TENT", "229", PriceApplicableToDate="2026-11-29T12:00:00Z")
    await world.run()
    assert world.shop.shown()["TENT"] == "229.00"
    await world.run(after=timedelta(days=1))
    assert world.shop.shown()["TENT"] == "249.00"


async def test_a_product_that_f_and_o_does_not_have_is_left_alone(world):
    world.shop.variants[9500] = world.shop.variants[9001].__class__(8500, "GIFT-CARD", Decimal(50))
    world.shop.variants[9501] = world.shop.variants[9001].__class__(8501, "", Decimal(5))
    report = await world.run()
    assert report.lists[0].outcomes[PriceOutcome.UNKNOWN] == 2
    assert codes(report) == []


async def test_variants_of_a_master_have_their_own_prices(world):
    world.rules = store_rules().model_copy(
        update={"orders": world.rules.orders.model_copy(update={"product_identity": "variant"})}
    )
    world.fo.rows["ReleasedProductsV2"].append(item_row("SHIRT", "30", ProductSubType="ProductMaster"))
    world.fo.rows["ReleasedProductVariantsV2"] = [
        variant_row("SHIRT-RED", "SHIRT", ProductColorId="RED"),
        variant_row("SHIRT-BLUE", "SHIRT", ProductColorId="BLUE"),
    ]
    world.shop.variants[9100] = world.shop.variants[9001].__class__(8100, "SHIRT-RED", Decimal(30))
    world.shop.variants[9101] = world.shop.variants[9001].__class__(8100, "SHIRT-BLUE", Decimal(30))
    world.shop.variants[9102] = world.shop.variants[9001].__class__(8100, "SHIRT", Decimal(1))
    world.agree("SHIRT", "35", ProductColorId="RED")
    report = await world.run()
    assert {sku: price for sku, price in world.shop.shown().items() if sku.startswith("SHIRT")} == {
        "SHIRT-RED": "35.00",
        "SHIRT-BLUE": "30.00",
        "SHIRT": "1.00",
    }
    assert report.lists[0].outcomes[PriceOutcome.UNKNOWN] == 1


async def test_an_item_without_a_price_is_told_once_and_keeps_what_it_has(world):
    row = world.agree("TENT", "-1")
    assert codes(await world.run()) == [ErrorCode.PRICE_NEGATIVE]
    assert codes(await world.run()) == [ErrorCode.PRICE_NEGATIVE]
    assert world.told == [ErrorCode.PRICE_NEGATIVE]
    assert world.shop.shown()["TENT"] == "249.00"
    row["Price"] = Decimal(249)
    await world.run()
    row["Price"] = Decimal(-1)
    await world.run()
    assert world.told == [ErrorCode.PRICE_NEGATIVE] * 2


async def test_one_bad_price_stops_none_of_the_others(world):
    world.agree("TENT", "-1")
    world.agree("BOOT", "89.95")
    await world.run()
    assert world.shop.shown() == {"TENT": "249.00", "BOOT": "89.95", "MAP": "12.50"}


async def test_a_price_that_shopify_refuses_is_told_and_not_sent_again(world):
    world.shop.refusals[9001] = "must be less than 1000000000000000000"
    world.agree("TENT", "229")
    world.agree("BOOT", "89.95")
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_REFUSED]
    assert "less than" in report.all_problems[0].cause
    assert world.shop.shown()["BOOT"] == "89.95"
    sent = world.shop.calls["PriceVariantsSet"]
    assert codes(await world.run()) == [ErrorCode.PRICE_REFUSED]
    assert world.shop.calls["PriceVariantsSet"] == sent
    assert world.told == [ErrorCode.PRICE_REFUSED]
    world.fo.rows["SalesPriceAgreements"][0]["Price"] = Decimal(239)
    world.shop.refusals.clear()
    assert codes(await world.run()) == []
    assert world.shop.shown()["TENT"] == "239.00"


async def test_what_shopify_refused_is_tried_again_when_all_prices_are_read(world):
    world.shop.refusals[9001] = "no"
    world.agree("TENT", "229")
    await world.run()
    world.shop.refusals.clear()
    await world.run(after=timedelta(hours=25))
    assert world.shop.shown()["TENT"] == "229.00"


async def test_a_deleted_variant_is_forgotten(world):
    await world.run()
    del world.shop.variants[9001]
    world.agree("TENT", "229")
    assert codes(await world.run()) == []
    assert (await world.run()).lists[0].outcomes.total() == 2


async def test_a_price_that_was_changed_by_hand_is_set_back(world):
    await world.run()
    world.shop.edit("TENT", "199")
    report = await world.run()
    assert world.shop.shown()["TENT"] == "249.00"
    assert report.lists[0].outcomes[PriceOutcome.SET_BACK] == 1


async def test_or_is_left_and_told_until_f_and_os_price_changes():
    world = World(store_rules(overwrite="tell"))
    world.sell("TENT", "249")
    await world.run()
    world.shop.edit("TENT", "239")
    report = await world.run()
    assert world.shop.shown()["TENT"] == "239.00"
    assert codes(report) == [ErrorCode.PRICE_EDITED]
    await world.run()
    assert world.told == [ErrorCode.PRICE_EDITED]
    world.agree("TENT", "229")
    await world.run()
    assert world.shop.shown()["TENT"] == "229.00"


async def test_a_change_by_hand_that_the_search_shows_late_is_found(world):
    await world.run()
    world.time += timedelta(minutes=15)
    await world.run(after=timedelta())
    world.shop.edit("TENT", "199")
    world.shop.variants[9001].updated -= timedelta(minutes=5)
    await world.run()
    assert world.shop.shown()["TENT"] == "249.00"


async def test_a_change_by_hand_that_the_search_never_shows_is_found_when_all_is_read(world):
    await world.run()
    world.shop.edit("TENT", "199")
    world.shop.variants[9001].updated = NOON - timedelta(days=9)
    await world.run()
    assert world.shop.shown()["TENT"] == "199.00"
    await world.run(after=timedelta(hours=24))
    assert world.shop.shown()["TENT"] == "249.00"


async def test_compare_at_prices_are_the_merchants_without_a_list_price_group(world):
    world.shop.edit("TENT", "249", "299")
    world.agree("TENT", "229")
    await world.run()
    assert world.shop.variants[9001].compare_at == Decimal(299)
    world.shop.edit("TENT", "229", "309")
    assert (await world.run()).changed == 0


async def test_a_price_that_is_typed_together_with_a_compare_at_price_is_set_back(world):
    await world.run()
    world.shop.edit("TENT", "99", "299")
    report = await world.run()
    assert report.lists[0].outcomes[PriceOutcome.SET_BACK] == 1
    assert (world.shop.variants[9001].price, world.shop.variants[9001].compare_at) == (Decimal("249.00"), Decimal(299))


async def test_with_one_they_are_f_and_os_and_none_is_null():
    world = World(store_rules(list_price_group="LIST"))
    world.sell("TENT", "249")
    world.sell("BOOT", "99")
    world.shop.edit("BOOT", "99", "0")
    world.agree("TENT", "299", PriceCustomerGroupCode="LIST")
    await world.run()
    assert world.shop.variants[9001].compare_at == Decimal(299)
    assert world.shop.variants[9002].compare_at is None


async def test_a_price_that_changes_too_much_waits_for_an_operator(world):
    world.agree("TENT", "24900")
    world.agree("BOOT", "89.95")
    report = await world.run()
    assert world.shop.shown() == {"TENT": "249.00", "BOOT": "89.95", "MAP": "12.50"}
    assert codes(report) == [ErrorCode.PRICES_HELD]
    assert report.held == 1
    assert await world.held() == {"TENT": "249.00 -> 24900.00"}
    await world.run()
    assert world.told == [ErrorCode.PRICES_HELD]
    assert await world.confirm() == ["shop-single"]
    assert (await world.run()).changed == 1
    assert world.shop.shown()["TENT"] == "24900.00"


async def test_a_change_of_exactly_the_percentage_is_written(world):
    world.agree("TENT", "498")
    await world.run()
    assert world.shop.shown()["TENT"] == "498.00"


async def test_a_price_that_fell_may_rise_again_by_as_much(world):
    world.agree("TENT", "130", PriceApplicableToDate="2026-11-29T12:00:00Z")
    await world.run()
    assert codes(await world.run(after=timedelta(days=1))) == []
    assert world.shop.shown()["TENT"] == "249.00"


@pytest.mark.parametrize("wrong", ["24900", "2.49"])
async def test_a_price_wrong_by_the_factor_100_waits_whatever_the_rules_let_through(wrong):
    world = World(store_rules(brake_single_percent=98))
    world.sell("TENT", "249", base=wrong)
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    assert world.shop.shown()["TENT"] == "249.00"


@pytest.fixture
def large() -> World:
    world = World()
    for number in range(60):
        world.sell(f"ITEM-{number:02}", "10", product=8000 + number // 3)
    return world


async def test_a_journal_wrong_by_the_factor_100_changes_nothing(large):
    await large.run()
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "1000")
    report = await large.run()
    assert set(large.shop.shown().values()) == {"10.00"}
    assert codes(report) == [ErrorCode.PRICES_HELD]
    assert (report.held, len(await large.held())) == (60, 60)
    for row in large.fo.rows["SalesPriceAgreements"]:
        row["Price"] = Decimal(10)
    assert codes(await large.run()) == []
    assert await large.held() == {}


async def test_more_changes_than_the_percentage_wait_and_as_many_do_not(large):
    await large.run()
    for number in range(13):
        large.agree(f"ITEM-{number:02}", "11")
    assert (await large.run()).held == 13
    large.fo.rows["SalesPriceAgreements"].pop()
    assert (await large.run()).changed == 12


async def test_a_shut_brake_holds_every_change_of_the_first_run(large):
    large.rules = store_rules(brake_percent=0, brake_floor=0, brake_single_percent=1)
    large.agree("ITEM-00", "10.05")
    report = await large.run()
    assert (report.changed, report.held, set(large.shop.shown().values())) == (0, 1, {"10.00"})
    await large.confirm()
    assert (await large.run()).changed == 1


async def test_a_confirmed_mass_change_is_written(large):
    await large.run()
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "11")
    await large.run()
    assert await large.confirm() == ["shop-all"]
    await large.run()
    assert set(large.shop.shown().values()) == {"11.00"}


@pytest.mark.parametrize("entity_set", ["ReleasedProductsV2", "SalesPriceAgreements"])
async def test_a_reading_that_fails_half_way_changes_nothing(large, entity_set):
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "10.50")
    await large.run()
    await large.confirm()
    await large.run()
    large.fo.fails = {entity_set: 30}
    with pytest.raises(TransientError) as failure:
        await large.run()
    assert entity_set in failure.value.reason
    assert set(large.shop.shown().values()) == {"10.50"}


@pytest.mark.parametrize("left", [0, 40])
async def test_a_short_reading_changes_nothing_until_an_operator_confirms(large, left):
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "10.50")
    await large.run()
    await large.confirm()
    await large.run()
    del large.fo.rows["SalesPriceAgreements"][left:]
    report = await large.run()
    assert codes(report) == [ErrorCode.PRICES_READ_SHORT]
    assert set(large.shop.shown().values()) == {"10.50"}
    assert report.all_problems[0].details["rows"] == str(left)
    assert await large.held() == {"sales price agreements": f"60 -> {left} rows"}
    assert "rows" in await large.confirm()
    assert codes(await large.run()) == [ErrorCode.PRICES_HELD]


async def test_a_confirmed_short_reading_is_no_confirmation_of_an_empty_one(large):
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "10.50")
    await large.run()
    await large.confirm()
    await large.run()
    rows = large.fo.rows["SalesPriceAgreements"]
    del rows[40:]
    await large.run()
    await large.confirm()
    rows.clear()
    assert codes(await large.run()) == [ErrorCode.PRICES_READ_SHORT]
    assert await large.held() == {"sales price agreements": "60 -> 0 rows"}


@pytest.mark.parametrize(
    ("entity_set", "rule"),
    [("PriceCustomerGroups", {"choose": "priority"}), ("ProductDefaultOrderSettings", {"lists": (QUANTITIES,)})],
)
async def test_a_reading_without_price_groups_or_order_quantities_changes_nothing(world, entity_set, rule):
    world.rules = store_rules(**rule)
    quantities = ("MinimumSalesOrderQuantity", "MaximumSalesOrderQuantity", "SalesQuantityMultiples")
    row = {"GroupCode": "WEB", "PricingPriority": Decimal(1), "ItemNumber": "TENT"}
    world.fo.rows[entity_set] = [row | dict.fromkeys(quantities, Decimal(2))]
    assert codes(await world.run()) == []
    world.fo.rows[entity_set] = []
    world.agree("TENT", "229")
    assert codes(await world.run()) == [ErrorCode.PRICES_READ_SHORT]
    assert world.shop.shown()["TENT"] == "249.00"
    world.rules = store_rules()
    assert codes(await world.run()) == []
    assert world.shop.shown()["TENT"] == "229.00"


async def test_a_reading_that_is_short_by_less_goes_on(large):
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "10.50")
    await large.run()
    await large.confirm()
    await large.run()
    del large.fo.rows["SalesPriceAgreements"][48:]
    assert codes(await large.run()) == []
    assert list(large.shop.shown().values()).count("10.00") == 12


@pytest.mark.parametrize(
    ("change", "what"), [({"currency": "USD"}, "currency"), ({"taxes_included": True}, "include tax")]
)
async def test_a_shop_that_is_set_otherwise_than_the_rules_say_is_left_alone(world, change, what):
    for name, value in change.items():
        setattr(world.shop, name, value)
    world.agree("TENT", "229")
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_SHOP_MISMATCH]
    assert what in report.all_problems[0].cause
    assert world.shop.shown()["TENT"] == "249.00"
    assert not (await world.run(after=timedelta(minutes=5))).is_idle
    assert world.told == [ErrorCode.PRICE_SHOP_MISMATCH]


async def test_prices_in_a_currency_without_a_list_are_told(world):
    world.agree("TENT", "299", PriceCurrencyCode="USD")
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_CURRENCY_UNLISTED]
    assert report.all_problems[0].details == {"group": "WEB", "currency": "USD", "count": "1"}


async def test_a_lost_answer_is_settled_by_the_next_run(world):
    for sku in ("TENT", "BOOT"):
        world.agree(sku, "99")
    world.rules = store_rules(brake_single_percent=90)
    world.shop.faults["PriceVariantsSet"] = ["lost"]
    report = await world.run()
    assert report.halted
    assert world.shop.shown() == {"TENT": "99.00", "BOOT": "99.95", "MAP": "12.50"}
    report = await world.run(after=timedelta(minutes=5))
    assert world.shop.shown() == {"TENT": "99.00", "BOOT": "99.00", "MAP": "12.50"}
    assert (report.changed, report.halted) == (1, "")


async def test_a_run_that_was_throttled_goes_on_with_the_next_timer(large):
    await large.run()
    for number in range(12):
        large.agree(f"ITEM-{number:02}", "11")
    large.shop.faults["PriceVariantsSet"] = [None, "throttled"]
    assert (await large.run()).lists[0].outcomes[PriceOutcome.LEFT] == 9
    report = await large.run(after=timedelta(minutes=5))
    assert (report.is_idle, report.changed) == (False, 9)


async def test_what_was_written_is_remembered_when_shopify_fails_after_it(large):
    await large.run()
    for number in range(6):
        large.agree(f"ITEM-{number:02}", "11")
    large.shop.faults["PriceVariantsSet"] = [None, "down"]
    with pytest.raises(TransientError) as failure:
        await large.run()
    assert "503" in failure.value.reason
    assert (await large.run(after=timedelta(minutes=5))).changed == 3


async def test_no_call_begins_after_the_time_limit(large):
    await large.run()
    for number in range(12):
        large.agree(f"ITEM-{number:02}", "11")
    slow = large.shop._price_variants_set

    def slower(**variables):
        large.time += timedelta(seconds=80)
        return slow(**variables)

    large.shop._price_variants_set = slower
    report = await large.run()
    assert (report.halted, report.changed) == ("time limit reached", 6)
    assert (await large.run(after=timedelta(minutes=5))).changed == 6


async def test_a_reading_of_the_shop_goes_on_in_the_next_run(large):
    large.shop.page = 20
    read = large.shop._price_variants

    def slower(**variables):
        large.time += timedelta(seconds=100)
        return read(**variables)

    large.shop._price_variants = slower
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "10.50")
    report = await large.run()
    assert report.halted == "reading the shop's prices takes longer than a run"
    assert report.lists == []
    report = await large.run(after=timedelta(minutes=5))
    assert report.held == 60
    assert large.shop.calls["PriceVariants"] == 3


async def test_what_the_tenants_service_gives_is_shown(world):
    service = {"group": "ShopPrices", "service": "Prices", "operation": "get", "quantities": (10,)}
    world.rules = store_rules(source="service", service=service, lists=(B2B | {"tiers": True},))
    prices = {"TENT": ["240", "230"], "BOOT": [None, None], "MAP": ["12.50", "12.50"]}

    def answer(question):
        given = [prices[line["itemNumber"]][line["quantity"] // 10] for line in question["lines"]]
        return {"prices": [None if each is None else Decimal(each) for each in given]}

    world.fo.answers["ShopPrices/Prices/get"] = answer
    report = await world.run()
    assert world.shop.shown() == {"TENT": "240.00", "BOOT": "99.95", "MAP": "12.50"}
    assert world.shop.on_list("Dealers") == {"TENT": "240.00 10:230.00", "MAP": "12.50"}
    assert codes(report) == [ErrorCode.PRICE_MISSING]
    assert world.fo.asked[0] | {"lines": 3} == {
        "path": "ShopPrices/Prices/get",
        "company": "nleu",
        "currency": "EUR",
        "priceGroup": "web",
        "customerAccount": "",
        "date": "2026-11-29",
        "lines": 3,
    }


@pytest.mark.parametrize("answer", [{}, {"prices": [Decimal(1)]}, {"prices": ["1", "2", "3"]}])
async def test_an_answer_that_is_not_to_the_contract_changes_nothing(world, answer):
    service = {"group": "ShopPrices", "service": "Prices", "operation": "get"}
    world.rules = store_rules(source="service", service=service)
    world.fo.answers["ShopPrices/Prices/get"] = lambda question: answer
    assert codes(await world.run()) == [ErrorCode.PRICE_SERVICE_WRONG]
    assert world.shop.calls["PriceVariantsSet"] == 0


async def test_a_price_that_somebody_typed_wrong_is_set_back_however_far_it_is_off(world):
    await world.run()
    world.shop.edit("TENT", "2.49")
    await world.run()
    assert world.shop.shown()["TENT"] == "249.00"


async def test_but_not_when_f_and_os_price_changed_as_well(world):
    await world.run()
    world.shop.edit("TENT", "100")
    world.agree("TENT", "229")
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]


async def test_many_prices_changed_by_hand_wait_for_an_operator(large):
    await large.run()
    for number in range(13):
        large.shop.edit(f"ITEM-{number:02}", "9")
    assert codes(await large.run()) == [ErrorCode.PRICES_HELD]


async def test_one_confirmation_is_enough_for_many_changes_of_which_each_is_great(large):
    await large.run()
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "21")
    await large.run()
    assert await large.confirm() == ["shop-all", "shop-single"]
    await large.run()
    assert set(large.shop.shown().values()) == {"21.00"}


async def test_prices_that_are_left_out_of_a_confirmation_stay_and_stop_no_other(large):
    await large.run()
    for number in range(60):
        large.agree(f"ITEM-{number:02}", "21" if number < 10 else "11")
    await large.run()
    await large.confirm("ITEM-00", "ITEM-59")
    report = await large.run()
    assert (report.changed, report.held, codes(report)) == (58, 2, [ErrorCode.PRICES_HELD])
    shown = large.shop.shown()
    assert {shown.pop("ITEM-00"), shown.pop("ITEM-59")} == {"10.00"}
    assert set(shown.values()) == {"21.00", "11.00"}
    large.fo.rows["SalesPriceAgreements"][1]["Price"] = Decimal(22)
    assert (await large.run(after=timedelta(days=2))).changed == 1
    assert await large.held() == {"ITEM-00": "10.00 -> 21.00", "ITEM-59": "10.00 -> 11.00"}


async def test_variants_that_share_a_sku_count_each_for_the_brake(world):
    for number in range(12):
        world.sell("ROPE", "10", product=8600 + number)
    world.sell("ROPE", "10", product=8700, base="12")
    world.fo.rows["ReleasedProductsV2"][-14:] = world.fo.rows["ReleasedProductsV2"][-1:]
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICES_HELD]
    assert report.changed == 0


async def test_what_a_master_lacks_that_was_not_read_is_left_alone(world):
    world.rules = store_rules().model_copy(
        update={"orders": world.rules.orders.model_copy(update={"product_identity": "variant"})}
    )
    world.fo.rows["ReleasedProductVariantsV2"] = [variant_row("SHIRT-RED", "SHIRT", ProductColorId="RED")]
    world.shop.variants[9100] = world.shop.variants[9001].__class__(8100, "SHIRT-RED", Decimal(30))
    report = await world.run()
    assert report.lists[0].outcomes[PriceOutcome.UNKNOWN] == 1
    assert codes(report) == []
