"""`/_sim`: what the product department does."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from local.d365.admin_http import bad_request, body_of, json_answer
from local.d365.catalogue.pictures import picture
from local.d365.catalogue.products import Catalogue
from local.d365.catalogue.records import CatalogueError, remove_record
from local.d365.generator import fill, parse_filling
from local.d365.simulator import Simulator
from local.d365.world import UNIT
from local.d365.world_products import (
    PRODUCT_KEYS,
    RELEASE_KEYS,
    dimension_field,
    parse_product,
    parse_release,
    parse_values,
    parse_variants,
    refuse_unknown,
)

type _Handler = Callable[[web.Request], Awaitable[web.Response]]


class CatalogueAdmin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_sim/products", answered(self.create)),
            web.post("/_sim/catalogue", answered(self.fill)),
            web.post("/_sim/products/{number}/{action}", answered(self.of_product)),
            web.post("/_sim/items/{company}/{item}/{action}", answered(self.of_item)),
            web.put("/_sim/records/{entity_set}", answered(self.write)),
            web.delete("/_sim/records/{entity_set}", answered(self.remove)),
        ]

    @property
    def _catalogue(self) -> Catalogue:
        return self._simulator.catalogue

    async def create(self, request: web.Request) -> web.Response:
        """A product as the world file has it; with `company` it is released there too."""
        raw = await body_of(request)
        refuse_unknown(raw, PRODUCT_KEYS | RELEASE_KEYS)
        product = parse_product(raw)
        if "company" in raw:
            self._catalogue.add(product, parse_release(raw))
        else:
            refuse_unknown(raw, PRODUCT_KEYS)
            self._catalogue.create(product)
        return json_answer({"product": product.number, "variants": [each.number for each in product.variants]}, 201)

    async def fill(self, request: web.Request) -> web.Response:
        """Thousands of products at once: local/d365/generator.py lists the keys."""
        filling = parse_filling(await body_of(request))
        fill(self._simulator.books, filling)
        return json_answer({"products": filling.products, "variants": filling.variants}, 201)

    async def of_product(self, request: web.Request) -> web.Response:
        number, action = request.match_info["number"], request.match_info["action"]
        raw = await body_of(request)
        match action:
            case "release":
                refuse_unknown(raw, RELEASE_KEYS)
                self._catalogue.release(number, parse_release(raw))
            case "text":
                refuse_unknown(raw, {"language", "name", "description"})
                self._catalogue.set_text(number, raw["language"], raw["name"], raw.get("description", ""))
            case "values":
                refuse_unknown(raw, {"dimension", "values"})
                self._catalogue.add_values(number, dimension_field(raw["dimension"]), parse_values(raw["values"]))
            case "rename-value":
                refuse_unknown(raw, {"dimension", "from", "to"})
                self._catalogue.rename_value(number, dimension_field(raw["dimension"]), raw["from"], raw["to"])
            case "variants":
                refuse_unknown(raw, {"variants"})
                self._catalogue.add_variants(number, parse_variants(number, raw["variants"], {}))
            case "attributes":
                for name, value in raw.items():
                    self._catalogue.set_attribute(number, name, value)
            case "category":
                refuse_unknown(raw, {"hierarchy", "category"})
                self._catalogue.assign_category(number, raw["hierarchy"], raw["category"])
            case _:
                return json_answer({"error": f"there is no action {action}"}, 404)
        return json_answer({})

    async def of_item(self, request: web.Request) -> web.Response:
        company, item, action = (request.match_info[name] for name in ("company", "item", "action"))
        raw = await body_of(request)
        match action:
            case "state":
                refuse_unknown(raw, {"state", "variants"})
                self._catalogue.set_state(company, item, raw["state"], raw.get("variants"))
            case "stop":
                refuse_unknown(raw, {"stopped", "variant", "site"})
                where = {name: raw[name] for name in ("variant", "site") if name in raw}
                self._catalogue.stop(company, item, stopped=raw.get("stopped", True), **where)
            case "barcode":
                refuse_unknown(raw, {"barcode", "variant", "unit"})
                of, unit = raw.get("variant", ""), raw.get("unit", UNIT)
                self._catalogue.add_barcode(company, item, raw["barcode"], of, unit)
            case "image":
                refuse_unknown(raw, {"file", "color", "content", "default"})
                content = raw.get("content") or picture(raw.get("color", "#808080"))
                is_default = raw.get("default", False)
                self._catalogue.attach_image(company, item, raw["file"], content, is_default=is_default)
            case _:
                return json_answer({"error": f"there is no action {action}"}, 404)
        return json_answer({})

    async def write(self, request: web.Request) -> web.Response:
        """A new record of a table of the catalogue, or changes of the one with this key."""
        entity_set = request.match_info["entity_set"]
        row = self._catalogue.write(entity_set, await body_of(request))
        return json_answer({name: row.values[name] for name in self._simulator.schema.sets[entity_set].keys})

    async def remove(self, request: web.Request) -> web.Response:
        """The body has the key of the record."""
        remove_record(self._simulator.books, request.match_info["entity_set"], await body_of(request))
        return json_answer({})


_MISTAKES: Final = (LookupError, TypeError, ValueError, AttributeError)
"""Of a body that is no such thing."""


def answered(handler: _Handler) -> _Handler:
    """409 for what F&O's forms refuse, 400 for a body that cannot be read."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except CatalogueError as error:
            return json_answer({"error": str(error)}, 409)
        except _MISTAKES as error:
            raise bad_request(f"{type(error).__name__}: {error}") from error

    return answer
