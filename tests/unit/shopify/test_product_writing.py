"""What is sent for a product, and what becomes of rows that Shopify refuses."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.model import Metafield, NewOption, NewProduct, ProductFields, ProductStatus, VariantFields, Weight
from shared.shopify.products.writing import ROWS, ProductWriter, set_input, variant_input
from shared.shopify.queries import Query

type Errors = list[dict[str, Any]]


class Shop:
    """Answers each call with the errors that `judge` finds in its rows."""

    def __init__(self, judge: Callable[[list[Any]], Errors], root: str = "productVariantsBulkUpdate") -> None:
        self.judge = judge
        self.root = root
        self.calls: list[list[Any]] = []

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        rows = variables.get("variants") or variables.get("metafields")
        assert rows is not None
        self.calls.append(rows)
        return {self.root: {"userErrors": self.judge(rows)}}


def writer(shop: Shop) -> ProductWriter:
    return ProductWriter(shop, "TENT", 42)


def variants(count: int) -> list[VariantFields]:
    return [VariantFields(id=number, barcode=f"B{number}") for number in range(1, count + 1)]


def error(*path: str, message: str = "is wrong", code: str = "INVALID") -> dict[str, Any]:
    return {"field": list(path) or None, "message": message, "code": code}


def naming(bad: set[str]) -> Callable[[list[Any]], Errors]:
    return lambda rows: [
        error("variants", str(place), "barcode") for place, row in enumerate(rows) if row["barcode"] in bad
    ]


async def test_rows_that_shopify_names_are_left_out_and_the_others_are_sent_again() -> None:
    shop = Shop(naming({"B2", "B4"}))
    one, two, three, four = variants(4)
    refused = await writer(shop).update_variants([one, two, three, four])
    assert refused == {two: "variants.1.barcode: is wrong", four: "variants.3.barcode: is wrong"}
    assert [[row["barcode"] for row in call] for call in shop.calls] == [["B1", "B2", "B3", "B4"], ["B1", "B3"]]


async def test_where_shopify_names_no_row_the_call_is_halved_until_the_refused_one_is_alone() -> None:
    def judge(rows: list[Any]) -> Errors:
        return [error(message="no")] if any(row["barcode"] == "B3" for row in rows) else []

    shop = Shop(judge)
    rows = variants(4)
    assert await writer(shop).update_variants(rows) == {rows[2]: "no"}
    sent = [[row["barcode"] for row in call] for call in shop.calls]
    assert sent == [["B1", "B2", "B3", "B4"], ["B1", "B2"], ["B3", "B4"], ["B3"], ["B4"]]


async def test_all_errors_of_a_row_are_told() -> None:
    shop = Shop(lambda rows: [error("variants", "0", message="one"), error("variants", "0", "price", message="two")])
    [row] = variants(1)
    assert await writer(shop).update_variants([row]) == {row: "variants.0: one; variants.0.price: two"}


async def test_a_place_beyond_the_rows_names_none() -> None:
    shop = Shop(lambda rows: [error("variants", "7")] if len(rows) > 1 else [])
    assert await writer(shop).update_variants(variants(2)) == {}
    assert len(shop.calls) == 3


async def test_many_rows_are_sent_in_several_calls_in_their_order() -> None:
    shop = Shop(lambda rows: [])
    await writer(shop).update_variants(variants(ROWS + 1))
    assert [len(call) for call in shop.calls] == [ROWS, 1]
    assert shop.calls[0][0]["barcode"] == "B1"


async def test_a_product_that_is_gone_refuses_the_call_as_a_whole() -> None:
    shop = Shop(lambda rows: [error("productId", message="Product does not exist")])
    with pytest.raises(RefusedError) as refused:
        await writer(shop).update_variants(variants(2))
    assert refused.value.code == "PRODUCT_REFUSED"
    assert refused.value.details == {
        "item": "TENT",
        "what": "variants",
        "message": "productId: Product does not exist",
    }
    assert len(shop.calls) == 1


async def test_metafields_are_sent_25_to_a_call_and_the_refused_ones_told() -> None:
    shop = Shop(
        lambda rows: [error("metafields", str(n), "value") for n, row in enumerate(rows) if row["value"] == "bad"],
        "metafieldsSet",
    )
    fields = [Metafield("custom", f"k{number}", "boolean", "true") for number in range(26)]
    fields[3] = fields[3]._replace(value="bad")
    refused = await writer(shop).set_metafields(fields)
    assert refused == {fields[3]: "metafields.3.value: is wrong"}
    assert [len(call) for call in shop.calls] == [25, 24, 1]
    assert shop.calls[0][0] == {
        "ownerId": "gid://shopify/Product/42",
        "namespace": "custom",
        "key": "k0",
        "type": "boolean",
        "value": "true",
    }


def test_only_given_fields_of_a_variant_are_sent() -> None:
    assert variant_input(VariantFields(id=5)) == {"id": "gid://shopify/ProductVariant/5"}
    assert variant_input(VariantFields(id=5, denies_overselling=False, tracked=False)) == {
        "id": "gid://shopify/ProductVariant/5",
        "inventoryPolicy": "CONTINUE",
        "inventoryItem": {"tracked": False},
    }


def test_an_empty_value_takes_away_what_has_no_empty_value() -> None:
    sent = variant_input(VariantFields(id=5, barcode="", hs_code="", origin_country="", origin_province=""))
    assert sent["barcode"] == ""
    assert sent["inventoryItem"] == {
        "harmonizedSystemCode": None,
        "countryCodeOfOrigin": None,
        "provinceCodeOfOrigin": None,
    }


FULL = VariantFields(
    values=(("Color", "Red"), ("Size", "S")),
    sku="T-RS",
    barcode="4001",
    price=Decimal("9.90"),
    compare_at=Decimal("12.00"),
    denies_overselling=True,
    weight=Weight(Decimal("1.5"), "KILOGRAMS"),
    hs_code="630622",
    origin_country="NO",
    origin_province="03",
    cost=Decimal("4.5"),
    tracked=True,
    requires_shipping=True,
    tax_code="P1",
    metafields=(Metafield("custom", "fit", "single_line_text_field", "Slim"),),
    stocked_at=(11, 12),
)


async def test_a_new_variant_of_a_product_has_stock_at_its_locations_and_its_sku_in_its_item() -> None:
    shop = Shop(lambda rows: [], "productVariantsBulkCreate")
    await writer(shop).create_variants([FULL])
    [[row]] = shop.calls
    assert row == {
        "optionValues": [{"optionName": "Color", "name": "Red"}, {"optionName": "Size", "name": "S"}],
        "barcode": "4001",
        "price": Decimal("9.90"),
        "compareAtPrice": Decimal("12.00"),
        "inventoryPolicy": "DENY",
        "taxCode": "P1",
        "inventoryItem": {
            "sku": "T-RS",
            "tracked": True,
            "requiresShipping": True,
            "harmonizedSystemCode": "630622",
            "countryCodeOfOrigin": "NO",
            "provinceCodeOfOrigin": "03",
            "cost": Decimal("4.5"),
            "measurement": {"weight": {"unit": "KILOGRAMS", "value": 1.5}},
        },
        "metafields": [{"namespace": "custom", "key": "fit", "type": "single_line_text_field", "value": "Slim"}],
        "inventoryQuantities": [
            {"locationId": "gid://shopify/Location/11", "availableQuantity": 0},
            {"locationId": "gid://shopify/Location/12", "availableQuantity": 0},
        ],
    }


def test_a_new_product_names_its_custom_id_and_all_that_it_has() -> None:
    product = NewProduct(
        item_number="TENT",
        fields=ProductFields(title="Tent", status=ProductStatus.DRAFT),
        options=(NewOption("Color", ("Red",)), NewOption("Size", ("S",))),
        variants=(FULL,),
        tags=("A",),
        metafields=(
            Metafield("$app", "item", "id", "TENT"),
            Metafield("custom", "material", "single_line_text_field", "Nylon"),
        ),
    )
    sent = set_input(product)
    assert sent["identifier"] == {"customId": {"namespace": "$app", "key": "item", "value": "TENT"}}
    given = sent["input"]
    assert (given["title"], given["status"], given["tags"]) == ("Tent", "DRAFT", ["A"])
    assert "descriptionHtml" not in given
    assert given["productOptions"] == [
        {"name": "Color", "position": 1, "values": [{"name": "Red"}]},
        {"name": "Size", "position": 2, "values": [{"name": "S"}]},
    ]
    assert given["metafields"] == [
        {"namespace": "$app", "key": "item", "value": "TENT"},
        {"namespace": "custom", "key": "material", "type": "single_line_text_field", "value": "Nylon"},
    ]
    [variant] = given["variants"]
    assert variant["sku"] == "T-RS"
    assert "sku" not in variant["inventoryItem"]
    assert variant["inventoryQuantities"][0] == {
        "locationId": "gid://shopify/Location/11",
        "name": "available",
        "quantity": 0,
    }


def test_a_product_without_options_or_tags_has_shopifys_default_option_and_no_list_of_tags() -> None:
    variant = VariantFields(values=(("Title", "Default Title"),), sku="MAP")
    fields = ProductFields(title="Map")
    product = NewProduct("MAP", fields, (), (variant,), metafields=(Metafield("$app", "item", "id", "MAP"),))
    given = set_input(product)["input"]
    assert given["productOptions"] == [{"name": "Title", "values": [{"name": "Default Title"}]}]
    assert "tags" not in given
    assert "inventoryQuantities" not in given["variants"][0]
