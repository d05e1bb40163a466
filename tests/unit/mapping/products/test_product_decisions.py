"""What a run does about a product."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.mapping.products.decisions import (
    ProductAction,
    RememberedProduct,
    decide_action,
    items_without_price,
    withheld_variants,
)
from shared.mapping.products.wanted.product import PlannedProduct
from shared.model import Item, ShopState, WantedProduct
from tests.builders.fo_products import master, planned, simple

SOLD = planned(simple())
UNSOLD = planned(simple(is_stopped=True))
BROKEN = PlannedProduct(None)
MUG = Item("MUG")
KNOWN = RememberedProduct(42, "digest", ShopState.ACTIVE, datetime(2026, 11, 29, tzinfo=UTC), {MUG: 7})
WITHDRAWN = replace(KNOWN, state=ShopState.WITHDRAWN)
REFUSED = replace(KNOWN, id=None, state=ShopState.REFUSED, variants={})


@pytest.mark.parametrize(
    ("plan", "digest", "remembered", "action"),
    [
        (SOLD, "digest", None, ProductAction.CREATE),
        (SOLD, "digest", KNOWN, ProductAction.UNCHANGED),
        (SOLD, "other", KNOWN, ProductAction.CHANGE),
        (SOLD, "digest", replace(KNOWN, is_pending=True), ProductAction.COMPARE),
        (SOLD, "digest", WITHDRAWN, ProductAction.RETURN),
        (SOLD, "digest", replace(KNOWN, state=ShopState.WAITING), ProductAction.AWAIT_PRICE),
        (SOLD, "digest", replace(KNOWN, variants={}), ProductAction.AWAIT_PRICE),
        (SOLD, "digest", replace(KNOWN, state=ShopState.REFUSED), ProductAction.UNCHANGED),
        (SOLD, "digest", REFUSED, ProductAction.UNCHANGED),
        (SOLD, "other", REFUSED, ProductAction.CREATE),
        (UNSOLD, "digest", None, ProductAction.NOT_SOLD),
        (UNSOLD, "digest", REFUSED, ProductAction.NOT_SOLD),
        (UNSOLD, "digest", KNOWN, ProductAction.WITHDRAW),
        (UNSOLD, "digest", replace(KNOWN, state=ShopState.REFUSED), ProductAction.WITHDRAW),
        (UNSOLD, "digest", WITHDRAWN, ProductAction.UNCHANGED),
        (UNSOLD, "other", WITHDRAWN, ProductAction.CHANGE),
        (UNSOLD, "digest", replace(WITHDRAWN, variants={}), ProductAction.UNCHANGED),
        (BROKEN, "", None, ProductAction.REFUSED),
        (BROKEN, "", KNOWN, ProductAction.REFUSED),
    ],
)
def test_what_is_done_follows_from_what_is_wanted_and_what_is_known(
    plan: PlannedProduct, digest: str, remembered: RememberedProduct | None, action: ProductAction
) -> None:
    assert decide_action(plan, digest, remembered, must_compare=False) is action


@pytest.mark.parametrize(
    ("plan", "remembered", "action"),
    [
        (SOLD, KNOWN, ProductAction.COMPARE),
        (UNSOLD, WITHDRAWN, ProductAction.COMPARE),
        (SOLD, REFUSED, ProductAction.CREATE),
        (UNSOLD, None, ProductAction.NOT_SOLD),
        (BROKEN, KNOWN, ProductAction.REFUSED),
    ],
)
def test_what_must_be_compared_is(
    plan: PlannedProduct, remembered: RememberedProduct | None, action: ProductAction
) -> None:
    assert decide_action(plan, "digest", remembered, must_compare=True) is action


def test_what_changes_the_shop_is_what_reads_it() -> None:
    assert {action for action in ProductAction if action.writes} == {
        ProductAction.CREATE,
        ProductAction.CHANGE,
        ProductAction.RETURN,
        ProductAction.COMPARE,
        ProductAction.WITHDRAW,
    }


def test_prices_are_asked_for_of_what_the_shop_does_not_have_and_of_what_waits() -> None:
    tee = planned(master())
    items = {each.item for each in master().variants}
    some = dict.fromkeys(list(items)[:3], 1)
    known = replace(KNOWN, variants=some)
    assert items_without_price(tee, None) == items
    assert items_without_price(tee, known) == items - some.keys()
    assert items_without_price(tee, replace(known, state=ShopState.WAITING)) == items
    assert items_without_price(UNSOLD, None) == frozenset()
    assert items_without_price(BROKEN, None) == frozenset()


def test_variants_that_are_not_sold_are_withheld_and_so_are_those_that_f_and_o_does_not_have() -> None:
    gone = Item("MUG", color="Blue")
    known = replace(KNOWN, variants={MUG: 7, gone: 8})
    assert withheld_variants(SOLD, known) == {gone: 8}
    assert withheld_variants(UNSOLD, known) == {MUG: 7, gone: 8}
    assert withheld_variants(None, known) == {MUG: 7, gone: 8}


def test_a_product_that_cannot_be_written_is_not_withheld() -> None:
    broken = planned(simple(texts={}))
    assert broken.wanted is None
    assert withheld_variants(broken, KNOWN) == {}


def test_what_is_gone_is_wanted_as_withdrawn() -> None:
    gone = PlannedProduct(WantedProduct(item_number="MUG", is_approved=False), "gone")
    assert decide_action(gone, "digest", KNOWN, must_compare=False) is ProductAction.WITHDRAW
