"""Products as F&O has them, for what is decided about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from shared.mapping.products.wanted.product import PlannedProduct, ProductPlanner
from shared.model import Item, ShopLimits
from shared.model.fo_product import (
    CategoryNode,
    FoCatalogueTerms,
    FoCategory,
    FoProduct,
    FoText,
    FoValue,
    FoVariant,
)
from shared.rules import StoreRules
from shared.rules.sections.products import ProductRules
from tests.builders.sales import US, with_rules

DAY = date(2026, 11, 29)
LIMITS = ShopLimits(currency="USD")
TERMS = FoCatalogueTerms(
    categories={
        FoCategory("Web", "Outdoor"): CategoryNode("", "Outdoor life"),
        FoCategory("Web", "Tents"): CategoryNode("Outdoor", "Tents"),
        FoCategory("Web", "Domes"): CategoryNode("Tents", "Dome tents"),
        FoCategory("Web", "Maps"): CategoryNode("", "Maps"),
    },
    countries={"NLD": "NL", "CAN": "CA", "XYZ": ""},
)


def shop_rules(**products: Any) -> StoreRules:
    """Of a store that sells every released product, unless other keys of [products] say which."""
    every = {} if "approved" in products else {"approved": {"every_product": True}}
    return with_rules(US, products=ProductRules.model_validate({**every, **products}))


def simple(number: str = "MUG", **fields: Any) -> FoProduct:
    """A product without variants."""
    values: dict[str, Any] = {
        "item_number": number,
        "product_number": f"P-{number}",
        "is_master": False,
        "is_service": False,
        "lifecycle_state": "Released",
        "model_group": "FIFO",
        "sales_unit": "ea",
        "texts": {"en-US": FoText("Mug", "Holds coffee.")},
    }
    return FoProduct(**(values | fields))


def variant(number: str = "TEE", *, color: str = "", size: str = "", state: str = "", **others: str) -> FoVariant:
    item = Item(number, color=color, size=size, **others)
    return FoVariant(item, ":".join(filter(None, (number, color, size, *others.values()))), state, "")


def master(number: str = "TEE", variants: Iterable[FoVariant] | None = None, **fields: Any) -> FoProduct:
    """A product master, with two colours and two sizes where its variants are not given."""
    given = (
        tuple(variants)
        if variants is not None
        else tuple(variant(number, color=color, size=size) for color in ("RED", "BLU") for size in ("S", "M"))
    )
    values = {
        "is_master": True,
        "variants": given,
        "texts": {"en-US": FoText("Tee", "Cotton.")},
        "values": {
            "ProductColorId": (FoValue("RED", Decimal(2)), FoValue("BLU", Decimal(1))),
            "ProductSizeId": (FoValue("S", Decimal(1)), FoValue("M", Decimal(2))),
        },
        "value_names": {
            ("ProductColorId", "RED", "en-US"): "Red",
            ("ProductColorId", "BLU", "en-US"): "Blue",
            ("ProductColorId", "RED", "de"): "Rot",
        },
    }
    return simple(number, **(values | fields))


def planned(
    product: FoProduct, rules: StoreRules | None = None, *, in_shop: Iterable[Item] = (), **others: Any
) -> PlannedProduct:
    planner = ProductPlanner(rules or shop_rules(), TERMS, LIMITS, DAY)
    return replace(planner, **others).plan(product, frozenset(in_shop))


def codes(plan: PlannedProduct) -> list[str]:
    return [problem.code for problem in plan.problems]
