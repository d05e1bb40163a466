"""Categories of Shopify's product taxonomy: the few that are known here. Add what a store's rules name."""

import re
from typing import Any

from local.shopify.nodes import error, not_simulated

_KIND = "TaxonomyCategory"
#: Id -> the names from the top: https://shopify.github.io/product-taxonomy
_CATEGORIES = {
    "aa": ("Apparel & Accessories",),
    "aa-1": ("Apparel & Accessories", "Clothing"),
    "aa-1-13": ("Apparel & Accessories", "Clothing", "Clothing Tops"),
    "aa-1-13-8": ("Apparel & Accessories", "Clothing", "Clothing Tops", "T-Shirts"),
    "aa-8": ("Apparel & Accessories", "Shoes"),
    "sg": ("Sporting Goods",),
    "sg-4": ("Sporting Goods", "Outdoor Recreation"),
    "hg": ("Home & Garden",),
    "na": ("Uncategorized",),
}
#: The first part of all categories.
_VERTICALS = frozenset(
    """aa ae ap bi bt bu co el fb fr gc ha hb hg lb ma me na os pa rc se sg so tg vp""".split()  # noqa: SIM905 - a table
)


def category_id(text: str) -> str:
    """The id in a global id, of the form sg-4-17; one that does not exist is a top-level error."""
    number = text.removeprefix(f"gid://shopify/{_KIND}/")
    if number in _CATEGORIES:
        return number
    if re.fullmatch(r"[a-z]{2}(-\d+)*", number) and number[:2] in _VERTICALS:
        raise not_simulated(f"the category {number}: add it to taxonomy.py")
    raise error("Invalid product_taxonomy_node_id", "INVALID_PRODUCT_TAXONOMY_NODE_ID")


def category_document(number: str) -> dict[str, Any]:
    names = _CATEGORIES[number]
    return {
        "__typename": _KIND,
        "id": f"gid://shopify/{_KIND}/{number}",
        "name": names[-1],
        "fullName": " > ".join(names),
        "level": len(names),
        "isRoot": len(names) == 1,
    }
