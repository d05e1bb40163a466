"""Which pictures of F&O are added to a product of the shop, and which are taken off it."""

from dataclasses import replace

import pytest
from builders.shop_products import POLICY, shop, wanted

from shared.mapping.products.shop.given import Given, GivenPicture
from shared.mapping.products.shop.pictures import PicturePlan, file_name_of, plan_pictures
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import MediaStatus, ProductImage, ShopPicture

OWNED = replace(POLICY, pictures="fo")
FRONT = ProductImage("aa", "", "front view.jpg", "image/jpeg", alt="Front")
BACK = ProductImage("bb", "", "back.png", "image/png")
KNOWN = {"aa": GivenPicture("d1", 71), "bb": GivenPicture("d2", 72)}
READY, FAILED, PROCESSING = MediaStatus.READY, MediaStatus.FAILED, MediaStatus.PROCESSING
OWN = ShopPicture(90, READY, "Own", "own.jpg")


def planned(
    images: tuple[ProductImage, ...],
    pictures: tuple[ShopPicture, ...],
    given: dict[str, GivenPicture] | None = None,
    policy: ShopPolicy = OWNED,
    *,
    once: frozenset[str] = frozenset(),
    to_give: frozenset[str] = frozenset(),
) -> PicturePlan:
    product = wanted(images=images, once=once)
    return plan_pictures(product, shop(pictures=pictures), Given(pictures=given or {}, to_give=to_give), policy)


def test_pictures_that_the_product_lacks_are_new() -> None:
    assert planned((FRONT, BACK), (OWN,)) == PicturePlan(new=(FRONT, BACK))


def test_known_pictures_are_left_alone() -> None:
    shown = (ShopPicture(71, READY, "Front", "x.jpg"), ShopPicture(72, READY), OWN)
    assert planned((FRONT, BACK), shown, KNOWN) == PicturePlan(known=KNOWN)


def test_an_alternative_text_is_set_where_fo_has_one() -> None:
    shown = (ShopPicture(71, READY, "By hand"), ShopPicture(72, READY, "By hand"))
    assert planned((FRONT, BACK), shown, KNOWN).alts == {71: "Front"}
    assert planned((FRONT,), (ShopPicture(71, PROCESSING, ""),), KNOWN).alts == {}


def test_a_picture_that_fo_dropped_is_taken_off_and_merchants_own_stay() -> None:
    shown = (ShopPicture(71, READY, "Front"), ShopPicture(72, READY), OWN)
    plan = planned((FRONT,), shown, KNOWN)
    assert (plan.dropped, plan.known, plan.is_pending) == ({"bb": KNOWN["bb"]}, {"aa": KNOWN["aa"]}, False)
    assert planned((FRONT,), shown[:1], KNOWN).dropped == {}


def test_a_dropped_picture_waits_while_shopify_is_processing_it() -> None:
    plan = planned((), (ShopPicture(72, PROCESSING),), {"bb": KNOWN["bb"]})
    assert (plan.dropped, plan.waiting, plan.is_pending) == ({}, {"bb": KNOWN["bb"]}, True)
    failed = planned((), (ShopPicture(72, FAILED),), {"bb": KNOWN["bb"]})
    assert (failed.dropped, failed.waiting, failed.is_pending) == ({}, {}, False)


def test_a_picture_that_shopify_could_not_process_is_told_and_not_sent_again() -> None:
    plan = planned((FRONT,), (ShopPicture(71, FAILED, error="Broken (IMAGE_PROCESSING_FAILURE)"),), KNOWN)
    [problem] = plan.problems
    assert (problem.code, problem.details["reason"]) == ("PRODUCT_IMAGE_REFUSED", "Broken (IMAGE_PROCESSING_FAILURE)")
    assert plan.new == ()
    assert planned((FRONT,), (ShopPicture(71, FAILED),), KNOWN).problems[0].details["reason"]


def test_a_picture_that_is_processed_is_looked_at_again() -> None:
    plan = planned((FRONT,), (ShopPicture(71, PROCESSING),), KNOWN)
    assert (plan.is_pending, plan.known, plan.new) == (True, {"aa": KNOWN["aa"]}, ())


def test_a_picture_that_staff_deleted_is_added_again() -> None:
    assert planned((FRONT,), (OWN,), KNOWN).new == (FRONT,)


def test_a_picture_of_an_interrupted_run_is_found_by_its_file_name() -> None:
    shown = (OWN, ShopPicture(75, READY, "Front", file_name_of(FRONT)))
    plan = planned((FRONT,), shown)
    assert (plan.known, plan.new) == ({"aa": GivenPicture("", 75)}, ())
    assert planned((FRONT,), (ShopPicture(75, READY, "", file_name_of(BACK)),)).new == (FRONT,)


def test_while_a_strange_picture_is_processed_none_is_added_since_it_may_be_that_one() -> None:
    plan = planned((FRONT,), (ShopPicture(75, PROCESSING),))
    assert (plan.new, plan.known, plan.is_pending) == ((), {}, True)
    known = {"bb": KNOWN["bb"]}
    assert planned((FRONT, BACK), (ShopPicture(72, PROCESSING),), known).new == (FRONT,)


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, pictures="once")])
def test_pictures_of_merchants_are_never_planned(policy: ShopPolicy) -> None:
    plan = planned((BACK,), (OWN,), KNOWN, policy, once=frozenset({"images"}))
    assert plan == PicturePlan(known=KNOWN)


def test_pictures_that_are_given_once_are_added_to_a_new_product() -> None:
    policy = replace(POLICY, pictures="once")
    plan = planned((BACK,), (OWN,), {}, policy, once=frozenset({"images"}), to_give=frozenset({"images"}))
    assert plan.new == (BACK,)


def test_a_file_name_has_only_what_is_safe_in_an_address() -> None:
    assert file_name_of(FRONT) == "fo-aa-front-view.jpg"
    long = replace(FRONT, file_name="ä" * 5 + "x" * 300 + ".jpg")
    assert len(file_name_of(long)) <= 120
    assert file_name_of(long).endswith(".jpg")
