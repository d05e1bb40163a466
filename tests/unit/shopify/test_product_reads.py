"""What is asked for of products, and files that cannot be uploaded."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from builders.shop_products import wanted, with_variant

from shared.errors import RefusedError, TransientError
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import Metafield
from shared.shopify.products.pictures import HttpUploader, UploadTarget
from shared.shopify.products.reading import ProductSelection, read_limits, read_publications
from shared.shopify.queries import Query
from shared.sync.products.shop.ports import ShopProductPorts


def test_only_metafields_that_fo_gives_are_asked_for() -> None:
    product = wanted(metafields=(Metafield("custom", "b", "boolean", "true"), Metafield("custom", "a", "date", "x")))
    product = with_variant(product, "R", "S", metafields=(Metafield("fo", "unit", "boolean", "true"),))
    ports = ShopProductPorts(None, ShopPolicy(), None, None)  # type: ignore[arg-type]  # nothing is called
    selection = ports.selection([product, wanted()])
    assert selection == ProductSelection(("custom.a", "custom.b"), ("fo.unit",), pictures=False)
    assert selection.variables == {
        "metafields": ["custom.a", "custom.b"],
        "hasMetafields": True,
        "variantMetafields": ["fo.unit"],
        "hasVariantMetafields": True,
        "hasPictures": False,
    }
    assert not ProductSelection().variables["hasMetafields"]


@pytest.mark.parametrize(("owner", "read"), [("fo", True), ("once", True), ("never", False)])
def test_pictures_are_asked_for_where_fo_gives_any(owner: Any, read: bool) -> None:  # noqa: FBT001
    ports = ShopProductPorts(None, ShopPolicy(pictures=owner), None, None)  # type: ignore[arg-type]
    assert ports.selection([wanted()]).pictures is read


def test_all_metafields_are_asked_for_where_some_are_the_apps_own() -> None:
    variables = ProductSelection(("$app:fo.unit", "custom.a")).variables
    assert (variables["metafields"], variables["hasMetafields"]) == (None, True)


class Answering:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        return self.data


async def test_the_shops_limits_are_read() -> None:
    limits = {"maxProductOptions": 3, "maxProductVariants": 2048}
    shop = {"currencyCode": "EUR", "resourceLimits": limits}
    found = await read_limits(Answering({"shop": shop, "productVariantsCount": {"count": 7}}))
    assert (found.currency, found.options, found.variants, found.has_variants) == ("EUR", 3, 2048, 7)


async def test_sales_channels_have_the_names_of_their_catalogs() -> None:
    nodes = [
        {"id": "gid://shopify/Publication/1", "catalog": {"title": "Online Store"}},
        {"id": "gid://shopify/Publication/2", "catalog": None},
    ]
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    assert await read_publications(Answering({"publications": page})) == {1: "Online Store", 2: ""}


async def upload(answer: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        target = UploadTarget("https://upload.example/x", {"Content-Type": "image/png"}, "r")
        await HttpUploader(http)(target, b"PNG", item="TENT", file="front.png")


async def test_a_file_is_uploaded_with_the_headers_of_its_target() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    await upload(answer)
    [request] = sent
    assert (request.method, request.headers["Content-Type"], request.content) == ("PUT", "image/png", b"PNG")


@pytest.mark.parametrize("status", [400, 403, 413])
async def test_a_file_that_is_refused_is_told_by_its_name(status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        await upload(lambda _: httpx.Response(status))
    assert refused.value.code == "PRODUCT_IMAGE_REFUSED"
    assert (refused.value.details["item"], refused.value.details["file"]) == ("TENT", "front.png")
    assert f"HTTP {status}" in refused.value.details["reason"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_file_that_is_not_taken_now_is_uploaded_by_a_later_run(status: int) -> None:
    with pytest.raises(TransientError, match=f"HTTP {status}"):
        await upload(lambda _: httpx.Response(status))


async def test_a_file_that_does_not_arrive_is_uploaded_by_a_later_run() -> None:

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=request)

    with pytest.raises(TransientError, match="ReadError"):
        await upload(broken)
