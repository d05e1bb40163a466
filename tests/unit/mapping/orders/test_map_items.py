from dataclasses import replace

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.items import (
    charge_item,
    needs_barcodes,
    product_skus,
    refuse_out_of_scope,
    resolve,
    sku_field,
)
from shared.model import Component, CurrencySide, Item, LineKind, LineRecord, OrderRecord
from tests.builders.sales import EU, PIECES, US, euros, line, order, with_rules


def test_skus_are_asked_for_once_and_only_those_of_products():
    sale = order(
        line(1, sku="B"), line(2, sku="A"), line(3, sku="B"), line(4, sku=""), line(5, kind=LineKind.GIFT_CARD)
    )
    assert product_skus(sale) == ["A", "B"]
    assert (sku_field(EU), sku_field(US)) == ("ItemNumber", "ProductVariantNumber")


def test_a_sku_is_the_item_with_its_dimensions():
    shirt = Item("TEE", color="Red", size="M")
    assert resolve(order(line(7, sku="TEE-RED-M")), US, {"TEE-RED-M": shirt}) == {7: shirt}


def test_an_unknown_sku_is_refused_by_its_name():
    with pytest.raises(
        RefusedError, match=r"SKU GHOST-1 \(Ghost\) is not an item that F&O has released in company nleu"
    ):
        resolve(order(line(1, sku="GHOST-1", title="Ghost")), EU, {"TENT-2P": Item("TENT-2P")})


def test_a_product_without_sku_is_refused():
    with pytest.raises(RefusedError) as refused:
        resolve(order(line(1, sku="")), EU, {"": Item("NEVER")})
    assert refused.value.code == "SKU_EMPTY"
    assert "orders.sku_missing" in refused.value.next_step


@pytest.mark.parametrize(
    ("rules", "key"),
    [({"sku_missing": "barcode"}, "8710400000013"), ({"sku_missing": "variant_id"}, "151")],
)
def test_a_product_without_sku_is_looked_up_by_what_the_rules_name(rules, key):
    store = with_rules(EU, orders=rules)
    nameless = order(replace(line(1, sku=""), barcode="8710400000013", variant_id=151))
    assert product_skus(nameless, None, store) == [key]
    assert resolve(nameless, store, {key: Item("TENT-2P")}) == {1: Item("TENT-2P")}
    with pytest.raises(RefusedError, match=f"SKU {key}"):
        resolve(nameless, store, {})


def test_a_product_without_sku_is_one_item_by_rule():
    store = with_rules(EU, orders={"sku_missing": "item", "sku_missing_item": "MISC"})
    nameless = order(line(1, sku=""))
    assert product_skus(nameless, None, store) == []
    assert resolve(nameless, store, {}) == {1: Item("MISC")}


def test_a_product_without_sku_and_barcode_names_both():
    store = with_rules(EU, orders={"sku_missing": "barcode"})
    with pytest.raises(RefusedError, match="no SKU and no barcode"):
        resolve(order(line(1, sku="")), store, {})


def test_barcodes_are_asked_for_only_where_the_rules_use_them():
    store = with_rules(EU, orders={"sku_missing": "barcode"})
    nameless = order(line(1, sku=""))
    assert needs_barcodes(nameless, store)
    assert not needs_barcodes(nameless, EU)
    assert not needs_barcodes(order(line(1)), store)
    booked = OrderRecord(CurrencySide.SHOP, lines={1: LineRecord(LineKind.PRODUCT, Item("TENT-2P"))})
    assert not needs_barcodes(nameless, store, booked)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (LineKind.CUSTOM, "custom_line_item"),
        (LineKind.GIFT_CARD, "gift_card_item"),
        (LineKind.TIP, "tip_item"),
    ],
)
def test_what_is_no_product_needs_a_service_item_by_rule(kind, key):
    sale = order(line(1, kind=kind, title="Engraving"))
    with pytest.raises(RefusedError) as refused:
        resolve(sale, EU, {})
    assert refused.value.code == "LINE_WITHOUT_RULE"
    assert f"orders.{key} to config/stores/nordlys.toml" in refused.value.next_step
    assert resolve(sale, with_rules(EU, orders={key: "SERVICE"}), {}) == {1: Item("SERVICE")}


def test_every_kind_of_line_has_a_rule_to_name():
    codes = {}
    for kind in LineKind:
        with pytest.raises(RefusedError) as refused:
            resolve(order(line(1, kind=kind)), EU, {})
        codes[kind] = refused.value.code
    assert codes == dict.fromkeys(LineKind, "LINE_WITHOUT_RULE") | {LineKind.PRODUCT: "UNKNOWN_SKU"}


def test_a_charge_without_rule_names_the_missing_key():
    with pytest.raises(RefusedError) as refused:
        charge_item(Component.DUTIES, euros("12.00"), EU)
    assert refused.value.code == "AMOUNT_WITHOUT_RULE"
    assert "orders.duties_item" in refused.value.next_step


def test_a_recorded_line_keeps_its_item_whatever_its_sku_is_now():
    booked = OrderRecord(CurrencySide.SHOP, lines={1: LineRecord(LineKind.PRODUCT, Item("TENT-2P"), "TENT-2P")})
    renamed = order(line(1, sku="TENT-2026"), line(2, sku="LAMP"))
    assert product_skus(renamed, booked) == ["LAMP"]
    assert resolve(renamed, EU, {"LAMP": Item("LAMP")}, booked) == {1: Item("TENT-2P"), 2: Item("LAMP")}


def test_a_recorded_line_without_sku_or_rule_keeps_its_item():
    lines = {
        1: LineRecord(LineKind.PRODUCT, Item("TENT-2P")),
        2: LineRecord(LineKind.CUSTOM, Item("ENGRAVING")),
    }
    erased = order(line(1, sku=""), line(2, kind=LineKind.CUSTOM))
    assert product_skus(erased, OrderRecord(CurrencySide.SHOP, lines)) == []
    assert resolve(erased, EU, {}, OrderRecord(CurrencySide.SHOP, lines)) == {
        1: Item("TENT-2P"),
        2: Item("ENGRAVING"),
    }


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (replace(PIECES, catch_weight=True), "is a catch weight item"),
        (replace(PIECES, sales_unit="box"), "is sold in box and stocked in ea"),
        (replace(PIECES, batches=True), "has batch numbers"),
        (replace(PIECES, serial_numbers=True), "has serial numbers"),
    ],
)
def test_an_item_that_is_not_sold_by_the_piece_is_refused(how, reason):
    with pytest.raises(RefusedError) as refused:
        refuse_out_of_scope({"fish-1": Item("FISH")}, {"FISH": how}, EU)
    assert refused.value.code == "ITEM_OUT_OF_SCOPE"
    assert f"Item FISH (SKU fish-1) {reason} in company nleu" in str(refused.value)
    refuse_out_of_scope({"fish-1": Item("FISH")}, {"FISH": PIECES, "EEL": how}, EU)
    refuse_out_of_scope({"fish-1": Item("FISH")}, {}, EU)


def test_a_rule_lets_picking_register_batch_and_serial_numbers():
    registering = with_rules(EU, orders={"tracked_items": "book"})
    tracked = replace(PIECES, batches=True, serial_numbers=True)
    refuse_out_of_scope({"FISH": Item("FISH")}, {"FISH": tracked}, registering)
    with pytest.raises(RefusedError, match="catch weight"):
        refuse_out_of_scope({"FISH": Item("FISH")}, {"FISH": replace(tracked, catch_weight=True)}, registering)
