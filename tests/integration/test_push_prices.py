"""The flow prices with the real clients, against both simulators, over the wire."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from fixtures.prices import PricedShop, priced

from local.d365.faults import Fault
from shared.errors import ErrorCode, TransientError
from shared.mapping.prices.changes import PriceOutcome
from shared.model import Item, ListedPrice
from shared.sync.prices.quotes import quotes

DEALERS = {
    "name": "Dealers",
    "currency": "EUR",
    "groups": ("DEALER",),
    "company_locations": (77001001,),
    "tiers": True,
    "quantity_rules": True,
}
DENMARK = {"name": "Denmark", "currency": "DKK", "groups": ("WEB",), "market": 76001002}
DAY = timedelta(hours=24)


@pytest.fixture
async def nordlys(wire: None):
    """The first prices of its list are confirmed."""
    async with priced("nordlys", lists=(DENMARK,)) as shop:
        await confirmed(shop)
        shop.told.clear()
        yield shop


@pytest.fixture
async def prairie(wire: None):
    async with priced("prairie") as shop:
        yield shop


@pytest.fixture
async def listed(wire: None):
    async with priced("nordlys", lists=(DEALERS, DENMARK)) as shop:
        yield shop


async def confirmed(shop: PricedShop, *others: ErrorCode):
    """A run after an operator has confirmed the first prices in another currency."""
    assert codes(await shop.run()) == [*others, ErrorCode.PRICES_HELD]
    await shop.confirm()
    return await shop.run()


def codes(report):
    return [problem.code for problem in report.all_problems]


async def test_the_example_shops_show_fo_s_prices_already(nordlys: PricedShop):
    report = await nordlys.run()
    assert (report.lists[0].changed, codes(report)) == (0, [])
    assert report.lists[0].outcomes == {PriceOutcome.EQUAL: 6, PriceOutcome.UNKNOWN: 1}


async def test_a_posted_price_reaches_the_shop_and_its_end_too(nordlys: PricedShop):
    await nordlys.run()
    record = nordlys.agree("LAMP-HEAD", 29.95)
    assert (await nordlys.run()).changed == 1
    assert nordlys.shown()["LAMP-HEAD"] == "29.95"
    nordlys.delete(record)
    await nordlys.run()
    assert nordlys.shown()["LAMP-HEAD"] == "34.50"


async def test_a_price_with_a_date_is_right_on_its_day(nordlys: PricedShop):
    first_run = nordlys.retailer.clock.now() + timedelta(minutes=15)
    tomorrow = first_run.astimezone(nordlys.rules.zone).date() + DAY
    nordlys.agree("LAMP-HEAD", 29.95, PriceApplicableFromDate=str(tomorrow), PriceApplicableToDate=str(tomorrow))
    await nordlys.run()
    assert nordlys.shown()["LAMP-HEAD"] == "34.50"
    await nordlys.run(after=DAY)
    assert nordlys.shown()["LAMP-HEAD"] == "29.95"
    await nordlys.run(after=DAY)
    assert nordlys.shown()["LAMP-HEAD"] == "34.50"


async def test_variants_of_masters_have_prices_of_their_own(prairie: PricedShop):
    await prairie.run()
    before = prairie.shown()
    prairie.agree("TEE", 27.50, ProductColorId="Red", ToQuantity=10)
    await prairie.run()
    changed = {sku: price for sku, price in prairie.shown().items() if price != before[sku]}
    assert set(changed.values()) == {"27.50"}
    assert set(changed) == {"TEE-RED-M", "TEE-RED-L"}


async def test_one_call_sets_all_variants_of_a_product(prairie: PricedShop):
    await prairie.run()
    for color in ("Red", "Blue"):
        prairie.agree("TEE", 27.50, ProductColorId=color, ToQuantity=10)
    await prairie.run()
    assert prairie.calls("PriceVariantsSet") == 1


async def test_hand_edits_are_set_back_and_compare_at_prices_stay(nordlys: PricedShop):
    await nordlys.run()
    nordlys.edit("LAMP-HEAD", price="19.50", compare_at_price="44.50")
    report = await nordlys.run()
    assert report.lists[0].outcomes[PriceOutcome.SET_BACK] == 1
    variant = nordlys.retailer.shop.variant_by_sku["LAMP-HEAD"]
    assert (variant.price, variant.compare_at_price) == (Decimal("34.50"), Decimal("44.50"))


async def test_a_list_price_is_shown_beside_the_price(wire: None):
    async with priced("nordlys", list_price_group="LIST") as shop:
        await shop.run()
        variant = shop.retailer.shop.variant_by_sku["TENT-2P"]
        assert variant.compare_at_price == Decimal("279.00")


async def test_lists_are_created_assigned_and_filled_once(listed: PricedShop):
    assert codes(await confirmed(listed)) == []
    assert listed.on_list("Dealers")["TENT-2P"] == "189.00 5:179.00"
    assert listed.on_list("Denmark") == {"TENT-2P": "1849.00"}
    catalogs = listed.retailer.shop.pricing.catalogs.values()
    assert sorted((each.title, each.kind, each.status, each.contexts) for each in catalogs) == [
        ("Dealers", "COMPANY_LOCATION", "ACTIVE", [77001001]),
        ("Denmark", "MARKET", "ACTIVE", [76001002]),
    ]
    report = await listed.run(after=DAY)
    assert (report.changed, report.halted, codes(report)) == (0, "", [])


async def test_breaks_and_prices_end_on_a_list(listed: PricedShop):
    records = [
        listed.agree("STOVE-GAS", 49.95, PriceCustomerGroupCode="DEALER"),
        listed.agree("STOVE-GAS", 44.95, PriceCustomerGroupCode="DEALER", FromQuantity=12),
        listed.agree("STOVE-GAS", 409, PriceCurrencyCode="DKK"),
    ]
    await confirmed(listed)
    assert listed.on_list("Dealers")["STOVE-GAS"] == "49.95 12:44.95"
    assert listed.on_list("Denmark")["STOVE-GAS"] == "409.00"
    listed.delete(records[1])
    await listed.run()
    assert listed.on_list("Dealers")["STOVE-GAS"] == "49.95"
    listed.delete(records[0], records[2])
    await listed.run()
    assert listed.on_list("Dealers")["STOVE-GAS"] == "54.95"
    assert "STOVE-GAS" not in listed.on_list("Denmark")


async def test_order_quantities_are_quantity_rules(listed: PricedShop):
    fo = listed.retailer.fo
    key = {"dataAreaId": "nleu", "ItemNumber": "MUG-ENAMEL"}
    quantities = {"MinimumSalesOrderQuantity": 6, "SalesQuantityMultiples": 6}
    fo.catalogue.write("ProductDefaultOrderSettings", key | quantities)
    await listed.run()
    [rule] = listed.price_list("Dealers").rules.values()
    assert (rule.minimum, rule.maximum, rule.increment) == (6, None, 6)
    assert (await listed.run(after=DAY)).changed == 0
    fo.catalogue.write("ProductDefaultOrderSettings", key | dict.fromkeys(quantities, 0))
    await listed.run()
    assert listed.price_list("Dealers").rules == {}


async def test_more_breaks_than_shopify_takes_are_told_and_keep_no_other_price(listed: PricedShop):
    for quantity in range(2, 14):
        listed.agree("STOVE-GAS", 50 - quantity, PriceCustomerGroupCode="DEALER", FromQuantity=quantity)
    report = await confirmed(listed, ErrorCode.PRICE_REFUSED)
    assert codes(report) == [ErrorCode.PRICE_REFUSED]
    assert report.all_problems[0].details["sku"] == "STOVE-GAS"
    assert len(listed.on_list("Dealers")) == 5


async def test_a_plan_without_room_for_catalogs_is_told(listed: PricedShop):
    listed.retailer.shop.pricing.most_b2b_catalogs = 0
    report = await listed.run()
    assert codes(report) == [ErrorCode.PRICE_LIST_REFUSED, ErrorCode.PRICES_HELD]
    await listed.confirm()
    assert codes(await listed.run()) == [ErrorCode.PRICE_LIST_REFUSED]
    assert listed.on_list("Denmark") == {"TENT-2P": "1849.00"}


async def test_a_journal_wrong_by_the_factor_100_changes_nothing(nordlys: PricedShop):
    await nordlys.run()
    for sku, price in (("TENT-2P", 24_900), ("LAMP-HEAD", 3_450), ("STOVE-GAS", 5_495)):
        nordlys.agree(sku, price)
    before = nordlys.shown()
    report = await nordlys.run()
    assert nordlys.shown() == before
    assert codes(report) == [ErrorCode.PRICES_HELD]
    assert report.held == 2  # the tent's price of 249.00 is still the lowest
    await nordlys.run()
    assert nordlys.told == [ErrorCode.PRICES_HELD]


async def test_a_confirmed_change_is_written(nordlys: PricedShop):
    await nordlys.run()
    nordlys.agree("LAMP-HEAD", 79.00)
    await nordlys.run()
    assert nordlys.shown()["LAMP-HEAD"] == "34.50"
    await nordlys.confirm()
    await nordlys.run()
    assert nordlys.shown()["LAMP-HEAD"] == "79.00"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"QuantityUnitySymbol": "box"}, ErrorCode.PRICE_UNIT_UNKNOWN),
        ({"Price": -1}, ErrorCode.PRICE_NEGATIVE),
        ({"Price": 0}, ErrorCode.PRICE_ZERO),
        ({"WillSearchContinue": "No"}, ErrorCode.PRICES_OVERLAP),
        ({"PriceWarehouseId": "AMS", "PriceSiteId": "EU"}, ErrorCode.PRICE_DEPENDS),
        ({"PriceCurrencyCode": "SEK"}, ErrorCode.PRICE_CURRENCY_UNLISTED),
    ],
)
async def test_bad_input_has_its_code_and_loses_nothing(nordlys: PricedShop, fields, code):
    await nordlys.run()
    nordlys.agree("TENT-2P", fields.pop("Price", 259), **fields)
    nordlys.agree("LAMP-HEAD", 29.95)
    report = await nordlys.run()
    assert codes(report) == [code]
    assert (nordlys.shown()["TENT-2P"], nordlys.shown()["LAMP-HEAD"]) == ("249.00", "29.95")


async def test_a_line_discount_is_refused_or_folded(nordlys: PricedShop):
    nordlys.discount(ItemNumber="LAMP-HEAD", DiscountPercentage1=10)
    assert codes(await nordlys.run()) == [ErrorCode.PRICE_DISCOUNTED]
    prices = nordlys.rules.prices.model_copy(update={"discounts": "fold"})
    nordlys.rules = nordlys.rules.model_copy(update={"prices": prices})
    await nordlys.run()
    assert nordlys.shown()["LAMP-HEAD"] == "31.05"


async def test_a_shop_with_other_tax_settings_is_left_alone(wire: None):
    rates = ({"item_tax_group": "FULL", "rate": Decimal("0.21")},)
    async with priced("nordlys", shop_includes_tax=False, tax_rates=rates) as shop:
        assert codes(await shop.run()) == [ErrorCode.PRICE_SHOP_MISMATCH]
        assert shop.calls("PriceVariantsSet") == 0


async def test_a_reading_of_fo_that_fails_half_way_writes_nothing(nordlys: PricedShop):
    await nordlys.run()
    nordlys.agree("LAMP-HEAD", 29.95)
    nordlys.retailer.fo.faults.add(Fault(kind="bad_gateway", entity_set="SalesLineDiscountAgreements", times=1))
    with pytest.raises(TransientError) as failure:
        await nordlys.run()
    assert "502" in failure.value.reason
    assert nordlys.shown()["LAMP-HEAD"] == "34.50"
    await nordlys.run(after=timedelta(minutes=5))
    assert nordlys.shown()["LAMP-HEAD"] == "29.95"


async def order_by_phone(shop: PricedShop, *lines: dict[str, object]) -> str:
    """A clerk's order of a customer of the group WEB; a line without a price gets that of F&O."""
    fo, company = shop.retailer.odata, shop.rules.company
    header = {
        "dataAreaId": company,
        "OrderingCustomerAccountNumber": "PHONE-US",
        "InvoiceCustomerAccountNumber": "PHONE-US",
        "CurrencyCode": "USD",
        "DefaultShippingSiteId": "1",
        "DefaultShippingWarehouseId": "11",
    }
    number: str = (await fo.create("SalesOrderHeadersV4", header))["SalesOrderNumber"]
    for line in lines:
        row = {"dataAreaId": company, "SalesOrderNumber": number, "ShippingSiteId": "1", "ShippingWarehouseId": "11"}
        await fo.create("SalesOrderLinesV3", row | line)
    return number


