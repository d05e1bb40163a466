"""The rules of refunds: what the examples name exists, and wrong keys are refused with the reason."""

import tomllib

import pytest
from builders.root import ROOT
from pydantic import ValidationError

from shared.model import Component
from shared.rules import StoreRules, load_stores
from shared.rules.sections.refunds import RefundAccounts
from tests.builders.refunds import PARTS, rules
from tests.builders.sales import EU, US

WORLD = tomllib.loads((ROOT / "local" / "world.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("store", [EU, US], ids=lambda store: store.key)
def test_the_examples_name_only_what_the_local_world_has(store: StoreRules):
    assert store.refunds is not None
    masters = WORLD["masters"][store.company]
    assert store.refunds.reason_code in masters["customer_reasons"]
    assert store.refunds.disposition in WORLD["dispositions"][store.company]
    places = {(row["id"], row["site"]) for row in WORLD["warehouses"] if row["company"] == store.company}
    assert {(one.id, one.site) for one in store.refunds.warehouses} <= places
    locations = {row["id"] for row in WORLD["locations"] if row["shop"] == store.key}
    assert {one.location for one in store.refunds.warehouses} <= locations
    accounts = [account for _, account in store.refunds.accounts if account is not None]
    known = WORLD["ledger"][store.company]["main_accounts"]
    assert {account.main_account.partition("-")[0] for account in accounts} <= set(known)
    assert {account.sales_tax_group for account in accounts} <= {*masters["tax_groups"], None}
    assert {account.item_tax_group for account in accounts} <= {*masters["tax_item_groups"], None}


def test_every_part_of_a_refund_has_its_key():
    keys = {component.account_key for component in Component} - {""}
    assert keys == set(RefundAccounts.model_fields) == set(PARTS)


def test_without_the_table_nothing_is_credited():
    (nordlys,) = {store for store in load_stores(ROOT / "config" / "stores").values() if store.key == "nordlys"}
    data = nordlys.model_dump(exclude_unset=True)
    del data["refunds"]
    assert StoreRules.model_validate(data).refunds is None
    assert nordlys.masters.refunds == "shopify"


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"number": "sequence"}, "number: this key does not exist any more; remove it: F&O numbers return orders"),
        ({"number_prefix": "RN"}, "number_prefix: this key does not exist any more; remove it"),
        ({"wait_hours": 24}, "less than or equal to 23"),
        ({"warehouses": ({"location": 5, "id": "A", "site": "E"},) * 2}, "location 5 is listed twice"),
        ({"accounts": {"goodwill": {"main_account": "4", "sales_tax_group": "X"}}}, "go together"),
        ({"accounts": {"good_will": {"main_account": "4"}}}, "good_will"),
        ({"accounts": {"goodwill": {"main_account": " 4"}}}, "main_account"),
    ],
)
def test_what_cannot_be_right_is_refused(changes, mistake):
    with pytest.raises(ValidationError, match=mistake):
        rules(**changes)
