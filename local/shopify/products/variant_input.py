"""What a variant is given by productSet and the bulk mutations: its checks and its writing.

The texts are the same everywhere; where they stand in `field`, and with which code, is recorded for each mutation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from local.shopify.merchandise import Variant
from local.shopify.metafields import check_value, write_metafield
from local.shopify.nodes import Request, not_simulated
from local.shopify.products.texts import LONGEST, plain
from local.shopify.user_errors import user_error

LIMIT = Decimal(1_000_000_000_000_000_000)
_HEAVIEST = 2_000_000_000
_TOO_LOW, _TOO_HIGH = "must be greater than or equal to 0", f"must be less than {LIMIT}"
_NOT_SIMULATED = (
    "mediaSrc",
    "published",
    "quantityAdjustments",
    "requiresComponents",
    "showUnitPrice",
    "unitPriceMeasurement",
    "position",
)


class By(StrEnum):
    """The mutation that writes a variant."""

    SET = "productSet"
    CREATE = "productVariantsBulkCreate"
    UPDATE = "productVariantsBulkUpdate"


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is below the variant; `code` is that of the bulk mutations."""

    path: tuple[str, ...]
    message: str
    code: str | None

    def error(self, by: By, row: list[str]) -> dict[str, Any]:
        code = "INVALID_VARIANT" if by is By.SET else self.code
        return user_error([*row, *self.path], self.message, code)


def scalar_problems(given: dict[str, Any], by: By) -> list[Problem]:
    """What is wrong with prices, texts and measures; a problem of the bulk mutations may have two rows."""
    _refuse_unknown(given, by)
    return [*_price_problems(given), *_cost_problems(given, by), *_weight_problems(given), *_text_problems(given, by)]


def _refuse_unknown(given: dict[str, Any], by: By) -> None:
    for name in _NOT_SIMULATED:
        if given.get(name):
            raise not_simulated(f"{name} of a variant in {by}")
    for name in ("taxCode", "sku", "barcode"):
        plain(given.get(name) or "")
    item = given.get("inventoryItem") or {}
    if item.get("countryHarmonizedSystemCodes"):
        raise not_simulated("countryHarmonizedSystemCodes")
    if by is By.SET and "sku" in item:
        raise not_simulated("inventoryItem.sku in productSet, whose variants have an sku")
    if not hs_code_fits(item.get("harmonizedSystemCode")):
        raise not_simulated(f"a harmonizedSystemCode that is not valid in {by}")
    if not province_fits(item):
        raise not_simulated("a provinceCodeOfOrigin without its country, or of another form than CA")


def _price_problems(given: dict[str, Any]) -> Iterator[Problem]:
    if "price" in given:
        if given["price"] is None:
            yield Problem(("price",), "Price can't be blank", "INVALID")
        elif Decimal(str(given["price"])) < 0:
            yield Problem(("price",), f"Price {_TOO_LOW}", "GREATER_THAN_OR_EQUAL_TO")
        elif Decimal(str(given["price"])) >= LIMIT:
            yield Problem(("price",), f"Price {_TOO_HIGH}", "INVALID_INPUT")
    compared = given.get("compareAtPrice")
    if compared is not None:
        if Decimal(str(compared)) < 0:
            raise not_simulated("a compareAtPrice below 0")
        if Decimal(str(compared)) >= LIMIT:
            yield Problem(("compareAtPrice",), _TOO_HIGH, "INVALID_INPUT")


def _cost_problems(given: dict[str, Any], by: By) -> Iterator[Problem]:
    cost = (given.get("inventoryItem") or {}).get("cost")
    if cost is None or 0 <= Decimal(str(cost)) < LIMIT:
        return
    text, code = (_TOO_LOW, "GREATER_THAN_OR_EQUAL_TO") if Decimal(str(cost)) < 0 else (_TOO_HIGH, "INVALID_INPUT")
    if by is not By.SET:
        yield Problem((), text, None)
    yield Problem(("inventoryItem", "cost"), f"Cost per item {text}", code)


def _weight_problems(given: dict[str, Any]) -> Iterator[Problem]:
    measurement = (given.get("inventoryItem") or {}).get("measurement") or {}
    weight = measurement.get("weight")
    if measurement.get("shippingPackageId"):
        raise not_simulated("shippingPackageId")
    if weight and weight["value"] < 0:
        yield Problem((), f"Weight {_TOO_LOW}", "GREATER_THAN_OR_EQUAL_TO")
    elif weight and weight["value"] >= _HEAVIEST:
        yield Problem((), f"Weight must be less than {_HEAVIEST}", "INVALID_INPUT")