async def test_prices_that_fo_gave_on_order_lines_prove_those_of_the_app(wire: None):
    async with priced("prairie", proof_groups=("WEB",), dimensions="any") as shop:
        shop.agree("BOOT", 155, ProductSizeId="43", WillSearchContinue="No")
        shop.agree("JACKET", 99, PriceCustomerGroupCode="", FromQuantity=50)
        shop.agree("TEE", 23, PriceCustomerGroupCode="", CustomerAccountNumber="PHONE-US", ToQuantity=3)
        tee = {"ItemNumber": "TEE", "ProductColorId": "Red", "ProductSizeId": "M"}
        for quantity in (1, 4, 12, 60):
            await order_by_phone(shop, tee | {"OrderedSalesQuantity": quantity})
        report = await shop.run(after=timedelta())
        assert report.proof is not None
        assert (report.proof.lines, report.proof.differences) == (4, [])
        number = await order_by_phone(shop, tee | {"OrderedSalesQuantity": 2, "SalesPrice": 9})
        report = await shop.run(after=DAY)
        assert [problem.details["order"] for problem in report.proof.differences] == [number]
        assert shop.told == [ErrorCode.PRICE_PROOF_DIFFERS]


async def test_the_tenants_price_service_is_asked(wire: None):
    service = {"group": "ShopPrices", "service": "Prices", "operation": "get", "quantities": (5,)}
    async with priced("nordlys", source="service", service=service, lists=(DEALERS, DENMARK)) as shop:
        shop.retailer.fo.books.tenant = type(shop.retailer.fo.books.tenant)(price_service="ShopPrices/Prices/get")
        shop.agree("LAMP-HEAD", 29.95)
        assert codes(await confirmed(shop)) == []
        assert shop.shown()["LAMP-HEAD"] == "29.95"
        assert shop.on_list("Dealers")["TENT-2P"] == "189.00 5:179.00"


async def test_a_service_that_is_not_there_is_told(wire: None):
    service = {"group": "ShopPrices", "service": "Prices", "operation": "get"}
    async with priced("nordlys", source="service", service=service, lists=(DENMARK,)) as shop:
        assert codes(await shop.run()) == [ErrorCode.PRICE_SERVICE_WRONG]


async def test_quotes_are_the_shops_prices(nordlys: PricedShop):
    nordlys.agree("LAMP-HEAD", 29.95)
    lamp, ghost = Item("LAMP-HEAD"), Item("GHOST-1")
    found = await quotes(nordlys.rules, nordlys.retailer.odata, [lamp, ghost])
    assert found == {lamp: ListedPrice(Decimal("29.95")), ghost: None}
