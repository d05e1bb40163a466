"""The mutations of price lists and catalogs."""

from typing import Any

from local.shopify.ids import gid
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import parse_gid
from local.shopify.price_records import PriceList
from local.shopify.prices import catalogs
from local.shopify.prices.fixed import (
    by_product_problems,
    delete_prices,
    deletion_problems,
    price_problems,
    products_of,
    write_price,
    write_prices,
)
from local.shopify.prices.nodes import CatalogNode, Listed, PriceListNode, PriceNode, rule_document
from local.shopify.prices.quantities import add_rules, delete_rules, update_quantity_pricing
from local.shopify.products.nodes import ProductNode, VariantNode
from local.shopify.user_errors import user_error


class PriceMutations(MutationRoot):
    def price_list_create(self, input_: dict[str, Any]) -> dict[str, Any]:
        made, problems = catalogs.create_price_list(self._request, input_)
        return {"priceList": self._list_node(made), "userErrors": problems}

    def price_list_update(self, id_: str, input_: dict[str, Any]) -> dict[str, Any]:
        found, problems = catalogs.update_price_list(self._request, id_, input_)
        return {"priceList": self._list_node(found), "userErrors": problems}

    def price_list_fixed_prices_add(self, price_list_id: str, prices: list[dict[str, Any]]) -> dict[str, Any]:
        found, problems = self._price_list(price_list_id)
        if found:
            problems = price_problems(self._request, found, prices, "prices")
        if found is None or problems:
            return {"prices": None, "userErrors": problems}
        return {"prices": self._prices(found, write_prices(found, prices)), "userErrors": []}

    def price_list_fixed_prices_update(
        self, price_list_id: str, prices_to_add: list[dict[str, Any]], variant_ids_to_delete: list[str]
    ) -> dict[str, Any]:
        found, problems = self._price_list(price_list_id)
        if found:
            problems = price_problems(self._request, found, prices_to_add, "pricesToAdd")
            problems += deletion_problems(self._request, found, variant_ids_to_delete, "variantIdsToDelete")
        if found is None or problems:
            nothing = {"priceList": None, "pricesAdded": None, "deletedFixedPriceVariantIds": None}
            return {**nothing, "userErrors": problems}
        delete_prices(found, variant_ids_to_delete)
        added = write_prices(found, prices_to_add)
        return {
            "priceList": self._list_node(found),
            "pricesAdded": self._prices(found, added),
            "deletedFixedPriceVariantIds": variant_ids_to_delete,
            "userErrors": [],
        }

    def price_list_fixed_prices_delete(self, price_list_id: str, variant_ids: list[str]) -> dict[str, Any]:
        found, problems = self._price_list(price_list_id)
        if found:
            problems = deletion_problems(self._request, found, variant_ids, "variantIds")
        if found is None or problems:
            return {"deletedFixedPriceVariantIds": None, "userErrors": problems}
        delete_prices(found, variant_ids)
        return {"deletedFixedPriceVariantIds": variant_ids, "userErrors": []}

    def price_list_fixed_prices_by_product_update(
        self,
        price_list_id: str,
        prices_to_add: list[dict[str, Any]] | None = None,
        prices_to_delete_by_product_ids: list[str] | None = None,
    ) -> dict[str, Any]:
        add, delete = prices_to_add or [], prices_to_delete_by_product_ids or []
        found = self._request.shop.pricing.price_lists.get(parse_gid(price_list_id, "PriceList"))
        if found is None:
            problems = [user_error(["priceListId"], "Price list does not exist.", "PRICE_LIST_DOES_NOT_EXIST")]
        else:
            problems = by_product_problems(self._request, found, add, delete)
        if found is None or problems:
            nothing = {"priceList": None, "pricesToAddProducts": None, "pricesToDeleteProducts": None}
            return {**nothing, "userErrors": problems}
        added = products_of(self._request, [each["productId"] for each in add])
        deleted = products_of(self._request, delete)
        for product, given in zip(added, add, strict=True):
            for variant in product.variants:
                write_price(found, variant.id, given)
        delete_prices(found, [gid("ProductVariant", each.id) for product in deleted for each in product.variants])
        return {
            "priceList": self._list_node(found),
            "pricesToAddProducts": [ProductNode(self._request, each) for each in added],
            "pricesToDeleteProducts": [ProductNode(self._request, each) for each in deleted],
            "userErrors": [],
        }

    def quantity_pricing_by_variant_update(self, price_list_id: str, input_: dict[str, Any]) -> dict[str, Any]:
        found = self._request.shop.pricing.price_lists.get(parse_gid(price_list_id, "PriceList"))
        if found is None:
            problem = user_error(["priceListId"], "Price list not found.", "PRICE_LIST_NOT_FOUND")
            return {"productVariants": None, "userErrors": [problem]}
        variants, problems = update_quantity_pricing(self._request, found, input_)
        shown = None if problems else [VariantNode(self._request, self._request.shop.variants[n]) for n in variants]
        return {"productVariants": shown, "userErrors": problems}

    def quantity_rules_add(self, price_list_id: str, quantity_rules: list[dict[str, Any]]) -> dict[str, Any]:
        found = self._request.shop.pricing.price_lists.get(parse_gid(price_list_id, "PriceList"))
        if found is None:
            problem = user_error(["priceListId"], "Price list does not exist.", "PRICE_LIST_DOES_NOT_EXIST")
            return {"quantityRules": [], "userErrors": [problem]}
        variants, problems = add_rules(self._request, found, quantity_rules)
        rules = [rule_document(self._request, found, each) for each in variants]
        return {"quantityRules": rules, "userErrors": problems}

    def quantity_rules_delete(self, price_list_id: str, variant_ids: list[str]) -> dict[str, Any]:
        found = self._request.shop.pricing.price_lists.get(parse_gid(price_list_id, "PriceList"))
        if found is None:
            problem = user_error(["priceListId"], "Price list does not exist.", "PRICE_LIST_DOES_NOT_EXIST")
            return {"deletedQuantityRulesVariantIds": [], "userErrors": [problem]}
        problems = delete_rules(self._request, found, variant_ids)
        return {"deletedQuantityRulesVariantIds": [] if problems else variant_ids, "userErrors": problems}

    def catalog_create(self, input_: dict[str, Any]) -> dict[str, Any]:
        made, problems = catalogs.create_catalog(self._request, input_)
        return {"catalog": CatalogNode(self._request, made) if made else None, "userErrors": problems}

    def catalog_update(self, id_: str, input_: dict[str, Any]) -> dict[str, Any]:
        found, problems = catalogs.update_catalog(self._request, id_, input_)
        return {"catalog": CatalogNode(self._request, found) if found else None, "userErrors": problems}

    def catalog_context_update(
        self,
        catalog_id: str,
        contexts_to_add: dict[str, Any] | None = None,
        contexts_to_remove: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        found, problems = catalogs.update_contexts(self._request, catalog_id, contexts_to_add, contexts_to_remove)
        return {"catalog": CatalogNode(self._request, found) if found else None, "userErrors": problems}

    def _price_list(self, id_: str) -> tuple[PriceList | None, list[dict[str, Any]]]:
        found = self._request.shop.pricing.price_lists.get(parse_gid(id_, "PriceList"))
        missing = user_error(["priceListId"], "Price list does not exist.", "PRICE_LIST_NOT_FOUND")
        return found, [] if found else [missing]

    def _list_node(self, price_list: PriceList | None) -> PriceListNode | None:
        return PriceListNode(self._request, price_list) if price_list else None

    def _prices(self, price_list: PriceList, variants: list[int]) -> list[PriceNode]:
        shop, fixed = self._request.shop, price_list.fixed
        listed = [Listed(shop.variants[n], fixed[n].price, fixed[n].compare_at, is_fixed=True) for n in variants]
        return [PriceNode(self._request, price_list, each) for each in listed]
