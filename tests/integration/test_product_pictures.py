"""F&O's pictures reach a product of the shop, and merchants' own stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from builders.shop_products import prices, wanted
from builders.shop_side import ShopSide, shop_in_process, with_policy

from local.shopify.faults import Fault, FaultKind
from shared.errors import OutcomeUnknownError
from shared.model import Converged, ProductImage, ShopState, WantedProduct

JPEG = b"\xff\xd8\xff"
FRONT = ProductImage("front", "", "front.jpg", "image/jpeg", alt="Front")
BACK = ProductImage("back", "", "back view.jpg", "image/jpeg", alt="Back")


@pytest.fixture
async def side() -> AsyncIterator[ShopSide]:
    async with shop_in_process() as one:
        one.policy = replace(one.policy, pictures="fo")
        one.pictures |= {"front": JPEG + b"front", "back": JPEG + b"back"}
        yield one


def pictured(*images: ProductImage, **fields: Any) -> WantedProduct:
    return wanted(images=images, **fields)


async def processed(side: ShopSide) -> None:
    await side.time.sleep(60)


async def converge(side: ShopSide, product: WantedProduct) -> Converged:
    return await side.converge(product, prices())


async def test_pictures_are_uploaded_and_looked_at_again_until_they_are_processed(side: ShopSide) -> None:
    product = pictured(FRONT, BACK)
    result = await converge(side, product)
    assert (result.state, result.problems, result.is_pending) == (ShopState.ACTIVE, (), True)
    assert side.shown_pictures(result) == [("Front", "front"), ("Back", "back")]
    assert {"ProductUploads": 1, "ProductPicturesAdd": 1}.items() <= side.calls.items()
    assert (await converge(side, product)).is_pending
    await processed(side)
    assert not (await converge(side, product)).is_pending
    assert side.calls == {"ProductRead": 1}


async def test_a_new_alternative_text_costs_one_write(side: ShopSide) -> None:
    result = await converge(side, pictured(FRONT))
    await processed(side)
    await converge(side, pictured(replace(FRONT, alt="View")))
    assert side.calls == {"ProductRead": 1, "ProductFiles": 1}
    assert side.shown_pictures(result) == [("View", "front")]
    await converge(side, pictured(replace(FRONT, alt="")))
    assert side.calls == {"ProductRead": 1}


async def test_a_picture_that_fo_dropped_is_taken_off_and_merchants_own_and_the_files_stay(side: ShopSide) -> None:
    result = await converge(side, pictured(FRONT, BACK))
    side.add_picture(result, "Own")
    await processed(side)
    files = len(side.shop.pictures)
    assert not (await converge(side, pictured(BACK))).is_pending
    assert side.shown_pictures(result) == [("Back", "back"), ("Own", "")]
    await converge(side, pictured())
    assert side.shown_pictures(result) == [("Own", "")]
    assert len(side.shop.pictures) == files
    await converge(side, pictured())
    assert side.calls == {"ProductRead": 1}


async def test_a_dropped_picture_that_is_not_processed_yet_is_taken_off_by_a_later_run(side: ShopSide) -> None:
    result = await converge(side, pictured(FRONT))
    gone = await converge(side, pictured())
    assert (gone.is_pending, side.shown_pictures(result)) == (True, [("Front", "front")])
    await processed(side)
    assert not (await converge(side, pictured())).is_pending
    assert side.shown_pictures(result) == []


async def test_the_same_bytes_attached_anew_in_fo_stay_the_same_picture(side: ShopSide) -> None:
    result = await converge(side, pictured(FRONT))
    await processed(side)
    side.pictures["again"] = side.pictures["front"]
    files = len(side.shop.pictures)
    await converge(side, pictured(replace(FRONT, key="again")))
    assert (len(side.shop.pictures), len(side.product(result).media)) == (files, 1)
    await converge(side, pictured(replace(FRONT, key="again")))
    assert side.calls == {"ProductRead": 1}


async def test_a_picture_that_staff_removed_is_added_again(side: ShopSide) -> None:
    result = await converge(side, pictured(FRONT))
    await processed(side)
    side.product(result).media.clear()
    await converge(side, pictured(FRONT))
    assert side.shown_pictures(result) == [("Front", "front")]


async def test_a_broken_picture_is_told_once_it_was_processed_and_the_others_are_shown(side: ShopSide) -> None:
    side.pictures["front"] = b"no picture at all"
    product = pictured(FRONT, BACK)
    assert (await converge(side, product)).problems == ()
    await processed(side)
    result = await converge(side, product)
    [problem] = result.problems
    assert (problem.code, problem.details["file"]) == ("PRODUCT_IMAGE_REFUSED", "front.jpg")
    assert not result.is_pending
    assert result.state is ShopState.ACTIVE
    side.pictures["better"] = JPEG + b"better"
    better = pictured(replace(FRONT, key="better"), BACK)
    await converge(side, better)
    await processed(side)
    assert (await converge(side, better)).problems == ()


async def test_too_large_and_unknown_files_are_told_and_the_others_are_shown(side: ShopSide) -> None:
    side.pictures["front"] = JPEG + bytes(30 * 1024 * 1024)
    scan = ProductImage("scan", "", "scan.tif", "image/tiff")
    result = await converge(side, pictured(FRONT, scan, BACK))
    assert [(each.code, each.details["file"]) for each in result.problems] == [
        ("PRODUCT_IMAGE_REFUSED", "scan.tif"),
        ("PRODUCT_IMAGE_REFUSED", "front.jpg"),
    ]
    assert "31,457,283 bytes" in result.problems[1].details["reason"]
    assert side.shown_pictures(result) == [("Back", "back")]


class RefusingUploads(httpx.AsyncBaseTransport):
    """The storage of the shop takes no bytes that end so."""

    def __init__(self, inner: httpx.AsyncBaseTransport, end: bytes) -> None:
        self.inner, self.end = inner, end

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and request.content.endswith(self.end):
            return httpx.Response(403, request=request)
        return await self.inner.handle_async_request(request)


async def test_a_picture_whose_upload_is_refused_keeps_no_other_away() -> None:
    async with shop_in_process(lambda inner: RefusingUploads(inner, b"front")) as side:
        side.policy = with_policy(side, pictures="fo")
        side.pictures |= {"front": JPEG + b"front", "back": JPEG + b"back"}
        result = await converge(side, pictured(FRONT, BACK))
        [problem] = result.problems
        assert (problem.code, problem.details["file"]) == ("PRODUCT_IMAGE_REFUSED", "front.jpg")
        assert (result.state, side.shown_pictures(result)) == (ShopState.ACTIVE, [("Back", "back")])


async def test_a_picture_that_shopify_refuses_keeps_no_other_away(side: ShopSide) -> None:
    error = {"field": ["media", "0", "originalSource"], "message": "Image URL is invalid"}
    body = {"data": {"productUpdate": {"product": None, "userErrors": [error]}}}
    refusing = Fault(FaultKind.OTHER_ANSWER, operation="ProductPicturesAdd", times=2, body=body)
    side.faults.pending.append(refusing)
    result = await converge(side, pictured(FRONT, BACK))
    assert [(each.code, each.details["file"]) for each in result.problems] == [("PRODUCT_IMAGE_REFUSED", "front.jpg")]
    assert side.shown_pictures(result) == [("Back", "back")]


async def test_pictures_that_are_given_once_are_the_merchants_then(side: ShopSide) -> None:
    side.policy = with_policy(side, pictures="once")
    once = frozenset({"images"})
    result = await converge(side, pictured(FRONT, once=once))
    assert side.shown_pictures(result) == [("Front", "front")]
    await processed(side)
    side.product(result).media.clear()
    await converge(side, pictured(FRONT, BACK, once=once))
    assert side.shown_pictures(result) == []
    adopted = side.add(title="Old", sku="MAP", price="1.00")
    assert side.product(adopted).media == []


async def test_pictures_of_merchants_are_not_even_read(side: ShopSide) -> None:
    side.policy = with_policy(side, pictures="never")
    result = await converge(side, pictured(FRONT))
    assert side.shown_pictures(result) == []
    assert "ProductUploads" not in side.calls


async def test_a_picture_that_was_added_without_an_answer_is_found_by_its_name(side: ShopSide) -> None:
    await converge(side, pictured())
    side.faults.pending.append(Fault(FaultKind.RESET_AFTER_COMMIT, operation="ProductPicturesAdd"))
    with pytest.raises(OutcomeUnknownError, match="ProductPicturesAdd"):
        await converge(side, pictured(FRONT))
    waiting = await converge(side, pictured(FRONT))
    assert waiting.is_pending
    assert "ProductPicturesAdd" not in side.calls
    await processed(side)
    result = await converge(side, pictured(FRONT))
    assert side.shown_pictures(result) == [("Front", "front")]
    assert not result.is_pending
    await converge(side, pictured())
    assert side.shown_pictures(result) == []
