"""Quantity rules and price breaks: quantityPricingByVariantUpdate, quantityRulesAdd and quantityRulesDelete."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.price_records import FixedPrice, PriceBreak, PriceList, QuantityRule
from local.shopify.prices.fixed import amount_of, write_price
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
#: Of one variant. That there is a limit is documented, the number is not.
MOST_BREAKS = 10


def update_quantity_pricing(
    request: Request, price_list: PriceList, given: dict[str, Any]
) -> tuple[list[int], Problems]:
    """The variants that it is about. Deletes before it adds; nothing is written if anything is wrong."""
    draft = _Draft(request, price_list)
    for name, ids in (
        ("pricesToDeleteByVariantId", given["pricesToDeleteByVariantId"]),
        ("quantityRulesToDeleteByVariantId", given["quantityRulesToDeleteByVariantId"]),
        ("quantityPriceBreaksToDeleteByVariantId", given.get("quantityPriceBreaksToDeleteByVariantId") or []),
    ):
        for index, each in enumerate(ids):
            draft.delete(name, index, parse_gid(each, "ProductVariant"))
    for index, each in enumerate(given["quantityPriceBreaksToDelete"]):
        draft.delete_break(index, parse_gid(each, "QuantityPriceBreak"))
    draft.add_prices(given["pricesToAdd"])
    draft.add_rules(given["quantityRulesToAdd"])
    draft.add_breaks(given["quantityPriceBreaksToAdd"])
    if not draft.problems:
        price_list.fixed, price_list.rules, price_list.breaks = draft.fixed, draft.rules, draft.breaks
    return list(dict.fromkeys(draft.variants)), draft.problems


class _Draft:
    """The list as it will be."""

    def __init__(self, request: Request, price_list: PriceList) -> None:
        self._request = request
        self._list = price_list
        self.fixed: dict[int, FixedPrice] = dict(price_list.fixed)
        self.rules: dict[int, QuantityRule] = dict(price_list.rules)
        self.breaks: dict[int, list[PriceBreak]] = {key: list(each) for key, each in price_list.breaks.items()}
        self.problems: Problems = []
        self.variants: list[int] = []

    def _refuse(self, name: str, index: int, text: str, code: str) -> None:
        self.problems.append(user_error(["input", name, str(index)], text, code))

    def _exists(self, number: int) -> bool:
        self.variants.append(number)
        return number in self._request.shop.variants

    def delete(self, name: str, index: int, number: int) -> None:
        kept: dict[str, tuple[dict[int, Any], str, str]] = {
            "pricesToDeleteByVariantId": (self.fixed, "Variant not found.", "PRICE_DELETE_VARIANT_NOT_FOUND"),
            "quantityRulesToDeleteByVariantId": (
                self.rules,
                "Variant not found.",
                "QUANTITY_RULE_DELETE_VARIANT_NOT_FOUND",
            ),
            "quantityPriceBreaksToDeleteByVariantId": (
                self.breaks,
                "Variant to delete by is not found.",
                "QUANTITY_PRICE_BREAK_DELETE_BY_VARIANT_ID_VARIANT_NOT_FOUND",
            ),
        }
        rows, text, code = kept[name]
        if not self._exists(number):
            self._refuse(name, index, text, code)
        elif number in rows:
            del rows[number]
            if name == "pricesToDeleteByVariantId":
                self.breaks.pop(number, None)
        elif name == "pricesToDeleteByVariantId":
            self._refuse(name, index, "Price is not fixed.", "PRICE_DELETE_PRICE_NOT_FIXED")
        elif name == "quantityRulesToDeleteByVariantId":
            self._refuse(name, index, "Quantity rule not found.", "QUANTITY_RULE_DELETE_RULE_NOT_FOUND")

    def delete_break(self, index: int, number: int) -> None:
        for variant, rows in self.breaks.items():
            if any(each.id == number for each in rows):
                self.variants.append(variant)
                self.breaks[variant] = [each for each in rows if each.id != number]
                return
        text = "Quantity price break not found."
        self._refuse("quantityPriceBreaksToDelete", index, text, "QUANTITY_PRICE_BREAK_DELETE_NOT_FOUND")

    def add_prices(self, rows: list[dict[str, Any]]) -> None:
        name, times = "pricesToAdd", Counter(each["variantId"] for each in rows)
        for index, each in enumerate(rows):
            number = parse_gid(each["variantId"], "ProductVariant")
            if times[each["variantId"]] > 1:
                text = "Prices to add inputs must be unique by variant id."
                self._refuse(name, index, text, "PRICE_ADD_DUPLICATE_INPUT_FOR_VARIANT")
            if not self._exists(number):
                self._refuse(name, index, "Variant not found.", "PRICE_ADD_VARIANT_NOT_FOUND")
                continue
            given = [each[kind] for kind in ("price", "compareAtPrice") if each.get(kind)]
            if any(money["currencyCode"] != self._list.currency for money in given):
                self._refuse(name, index, "Currency mismatch.", "PRICE_ADD_CURRENCY_MISMATCH")
                continue
            draft = copy.copy(self._list)
            draft.fixed = self.fixed
            write_price(draft, number, each)

    def add_rules(self, rows: list[dict[str, Any]]) -> None:
        name, times = "quantityRulesToAdd", Counter(each["variantId"] for each in rows)
        supported = _takes_quantities(self._request, self._list)
        for index, each in enumerate(rows):
            number = parse_gid(each["variantId"], "ProductVariant")
            if not supported:
                text, code = "Catalog context not supported", "QUANTITY_RULE_ADD_CATALOG_CONTEXT_NOT_SUPPORTED"
                self._refuse(name, index, text, code)
                continue
            if times[each["variantId"]] > 1:
                text = "Quantity rules to add inputs must be unique by variant id."
                self._refuse(name, index, text, "QUANTITY_RULE_ADD_DUPLICATE_INPUT_FOR_VARIANT")
            if not self._exists(number):
                self._refuse(name, index, "Variant not found.", "QUANTITY_RULE_ADD_VARIANT_NOT_FOUND")
                continue
            found = list(_rule_problems(each))
            for text, code in found:
                self._refuse(name, index, text, f"QUANTITY_RULE_ADD_{code}")
            if not found:
                self.rules[number] = rule_of(each)

    def add_breaks(self, rows: list[dict[str, Any]]) -> None:
        name = "quantityPriceBreaksToAdd"
        times = Counter((each["variantId"], each["minimumQuantity"]) for each in rows)
        if rows and not _takes_quantities(self._request, self._list):
            raise not_simulated("price breaks of a list whose catalog is not for locations of companies")
        for index, each in enumerate(rows):
            number, minimum = parse_gid(each["variantId"], "ProductVariant"), each["minimumQuantity"]
            if times[each["variantId"], minimum] > 1:
                text = "Quantity price breaks to add inputs must be unique by variant id and minimum quantity."
                self._refuse(name, index, text, "QUANTITY_PRICE_BREAK_ADD_DUPLICATE_INPUT_FOR_VARIANT_AND_MIN")
            if not self._exists(number):
                text = "Quantity price break variant not found."
                self._refuse(name, index, text, "QUANTITY_PRICE_BREAK_ADD_VARIANT_NOT_FOUND")
                continue
            self._add_break(index, number, each)

    def _add_break(self, index: int, number: int, given: dict[str, Any]) -> None:
        minimum = given["minimumQuantity"]
        others = [each for each in self.breaks.get(number, ()) if each.minimum != minimum]
        problem = self._break_problem(number, given)
        if problem is None and len(others) >= MOST_BREAKS:
            problem = ("Exceeded the allowed number of quantity price breaks per variant.", "LIMIT_EXCEEDED")
        if problem:
            self._refuse("quantityPriceBreaksToAdd", index, problem[0], f"QUANTITY_PRICE_BREAK_ADD_{problem[1]}")
            return
        made = PriceBreak(self._request.shop.next_catalogue_id(), number, minimum, amount_of(given["price"]))
        self.breaks[number] = sorted([*others, made], key=lambda each: each.minimum)

    def _break_problem(self, number: int, given: dict[str, Any]) -> tuple[str, str] | None:
        minimum, rule = given["minimumQuantity"], self.rules.get(number)
        if given["price"]["currencyCode"] != self._list.currency:
            return "Price list and quantity price break currency mismatch.", "CURRENCY_MISMATCH"
        if number not in self.fixed:
            return "Quantity price break's fixed price not found.", "PRICE_LIST_PRICE_NOT_FOUND"
        if minimum < 2:
            raise not_simulated("a price break from less than 2 pieces on")
        if rule and rule.maximum is not None and minimum > rule.maximum:
            text = "Quantity price break miniumum is higher than the quantity rule maximum."
            return text, "MIN_HIGHER_THAN_QUANTITY_RULES_MAX"
        if rule and minimum < rule.minimum:
            text = "Quantity price break miniumum is less than the quantity rule minimum."
            return text, "MIN_LOWER_THAN_QUANTITY_RULES_MIN"
        if rule and minimum % rule.increment:
            text = "Quantity price break miniumum is not multiple of the quantity rule increment."
            return text, "MIN_NOT_A_MULTIPLE_OF_QUANTITY_RULES_INCREMENT"
        return None


def _takes_quantities(request: Request, price_list: PriceList) -> bool:
    catalog = request.shop.pricing.catalog_of(price_list)
    return catalog is None or catalog.kind == "COMPANY_LOCATION"


def rule_of(given: dict[str, Any]) -> QuantityRule:
    return QuantityRule(given["minimum"], given.get("maximum"), given["increment"])


def _rule_problems(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    minimum, maximum, increment = given["minimum"], given.get("maximum"), given["increment"]
    if minimum < 1:
        yield "Minimum is less than one", "MINIMUM_IS_LESS_THAN_ONE"
    if increment < 1:
        yield "Increment is less than one", "INCREMENT_IS_LESS_THAN_ONE"
        return
    if increment > minimum >= 1:
        yield "Increment is greater than minimum", "INCREMENT_IS_GREATER_THAN_MINIMUM"
    elif minimum % increment:
        yield "minimum is not a multiple of increment", "MINIMUM_NOT_A_MULTIPLE_OF_INCREMENT"
    if maximum is not None:
        if minimum > maximum:
            yield "Minimum is greater than maximum", "MINIMUM_GREATER_THAN_MAXIMUM"
        if maximum % increment:
            yield "Maximum is not a multiple of increment", "MAXIMUM_NOT_A_MULTIPLE_OF_INCREMENT"


def add_rules(request: Request, price_list: PriceList, rows: list[dict[str, Any]]) -> tuple[list[int], Problems]:
    """quantityRulesAdd: the variants whose rules are there now."""
    problems: Problems = []
    times = Counter(each["variantId"] for each in rows)
    if rows and not _takes_quantities(request, price_list):
        raise not_simulated("quantityRulesAdd on a list whose catalog is not for locations of companies")
    for index, each in enumerate(rows):
        path = ["quantityRules", str(index)]
        number = parse_gid(each["variantId"], "ProductVariant")
        if number not in request.shop.variants:
            text = "Product variant ID does not exist."
            problems.append(user_error([*path, "variantId"], text, "PRODUCT_VARIANT_DOES_NOT_EXIST"))
            continue
        if times[each["variantId"]] > 1:
            text = "Quantity rule inputs must be unique by variant id."
            problems.append(user_error([*path, "variantId"], text, "DUPLICATE_INPUT_FOR_VARIANT"))
        highest = max((row.minimum for row in price_list.breaks.get(number, ())), default=0)
        problems += [user_error([*path, field], text, code) for field, text, code in _add_problems(each, highest)]
    if problems:
        return [], problems
    price_list.rules.update({parse_gid(each["variantId"], "ProductVariant"): rule_of(each) for each in rows})
    return [parse_gid(each["variantId"], "ProductVariant") for each in rows], []


def _add_problems(given: dict[str, Any], highest_break: int) -> Iterator[tuple[str, str, str]]:
    minimum, maximum, increment = given["minimum"], given.get("maximum"), given["increment"]
    if minimum < 1:
        yield "minimum", "Minimum must be greater than or equal to one.", "GREATER_THAN_OR_EQUAL_TO"
    if increment < 1:
        yield "increment", "Increment must be greater than or equal to one.", "GREATER_THAN_OR_EQUAL_TO"
        return
    if increment > minimum >= 1:
        text = "Increment must be lower than or equal to the minimum."
        yield "increment", text, "INCREMENT_IS_GREATER_THAN_MINIMUM"
    if minimum >= 1 and minimum % increment:
        yield "minimum", "Minimum must be a multiple of the increment.", "MINIMUM_NOT_MULTIPLE_OF_INCREMENT"
    if maximum is None:
        return
    if minimum > maximum:
        yield "minimum", "Minimum must be lower than or equal to the maximum.", "MINIMUM_IS_GREATER_THAN_MAXIMUM"
    if maximum % increment:
        yield "maximum", "Maximum must be a multiple of the increment.", "MAXIMUM_NOT_MULTIPLE_OF_INCREMENT"
    if maximum < highest_break:
        text = (
            "Maximum must be greater than or equal to all quantity price break minimums associated with this variant "
            "in the specified price list."
        )
        yield "maximum", text, "MAXIMUM_IS_LOWER_THAN_QUANTITY_PRICE_BREAK_MINIMUM"


def delete_rules(request: Request, price_list: PriceList, ids: list[str]) -> Problems:
    problems: Problems = []
    for index, each in enumerate(ids):
        path, number = ["variantIds", str(index)], parse_gid(each, "ProductVariant")
        if number not in request.shop.variants:
            text = "Product variant ID does not exist."
            problems.append(user_error(path, text, "PRODUCT_VARIANT_DOES_NOT_EXIST"))
        elif number not in price_list.rules:
            text = "Quantity rule for variant associated with the price list provided does not exist."
            problems.append(user_error(path, text, "VARIANT_QUANTITY_RULE_DOES_NOT_EXIST"))
    if not problems:
        for each in ids:
            price_list.rules.pop(parse_gid(each, "ProductVariant"), None)
    return problems
