"""When people may see a product, and when it is withdrawn."""

from dataclasses import replace
from decimal import Decimal

import pytest
from builders.shop_products import POLICY, PUBLICATION, shop, shop_variant, wanted, with_shop_variant

from shared.mapping.products.shop.given import Given, Shown
from shared.mapping.products.shop.policy import ShopPolicy
from shared.mapping.products.shop.showing import Showing, plan_showing
from shared.model import ProductStatus, ShopProduct, ShopState

DRAFT = shop(status=ProductStatus.DRAFT, publications=frozenset())
OFF = wanted(is_approved=False)


def planned(has: ShopProduct, policy: ShopPolicy = POLICY, given: Given | None = None) -> Showing:
    return plan_showing(wanted(), has, policy, given or Given())


def withdrawn(has: ShopProduct, policy: ShopPolicy = POLICY, given: Given | None = None) -> Showing:
    return plan_showing(OFF, has, policy, given or Given())


def test_a_draft_whose_variants_all_have_prices_becomes_active_and_published() -> None:
    showing = planned(DRAFT)
    assert showing == Showing(ShopState.ACTIVE, Shown.NEVER, status=ProductStatus.ACTIVE, publish=(PUBLICATION,))


def test_what_is_seen_already_is_left_alone() -> None:
    assert planned(shop()) == Showing(ShopState.ACTIVE, Shown.NEVER)
    assert planned(shop(status=ProductStatus.UNLISTED)) == Showing(ShopState.ACTIVE, Shown.NEVER)
    other = shop(publications=frozenset({PUBLICATION, 8}))
    assert planned(other) == Showing(ShopState.ACTIVE, Shown.NEVER)


@pytest.mark.parametrize("status", [ProductStatus.DRAFT, ProductStatus.ARCHIVED])
def test_fo_decides_again_over_what_staff_hid(status: ProductStatus) -> None:
    assert planned(shop(status=status)).status is ProductStatus.ACTIVE


def test_any_variant_without_a_price_keeps_the_product_from_being_shown() -> None:
    own = shop_variant(600, sku="", values=("Gold", "Small"), price=Decimal("0.0"))
    has = replace(with_shop_variant(DRAFT, "R", "S", price=Decimal(0)))
    has = replace(has, variants=(*has.variants, own))
    showing = planned(has)
    assert (showing.state, showing.status, showing.publish) == (ShopState.WAITING, None, ())
    assert showing.problem is not None
    assert showing.problem.code == "PRODUCT_WITHOUT_PRICE"
    assert showing.problem.details["skus"] == "TENT-RS, variant 600"
    assert planned(has, replace(POLICY, visible_at_zero=True)).status is ProductStatus.ACTIVE


def test_an_active_product_is_not_published_while_a_variant_has_no_price() -> None:
    has = with_shop_variant(shop(publications=frozenset()), "R", "S", price=Decimal(0))
    showing = planned(has)
    assert (showing.state, showing.publish) == (ShopState.WAITING, ())


def test_a_product_that_is_seen_with_a_variant_without_a_price_is_told_and_stays() -> None:
    showing = planned(with_shop_variant(shop(), "R", "S", price=Decimal(0)))
    assert (showing.state, showing.status, showing.unpublish) == (ShopState.ACTIVE, None, ())
    assert showing.problem is not None
    assert showing.problem.code == "PRODUCT_WITHOUT_PRICE"


def test_with_the_flow_of_prices_off_a_new_product_stays_a_draft() -> None:
    policy = replace(POLICY, has_prices=False)
    showing = planned(DRAFT, policy)
    assert (showing.state, showing.status) == (ShopState.WAITING, None)
    assert showing.problem is not None
    assert showing.problem.code == "PRODUCT_PRICES_OFF"
    assert planned(shop(publications=frozenset()), policy).publish == (PUBLICATION,)
    assert planned(DRAFT, replace(policy, visible_at_zero=True)).status is ProductStatus.ACTIVE


def test_staff_decide_after_a_product_was_shown_once() -> None:
    policy = replace(POLICY, status="once")
    showing = planned(DRAFT, policy)
    assert (showing.status, showing.shown) == (ProductStatus.ACTIVE, Shown.SHOWN)
    later = Given(shown=Shown.SHOWN)
    assert planned(DRAFT, policy, later) == Showing(ShopState.WAITING, Shown.SHOWN)
    assert planned(shop(), policy, later) == Showing(ShopState.ACTIVE, Shown.SHOWN)


def test_staff_decide_from_the_start() -> None:
    assert planned(DRAFT, replace(POLICY, status="never")) == Showing(ShopState.WAITING, Shown.NEVER)


@pytest.mark.parametrize("status", ["fo", "once", "never"])
def test_what_leaves_the_rule_is_unpublished_from_the_rules_channels_whoever_decides(status: str) -> None:
    policy = replace(POLICY, status=status)  # type: ignore[arg-type]
    has = shop(publications=frozenset({PUBLICATION, 8}))
    showing = withdrawn(has, policy, Given(shown=Shown.SHOWN))
    assert (showing.state, showing.status, showing.unpublish) == (ShopState.WITHDRAWN, None, (PUBLICATION,))
    assert showing.withdraws
    assert showing.shown is (Shown.WITHDRAWN if status == "once" else Shown.SHOWN)
    assert not withdrawn(shop(publications=frozenset({8})), policy).withdraws


def test_what_leaves_the_rule_becomes_a_draft_by_rule_or_without_channels() -> None:
    for policy in (replace(POLICY, leaves="draft"), replace(POLICY, publications=())):
        showing = withdrawn(shop(), policy)
        assert (showing.status, showing.unpublish) == (ProductStatus.DRAFT, ())
        assert not withdrawn(DRAFT, policy).withdraws
        assert not withdrawn(shop(status=ProductStatus.ARCHIVED), policy).withdraws


def test_what_the_app_withdrew_comes_back_and_what_staff_hid_does_not() -> None:
    policy = replace(POLICY, status="once")
    hidden = shop(publications=frozenset())
    assert planned(hidden, policy, Given(shown=Shown.WITHDRAWN)).publish == (PUBLICATION,)
    kept = withdrawn(hidden, policy, Given(shown=Shown.SHOWN))
    assert kept.shown is Shown.SHOWN
    assert planned(hidden, policy, Given(shown=kept.shown)).publish == ()
