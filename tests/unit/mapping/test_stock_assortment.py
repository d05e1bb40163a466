"""Which variants get stock figures, where several have the same F&O item too."""

from __future__ import annotations

import pytest

from shared.errors import ErrorCode
from shared.mapping.stock.assortment import Unlisted, choose_variants, match_variants
from shared.mapping.stock.figures import StockedItem
from shared.model import Item, Variant

TENT, STOVE = Item("TENT-2P"), Item("STOVE")
FIRST, SECOND, THIRD = (StockedItem("TENT-2P", TENT, number, 9000 + number) for number in (1, 2, 3))
EVERY = {9001, 9002, 9003}


def variant(sku, number, *, tracked=True, bundle=False):
    return Variant(sku, number, 9000 + number, tracked=tracked, bundle=bundle)


def match(variants, items, withheld=None):
    return match_variants(variants, items, withheld=withheld or {}, locations=(1, 2), company="nleu")


def test_variants_and_items_meet_by_sku():
    variants = [
        variant("TENT-2P", 1),
        variant("GHOST-1", 2),
        variant("KIT", 3, bundle=True),
        variant("EBOOK", 4, tracked=False),
        variant("", 5),
    ]
    matched = match(variants, {"TENT-2P": TENT, "KIT": Item("KIT"), "EBOOK": Item("EBOOK")})
    assert (matched.single, matched.shared) == ((FIRST,), ())
    assert dict(matched.unlisted) == {
        "GHOST-1": Unlisted.UNKNOWN,
        "KIT": Unlisted.BUNDLE,
        "EBOOK": Unlisted.NOT_TRACKED,
        "": Unlisted.NO_SKU,
    }
    [problem] = matched.problems
    assert (problem.code, problem.details["location"]) == (ErrorCode.STOCK_SKU_UNKNOWN, "1, 2")


def test_variants_share_an_item_also_where_their_skus_differ_in_case():
    variants = [variant("TENT-2P", 1), variant("STOVE", 7), variant("tent-2p", 2)]
    matched = match(variants, {"TENT-2P": TENT, "tent-2p": TENT, "STOVE": STOVE})
    assert [each.sku for each in matched.single] == ["STOVE"]
    assert [each.sku for each in matched.shared] == ["TENT-2P", "tent-2p"]


def test_a_withheld_variant_lends_the_item_that_f_and_o_does_not_have_to_no_other():
    matched = match([variant("TENT-2P", 1), variant("TENT-2P", 2)], {}, withheld={9001: TENT})
    assert (matched.single, matched.shared) == ((FIRST,), ())
    assert [problem.code for problem in matched.problems] == [ErrorCode.STOCK_SKU_UNKNOWN]


@pytest.mark.parametrize(
    ("on_sale", "withheld", "items", "sold_as", "unlisted"),
    [
        (EVERY, set(), [], {}, [Unlisted.AMBIGUOUS] * 3),
        ({9001, 9002}, set(), [], {}, [Unlisted.NOT_ON_SALE, Unlisted.AMBIGUOUS, Unlisted.AMBIGUOUS]),
        ({9002}, set(), [SECOND], {1: 2, 3: 2}, [Unlisted.NOT_ON_SALE] * 2),
        (set(), set(), [], {}, [Unlisted.NOT_ON_SALE] * 3),
        (EVERY, {9003}, [THIRD], {}, [Unlisted.AMBIGUOUS] * 2),
        (EVERY, {9001, 9003}, [FIRST, THIRD, SECOND], {1: 2, 3: 2}, []),
        ({9001, 9002}, {9001}, [FIRST, SECOND], {1: 2, 3: 2}, [Unlisted.NOT_ON_SALE]),
        (set(), {9001, 9003}, [FIRST, THIRD, SECOND], {1: 2, 3: 2}, []),
        (EVERY, EVERY, [FIRST, SECOND, THIRD], {}, []),
    ],
    ids=[
        "all on sale",
        "two on sale",
        "one on sale",
        "none on sale",
        "two on sale beside a withheld one",
        "one on sale beside withheld ones",
        "one on sale beside a withheld one and a draft",
        "only a draft beside withheld ones",
        "all withheld",
    ],
)
def test_of_variants_with_one_item_the_only_one_on_sale_gets_figures_and_each_withheld_one(
    on_sale, withheld, items, sold_as, unlisted
):
    chosen = choose_variants((FIRST, SECOND, THIRD), on_sale=on_sale, withheld=withheld)
    assert list(chosen.items) == items
    assert chosen.sold_as == sold_as
    assert [why for _, why in chosen.unlisted] == unlisted
    count = unlisted.count(Unlisted.AMBIGUOUS)
    assert [(each.code, each.details["sku"], each.details["count"]) for each in chosen.problems] == (
        [(ErrorCode.STOCK_SKU_AMBIGUOUS, "TENT-2P", str(count))] if count else []
    )


def test_each_item_is_chosen_for_by_itself():
    stoves = [StockedItem("STOVE", STOVE, number, 9000 + number) for number in (7, 8)]
    chosen = choose_variants((FIRST, stoves[0], SECOND, stoves[1]), on_sale={9001, 9002, 9008}, withheld=())
    assert (chosen.items, chosen.sold_as) == ((stoves[1],), {7: 8})
    assert [problem.details["sku"] for problem in chosen.problems] == ["TENT-2P"]
