"""The texts of a product in productSet and productUpdate: their checks and their writing."""

from enum import StrEnum
from typing import Any

from local.shopify.assortment import handle_of
from local.shopify.merchandise import Product
from local.shopify.nodes import Request, not_simulated
from local.shopify.products.taxonomy import category_id
from local.shopify.products.texts import LONGEST, description, normal_tags, plain, tags_are_valid
from local.shopify.user_errors import user_error


class Style(StrEnum):
    """Where a mutation's user errors stand."""

    SET = "productSet"
    UPDATE = "productUpdate"


_TOO_LONG = f"is too long (maximum is {LONGEST} characters)"


def product_problems(
    request: Request, given: dict[str, Any], product: Product | None, style: Style
) -> list[dict[str, Any]]:
    """What is wrong with the texts; a product that is None is being made."""
    for name in ("title", "vendor", "productType", "handle"):
        plain(given.get(name) or "")
    description(given.get("descriptionHtml") or "")
    if given.get("category"):
        category_id(given["category"])
    problems = _title_problems(given, product, style)
    for name, label in (("vendor", "Vendor"), ("productType", "Product type")):
        if len(given.get(name) or "") > LONGEST:
            problems.append(_problem(style, name, f"{label} {_TOO_LONG}"))
            if name == "productType":
                problems.append(_problem(style, "customProductType", f"Custom product type {_TOO_LONG}"))
    problems += _handle_problems(request, given, product, style)
    if not tags_are_valid(normal_tags(given.get("tags") or ())):
        problems.append(_problem(style, "tags", "Product tags is invalid"))
    return problems


def _title_problems(given: dict[str, Any], product: Product | None, style: Style) -> list[dict[str, Any]]:
    title = given.get("title")
    if style is Style.SET:
        if ("title" in given or product is None) and not (title or "").strip():
            return [user_error(["input", "title"], "Title must be specified", "INVALID_PRODUCT")]
        if len(title or "") > LONGEST:
            return [user_error(["input", "title"], _TOO_LONG, "INVALID_PRODUCT")]
        return []
    if "title" in given and not (title or "").strip():
        return [user_error(["title"], "Title can't be blank")]
    return [user_error(["title"], f"Title {_TOO_LONG}")] if len(title or "") > LONGEST else []


def _handle_problems(
    request: Request, given: dict[str, Any], product: Product | None, style: Style
) -> list[dict[str, Any]]:
    handle = given.get("handle")
    if not handle:
        return []
    if len(handle) > LONGEST:
        return [_problem(style, "handle", f"Handle {_TOO_LONG}")]
    other = request.shop.assortment.product_by_handle.get(handle_of(handle))
    if other and other is not product:
        text = f"Handle '{handle}' already in use. Please provide a new handle."
        return [user_error(["input", "handle"], text, "HANDLE_NOT_UNIQUE" if style is Style.SET else None)]
    return []


def _problem(style: Style, name: str, text: str) -> dict[str, Any]:
    """ProductSet names the input as a whole."""
    return user_error(["input"], text, "INVALID_PRODUCT") if style is Style.SET else user_error([name], text)


def write_product(request: Request, product: Product, given: dict[str, Any]) -> bool:
    """Write what was checked; whether anything is different now."""
    before = _state(product)
    if given.get("title"):
        product.title = given["title"]
    if given.get("handle"):
        request.shop.assortment.set_handle(product, request.shop.assortment.free_handle(given["handle"], product))
    if "descriptionHtml" in given:
        product.description_html = given["descriptionHtml"] or ""
    if given.get("vendor") is not None:
        product.vendor = given["vendor"] or request.shop.seed.name
    if "productType" in given:
        product.product_type = given["productType"] or ""
    if "category" in given:
        product.category = category_id(given["category"]) if given["category"] else None
    if given.get("status"):
        product.status = given["status"]
    if given.get("tags") is not None:
        product.tags = normal_tags(given["tags"])
    if "templateSuffix" in given:
        product.template_suffix = given["templateSuffix"]
    seo = given.get("seo")
    if seo is not None:
        if seo.keys() - {"title", "description"}:
            raise not_simulated("seo of other fields")
        product.seo_title = seo.get("title", product.seo_title)
        product.seo_description = seo.get("description", product.seo_description)
    return _state(product) != before


def _state(product: Product) -> tuple[Any, ...]:
    lists = ("options", "variants", "metafields", "publications", "updated_at", "tags", "changes", "media")
    return (*(getattr(product, name) for name in product.__slots__ if name not in lists), tuple(product.tags))
