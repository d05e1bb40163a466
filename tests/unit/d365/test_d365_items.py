"""How F&O is asked which items many SKUs stand for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.d365.items import ItemCache, read_handling, read_items
from shared.model import Item
from tests.builders.sales import PIECES


class Fo:
    """A company's items; records what was asked for."""

    def __init__(self, *numbers):
        self.numbers = numbers
        self.asked = []

    async def pages(self, entity_set, *, company, where, select):
        self.asked.append(where)
        yield [
            {
                "ItemNumber": number,
                "IsBatchNumberActive": "Yes" if number == "BREAD" else "No",
                "IsSerialNumberActive": "No",
                "IsCatchWeightProduct": "No",
                "InventoryUnitSymbol": "ea",
                "SalesUnitSymbol": "box" if number == "NAILS" else "ea",
            }
            for number in self.numbers
            if where is None or f"'{number}'" in where.upper()
        ]


SKUS = [f"BULK-{number:05d}" for number in range(500)]


async def read(fo, skus, cache):
    return await read_items(fo, "nleu", "ItemNumber", skus, cache=cache)


async def test_very_many_skus_are_found_by_reading_the_companys_items_once():
    fo = Fo("TENT-2P", *SKUS)
    found = await read(fo, ["tent-2p", "GHOST-1", *SKUS], ItemCache())
    assert fo.asked == [None]
    assert found == {"tent-2p": Item("TENT-2P"), **{sku: Item(sku) for sku in SKUS}}


@pytest.mark.parametrize("count", [200, 1])
async def test_few_skus_are_asked_for_by_number(count):
    fo = Fo(*SKUS)
    assert len(await read(fo, SKUS[:count], ItemCache())) == count
    assert None not in fo.asked


async def test_what_was_found_is_not_asked_again_and_only_the_rest_decides_how_to_ask():
    fo, cache = Fo(*SKUS), ItemCache()
    await read(fo, SKUS, cache)
    assert await read(fo, SKUS, cache) == {sku: Item(sku) for sku in SKUS}
    assert fo.asked == [None]
    await read(fo, [*SKUS, "GHOST-1"], cache)
    assert fo.asked == [None, "(ItemNumber eq 'GHOST-1')"]


async def test_how_units_are_handled_comes_with_the_item_at_no_further_call():
    fo, cache = Fo("TENT-2P", "BREAD", "NAILS"), ItemCache()
    await read(fo, ["tent-2p", "BREAD", "NAILS"], cache)
    asked = list(fo.asked)
    found = await read_handling(fo, "nleu", ["TENT-2P", "BREAD", "NAILS"], cache=cache)
    assert fo.asked == asked
    assert found == {
        "TENT-2P": PIECES,
        "BREAD": replace(PIECES, batches=True),
        "NAILS": replace(PIECES, sales_unit="box"),
    }


async def test_the_handling_of_a_variants_item_is_read_once():
    fo, cache = Fo("TEE"), ItemCache()
    for _ in range(2):
        assert await read_handling(fo, "usmf", ["TEE"], cache=cache) == {"TEE": PIECES}
    assert fo.asked == ["(ItemNumber eq 'TEE')"]
    assert await read_handling(fo, "usmf", ["GHOST"], cache=cache) == {}


class Variants:
    """Of a company whose products are the variant TEE-RED-M of TEE, and MUG without variants."""

    def __init__(self):
        self.asked = []

    async def pages(self, entity_set, *, company, where, select):
        self.asked.append((entity_set, where))
        if entity_set == "ReleasedProductVariantsV2":
            yield [{"ItemNumber": "TEE", "ProductVariantNumber": "TEE-RED-M", "ProductColorId": "Red"}]
        else:
            handling = dict.fromkeys(["IsBatchNumberActive", "IsSerialNumberActive", "IsCatchWeightProduct"], "No")
            units = dict.fromkeys(["InventoryUnitSymbol", "SalesUnitSymbol"], "ea")
            yield [
                {"ItemNumber": "TEE", "ProductSubType": "ProductMaster", **handling, **units},
                {"ItemNumber": "MUG", "ProductSubType": "Product", **handling, **units},
            ]


async def test_a_sku_that_is_no_variant_number_is_the_item_number_of_a_product_without_variants():
    fo, cache = Variants(), ItemCache()
    found = await read_items(fo, "usmf", "ProductVariantNumber", ["TEE-RED-M", "mug", "TEE", "GHOST"], cache=cache)
    assert found == {"TEE-RED-M": Item("TEE", color="Red"), "mug": Item("MUG")}
    asked = len(fo.asked)
    assert await read_items(fo, "usmf", "ProductVariantNumber", ["TEE-RED-M", "mug"], cache=cache) == found
    assert len(fo.asked) == asked


async def test_products_without_variants_are_only_looked_for_if_a_variant_was_not_found():
    fo = Variants()
    await read_items(fo, "usmf", "ProductVariantNumber", ["TEE-RED-M"], cache=ItemCache())
    assert [entity_set for entity_set, _ in fo.asked] == ["ReleasedProductVariantsV2"]
