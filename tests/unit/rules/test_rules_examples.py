"""The example stores name only what the local F&O has, so that the demo has no mistakes of set-up."""

import tomllib
from typing import Any

import pytest
from builders.root import ROOT

from shared.rules import StoreRules
from tests.builders.sales import EU, US

WORLD = tomllib.loads((ROOT / "local" / "world.toml").read_text(encoding="utf-8"))


def known(table: str, key: str, **of: Any) -> set[Any]:
    return {row[key] for row in WORLD[table] if all(row[name] == value for name, value in of.items())}


@pytest.mark.parametrize("rules", [EU, US], ids=lambda rules: rules.key)
def test_the_examples_name_only_what_the_local_world_has(rules: StoreRules):
    masters = WORLD["masters"][rules.company]
    modes = {rule.delivery_mode for rule in rules.shipping} | {rules.orders.delivery_mode_without_shipping} - {None}
    assert modes <= set(masters["delivery_modes"])
    assert rules.orders.delivery_terms in masters["delivery_terms"]
    assert rules.orders.origin_code in masters["order_origins"]
    assert rules.customers.group in {*masters["customer_groups"], None}
    assert {rule.sales_tax_group for rule in rules.taxes} <= set(masters["tax_groups"])
    assert {rule.item_tax_group for rule in rules.taxes} <= set(masters["tax_item_groups"])
    assert set(rules.currencies) <= set(masters["currencies"])
    assert rules.orders.shipping_item in {
        row["number"] for row in WORLD["items"] if row["company"] == rules.company and row.get("type") == "Service"
    }
    assert {rules.customers.shared_account} - {None} <= {row["account"] for row in WORLD["customers"]}


@pytest.mark.parametrize("rules", [EU, US], ids=lambda rules: rules.key)
def test_the_examples_are_the_shops_and_warehouses_of_the_local_world(rules: StoreRules):
    (shop,) = (shop for shop in WORLD["shops"] if shop["store"] == rules.key)
    assert (rules.shop_domain, rules.time_zone) == (shop["domain"], shop["timezone"])
    places = {(row["id"], row["site"]) for row in WORLD["warehouses"] if row["company"] == rules.company}
    assert {(one.id, one.site) for one in rules.warehouses} == places
    assert {one.location for one in rules.warehouses} == known("locations", "id", shop=rules.key)
    (company,) = (row for row in WORLD["companies"] if row["id"] == rules.company)
    assert company["sales_order_numbers"] == rules.tenant.order_number
    assert company["customer_accounts"] == rules.tenant.customer_account
    assert {rules.orders.number_group} - {None} <= set(company["number_sequence_groups"])