def _text_problems(given: dict[str, Any], by: By) -> Iterator[Problem]:
    too_long = f"is too long (maximum is {LONGEST} characters)"
    if len(sku_of(given, by) or "") > LONGEST:
        if by is By.SET:
            yield Problem(("sku",), f"SKU {too_long}", None)
        else:
            yield Problem((), f"SKU {too_long}", "INVALID_INPUT")
            yield Problem((), too_long, None)
    if len(given.get("barcode") or "") > LONGEST:
        yield Problem(("barcode",), f"Barcode {too_long}", "INVALID_INPUT")


def sku_of(given: dict[str, Any], by: By) -> str | None:
    sku: str | None = given.get("sku") if by is By.SET else (given.get("inventoryItem") or {}).get("sku")
    return sku


def metafield_problems(
    request: Request, variant: Variant | None, given: dict[str, Any], by: By, row: list[str]
) -> list[dict[str, Any]]:
    found = []
    for index, each in enumerate(given.get("metafields") or ()):
        require_full(each)
        path = [*row, "metafields", str(index)]
        for below, text, code in check_value(request, "PRODUCTVARIANT", variant, each):
            ours = "INVALID_METAFIELD" if by is By.SET and code != "CAPABILITY_VIOLATION" else code
            if by is not By.SET:
                raise not_simulated(f"a metafield that is not valid in {by}: {text}")
            found.append(user_error([*path, *below], text, ours))
    return found


def require_full(metafield: dict[str, Any]) -> None:
    if metafield.get("id") or not metafield.get("key") or metafield.get("value") is None:
        raise not_simulated("metafields by id, without a key or without a value")


def hs_code(text: str) -> str:
    """Shopify leaves out punctuation and blanks: 1234.56 is 123456."""
    return re.sub(r"[\W_]", "", text)


def hs_code_fits(text: str | None) -> bool:
    return text is None or text == "" or re.fullmatch(r"\d{6,13}", hs_code(text)) is not None


def province_fits(item: dict[str, Any]) -> bool:
    province = item.get("provinceCodeOfOrigin")
    if not province:
        return True
    return bool(re.fullmatch(r"[A-Z0-9]{1,3}", province)) and bool(item.get("countryCodeOfOrigin"))


def write_scalars(request: Request, variant: Variant, given: dict[str, Any], by: By) -> bool:
    """Write what was checked; whether anything is different now."""
    before = _state(variant)
    if given.get("price") is not None:
        variant.price = Decimal(str(given["price"]))
    if "compareAtPrice" in given:
        compared = given["compareAtPrice"]
        variant.compare_at_price = None if compared is None else Decimal(str(compared))
    if "barcode" in given:
        variant.barcode = given["barcode"] or None
    if given.get("inventoryPolicy"):
        variant.inventory_policy = given["inventoryPolicy"]
    if given.get("taxable") is not None:
        variant.taxable = given["taxable"]
    if "taxCode" in given:
        variant.tax_code = given["taxCode"]
    if by is By.SET and "sku" in given:
        request.shop.assortment.set_sku(variant, given["sku"] or None)
    write_item(request, variant, given.get("inventoryItem") or {})
    return _state(variant) != before


def write_item(request: Request, variant: Variant, item: dict[str, Any]) -> None:
    """The fields of its inventory item."""
    if "sku" in item:
        request.shop.assortment.set_sku(variant, item["sku"] or None)
    if "cost" in item:
        variant.cost = None if item["cost"] is None else Decimal(str(item["cost"]))
    if item.get("tracked") is not None:
        variant.tracked = item["tracked"]
    if item.get("requiresShipping") is not None:
        variant.requires_shipping = item["requiresShipping"]
    if "countryCodeOfOrigin" in item:
        variant.country_code_of_origin = item["countryCodeOfOrigin"]
    if "provinceCodeOfOrigin" in item:
        variant.province_code_of_origin = item["provinceCodeOfOrigin"]
    if "harmonizedSystemCode" in item:
        code = item["harmonizedSystemCode"]
        variant.harmonized_system_code = hs_code(code) or None if code else None
    weight = (item.get("measurement") or {}).get("weight")
    if weight:
        variant.weight, variant.weight_unit = Decimal(str(weight["value"])), weight["unit"]


def write_metafields(request: Request, variant: Variant, given: dict[str, Any]) -> bool:
    """Write a variant's metafields; whether anything is different now."""
    before = {slot: (each.type, each.value) for slot, each in variant.metafields.items()}
    for each in given.get("metafields") or ():
        write_metafield(request, variant, each)
    return {slot: (each.type, each.value) for slot, each in variant.metafields.items()} != before


def _state(variant: Variant) -> tuple[Any, ...]:
    names = (each for each in variant.__slots__ if each not in ("product", "metafields", "values", "updated_at"))
    return tuple(getattr(variant, name) for name in names)
