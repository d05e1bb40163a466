"""The `_sim` endpoints of products: what staff do with them in the admin."""

from aiohttp import web

from local.json_line import json_line
from local.shopify.admin_http import find_shop
from local.shopify.control_http import bad_request, not_found, read_object, telling
from local.shopify.merchandise import Product, Variant
from local.shopify.products import staff
from local.shopify.products.making import delete_product, delete_variant
from local.shopify.state import Shop, Simulator
from local.shopify.world import CompanyLocationSeed


class ProductControl:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{shop}/_sim/products", self.products),
            web.post("/{shop}/_sim/products", self.add),
            web.post("/{shop}/_sim/products/generate", self.generate),
            web.get(r"/{shop}/_sim/products/{id:\d+}", self.product),
            web.patch(r"/{shop}/_sim/products/{id:\d+}", self.edit),
            web.delete(r"/{shop}/_sim/products/{id:\d+}", self.delete),
            web.post(r"/{shop}/_sim/products/{id:\d+}/variants", self.add_variant),
            web.patch(r"/{shop}/_sim/products/{id:\d+}/options", self.edit_option),
            web.patch(r"/{shop}/_sim/variants/{id:\d+}", self.edit_variant),
            web.delete(r"/{shop}/_sim/variants/{id:\d+}", self.delete_variant),
            web.post(r"/{shop}/_sim/products/{id:\d+}/media", self.add_picture),
            web.post(r"/{shop}/_sim/products/{id:\d+}/translations", self.translate),
            web.get("/{shop}/_sim/price_lists", self.price_lists),
            web.get("/{shop}/_sim/files", self.files),
            web.post("/{shop}/_sim/files/process", self.process),
            web.post("/{shop}/_sim/company_locations", self.add_company_location),
            web.patch("/{shop}/_sim/plan", self.change_plan),
        ]

    async def products(self, request: web.Request) -> web.Response:
        return json_line([staff.product_document(each) for each in self._shop(request).products.values()])

    async def product(self, request: web.Request) -> web.Response:
        return json_line(staff.product_document(_product(self._shop(request), request)))

    async def price_lists(self, request: web.Request) -> web.Response:
        """Each price list with its own prices by SKU, and their breaks by quantity."""
        shop = self._shop(request)
        return json_line([staff.price_list_document(shop, each) for each in shop.pricing.price_lists.values()])

    async def add(self, request: web.Request) -> web.Response:
        """{title, sku?, price?, variants?: [as below], options?: [names], and what PATCH takes}: an active product."""
        shop, params = self._shop(request), await read_object(request)
        with telling():
            made = staff.add_product(shop, params)
        return json_line(staff.product_document(made), status=201)

    async def generate(self, request: web.Request) -> web.Response:
        """{count, variants?: of each (3), title?, sku?, item?, price?}: many products at once. The texts take `{n}` of
        the product, and `{v}` of the variant; `item` is the value of the metafield `$app.item`.
        """
        shop, params = self._shop(request), await read_object(request)
        with telling():
            staff.generate(shop, **params)
        return json_line({"products": len(shop.products), "variants": len(shop.variants)}, status=201)

    async def edit(self, request: web.Request) -> web.Response:
        """{title?, handle?, description_html?, vendor?, product_type?, status?, tags?, seo_title?, seo_description?,
        category?, publications?: [names]}.
        """
        shop, params = self._shop(request), await read_object(request)
        product = _product(shop, request)
        with telling():
            staff.edit_product(shop, product, params)
        return json_line(staff.product_document(product))

    async def delete(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        delete_product(shop, _product(shop, request))
        return json_line({})

    async def add_variant(self, request: web.Request) -> web.Response:
        """{values: {option: value}, sku?, price?, and what PATCH of a variant takes}."""
        shop, params = self._shop(request), await read_object(request)
        product = _product(shop, request)
        with telling():
            made = staff.add_variant(shop, product, params)
        return json_line(staff.variant_document(made), status=201)

    async def edit_option(self, request: web.Request) -> web.Response:
        """{option: name, rename?: new name, values?: {name: new name}}."""
        shop, params = self._shop(request), await read_object(request)
        product = _product(shop, request)
        with telling():
            staff.rename_option(shop, product, params)
        return json_line(staff.product_document(product))

    async def edit_variant(self, request: web.Request) -> web.Response:
        """{sku?, price?, compare_at_price?, cost?, weight?, and the fields of `VARIANT_FIELDS`}."""
        shop, params = self._shop(request), await read_object(request)
        variant = _variant(shop, request)
        with telling():
            staff.edit_variant(shop, variant, params)
        return json_line(staff.variant_document(variant))

    async def delete_variant(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        variant = _variant(shop, request)
        if len(variant.product.variants) == 1:
            raise bad_request("it is the only variant of its product")
        delete_variant(shop, variant)
        variant.product.touch(shop.clock())
        return json_line({})

    async def add_picture(self, request: web.Request) -> web.Response:
        """{source?, alt?}: a ready picture at the end."""
        shop, params = self._shop(request), await read_object(request)
        made = staff.add_picture(shop, _product(shop, request), params)
        return json_line({"id": made.id}, status=201)

    async def translate(self, request: web.Request) -> web.Response:
        """{locale, texts: {title, body_html, ...}}."""
        shop, params = self._shop(request), await read_object(request)
        product = _product(shop, request)
        with telling():
            staff.translate(shop, product, params)
        return json_line({})

    async def files(self, request: web.Request) -> web.Response:
        """All pictures, with SHA-256 of what was uploaded."""
        shop = self._shop(request)
        return json_line([staff.picture_document(shop, each) for each in shop.pictures.values()])

    async def process(self, request: web.Request) -> web.Response:
        """Pictures are processed now: {seconds?: how long it takes from now on, fail?: [ids]}."""
        shop, params = self._shop(request), await read_object(request)
        shop.processing_seconds = params.get("seconds", shop.processing_seconds)
        for number in params.get("fail", []):
            shop.pictures[number].error = ("IMAGE_PROCESSING_FAILURE", "The image could not be processed.")
        for each in shop.pictures.values():
            each.done_at = min(each.done_at, shop.clock())
        return json_line({"files": len(shop.pictures)})

    async def add_company_location(self, request: web.Request) -> web.Response:
        """{company, name, currency, external_id?}."""
        shop, params = self._shop(request), await read_object(request)
        with telling():
            made = shop.add_company_location(CompanyLocationSeed(**params))
        return json_line({"id": made.id}, status=201)

    async def change_plan(self, request: web.Request) -> web.Response:
        """{has_b2b?, most_b2b_catalogs?}."""
        pricing, params = self._shop(request).pricing, await read_object(request)
        pricing.has_b2b = params.get("has_b2b", pricing.has_b2b)
        pricing.most_b2b_catalogs = params.get("most_b2b_catalogs", pricing.most_b2b_catalogs)
        return json_line({"has_b2b": pricing.has_b2b, "most_b2b_catalogs": pricing.most_b2b_catalogs})

    def _shop(self, request: web.Request) -> Shop:
        return find_shop(self._simulator, request)


def _product(shop: Shop, request: web.Request) -> Product:
    found = shop.products.get(int(request.match_info["id"]))
    if found is None:
        raise not_found()
    return found


def _variant(shop: Shop, request: web.Request) -> Variant:
    found = shop.variants.get(int(request.match_info["id"]))
    if found is None:
        raise not_found()
    return found
