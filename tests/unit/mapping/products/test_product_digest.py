"""The digest by which a product is known to be as it was."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from shared.mapping.products.wanted.digest import basis_of, product_digest
from shared.model import Item, Metafield
from shared.rules import StoreRules
from tests.builders.fo_products import LIMITS, master, planned, shop_rules
from tests.builders.root import ROOT
from tests.builders.sales import with_rules

PRINT = """
from tests.builders.fo_products import LIMITS, master, planned, shop_rules
from shared.mapping.products.wanted.digest import basis_of, product_digest
rules = shop_rules(owners={"title": "once", "barcode": "once"})
print(product_digest(planned(master(), rules).wanted, basis_of(rules, LIMITS)), end="")
"""


def digest(rules: StoreRules | None = None, **changes: Any) -> str:
    rules = rules or shop_rules()
    wanted = planned(master(), rules).wanted
    assert wanted is not None
    return product_digest(replace(wanted, **changes), basis_of(rules, LIMITS))


@pytest.mark.wire
def test_the_same_product_has_the_same_digest_in_every_process() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found != {b""}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"is_approved": False},
        {"tags": ("new",)},
        {"kept": frozenset({Item("TEE", color="RED")})},
        {"variants": ()},
        {"metafields": (Metafield("custom", "a", "boolean", "true"),)},
        {"translations": {"de": {"title": "T"}}},
    ],
)
def test_another_value_gives_another_digest(change: Any) -> None:
    assert digest(**change) != digest()


@pytest.mark.parametrize(
    "rules",
    [
        shop_rules(leaves="draft"),
        shop_rules(publications=("Online Store", "Shop")),
        shop_rules(visible_at_zero=True),
        shop_rules(owners={"title": "once"}),
    ],
)
def test_a_rule_that_says_how_products_are_written_gives_another_digest(rules: StoreRules) -> None:
    assert digest(rules) != digest()


def test_another_location_gives_another_digest() -> None:
    rules = shop_rules()
    moved = [each.model_dump() | {"location": 1} for each in rules.warehouses]
    assert digest(with_rules(rules, warehouses=tuple(moved))) != digest()


def test_a_rule_about_runs_does_not_change_the_digest() -> None:
    assert digest(shop_rules(full_minutes=30, unpublish_percent=1)) == digest()


def test_variants_that_are_not_sold_and_not_in_the_shop_do_not_change_the_digest() -> None:
    assert digest(unsold={"TEE-OLD": Item("TEE", color="OLD")}) == digest()


def test_the_shops_number_of_variants_does_not_change_the_digest() -> None:
    rules = shop_rules()
    assert basis_of(rules, replace(LIMITS, has_variants=60_000)) == basis_of(rules, LIMITS)
