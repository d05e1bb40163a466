"""productVariantAppendMedia: the picture of a variant."""

from typing import Any

from local.shopify.media.files import picture_by
from local.shopify.merchandise import Product, Variant
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import not_simulated, parse_gid
from local.shopify.products.nodes import ProductNode, VariantNode
from local.shopify.user_errors import user_error

_MOST_PAIRS = 100


class VariantMediaMutations(MutationRoot):
    def product_variant_append_media(self, product_id: str, variant_media: list[dict[str, Any]]) -> dict[str, Any]:
        shop = self._request.shop
        product = shop.products.get(parse_gid(product_id, "Product"))
        if product is None:
            raise not_simulated("productVariantAppendMedia of a product that does not exist")
        problems = self._pair_problems(product, variant_media)
        variants: list[Variant] = []
        if not problems:
            for each in variant_media:
                variant = shop.variants[parse_gid(each["variantId"], "ProductVariant")]
                variant.media_id = parse_gid(each["mediaIds"][0], "MediaImage")
                variant.touch(shop.clock())
                variants.append(variant)
        return {
            "product": ProductNode(self._request, product),
            "productVariants": [VariantNode(self._request, each) for each in variants],
            "userErrors": problems,
        }

    def _pair_problems(self, product: Product, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(rows) > _MOST_PAIRS:
            text = f"Exceeded {_MOST_PAIRS} variant-media pairs per mutation."
            return [user_error(["variantMedia"], text, "MAXIMUM_VARIANT_MEDIA_PAIRS_EXCEEDED")]
        problems: list[dict[str, Any]] = []
        seen: set[str] = set()
        for index, each in enumerate(rows):
            path, ids = ["variantMedia", str(index)], each["mediaIds"]
            variant = self._request.shop.variants.get(parse_gid(each["variantId"], "ProductVariant"))
            found = _variant_problem(product, variant, repeated=each["variantId"] in seen)
            seen.add(each["variantId"])
            if found:
                problems.append(user_error([*path, "variantId"], *found))
                continue
            found = self._media_problem(product, ids)
            if found:
                problems.append(user_error([*path, "mediaIds"], *found))
        return problems

    def _media_problem(self, product: Product, ids: list[str]) -> tuple[str, str] | None:
        if not ids:
            return "The mediaIds list cannot be empty.", "BLANK"
        if len(ids) > 1:
            return "Only one mediaId is allowed per media input.", "TOO_MANY_MEDIA_PER_INPUT_PAIR"
        picture = picture_by(self._request.shop, ids[0])
        if picture is None or picture.id not in product.media:
            return "Media does not exist on the specified product.", "MEDIA_DOES_NOT_EXIST_ON_PRODUCT"
        if picture.status(self._request.shop.clock()) != "READY":
            return "Non-ready media cannot be attached to variants.", "NON_READY_MEDIA"
        return None


def _variant_problem(product: Product, variant: Variant | None, *, repeated: bool) -> tuple[str, str] | None:
    if repeated:
        text = "Variant was specified in more than one media input."
        return text, "PRODUCT_VARIANT_SPECIFIED_MULTIPLE_TIMES"
    if variant is None or variant.product is not product:
        return "Variant does not exist on the specified product.", "PRODUCT_VARIANT_DOES_NOT_EXIST_ON_PRODUCT"
    if variant.media_id is not None:
        return "The given variant already has attached media.", "PRODUCT_VARIANT_ALREADY_HAS_MEDIA"
    return None
