"""What F&O asks for an order line: trade agreements, line discounts, base prices, and who keeps them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders.root import ROOT
from fixtures.d365_sim import Client, Clock, running_f_and_o

from local.d365 import Simulator, load_world

BUYER = "BUYER"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC))


@pytest.fixture
async def d365(wire: None, clock: Clock) -> AsyncIterator[Client]:
    """Company web with a customer of price group WEB and discount group STAFF."""
    async with running_f_and_o(clock=clock) as client:
        for group in ("WEB", "DEALER"):
            await do(client, "PUT", "records/PriceCustomerGroups", dataAreaId="web", GroupCode=group)
        await do(client, "PUT", "records/LineDiscountCustomerGroups", dataAreaId="web", GroupCode="STAFF")
        customer = {
            "dataAreaId": "web",
            "CustomerAccount": BUYER,
            "OrganizationName": "Buyer",
            "CustomerGroupId": "30",
            "SalesCurrencyCode": "USD",
            "DiscountPriceGroupId": "WEB",
            "LineDiscountCode": "STAFF",
        }
        created = await client.data("POST", "CustomersV3", customer)
        assert created.status == 201, created.text
        yield client


async def do(d365: Client, method: str, path: str, /, status: int = 200, **body: Any) -> Any:
    answer = await d365.admin(method, path, body)
    assert answer.status == status, answer.text
    return answer.json


async def agree(d365: Client, *prices: dict[str, Any], discounts: tuple[dict[str, Any], ...] = ()) -> list[int]:
    rows = [{"ItemNumber": "LAMP", **row} for row in prices]
    posted = await do(d365, "POST", "trade-agreements", 201, company="web", prices=rows, discounts=discounts)
    return [*posted["prices"], *posted["discounts"]]


async def order(d365: Client, **header: Any) -> str:
    return await d365.order(OrderingCustomerAccountNumber=BUYER, **header)


async def priced(d365: Client, number: str, **line: Any) -> dict[str, Any]:
    answer = await d365.line(number, **line)
    assert answer.status == 201, answer.text
    return answer.json


async def price(d365: Client, quantity: object = 1, **line: Any) -> Decimal:
    return (await priced(d365, await order(d365), OrderedSalesQuantity=quantity, **line))["SalesPrice"]


WEB, ALL, DEALER = {"PriceCustomerGroupCode": "WEB"}, dict[str, Any](), {"PriceCustomerGroupCode": "DEALER"}
MINE = {"CustomerAccountNumber": BUYER}
LAST = {"WillSearchContinue": "No"}
UNTIL_YESTERDAY = {"PriceApplicableToDate": "2026-07-29"}


@pytest.mark.parametrize(
    ("agreements", "expected"),
    [
        pytest.param([], "34.5", id="the base price without agreements"),
        pytest.param([WEB | {"Price": 40}], "40", id="an agreement before a lower base price"),
        pytest.param([ALL | {"Price": 30}], "30", id="an agreement for all customers"),
        pytest.param([DEALER | {"Price": 9}], "34.5", id="not that of another group"),
        pytest.param([{"CustomerAccountNumber": "DAT-000004", "Price": 9}], "34.5", id="not that of another customer"),
        pytest.param([MINE | {"Price": 33}, WEB | {"Price": 31}, ALL | {"Price": 32}], "31", id="the lowest of all"),
        pytest.param([WEB | {"Price": 31}, MINE | LAST | {"Price": 33}], "33", id="the customer's ends the search"),
        pytest.param([ALL | {"Price": 30}, WEB | LAST | {"Price": 31}], "31", id="the group's ends the search"),
        pytest.param([WEB | LAST | {"Price": 31}, WEB | {"Price": 30}], "31", id="the first posted ends the search"),
        pytest.param([WEB | {"Price": 30}, WEB | LAST | {"Price": 31}], "30", id="the lower one was found before"),
        pytest.param([WEB | {"Price": 30, "PriceCurrencyCode": "JPY"}], "34.5", id="not in another currency"),
        pytest.param([WEB | {"Price": 30, "QuantityUnitySymbol": "box"}], "34.5", id="not for another unit"),
        pytest.param([WEB | {"Price": 30, "PriceApplicableFromDate": "2026-07-30"}], "30", id="from today on"),
        pytest.param([WEB | {"Price": 30, "PriceApplicableFromDate": "2026-07-31"}], "34.5", id="from tomorrow on"),
        pytest.param([WEB | {"Price": 30, "PriceApplicableToDate": "2026-07-30"}], "30", id="until today"),
        pytest.param([WEB | UNTIL_YESTERDAY | {"Price": 30}], "34.5", id="until yesterday"),
        pytest.param([WEB | {"Price": 30, "PriceApplicableToDate": "2154-12-31"}], "30", id="without an end"),
        pytest.param([WEB | {"Price": 30, "FromQuantity": 2}], "34.5", id="only from two on"),
        pytest.param([WEB | {"Price": 30, "ToQuantity": 1}], "34.5", id="only below one"),
        pytest.param([WEB | {"Price": 30, "PriceSiteId": "2"}], "34.5", id="only at another site"),
        pytest.param([WEB | {"Price": 30, "PriceWarehouseId": "11"}], "30", id="at this warehouse"),
        pytest.param([WEB | {"Price": 3450}], "3450", id="wrong by the factor 100"),
    ],
)
async def test_a_line_without_a_price_gets_the_one_that_f_and_o_finds(
    d365: Client, agreements: list[dict[str, Any]], expected: str
) -> None:
    await agree(d365, *agreements)
    assert await price(d365) == Decimal(expected)


@pytest.mark.parametrize(("quantity", "expected"), [(1, 30), (9, 30), (10, 28), (49.5, 28), (50, 25), (500, 25)])
async def test_tiers_begin_at_their_quantity_and_end_before_the_next(
    d365: Client, quantity: float, expected: int
) -> None:
    await agree(
        d365,
        WEB | {"Price": 30, "ToQuantity": 10},
        WEB | {"Price": 28, "FromQuantity": 10, "ToQuantity": 50},
        WEB | {"Price": 25, "FromQuantity": 50},
    )
    assert await price(d365, quantity) == expected


async def test_prices_for_several_pieces_and_charges_are_compared_by_what_the_line_costs(d365: Client) -> None:
    await agree(
        d365,
        WEB | {"Price": 2900, "SalesPriceQuantity": 100},
        WEB | {"Price": 30},
        WEB | {"Price": 25, "FixedPriceCharges": 20},
    )
    one = await priced(d365, await order(d365), OrderedSalesQuantity=2)
    assert (one["SalesPrice"], one["SalesPriceQuantity"], one["LineAmount"]) == (2900, 100, 58)
    many = await priced(d365, await order(d365), OrderedSalesQuantity=10)
    assert (many["SalesPrice"], many["FixedPriceCharges"], many["LineAmount"]) == (25, 20, 270)


RED_M = {"ItemNumber": "TEE", "ProductColorId": "Red", "ProductSizeId": "M"}
BLUE_M = RED_M | {"ProductColorId": "Blue"}


async def test_a_price_for_a_colour_is_one_of_several_and_in_commerce_comes_first(d365: Client) -> None:
    tee = {"ItemNumber": "TEE", "PriceCustomerGroupCode": "WEB"}
    await agree(d365, tee | {"Price": 20}, tee | {"Price": 26, "ProductColorId": "Red"})
    assert [await price(d365, **RED_M), await price(d365, **BLUE_M)] == [20, 20]
    await do(d365, "POST", "parameters", company="web", commerce_pricing=True)
    assert [await price(d365, **RED_M), await price(d365, **BLUE_M)] == [26, 20]


async def test_the_priority_of_a_group_counts_in_commerce_alone(d365: Client) -> None:
    await do(d365, "PUT", "records/PriceCustomerGroups", dataAreaId="web", GroupCode="WEB", PricingPriority=5)
    await agree(d365, ALL | {"Price": 30}, WEB | {"Price": 33})
    assert await price(d365) == 30
    await do(d365, "POST", "parameters", company="web", commerce_pricing=True)
    assert await price(d365) == 33


async def test_the_base_price_is_converted_into_the_currency_of_the_order(d365: Client) -> None:
    number = await order(d365, CurrencyCode="JPY")
    assert (await priced(d365, number))["SalesPrice"] == 5308  # 34.50 USD at 0.65 USD for 100 JPY
    lamp = {"dataAreaId": "web", "ItemNumber": "LAMP"}
    await do(d365, "PUT", "records/ReleasedProductsV2", **lamp, SalesPrice=690, SalesPriceQuantity=20)
    line = await priced(d365, await order(d365), OrderedSalesQuantity=2)
    assert (line["SalesPrice"], line["SalesPriceQuantity"], line["LineAmount"]) == (690, 20, 69)


STAFF = {"LineDiscountCustomerGroupCode": "STAFF"}
PERCENT = {"DiscountPercentage1": 10}


@pytest.mark.parametrize(
    ("discounts", "amount", "percent"),
    [
        ([STAFF | PERCENT], "0", "10"),
        ([PERCENT], "0", "10"),
        ([{"CustomerAccountNumber": BUYER, "ItemNumber": "LAMP"} | PERCENT], "0", "10"),
        ([{"LineDiscountProductGroupCode": "LIGHT"} | PERCENT], "0", "10"),
        ([{"LineDiscountProductGroupCode": "SHOES"} | PERCENT], "0", "0"),
        ([{"ItemNumber": "MUG"} | PERCENT], "0", "0"),
        ([{"LineDiscountCustomerGroupCode": "OTHER"} | PERCENT], "0", "0"),
        ([STAFF | {"DiscountPercentage1": 10, "DiscountPercentage2": 5}], "0", "14.5"),
        ([STAFF | PERCENT, {"DiscountAmount": 2, "DiscountPercentage1": 3}], "2", "13"),
        ([PERCENT, STAFF | LAST | {"DiscountAmount": 2}], "2", "0"),
        ([STAFF | {"DiscountAmount": 2, "DiscountCurrencyCode": "JPY"}], "0", "0"),
        ([STAFF | PERCENT | {"FromQuantity": 3}], "0", "0"),
        ([STAFF | PERCENT | {"DiscountApplicableToDate": "2026-07-29"}], "0", "0"),
    ],
)
async def test_line_discounts_on_the_way_are_added(
    d365: Client, discounts: list[dict[str, Any]], amount: str, percent: str
) -> None:
    lamp = {"dataAreaId": "web", "ItemNumber": "LAMP"}
    await do(d365, "PUT", "records/ReleasedProductsV2", **lamp, SalesLineDiscountProductGroupCode="LIGHT")
    await agree(d365, discounts=tuple(discounts))
    line = await priced(d365, await order(d365), OrderedSalesQuantity=2)
    assert (line["LineDiscountAmount"], line["LineDiscountPercentage"]) == (Decimal(amount), Decimal(percent))


async def test_a_discount_that_is_given_stays(d365: Client) -> None:
    await agree(d365, discounts=(STAFF | PERCENT,))
    line = await priced(d365, await order(d365), LineDiscountPercentage=5)
    assert (line["SalesPrice"], line["LineDiscountPercentage"]) == (Decimal("34.5"), 5)


async def change(d365: Client, line: dict[str, Any], **changes: Any) -> dict[str, Any]:
    key = f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{line['InventoryLotId']}')"
    answer = await d365.data("PATCH", key, changes)
    assert answer.status == 204, answer.text
    return (await d365.data("GET", key)).json


async def test_a_changed_quantity_is_priced_anew_unless_somebody_gave_the_price(d365: Client) -> None:
    tiers = WEB | {"Price": 30, "ToQuantity": 10}, WEB | {"Price": 28, "FromQuantity": 10}
    await agree(d365, *tiers, discounts=(STAFF | PERCENT,))
    number = await order(d365)
    found, given = await priced(d365, number), await priced(d365, number, SalesPrice=33)
    assert (given["SalesPrice"], given["LineDiscountPercentage"]) == (33, 0)
    found = await change(d365, found, OrderedSalesQuantity=10)
    assert (found["SalesPrice"], found["LineAmount"]) == (28, 252)
    given = await change(d365, given, OrderedSalesQuantity=10)
    assert (given["SalesPrice"], given["LineAmount"]) == (33, 330)

    found = await change(d365, found, OrderedSalesQuantity=2, SalesPrice=29)
    assert (found["SalesPrice"], found["LineDiscountPercentage"]) == (29, 10)
    found = await change(d365, found, OrderedSalesQuantity=20)
    assert found["SalesPrice"] == 29


async def test_a_line_keeps_its_price_when_something_else_changes_or_part_of_it_is_invoiced(d365: Client) -> None:
    number = await order(d365)
    line = await priced(d365, number, OrderedSalesQuantity=2)
    await agree(d365, WEB | {"Price": 30})
    assert (await change(d365, line, LineDescription="Lamp for the hall"))["SalesPrice"] == Decimal("34.5")
    await do(d365, "POST", f"orders/web/{number}/pack", lines=[{"lot": line["InventoryLotId"], "quantity": 1}])
    await do(d365, "POST", f"orders/web/{number}/invoice")
    assert (await change(d365, line, OrderedSalesQuantity=3))["SalesPrice"] == Decimal("34.5")


async def test_an_order_has_the_groups_of_its_customer_unless_it_is_given_others(d365: Client) -> None:
    await agree(d365, WEB | {"Price": 30}, DEALER | {"Price": 20})
    header = await d365.header(await order(d365))
    assert (header["PriceCustomerGroupCode"], header["LineDiscountCustomerGroupCode"]) == ("WEB", "STAFF")
    number = await order(d365, PriceCustomerGroupCode="DEALER")
    assert (await priced(d365, number))["SalesPrice"] == 20
    customer = f"CustomersV3(dataAreaId='web',CustomerAccount='{BUYER}')"
    refused = await d365.data("PATCH", customer, {"DiscountPriceGroupId": "GHOST"})
    assert "The value 'GHOST' in field 'Price group' is not found" in refused.infolog


async def test_agreements_are_seen_as_they_were_posted_with_growing_record_ids(d365: Client) -> None:
    first, second = await agree(d365, WEB | {"Price": 30}, WEB | {"Price": 28, "FromQuantity": 10})
    assert second > first
    rows = await d365.rows(f"SalesPriceAgreements?$filter=dataAreaId eq 'web' and RecordId gt {first}")
    assert [row["RecordId"] for row in rows] == [second]
    expected = {
        "ItemNumber": "LAMP",
        "PriceCustomerGroupCode": "WEB",
        "CustomerAccountNumber": "",
        "PriceCurrencyCode": "USD",
        "QuantityUnitySymbol": "ea",
        "SalesPriceQuantity": 1,
        "FromQuantity": 10,
        "ToQuantity": 0,
        "PriceApplicableToDate": "1900-01-01T12:00:00Z",
        "WillSearchContinue": "Yes",
    }
    assert {name: rows[0][name] for name in expected} == expected


async def test_an_agreement_ends_on_its_last_day_or_is_deleted(d365: Client, clock: Clock) -> None:
    lower, higher = await agree(d365, WEB | {"Price": 29}, WEB | {"Price": 30})
    await do(d365, "POST", "trade-agreements/end", company="web", records=[lower], day="2026-07-30")
    assert await price(d365) == 29
    clock.now = clock.now.replace(day=31)
    d365.headers["Authorization"] = f"Bearer {d365.token()}"
    assert await price(d365) == 30
    await do(d365, "POST", "trade-agreements/end", company="web", records=[higher])
    assert await price(d365) == Decimal("34.5")
    assert len(await d365.rows("SalesPriceAgreements")) == 1
    refused = await do(d365, "POST", "trade-agreements/end", 409, company="web", records=[higher])
    assert refused["error"] == f"company web has no agreement {higher}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"ItemNumber": "GHOST", "Price": 1}, "company web has no item GHOST"),
        ({"ItemNumber": "LAMP"}, "SalesPriceAgreements needs Price"),
        ({"ItemNumber": "LAMP", "Price": 1, "Unit": "ea"}, "SalesPriceAgreements has no field Unit"),
        ({"ItemNumber": "LAMP", "Price": 1, "RecordId": 5}, "F&O numbers the agreements"),
        ({"ItemNumber": "LAMP", "Price": 1} | WEB | MINE, "an agreement is for a customer or for a group"),
    ],
)
async def test_a_journal_with_a_line_that_cannot_be_posted_posts_nothing(
    d365: Client, line: dict[str, Any], reason: str
) -> None:
    lines = [{"ItemNumber": "MUG", "Price": 1}, line]
    refused = await do(d365, "POST", "trade-agreements", 409, company="web", prices=lines)
    assert reason in refused["error"]
    assert await d365.rows("SalesPriceAgreements") == []
    assert await price(d365, ItemNumber="MUG") == Decimal("12.95")


SERVICE = "Connector/Prices/find"


async def test_a_tenants_price_service_answers_in_the_order_of_its_question(d365: Client) -> None:
    question = {
        "company": "web",
        "currency": "USD",
        "priceGroup": "WEB",
        "date": "2026-07-30",
        "lines": [
            {"itemNumber": "LAMP", "unit": "ea", "quantity": 1},
            {"itemNumber": "GHOST", "unit": "ea", "quantity": 1},
            {"itemNumber": "LAMP", "unit": "ea", "quantity": 10},
            {"itemNumber": "TEE", "colorId": "Red", "sizeId": "M", "unit": "ea", "quantity": 1},
            {"itemNumber": "FREIGHT", "unit": "ea", "quantity": 1},
        ],
    }
    assert (await d365.call("POST", f"/api/services/{SERVICE}", question)).status == 404
    await do(d365, "POST", "tenant", price_service=SERVICE)
    await agree(
        d365,
        WEB | {"Price": 30, "ToQuantity": 10},
        WEB | {"Price": 280, "SalesPriceQuantity": 10, "FromQuantity": 10},
        {"ItemNumber": "TEE", "ProductColorId": "Red", "Price": 21.5},
    )
    answer = await d365.call("POST", f"/api/services/{SERVICE}", question)
    assert answer.json == {"prices": [30, None, 28, Decimal("21.5"), None]}

    later = await d365.call("POST", f"/api/services/{SERVICE}", question | {"date": "someday"})
    assert (later.status, "someday" in later.json["Message"]) == (500, True)
    await do(d365, "POST", "faults", 201, kind="unavailable", set="services")
    assert (await d365.call("POST", f"/api/services/{SERVICE}", question)).status == 503
    assert (await d365.call("POST", f"/api/services/{SERVICE}", question, Authorization="")).status == 401


def test_the_world_has_prices_in_tiers_and_one_that_begins_later() -> None:
    fo = Simulator(load_world(ROOT / "local/world.toml"))
    rows = [row.values for row in fo.books.rows("SalesPriceAgreements") if row.values["dataAreaId"] == "usmf"]
    tiers = [
        (row["Price"], row["FromQuantity"])
        for row in rows
        if (row["ItemNumber"], row["PriceCustomerGroupCode"]) == ("JACKET", "WEB")
    ]
    assert tiers == [(129, 0), (119, 5), (109, 20)]
    assert {str(row["ItemNumber"]) for row in rows if str(row["PriceApplicableFromDate"]) > "2027"} == {"BOOT"}
