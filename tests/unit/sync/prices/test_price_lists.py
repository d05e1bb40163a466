"""F&O's prices on price lists: created, assigned, with quantity breaks and quantity rules, and taken off again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from builders.price_world import BLANK, LOCATION, ListPrice, SimPriceList, World, store_rules

from shared.errors import ErrorCode, OutcomeUnknownError
from shared.mapping.prices.changes import PriceOutcome

DEALERS = {"name": "Dealers", "currency": "EUR", "groups": ("DEALER",), "company_locations": (LOCATION,)}
SWISS = {"name": "Switzerland", "currency": "CHF", "groups": ("WEB",), "market": 44}
DAY = timedelta(hours=24)


def world_with(*lists, **rules) -> World:
    world = World(store_rules(lists=lists, **rules))
    for sku, price in (("TENT", "249"), ("BOOT", "99.95"), ("MAP", "12.50")):
        world.sell(sku, price)
    return world


def dealer(world, item, price, **fields):
    return world.agree(item, price, PriceCustomerGroupCode="DEALER", **fields)


def codes(report):
    return [problem.code for problem in report.all_problems]


async def test_a_list_is_created_with_its_catalog_and_locations_and_gets_prices():
    world = world_with(DEALERS | {"company_locations": (LOCATION, 5002)})
    dealer(world, "TENT", "199")
    assert codes(await world.run()) == []
    assert world.shop.on_list("Dealers") == {"TENT": "199.00", "BOOT": "99.95", "MAP": "12.50"}
    assert world.shop.catalogs == {800: {"companyLocationIds": {LOCATION, 5002}}}
    await world.run()
    assert world.shop.calls["PriceListSet"] == 1
    assert world.shop.calls["PriceLists"] == 1
    assert world.shop.shown()["TENT"] == "249.00"


async def test_a_list_in_another_currency_has_only_prices_of_that_currency():
    world = world_with(SWISS)
    world.agree("TENT", "279", PriceCurrencyCode="CHF")
    await world.run()
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Switzerland") == {"TENT": "279.00"}
    assert world.shop.catalogs == {800: {"marketIds": {44}}}
    assert world.shop.shown()["TENT"] == "249.00"


async def test_a_list_of_that_name_is_used():
    world = world_with(DEALERS)
    world.shop.lists[7] = SimPriceList("Dealers", "EUR", catalog=1)
    world.shop.catalogs[1] = {"companyLocationIds": {4999}}
    await world.run()
    assert list(world.shop.lists) == [7]
    assert world.shop.catalogs[1]["companyLocationIds"] == {4999, LOCATION}


async def test_a_list_without_a_catalog_gets_one():
    world = world_with(DEALERS)
    world.shop.lists[7] = SimPriceList("Dealers", "EUR")
    await world.run()
    assert world.shop.lists[7].catalog == 800


async def test_a_location_that_leaves_the_rules_is_taken_from_the_catalog_and_others_stay():
    world = world_with(DEALERS)
    await world.run()
    world.shop.catalogs[800]["companyLocationIds"].add(4999)
    world.rules = store_rules(lists=(DEALERS | {"company_locations": (5002,)},))
    await world.run()
    assert world.shop.catalogs[800]["companyLocationIds"] == {4999, 5002}


async def test_a_location_that_was_unassigned_by_hand_is_assigned_again_a_day_later():
    world = world_with(DEALERS)
    await world.run()
    world.shop.catalogs[800]["companyLocationIds"].clear()
    await world.run(after=DAY)
    assert world.shop.catalogs[800]["companyLocationIds"] == {LOCATION}


async def test_a_list_in_another_currency_than_the_rules_say_is_left_alone():
    world = world_with(DEALERS, SWISS)
    world.shop.lists[7] = SimPriceList("Dealers", "USD", catalog=1)
    world.agree("TENT", "279", PriceCurrencyCode="CHF")
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_LIST_MISMATCH, ErrorCode.PRICES_HELD]
    assert world.shop.lists[7].prices == {}
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Switzerland") == {"TENT": "279.00"}
    assert world.told == [ErrorCode.PRICE_LIST_MISMATCH, ErrorCode.PRICES_HELD]


async def test_a_catalog_for_markets_is_not_that_of_company_locations():
    world = world_with(DEALERS)
    world.shop.lists[7] = SimPriceList("Dealers", "EUR", catalog=1)
    world.shop.catalogs[1] = {"marketIds": {9}}
    assert codes(await world.run()) == [ErrorCode.PRICE_LIST_MISMATCH]


@pytest.mark.parametrize(
    ("catalog", "shop"),
    [
        ({"marketIds": {9}}, "9"),
        ({"marketIds": {9, 44}}, "9, 44"),
        ({"marketIds": set()}, "(none)"),
        ({"companyLocationIds": {LOCATION}}, "company locations"),
    ],
)
async def test_a_list_whose_catalog_is_for_others_than_the_market_of_the_rules_is_left_alone(catalog, shop):
    world = world_with(SWISS)
    world.shop.lists[7] = SimPriceList("Switzerland", "CHF", catalog=1)
    world.shop.catalogs[1] = catalog
    world.agree("TENT", "279", PriceCurrencyCode="CHF")
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_LIST_MISMATCH]
    assert report.all_problems[0].details["shop"] == shop
    assert world.shop.lists[7].prices == {}


async def test_another_market_in_the_rules_is_noticed_at_once():
    world = world_with(SWISS)
    row = world.agree("TENT", "279", PriceCurrencyCode="CHF")
    await world.run()
    await world.confirm()
    await world.run()
    world.rules = store_rules(lists=(SWISS | {"market": 45},))
    row["Price"] = Decimal(269)
    assert codes(await world.run()) == [ErrorCode.PRICE_LIST_MISMATCH]
    assert codes(await world.run()) == [ErrorCode.PRICE_LIST_MISMATCH]
    assert world.shop.on_list("Switzerland") == {"TENT": "279.00"}
    world.shop.catalogs[800] = {"marketIds": {45}}
    assert codes(await world.run()) == []
    assert world.shop.on_list("Switzerland") == {"TENT": "269.00"}


async def test_what_shopify_refuses_to_create_is_told_and_tried_again():
    world = world_with(DEALERS)
    create = world.shop._catalog_create
    error = {"field": ["input"], "code": "B2B_CATALOG_LIMIT_REACHED", "message": "Limit reached"}
    world.shop._catalog_create = lambda **_: {"catalogCreate": {"catalog": None, "userErrors": [error]}}
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_LIST_REFUSED]
    assert "Limit reached" in report.all_problems[0].cause
    world.shop._catalog_create = create
    assert codes(await world.run()) == []
    assert len(world.shop.lists) == 1


@pytest.mark.parametrize("document", ["PriceListCreate", "CatalogCreate"])
async def test_what_was_created_although_the_answer_was_lost_is_found(document):
    world = world_with(DEALERS)
    world.shop.faults[document] = ["lost"]
    with pytest.raises(OutcomeUnknownError):
        await world.run()
    await world.run(after=timedelta(minutes=5))
    assert len(world.shop.lists) == len(world.shop.catalogs) == 1
    assert world.shop.on_list("Dealers")["TENT"] == "249.00"


async def test_rows_from_a_quantity_on_become_breaks_and_end_with_them():
    world = world_with(DEALERS | {"tiers": True})
    dealer(world, "TENT", "199", FromQuantity=Decimal(10))
    row = dealer(world, "TENT", "189", FromQuantity=Decimal(50))
    await world.run()
    assert world.shop.on_list("Dealers")["TENT"] == "249.00 10:199.00 50:189.00"
    row["PriceApplicableToDate"] = "2026-11-29T12:00:00Z"
    await world.run(after=DAY)
    assert world.shop.on_list("Dealers")["TENT"] == "249.00 10:199.00"
    assert (await world.run()).changed == 0


async def test_order_quantities_become_rules_and_end_with_them():
    world = world_with(DEALERS | {"tiers": True, "quantity_rules": True})
    settings = {
        "ItemNumber": "TENT",
        "MinimumSalesOrderQuantity": Decimal(6),
        "MaximumSalesOrderQuantity": Decimal(60),
        "SalesQuantityMultiples": Decimal(6),
    }
    world.fo.rows["ProductDefaultOrderSettings"] = [settings]
    dealer(world, "TENT", "199", FromQuantity=Decimal(12))
    await world.run()
    assert world.shop.list_named("Dealers").rules == {9001: (6, 60, 6)}
    assert world.shop.on_list("Dealers")["TENT"] == "249.00 12:199.00"
    assert (await world.run(after=DAY)).changed == 0
    settings |= dict.fromkeys(list(settings)[1:], Decimal(0))
    await world.run()
    assert world.shop.list_named("Dealers").rules == {}


async def test_a_variant_has_order_quantities_of_its_own_at_every_site_or_those_of_the_item():
    world = world_with(DEALERS | {"quantity_rules": True})
    plain = {
        **BLANK,
        "ItemNumber": "TENT",
        "OperationalSiteId": "",
        "AreSalesDefaultOrderSettingsOverridden": "Yes",
        "MinimumSalesOrderQuantity": Decimal(4),
        "MaximumSalesOrderQuantity": Decimal(0),
        "SalesQuantityMultiples": Decimal(0),
    }
    world.fo.rows["ProductSpecificOrderSettingsV3"] = [
        plain,
        plain | {"OperationalSiteId": "EU", "MinimumSalesOrderQuantity": Decimal(9)},
        plain | {"ItemNumber": "BOOT", "AreSalesDefaultOrderSettingsOverridden": "No"},
    ]
    await world.run()
    assert world.shop.list_named("Dealers").rules == {9001: (4, None, 1)}


async def test_a_price_that_ended_is_taken_off_the_list_and_a_merchants_stays():
    world = world_with(SWISS)
    row = world.agree("TENT", "279", PriceCurrencyCode="CHF")
    world.agree("BOOT", "110", PriceCurrencyCode="CHF")
    await world.run()
    await world.confirm()
    await world.run()
    world.shop.list_named("Switzerland").prices[9003] = ListPrice(Decimal(15))
    row["PriceApplicableToDate"] = "2026-11-29T12:00:00Z"
    report = await world.run(after=DAY)
    assert world.shop.on_list("Switzerland") == {"BOOT": "110.00", "MAP": "15.00"}
    assert report.lists[1].outcomes[PriceOutcome.ENDED] == 1
    assert report.lists[1].outcomes[PriceOutcome.NOT_OURS] == 1
    assert (await world.run()).changed == 0


async def test_a_merchants_price_stays_where_the_flow_once_had_one():
    world = world_with(DEALERS)
    world.rules = store_rules(lists=(DEALERS,), search=("group",), base_currency=None)
    world.agree("TENT", "249")
    dealer(world, "TENT", "199")
    await world.run()
    del world.shop.list_named("Dealers").prices[9001]
    world.fo.rows["SalesPriceAgreements"].pop()
    await world.run(after=DAY)
    world.shop.list_named("Dealers").prices[9001] = ListPrice(Decimal(210))
    report = await world.run(after=DAY)
    assert report.lists[1].outcomes[PriceOutcome.NOT_OURS] == 1
    assert world.shop.on_list("Dealers") == {"TENT": "210.00"}


async def test_the_same_with_quantity_breaks():
    world = world_with(DEALERS | {"tiers": True}, base_currency=None, groups=())
    world.agree("TENT", "249", PriceCustomerGroupCode="")
    row = dealer(world, "BOOT", "90", FromQuantity=Decimal(0))
    dealer(world, "BOOT", "80", FromQuantity=Decimal(5))
    await world.run()
    assert world.shop.on_list("Dealers") == {"TENT": "249.00", "BOOT": "90.00 5:80.00"}
    for each in (row, world.fo.rows["SalesPriceAgreements"][-1]):
        each["PriceApplicableToDate"] = "2026-11-29T12:00:00Z"
    await world.run(after=DAY)
    assert world.shop.on_list("Dealers") == {"TENT": "249.00"}


async def test_a_price_that_cannot_be_computed_stays_on_the_list():
    world = world_with(DEALERS | {"tiers": True})
    row = dealer(world, "TENT", "199")
    await world.run()
    row["Price"] = Decimal(-199)
    assert codes(await world.run()) == [ErrorCode.PRICE_NEGATIVE]
    assert world.shop.on_list("Dealers")["TENT"] == "199.00"


async def test_a_price_changed_by_hand_on_a_list_is_set_back_when_all_is_read():
    world = world_with(DEALERS | {"tiers": True})
    dealer(world, "TENT", "199", FromQuantity=Decimal(10))
    await world.run()
    own = world.shop.list_named("Dealers").prices
    own[9001].tiers[20] = Decimal(1)
    own[9002].price = Decimal(95)
    del own[9003]
    await world.run()
    assert world.shop.on_list("Dealers")["BOOT"] == "95.00"
    report = await world.run(after=DAY)
    assert world.shop.on_list("Dealers") == {"TENT": "249.00 10:199.00", "BOOT": "99.95", "MAP": "12.50"}
    assert report.lists[1].outcomes[PriceOutcome.SET_BACK] == 3


async def test_or_left_and_told():
    world = world_with(DEALERS, overwrite="tell")
    await world.run()
    world.shop.list_named("Dealers").prices[9002].price = Decimal(95)
    report = await world.run(after=DAY)
    assert codes(report) == [ErrorCode.PRICE_EDITED]
    assert report.all_problems[0].details["list"] == "price list Dealers"
    assert world.shop.on_list("Dealers")["BOOT"] == "95.00"


async def test_compare_at_prices_of_a_list_are_f_and_os_with_a_list_price_group_and_else_stay():
    world = world_with(DEALERS | {"list_price_group": "LIST"}, SWISS)
    world.agree("TENT", "299", PriceCustomerGroupCode="LIST")
    row = world.agree("TENT", "279", PriceCurrencyCode="CHF")
    await world.run()
    await world.confirm()
    await world.run()
    assert world.shop.list_named("Dealers").prices[9001].compare_at == Decimal(299)
    swiss = world.shop.list_named("Switzerland").prices[9001]
    swiss.compare_at = Decimal(333)
    await world.run(after=DAY)
    row["Price"] = Decimal(269)
    await world.run()
    assert (swiss.price, swiss.compare_at) == (Decimal("269.00"), Decimal(333))


@pytest.mark.parametrize("tiers", [False, True])
async def test_a_merchants_compare_at_price_of_today_stays_when_the_price_changes(tiers):
    world = world_with(DEALERS | {"tiers": tiers})
    row = dealer(world, "TENT", "199")
    await world.run()
    own = world.shop.list_named("Dealers").prices
    own[9001].compare_at, own[9002].compare_at = Decimal(249), Decimal(120)
    row["Price"] = Decimal(189)
    await world.run()
    assert (own[9001].price, own[9001].compare_at) == (Decimal("189.00"), Decimal(249))
    own[9001].compare_at = None
    row["Price"] = Decimal(179)
    await world.run()
    assert (own[9001].price, own[9001].compare_at) == (Decimal("179.00"), None)
    assert world.shop.calls["PriceListCompareAt"] == 2
    assert (await world.run(after=DAY)).changed == 0
    assert own[9002].compare_at == Decimal(120)


async def test_compare_at_prices_that_are_f_and_os_are_not_read_again():
    world = world_with(DEALERS | {"list_price_group": "LIST"})
    row = dealer(world, "TENT", "199")
    await world.run()
    row["Price"] = Decimal(189)
    await world.run()
    assert world.shop.on_list("Dealers")["TENT"] == "189.00"
    assert world.shop.calls["PriceListCompareAt"] == 0


@pytest.mark.parametrize("merchants", [None, Decimal(15)])
async def test_a_price_of_a_run_that_was_killed_before_it_stored_it_ends_when_f_and_os_does(merchants):
    world = world_with(DEALERS, groups=("DEALER",), base_currency=None)
    world.rules = store_rules(lists=(DEALERS,), search=("group",), base_currency=None)
    world.agree("TENT", "249")
    world.agree("MAP", "12.50")
    await world.run()
    row = dealer(world, "MAP", "11.50")
    if merchants is not None:
        world.shop.list_named("Dealers").prices[9003] = ListPrice(merchants)
        world.time += DAY
    write, stored = world.shop._price_list_set, []

    def killed(**variables):
        stored.append((dict(world.snapshots.documents), world.snapshots.versions.copy()))
        return write(**variables)

    world.shop._price_list_set = killed
    await world.run()
    assert world.shop.on_list("Dealers") == {"MAP": "11.50"}
    [(world.snapshots.documents, world.snapshots.versions)] = stored
    row["PriceApplicableToDate"] = "2026-11-28T12:00:00Z"
    await world.run()
    assert world.shop.on_list("Dealers") == {}
    assert (await world.run()).changed == 0


async def test_so_does_one_whose_answer_was_lost():
    world = world_with(DEALERS)
    world.rules = store_rules(lists=(DEALERS,), search=("group",), base_currency=None)
    world.agree("MAP", "12.50")
    await world.run()
    row = dealer(world, "MAP", "11.50")
    world.shop.faults["PriceListSet"] = ["lost"]
    assert (await world.run()).halted
    row["PriceApplicableToDate"] = "2026-11-28T12:00:00Z"
    await world.run()
    assert world.shop.on_list("Dealers") == {}
    pages = world.shop.calls["PriceListPrices"]
    await world.run()
    assert world.shop.calls["PriceListPrices"] == pages


@pytest.mark.parametrize("overwrite", ["set_back", "tell"])
@pytest.mark.parametrize("effect", ["lost", "killed"])
async def test_a_price_that_was_set_although_its_run_did_not_hear_of_it_is_corrected_by_the_next_run(effect, overwrite):
    world = world_with(DEALERS, overwrite=overwrite)
    row = dealer(world, "TENT", "199")
    await world.run()
    row["Price"] = Decimal(189)
    stored = await run_that_does_not_hear(world, effect)
    assert world.shop.on_list("Dealers")["TENT"] == "189.00"
    world.snapshots.documents, world.snapshots.versions = stored
    row["Price"] = Decimal(199)  # what the run before that one wrote, and what its memory has
    await world.run()
    assert world.shop.on_list("Dealers")["TENT"] == "199.00"
    pages = world.shop.calls["PriceListPrices"]
    await world.run()
    assert world.shop.calls["PriceListPrices"] == pages


@pytest.mark.parametrize("overwrite", ["set_back", "tell"])
@pytest.mark.parametrize("effect", ["lost", "killed"])
async def test_a_price_that_was_taken_off_although_its_run_did_not_hear_of_it_is_set_by_the_next_run(effect, overwrite):
    world = world_with(DEALERS)
    world.rules = store_rules(lists=(DEALERS,), search=("group",), base_currency=None, overwrite=overwrite)
    for sku in ("TENT", "BOOT", "MAP"):
        world.agree(sku, str(world.shop.shown()[sku]))
    row = dealer(world, "TENT", "239")
    await world.run()
    assert world.shop.on_list("Dealers") == {"TENT": "239.00"}
    row["PriceApplicableToDate"] = "2026-11-28T12:00:00Z"
    stored = await run_that_does_not_hear(world, effect)
    assert world.shop.on_list("Dealers") == {}
    world.snapshots.documents, world.snapshots.versions = stored
    row["PriceApplicableToDate"] = "1900-01-01T12:00:00Z"
    await world.run()
    assert world.shop.on_list("Dealers") == {"TENT": "239.00"}


async def run_that_does_not_hear(world, effect):
    """A run whose prices Shopify sets: its answer is lost, or the run is killed then. Returns what is stored after."""
    write, stored = world.shop._price_list_set, []

    def set_prices(**variables):
        stored.append((dict(world.snapshots.documents), world.snapshots.versions.copy()))
        return write(**variables)

    world.shop._price_list_set = set_prices
    world.shop.faults["PriceListSet"] = [effect]
    await world.run()
    world.shop._price_list_set = write
    return stored[0] if effect == "killed" else (world.snapshots.documents, world.snapshots.versions)


@pytest.mark.parametrize("names_it", [True, False])
@pytest.mark.parametrize("tiers", [False, True])
async def test_one_refused_price_keeps_none_of_the_others_from_the_list(tiers, names_it):
    world = world_with(DEALERS | {"tiers": tiers})
    for number in range(20):
        world.sell(f"ITEM-{number:02}", "10")
    world.shop.refusals[9010] = "not allowed"
    if not names_it:
        errors = world.shop._price_errors
        world.shop._price_errors = lambda *what: [error | {"field": []} for error in errors(*what)]
    report = await world.run()
    assert codes(report) == [ErrorCode.PRICE_REFUSED]
    assert report.all_problems[0].details["sku"] == "ITEM-06"
    assert len(world.shop.on_list("Dealers")) == 22
    calls = world.shop.calls["PriceListTiersSet" if tiers else "PriceListSet"]
    assert calls <= (2 if names_it else 12)


async def test_a_deleted_list_is_created_again():
    world = world_with(DEALERS)
    await world.run()
    world.shop.lists.clear()
    dealer(world, "TENT", "199")
    assert codes(await world.run()) == [ErrorCode.PRICE_LIST_REFUSED]
    assert codes(await world.run()) == []
    assert world.shop.on_list("Dealers") == {"TENT": "199.00", "BOOT": "99.95", "MAP": "12.50"}


async def test_a_new_list_needs_no_operator_and_a_changed_one_does():
    world = world_with(DEALERS)
    for number in range(30):
        world.sell(f"ITEM-{number:02}", "10")
    assert codes(await world.run()) == []
    for number in range(30):
        dealer(world, f"ITEM-{number:02}", "9")
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    [kind] = await world.confirm()
    assert kind.startswith("list-dealers-")
    assert kind.endswith("-all")
    await world.run()
    assert world.shop.on_list("Dealers")["ITEM-00"] == "9.00"


@pytest.mark.parametrize(("wrong", "quantity"), [("19900", 0), ("1.99", 0), ("1.99", 10)])
async def test_a_first_price_that_is_far_from_the_shops_waits_for_an_operator(wrong, quantity):
    world = world_with(DEALERS | {"tiers": True})
    world.rules = store_rules(lists=(DEALERS | {"tiers": True},), base_currency=None)
    for sku in ("TENT", "BOOT", "MAP"):
        world.agree(sku, world.shop.shown()[sku])
    dealer(world, "BOOT", "89")
    if quantity:
        dealer(world, "TENT", "199")
    dealer(world, "TENT", wrong, FromQuantity=Decimal(quantity))
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    assert world.shop.on_list("Dealers") == {"BOOT": "89.00"}


async def test_a_first_price_like_the_lists_others_is_written_however_far_it_is_from_the_shops():
    world = world_with(DEALERS)
    row = dealer(world, "TENT", "90")
    dealer(world, "BOOT", "40")
    report = await world.run()
    assert report.held == 2
    await world.confirm()
    await world.run()
    world.sell("ROPE", "50")
    rope = dealer(world, "ROPE", "19")
    assert codes(await world.run()) == []
    assert world.shop.on_list("Dealers")["ROPE"] == "19.00"
    rope["Price"], row["Price"] = Decimal("0.19"), Decimal("0.90")
    assert (await world.run()).held == 2


async def test_first_prices_in_another_currency_wait_for_an_operator_and_later_ones_are_compared_with_them():
    world = world_with(SWISS)
    for sku, price in (("BOOT", "110"), ("MAP", "13.90")):
        world.agree(sku, price, PriceCurrencyCode="CHF")
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    assert await world.held() == {"BOOT": "(none) -> 110.00", "MAP": "(none) -> 13.90"}
    assert world.shop.on_list("Switzerland") == {}
    await world.confirm()
    assert codes(await world.run()) == []
    row = world.agree("TENT", "27900", PriceCurrencyCode="CHF")
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    row["Price"] = Decimal(279)
    assert codes(await world.run()) == []
    assert world.shop.on_list("Switzerland")["TENT"] == "279.00"


@pytest.mark.parametrize(("again", "is_held"), [("9900", True), ("0.99", True), ("95", False)])
async def test_a_price_that_begins_again_is_compared_with_the_last_one(again, is_held):
    world = world_with(DEALERS)
    world.rules = store_rules(lists=(DEALERS,), search=("group",), base_currency=None)
    for sku in ("TENT", "BOOT", "MAP"):
        world.agree(sku, str(world.shop.shown()[sku]))
    row = dealer(world, "TENT", "99")
    dealer(world, "BOOT", "99")
    assert (await world.run()).held == 1
    await world.confirm()
    await world.run()
    row["PriceApplicableToDate"] = "2026-11-29T12:00:00Z"
    await world.run(after=DAY)
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Dealers") == {"BOOT": "99.00"}
    row |= {"PriceApplicableToDate": "1900-01-01T12:00:00Z", "Price": Decimal(again)}
    assert codes(await world.run()) == ([ErrorCode.PRICES_HELD] if is_held else [])
    assert world.shop.on_list("Dealers") == {"BOOT": "99.00"} | ({} if is_held else {"TENT": "95.00"})


async def test_a_price_whose_end_changes_too_much_stays_until_an_operator_confirms():
    world = world_with(DEALERS)
    world.rules = store_rules(lists=(DEALERS,), search=("group",), base_currency=None)
    for sku in ("TENT", "BOOT", "MAP"):
        world.agree(sku, str(world.shop.shown()[sku]))
    tent, boot = dealer(world, "TENT", "99"), dealer(world, "BOOT", "89")
    await world.run()
    await world.confirm()
    await world.run()
    for row in (tent, boot):
        row["PriceApplicableToDate"] = "2026-11-29T12:00:00Z"
    report = await world.run(after=DAY)
    assert (codes(report), report.lists[1].outcomes[PriceOutcome.ENDED]) == ([ErrorCode.PRICES_HELD], 1)
    assert world.shop.on_list("Dealers") == {"TENT": "99.00"}
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Dealers") == {}


async def test_a_last_price_of_0_lets_no_first_price_through():
    world = world_with(SWISS, allow_zero=True)
    row = world.agree("TENT", "0", PriceCurrencyCode="CHF", PriceApplicableToDate="2026-12-01T12:00:00Z")
    await world.run()
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Switzerland") == {"TENT": "0.00"}
    row["PriceApplicableToDate"] = "2026-11-28T12:00:00Z"
    await world.run()
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Switzerland") == {}
    row |= {"PriceApplicableToDate": "1900-01-01T12:00:00Z", "Price": Decimal(9_999)}
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]


async def test_prices_of_0_on_a_list_say_nothing_of_its_other_prices():
    world = world_with(SWISS, allow_zero=True)
    for sku in ("TENT", "BOOT"):
        world.agree(sku, "0", PriceCurrencyCode="CHF")
    await world.run()
    await world.confirm()
    await world.run()
    assert world.shop.on_list("Switzerland") == {"TENT": "0.00", "BOOT": "0.00"}
    world.agree("MAP", "9999", PriceCurrencyCode="CHF")
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]


async def test_a_price_in_another_currency_that_ends_is_compared_with_the_lists_others_only():
    world = world_with(SWISS)
    wrong = world.agree("TENT", "27", PriceCurrencyCode="CHF")
    await world.run()
    await world.confirm()
    await world.run()
    wrong["PriceApplicableToDate"] = "2026-11-28T12:00:00Z"
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    assert world.shop.on_list("Switzerland") == {"TENT": "27.00"}


async def test_a_quantity_break_that_falls_too_much_waits_for_an_operator():
    world = world_with(DEALERS | {"tiers": True})
    row = dealer(world, "TENT", "199", FromQuantity=Decimal(10))
    await world.run()
    row["Price"] = Decimal("1.99")
    assert codes(await world.run()) == [ErrorCode.PRICES_HELD]
    assert world.shop.on_list("Dealers")["TENT"] == "249.00 10:199.00"
    assert await world.held() == {"TENT": "249.00, from 10 199.00 -> 249.00, from 10 1.99"}


async def test_calls_have_250_prices_and_100_with_quantity_breaks():
    world = world_with(DEALERS, DEALERS | {"name": "Tiered", "tiers": True})
    for number in range(300):
        world.sell(f"ITEM-{number:03}", "10")
    await world.run()
    assert (world.shop.calls["PriceListSet"], world.shop.calls["PriceListTiersSet"]) == (2, 4)


async def test_a_list_whose_breaks_are_not_f_and_os_any_more_is_read_again():
    world = world_with(DEALERS | {"tiers": True})
    dealer(world, "TENT", "199", FromQuantity=Decimal(10))
    await world.run()
    world.rules = store_rules(lists=(DEALERS,))
    await world.run()
    assert world.shop.calls["PriceListPrices"] == 1
    assert world.shop.on_list("Dealers")["TENT"] == "249.00 10:199.00"
