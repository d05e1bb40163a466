"""How many new variants Shopify takes on one day."""

from __future__ import annotations

from shared.sync.products.shop.new_variants import NewVariants


def test_a_small_shop_has_no_limit() -> None:
    few = NewVariants(most=10, in_shop=100)
    assert few.take(2_000)
    assert few.take(47_900)
    assert not few.take(1)


def test_in_a_large_shop_only_so_many_are_new_on_a_day() -> None:
    new = NewVariants(most=10, in_shop=50_000, today=4)
    assert new.take(5)
    assert not new.take(2)
    assert new.take(1)
    assert new.take(0)
    assert not new.take(1)
    assert new.today == 10


def test_what_was_not_created_can_be_taken_by_others() -> None:
    new = NewVariants(most=10, in_shop=50_000)
    assert new.take(10)
    new.give_back(3)
    assert not new.take(4)
    assert new.take(3)


def test_a_plan_of_shopify_without_a_limit() -> None:
    assert NewVariants(most=0, in_shop=1_000_000, today=5_000).take(2_048)
