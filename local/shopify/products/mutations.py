"""The mutations of products, options, variants and their inventory items."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from local.shopify.catalogue_nodes import InventoryItemNode, ShopNode
from local.shopify.media.files import attach, is_address, make_picture
from local.shopify.merchandise import Product
from local.shopify.metafields import check_value, write_metafield
from local.shopify.nodes import error, not_simulated, parse_gid
from local.shopify.products.bulk_variants import create_variants, delete_variants, update_variants
from local.shopify.products.identifying import product_by
from local.shopify.products.nodes import ProductNode, VariantNode
from local.shopify.products.option_changes import ValueChanges, create_options, reorder_options, update_option
from local.shopify.products.product_input import Style, product_problems, write_product
from local.shopify.products.publishing import publish, unpublish
from local.shopify.products.queries import operation_document
from local.shopify.products.setting import set_product
from local.shopify.products.texts import normal_tags, tags_are_valid
from local.shopify.products.variant_input import hs_code_fits, province_fits, require_full, write_item
from local.shopify.products.variant_media import VariantMediaMutations
from local.shopify.state import Operation
from local.shopify.user_errors import user_error

_NOT_UPDATED = (
    "collectionsToJoin",
    "collectionsToLeave",
    "combinedListingRole",
    "deleteConflictingConstrainedMetafields",
    "claimOwnership",
    "giftCard",
    "giftCardTemplateSuffix",
    "productOptions",
    "productPublications",
    "publications",
    "publishDate",
    "publishOn",
    "published",
    "publishedAt",
    "redirectNewHandle",
    "requiresSellingPlan",
)
_UNITS = {"GRAMS": "g", "KILOGRAMS": "kg", "OUNCES": "oz", "POUNDS": "lb"}


class ProductMutations(VariantMediaMutations):
    def product_set(
        self, input_: dict[str, Any], identifier: dict[str, Any] | None = None, *, synchronous: bool = True
    ) -> dict[str, Any]:
        """In the background it is done at once too; only the answer says that it is not done yet."""
        request, shop = self._request, self._request.shop
        product, problems = set_product(request, input_, identifier)
        if not synchronous and not request.is_bulk:
            number = shop.next_catalogue_id()
            shop.operations[number] = Operation(product.id if product else None, problems)
            waiting: dict[str, Any] = {"status": "CREATED", "product": None, "userErrors": []}
            operation = {**operation_document(request, number), **waiting}
            return {"product": None, "productSetOperation": operation, "userErrors": []}
        return {"product": self._as_node(product), "productSetOperation": None, "userErrors": problems}

    def product_update(
        self,
        *,
        product: dict[str, Any] | None = None,
        input_: dict[str, Any] | None = None,
        identifier: dict[str, Any] | None = None,
        media: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        if (product is None) == (input_ is None):
            text = "productUpdate must include exactly one of the following arguments: input, product."
            raise error(text, "INVALID_FIELD_ARGUMENTS")
        given = product if product is not None else input_
        assert given is not None
        for name in _NOT_UPDATED:
            if given.get(name):
                raise not_simulated(f"{name} in productUpdate")
        if identifier and given.get("id"):
            raise not_simulated("productUpdate with both identifier and id")
        if not identifier and not given.get("id"):
            raise not_simulated("productUpdate without an id")
        found = product_by(self._request, identifier or {"id": given["id"]})
        if found is None:
            return {"product": None, "userErrors": [user_error(["id"], "Product does not exist")]}
        problems = product_problems(self._request, given, found, Style.UPDATE)
        for each in given.get("metafields") or ():
            require_full(each)
            if check_value(self._request, "PRODUCT", found, each):
                raise not_simulated("metafields that are not valid in productUpdate")
        for index, each in enumerate(media or ()):
            if each["mediaContentType"] != "IMAGE":
                raise not_simulated(f"media of the type {each['mediaContentType']}")
            if not is_address(self._request, each["originalSource"]):
                problems.append(user_error(["media", str(index), "originalSource"], "Image URL is invalid"))
        if problems:
            return {"product": self._as_node(found), "userErrors": problems}
        for each in media or ():
            attach(self._request.shop, found, make_picture(self._request, each))
        before = {slot: (each.type, each.value) for slot, each in found.metafields.items()}
        changed = write_product(self._request, found, given)
        for each in given.get("metafields") or ():
            write_metafield(self._request, found, each)
        if changed or {slot: (each.type, each.value) for slot, each in found.metafields.items()} != before:
            found.touch(self._request.shop.clock())
        return {"product": self._as_node(found), "userErrors": []}

    def product_variants_bulk_create(
        self, product_id: str, variants: list[dict[str, Any]], strategy: str = "DEFAULT"
    ) -> dict[str, Any]:
        product = self._product(product_id)
        made, problems = create_variants(self._request, product, variants, strategy)
        return {
            "product": None if problems else self._as_node(product),
            "productVariants": [VariantNode(self._request, each) for each in made],
            "userErrors": problems,
        }

    def product_variants_bulk_update(
        self, product_id: str, variants: list[dict[str, Any]], *, allow_partial_updates: bool = False
    ) -> dict[str, Any]:
        product = self._product(product_id)
        shown, problems, _ = update_variants(self._request, product, variants, partly=allow_partial_updates)
        return {
            "product": self._as_node(product),
            "productVariants": None if shown is None else [VariantNode(self._request, each) for each in shown],
            "userErrors": problems,
        }

    def product_variants_bulk_delete(self, product_id: str, variants_ids: list[str]) -> dict[str, Any]:
        product = self._product(product_id)
        problems = delete_variants(self._request, product, variants_ids)
        return {"product": None if problems else self._as_node(product), "userErrors": problems}

    def product_options_create(
        self, product_id: str, options: list[dict[str, Any]], variant_strategy: str | None = "LEAVE_AS_IS"
    ) -> dict[str, Any]:
        product = self._product(product_id)
        problems = create_options(self._request, product, options, variant_strategy or "LEAVE_AS_IS")
        return {"product": self._as_node(product), "userErrors": problems}

    def product_option_update(
        self, product_id: str, option: dict[str, Any], *, variant_strategy: str | None = None, **values: Any
    ) -> dict[str, Any]:
        if variant_strategy == "MANAGE":
            raise not_simulated("productOptionUpdate with the strategy MANAGE")
        product = self._product(product_id)
        lists = (values.get(f"option_values_to_{name}") or [] for name in ("add", "update", "delete"))
        problems = update_option(self._request, product, option, ValueChanges(*lists))
        return {"product": self._as_node(product), "userErrors": problems}

    def product_options_reorder(self, product_id: str, options: list[dict[str, Any]]) -> dict[str, Any]:
        product = self._product(product_id)
        problems = reorder_options(self._request, product, options)
        return {"product": self._as_node(product), "userErrors": problems}

    def publishable_publish(self, id_: str, input_: list[dict[str, Any]]) -> dict[str, Any]:
        return self._published(id_, lambda product: publish(self._request, product, input_))

    def publishable_unpublish(self, id_: str, input_: list[dict[str, Any]]) -> dict[str, Any]:
        return self._published(id_, lambda product: unpublish(self._request, product, input_))

    def _published(self, id_: str, act: Callable[[Product | None], list[dict[str, Any]]]) -> dict[str, Any]:
        if not id_.startswith("gid://shopify/Product/"):
            raise not_simulated(f"publishing {id_}")
        product = self._product(id_)
        problems = act(product)
        return {"publishable": self._as_node(product), "shop": ShopNode(self._request), "userErrors": problems}

    def inventory_item_update(self, id_: str, input_: dict[str, Any]) -> dict[str, Any]:
        shop = self._request.shop
        variant = shop.variant_by_item.get(parse_gid(id_, "InventoryItem"))
        if variant is None:
            text = "The product couldn't be updated because it does not exist."
            return {"inventoryItem": None, "userErrors": [user_error(["id"], text)]}
        problems = _item_problems(input_)
        if not problems:
            write_item(self._request, variant, input_)
            variant.touch(shop.clock())
        return {"inventoryItem": InventoryItemNode(self._request, variant), "userErrors": problems}

    def _tag_product(self, id_: str, tags: list[str], *, add: bool) -> dict[str, Any]:
        """TagsAdd and tagsRemove on a product. A tag that it does not have is no error."""
        product = self._product(id_)
        if product is None:
            return {"node": None, "userErrors": [user_error(["id"], "Product does not exist")]}
        asked = normal_tags(tags)
        if not tags_are_valid(asked):
            raise not_simulated("a tag of more than 255 characters by tagsAdd")
        gone = {each.casefold() for each in asked}
        left = normal_tags([*product.tags, *asked]) if add else [t for t in product.tags if t.casefold() not in gone]
        if left != product.tags:
            product.tags = left
            product.touch(self._request.shop.clock())
        return {"node": self._as_node(product), "userErrors": []}

    def _product(self, id_: str) -> Product | None:
        return self._request.shop.products.get(parse_gid(id_, "Product"))

    def _as_node(self, product: Product | None) -> ProductNode | None:
        return ProductNode(self._request, product) if product else None


def _item_problems(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Of inventoryItemUpdate; its user errors have no code."""
    problems = []
    if given.get("cost") is not None and Decimal(str(given["cost"])) < 0:
        problems.append(user_error(["input", "cost"], "Cost must be greater than or equal to 0"))
    if given.get("countryCodeOfOrigin") == "ZZ":
        problems.append(user_error(["input", "countryCodeOfOrigin"], "Country code of origin is invalid"))
    if not hs_code_fits(given.get("harmonizedSystemCode")):
        text = "Harmonized system code must be a number between six and thirteen digits"
        problems.append(user_error(["input", "harmonizedSystemCode"], text))
    weight = (given.get("measurement") or {}).get("weight")
    if weight and weight["value"] < 0:
        unit = _UNITS[weight["unit"]]
        text = f"Measurement weight value {weight['value']:g} {unit} must be >= 0 {unit}"
        problems.append(user_error(["input", "measurement", "weight"], text))
    if given.get("countryHarmonizedSystemCodes") or not province_fits(given):
        raise not_simulated("countryHarmonizedSystemCodes, or a province without its country")
    return problems
