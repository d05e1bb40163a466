"""What is asked of F&O for prices, and what its rows become."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest
from builders.price_rows import DAY
from builders.price_world import BLANK, agreement_row, item_row, variant_row

from shared.d365.entities import PRICE_AGREEMENTS, PRICED_PRODUCT, READ
from shared.d365.prices.agreements import (
    AgreementScope,
    day_of,
    read_line_discounts,
    read_price_agreements,
    read_priorities,
)
from shared.d365.prices.items import read_conversions, read_quantities, read_sold_items
from shared.d365.prices.order_lines import read_priced_lines
from shared.d365.prices.service import PriceQuestion, ask_prices
from shared.errors import ErrorCode, RefusedError
from shared.model import Item
from shared.model.trade_agreement import AgreementTerms, OrderQuantities

FULL_URL = 2_000


class Fo:
    """Answers each set with its rows, two to a page, and keeps what was asked."""

    def __init__(self, **rows):
        self.rows, self.asked, self.questions = rows, [], []
        self.uncounted = []

    async def pages(self, entity_set, *, company, where=None, select, order_by=(), counted=False):
        self.asked.append((entity_set, where, tuple(select)))
        if not counted:
            self.uncounted.append(entity_set)
        rows = self.rows.get(entity_set, [])
        for start in range(0, len(rows), 2):
            yield rows[start : start + 2]

    async def ask_service(self, path, question):
        self.questions.append(question)
        return {"prices": [Decimal(each["quantity"]) for each in question["lines"]]}


def discount_row(**fields):
    plain = {
        **BLANK,
        "RecordId": Decimal(9),
        "ItemNumber": "TENT",
        "LineDiscountProductGroupCode": "",
        "CustomerAccountNumber": "",
        "LineDiscountCustomerGroupCode": "STAFF",
        "DiscountCurrencyCode": "EUR",
        "QuantityUnitSymbol": "ea",
        "FromQuantity": Decimal(2),
        "ToQuantity": Decimal(9),
        "DiscountApplicableFromDate": "2026-11-01T12:00:00Z",
        "DiscountApplicableToDate": "2154-12-31T12:00:00Z",
        "DiscountSiteId": "EU",
        "DiscountWarehouseId": "AMS",
        "WillSearchContinue": "No",
        "DiscountAmount": Decimal("1.50"),
        "DiscountPercentage1": Decimal(10),
        "DiscountPercentage2": Decimal(20),
    }
    return plain | fields


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-29T12:00:00Z", DAY),
        ("2026-11-29T00:00:00Z", DAY),
        ("1900-01-01T12:00:00Z", None),
        ("2154-12-31T12:00:00Z", None),
    ],
)
def test_a_day_is_read_whatever_its_hour_and_open_ends_are_none(text, day):
    assert day_of(text) == day


async def test_prices_are_asked_of_the_stores_groups_and_customers_that_are_not_over():
    fo = Fo()
    await read_price_agreements(fo, "nleu", AgreementScope(["WEB", "LIST"], ["C-1"], DAY))
    validity = "(PriceApplicableToDate ge 2026-11-28T00:00:00Z or PriceApplicableToDate lt 1900-01-03T00:00:00Z)"
    groups = "PriceCustomerGroupCode eq '' or PriceCustomerGroupCode eq 'LIST' or PriceCustomerGroupCode eq 'WEB'"
    assert [where for _, where, _ in fo.asked] == [
        f"CustomerAccountNumber eq '' and ({groups}) and {validity}",
        f"(CustomerAccountNumber eq 'C-1') and {validity}",
    ]


async def test_an_address_stays_below_the_limit_of_gateways():
    fo = Fo()
    names = [f"{number:020d}" for number in range(60)]
    await read_price_agreements(fo, "nleu", AgreementScope(names, names, DAY, items=names))
    select = ",".join(("dataAreaId", *READ[PRICE_AGREEMENTS]))
    rest = len(f"/data/{PRICE_AGREEMENTS}?cross-company=true&$filter=&$select=&$orderby=dataAreaId,RecordId")
    lengths = [len(quote(f"dataAreaId eq 'nleu' and {where}", safe="")) for _, where, _ in fo.asked]
    assert max(lengths) + len(quote(select, safe="")) + rest < FULL_URL
    assert len(fo.asked) > 30


async def test_a_price_has_every_term_of_its_row():
    row = agreement_row(
        "TENT",
        "12.50",
        record=7,
        ProductColorId="RED",
        ProductconfigurationId="C",
        CustomerAccountNumber="C-1",
        PriceCustomerGroupCode="WEB",
        FromQuantity=Decimal(2),
        ToQuantity=Decimal(9),
        PriceApplicableFromDate="2026-11-01T12:00:00Z",
        PriceApplicableToDate="2026-11-30T12:00:00Z",
        PriceSiteId="EU",
        PriceWarehouseId="AMS",
        WillSearchContinue="No",
        IsGenericCurrencySearchEnabled="Yes",
        AttributeBasedPricingId="A",
        SalesPriceQuantity=Decimal(10),
        FixedPriceCharges=Decimal(3),
    )
    [found] = await read_price_agreements(Fo(SalesPriceAgreements=[row]), "nleu", AgreementScope([], [], DAY))
    assert (found.record, found.price, found.per) == (7, Decimal("12.50"), Decimal(10))
    assert (found.charges, found.attributes) == (Decimal(3), "A")
    assert found.terms == AgreementTerms(
        account="C-1",
        group="WEB",
        item=Item("TENT", color="RED", configuration="C"),
        currency="EUR",
        unit="ea",
        from_quantity=Decimal(2),
        to_quantity=Decimal(9),
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 30),
        searches_on=False,
        site="EU",
        warehouse="AMS",
        any_currency=True,
    )


async def test_a_discount_has_both_percentages_one_after_the_other_and_is_asked_of_all_items():
    fo = Fo(SalesLineDiscountAgreements=[discount_row()])
    [found] = await read_line_discounts(fo, "nleu", AgreementScope(["STAFF"], [], DAY, items=["TENT"]))
    assert (found.percent, found.amount, found.item_group) == (Decimal(28), Decimal("1.50"), "")
    assert (found.terms.group, found.terms.last_day, found.terms.warehouse) == ("STAFF", None, "AMS")
    assert "ItemNumber" not in fo.asked[0][1]


async def test_every_reading_that_may_end_a_price_is_counted():
    fo, scope = Fo(), AgreementScope(["WEB"], ["C-1"], DAY)
    await read_sold_items(fo, "nleu")
    await read_price_agreements(fo, "nleu", scope)
    await read_line_discounts(fo, "nleu", scope)
    await read_priorities(fo, "nleu")
    await read_quantities(fo, "nleu")
    await read_conversions(fo, "nleu", ["TENT"])
    assert (len({entity_set for entity_set, _, _ in fo.asked}), fo.uncounted) == (8, [])


async def test_pages_are_read_to_the_end():
    rows = [agreement_row("TENT", "1", record=number) for number in range(1, 6)]
    found = await read_price_agreements(Fo(SalesPriceAgreements=rows), "nleu", AgreementScope([], [], DAY))
    assert [each.record for each in found] == [1, 2, 3, 4, 5]


async def test_priorities_are_by_group_in_lower_case():
    rows = [{"GroupCode": "VIP", "PricingPriority": Decimal(5)}, {"GroupCode": "WEB", "PricingPriority": Decimal(0)}]
    assert await read_priorities(Fo(PriceCustomerGroups=rows), "nleu") == {"vip": 5, "web": 0}


async def test_items_are_found_by_variant_number_and_masters_are_not_sold():
    fo = Fo(
        ReleasedProductsV2=[item_row("TENT"), item_row("SHIRT", ProductSubType="ProductMaster")],
        ReleasedProductVariantsV2=[
            variant_row("SHIRT-RED", "SHIRT", ProductColorId="RED"),
            variant_row("", "SHIRT", ProductColorId="BLUE"),
            variant_row("SHIRT-XL", "SHIRT", ProductSizeId="XL", SalesSalesTaxItemGroupCode="Reduced"),
            variant_row("SHIRT-S", "SHIRT", ProductSizeId="S", SalesSalesTaxItemGroupCode="full"),
        ],
    )
    found = await read_sold_items(fo, "nleu")
    assert found.by_number == {
        "tent": Item("TENT"),
        "shirt-red": Item("SHIRT", color="RED"),
        "shirt-xl": Item("SHIRT", size="XL"),
        "shirt-s": Item("SHIRT", size="S"),
    }
    assert found.tax_groups == {Item("SHIRT", size="XL"): "Reduced"}
    assert found.items["shirt"].is_master
    assert fo.asked[0] == ("ReleasedProductsV2", None, PRICED_PRODUCT)


async def test_without_variants_a_master_is_sold_by_its_item_number():
    fo = Fo(ReleasedProductsV2=[item_row("SHIRT", ProductSubType="ProductMaster")])
    assert (await read_sold_items(fo, "nleu", with_variants=False)).by_number == {"shirt": Item("SHIRT")}
    assert len(fo.asked) == 1


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (2, 1), (200, 10), (201, 1)])
async def test_few_items_are_asked_by_number_and_many_with_all(count, calls):
    fo = Fo(ReleasedProductsV2=[item_row("TENT"), item_row("BOOT")])
    wanted = [*["tent"][:count], *(f"ITEM-{number:03}" for number in range(count - 1))]
    found = await read_sold_items(fo, "nleu", wanted, with_variants=False)
    assert len(fo.asked) == calls
    assert set(found.items) == ({"tent"} if count else set())


async def test_order_quantities_are_those_of_every_site():
    plain = dict(
        zip(
            ["MinimumSalesOrderQuantity", "MaximumSalesOrderQuantity", "SalesQuantityMultiples"],
            map(Decimal, (2, 9, 1)),
            strict=True,
        )
    )
    own = {**BLANK, **plain, "ItemNumber": "TENT", "ProductColorId": "RED", "OperationalSiteId": ""}
    fo = Fo(
        ProductDefaultOrderSettings=[{"ItemNumber": "TENT", **plain}],
        ProductSpecificOrderSettingsV3=[
            own | {"AreSalesDefaultOrderSettingsOverridden": "Yes"},
            own | {"AreSalesDefaultOrderSettingsOverridden": "Yes", "OperationalSiteId": "EU", "ItemNumber": "A"},
            own | {"AreSalesDefaultOrderSettingsOverridden": "No", "ItemNumber": "B"},
        ],
    )
    found = await read_quantities(fo, "nleu")
    assert found.keys() == {Item("TENT"), Item("TENT", color="RED")}
    assert found[Item("TENT")] == OrderQuantities(Decimal(2), Decimal(9), Decimal(1))


async def test_conversions_are_those_of_the_products():
    row = {
        "ProductNumber": "Tent",
        "FromUnitSymbol": "box",
        "ToUnitSymbol": "ea",
        "Factor": Decimal(12),
        "Numerator": Decimal(1),
        "Denominator": Decimal(1),
        "InnerOffset": Decimal(0),
        "OuterOffset": Decimal(0),
    }
    fo = Fo(
        ProductSpecificUnitOfMeasureConversions=[
            row,
            row | {"ProductNumber": "OTHER"},
            row | {"InnerOffset": Decimal(1)},
            row | {"OuterOffset": Decimal(1)},
        ]
    )
    found = await read_conversions(fo, "nleu", ["TENT"])
    assert [each.has_offset for each in found] == [False, True, True]
    assert {each.product for each in found} == {"Tent"}


def line_row(lot, **fields):
    plain = {
        "SalesId": "SO-1",
        "InventTransId": lot,
        "CustAccount": "C-1",
        "CurrencyCode": "EUR",
        "SalesPrice": Decimal(250),
        "PriceUnit": Decimal(100),
        "SalesQty": Decimal(3),
        "SalesUnit": "ea",
        "CreatedOn": "2026-11-29T10:00:00Z",
        "SysModifiedDateTime": "2026-11-29T10:00:00Z",
    }
    return plain | fields


async def test_no_more_order_lines_are_read_than_are_compared():
    header = {
        "SalesOrderNumber": "SO-1",
        "PriceCustomerGroupCode": "Web",
        "SalesOrderOriginCode": "PHONE",
        "CustomersOrderReference": "",
    }
    fo = Fo(
        SalesLineBiEntities=[line_row(f"L{number}") for number in range(7)],
        SalesOrderHeadersV4=[header],
        SalesOrderLinesV3=[{**BLANK, "InventoryLotId": f"L{number}", "ItemNumber": "TENT"} for number in range(7)],
    )
    since = datetime(2026, 11, 28, tzinfo=UTC)
    found = await read_priced_lines(fo, "nleu", groups=["WEB"], created_since=since, most=3)
    assert len(found) == 3
    assert (found[0].price, found[0].quantity, found[0].group) == (Decimal("2.5"), Decimal(3), "Web")
    assert fo.asked[0][1] == "SysModifiedDateTime ge 2026-11-28T00:00:00Z"


QUESTION = PriceQuestion("G/S/get", "nleu", "EUR", "web", "", DAY)


async def test_the_service_is_asked_500_lines_at_a_time_for_every_quantity():
    fo = Fo()
    items = [(Item(f"ITEM-{number:03}", color="RED"), "ea") for number in range(300)]
    found = await ask_prices(fo, QUESTION, items, [1, 10])
    assert [len(each["lines"]) for each in fo.questions] == [500, 100]
    assert fo.questions[0]["lines"][1] == {
        "itemNumber": "ITEM-000",
        "colorId": "RED",
        "configurationId": "",
        "sizeId": "",
        "styleId": "",
        "versionId": "",
        "unit": "ea",
        "quantity": 10,
    }
    assert len(found) == 300
    assert found[items[0][0]] == {1: Decimal(1), 10: Decimal(10)}


async def test_a_refusal_of_the_service_says_why():
    class Refusing(Fo):
        async def ask_service(self, path, question):
            raise RefusedError(ErrorCode.FO_REJECTED, what=f"POST {path}", infolog="No such group")

    with pytest.raises(RefusedError) as refused:
        await ask_prices(Refusing(), QUESTION, [(Item("TENT"), "ea")], [1])
    assert refused.value.code is ErrorCode.PRICE_SERVICE_WRONG
    assert "No such group" in refused.value.cause
