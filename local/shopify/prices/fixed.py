"""The fixed prices of a list: added or changed, deleted, by variant or by product. All of a call or nothing."""

from decimal import Decimal
from typing import Any

from local.shopify.merchandise import Product
from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.price_records import FixedPrice, PriceList
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
#: Of priceListFixedPricesByProductUpdate: prices that one call may make.
MOST_PRICES = 10_000


def amount_of(money: dict[str, Any]) -> Decimal:
    amount = Decimal(str(money["amount"]))
    if amount < 0:
        raise not_simulated("a negative price on a price list")
    return amount


def price_problems(request: Request, price_list: PriceList, rows: list[dict[str, Any]], name: str) -> Problems:
    """Variants that do not exist, and money of another currency than the list's."""
    problems: Problems = []
    for index, each in enumerate(rows):
        row = [name, str(index)]
        if parse_gid(each["variantId"], "ProductVariant") not in request.shop.variants:
            problems.append(user_error([*row, "variantId"], "Product variant ID does not exist.", "VARIANT_NOT_FOUND"))
        for kind in ("price", "compareAtPrice"):
            given = each.get(kind)
            if given and given["currencyCode"] != price_list.currency:
                text = "The specified currency does not match the price list's currency."
                path = [*row, kind, "currencyCode"]
                problems.append(user_error(path, text, "PRICE_LIST_CURRENCY_MISMATCH"))
            elif given:
                amount_of(given)
    return problems


def deletion_problems(request: Request, price_list: PriceList, ids: list[str], name: str) -> Problems:
    problems: Problems = []
    for index, each in enumerate(ids):
        path, number = [name, str(index)], parse_gid(each, "ProductVariant")
        if number not in request.shop.variants:
            problems.append(user_error(path, "Product variant ID does not exist.", "VARIANT_NOT_FOUND"))
        elif number not in price_list.fixed:
            problems.append(user_error(path, "Only fixed prices can be deleted.", "PRICE_NOT_FIXED"))
    return problems


def write_prices(price_list: PriceList, rows: list[dict[str, Any]]) -> list[int]:
    """The variants whose prices are fixed now. Of a variant that is there twice the last row counts."""
    for each in rows:
        write_price(price_list, parse_gid(each["variantId"], "ProductVariant"), each)
    return list(dict.fromkeys(parse_gid(each["variantId"], "ProductVariant") for each in rows))


def write_price(price_list: PriceList, variant_id: int, given: dict[str, Any]) -> None:
    compared = given.get("compareAtPrice")
    shown = None if compared is None else amount_of(compared)
    price_list.fixed[variant_id] = FixedPrice(amount_of(given["price"]), shown)


def delete_prices(price_list: PriceList, ids: list[str]) -> None:
    """Back to the adjustment. What a price break needs is gone, and so is the break."""
    for each in ids:
        number = parse_gid(each, "ProductVariant")
        price_list.fixed.pop(number, None)
        price_list.breaks.pop(number, None)


def by_product_problems(
    request: Request, price_list: PriceList, add: list[dict[str, Any]], delete: list[str]
) -> Problems:
    if not add and not delete:
        text = "No update operations are specified. `pricesToAdd` and `pricesToDeleteByProductIds` are empty."
        return [user_error(None, text, "NO_UPDATE_OPERATIONS_SPECIFIED")]
    added = [each["productId"] for each in add]
    problems: Problems = []
    for name, ids in (("pricesToAdd", added), ("pricesToDeleteByProductIds", delete)):
        if len(set(ids)) != len(ids):
            problems.append(user_error([name], f"Duplicate ID exists in `{name}`.", "DUPLICATE_ID_IN_INPUT"))
        for index, each in enumerate(ids):
            if parse_gid(each, "Product") not in request.shop.products:
                path = [name, str(index), "productId"] if name == "pricesToAdd" else [name, str(index)]
                text = f"Product {each} in `{name}` does not exist."
                problems.append(user_error(path, text, "PRODUCT_DOES_NOT_EXIST"))
    if set(added) & set(delete):
        text = "IDs specified in `pricesToAdd` and `pricesToDeleteByProductIds` must be mutually exclusive."
        problems.append(user_error(None, text, "ID_MUST_BE_MUTUALLY_EXCLUSIVE"))
    for index, each in enumerate(add):
        for kind in ("price", "compareAtPrice"):
            given = each.get(kind)
            if given and given["currencyCode"] != price_list.currency:
                text = (
                    f"The currency specified in `pricesToAdd` for product ID {each['productId']} does not match the "
                    f"price list's currency of {price_list.currency}."
                )
                path = ["pricesToAdd", str(index), kind, "currencyCode"]
                problems.append(user_error(path, text, "PRICES_TO_ADD_CURRENCY_MISMATCH"))
    if not problems and sum(len(each.variants) for each in products_of(request, added)) > MOST_PRICES:
        raise not_simulated(f"more than {MOST_PRICES} prices in one call")
    return problems


def products_of(request: Request, ids: list[str]) -> list[Product]:
    return [request.shop.products[parse_gid(each, "Product")] for each in ids]
