"""What F&O says of products and prices in the demo, and what the shops show of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any, Final

from local.demo.systems import Systems
from local.demo.values import CatalogueFact

_STORE: Final = "prairie"
_COMPANY: Final = "usmf"
_MASTER: Final = "JACKET"
_LANGUAGE: Final = "en-US"
_LISTED: Final = "TENT-2P"
_LIST: Final = "Dealers"
_GROUP: Final = "DEALER"


@dataclass(frozen=True, slots=True)
class Catalogue:
    systems: Systems

    async def push(self) -> None:
        """Runs the timers of both flows."""
        await self.systems.run_timer("push_products")
        await self.systems.run_timer("push_prices")

    async def approve(self) -> list[CatalogueFact]:
        await self.systems.do_in_fo(f"items/{_COMPANY}/{_MASTER}/state", {"state": "Released"})
        await self.push()
        shown, text = await self._product(), await self._text()
        variants = [row for row in await self._rows("ReleasedProductVariantsV2") if row["ItemNumber"] == _MASTER]
        values = [value for options in shown["options"].values() for value in options]
        return [
            _product("title", shown["title"], text["ProductName"]),
            _product("description", shown["description_html"], _html(text["Description"])),
            _product("variants", _skus(shown), ", ".join(sorted(row["ProductVariantNumber"] for row in variants))),
            _product("colours and sizes", ", ".join(values), ", ".join(await self._values())),
            _product("price", _prices(shown), await self._base_price()),
            _product("status", _status(shown), "sold"),
        ]

    async def begin_prices(self) -> list[CatalogueFact]:
        """For dealers of the European store, from one and from ten pieces; and for everybody in the American one."""
        dealers = {"ItemNumber": _LISTED, "PriceCustomerGroupCode": _GROUP}
        tiers: list[Mapping[str, Any]] = [
            {**dealers, "FromQuantity": 0, "ToQuantity": 10, "Price": 175},
            {**dealers, "FromQuantity": 10, "ToQuantity": 0, "Price": 159.5},
        ]
        web = {"ItemNumber": _MASTER, "PriceCustomerGroupCode": "WEB", "Price": 119}
        begun = [
            *await self._begin("nleu", tiers),
            *await self._begin(_COMPANY, [web]),
        ]
        await self.push()
        lists = await self.systems.in_shop("nordlys", "price_lists")
        shown = {each["name"]: each["prices"] for each in lists}.get(_LIST, {}).get(_LISTED)
        rows = [row for row in await self.systems.records("SalesPriceAgreements") if row["RecordId"] in begun]
        agreed = [row for row in rows if row["ItemNumber"] == _LISTED]
        [jacket] = [row for row in rows if row["ItemNumber"] == _MASTER]
        return [
            CatalogueFact("prices", _LISTED, f"{_LIST}, EUR", _listed(shown), _agreed(agreed)),
            CatalogueFact("prices", _MASTER, "USD", _prices(await self._product()), _money(jacket["Price"])),
        ]

    async def _begin(self, company: str, prices: Sequence[Mapping[str, Any]]) -> list[int]:
        """Posts a journal of trade agreements; the ids of its records."""
        posted: Mapping[str, list[int]] = await self.systems.do_in_fo(
            "trade-agreements", {"company": company, "prices": prices}
        )
        return posted["prices"]

    async def describe(self) -> list[CatalogueFact]:
        text = "Keeps out a summer storm & a winter one.\n\nMade of bottles."
        change = {"language": _LANGUAGE, "name": (await self._text())["ProductName"], "description": text}
        await self.systems.do_in_fo(f"products/{_MASTER}/text", change)
        await self.push()
        shown, written = await self._product(), await self._text()
        return [_product("description", shown["description_html"], _html(written["Description"]))]

    async def stop(self) -> list[CatalogueFact]:
        await self.systems.do_in_fo(f"items/{_COMPANY}/{_MASTER}/stop", {"stopped": True})
        await self.push()
        shown = await self._product()
        return [
            _product("status", _status(shown), "not sold"),
            _product("variants kept", str(len(shown["variants"])), "6"),
        ]

    async def _product(self) -> Mapping[str, Any]:
        """The master in the shop; without variants if it is not there."""
        for product in await self.systems.in_shop(_STORE, "products"):
            if any(variant["sku"].startswith(f"{_MASTER}-") for variant in product["variants"]):
                found: Mapping[str, Any] = product
                return found
        return {"title": "", "description_html": "", "options": {}, "variants": [], "publications": [], "status": ""}

    async def _rows(self, entity_set: str) -> list[dict[str, Any]]:
        return [row for row in await self.systems.records(entity_set) if row["dataAreaId"] == _COMPANY]

    async def _text(self) -> Mapping[str, Any]:
        rows = await self.systems.records("ProductTranslations")
        return next(row for row in rows if (row["ProductNumber"], row["LanguageId"]) == (_MASTER, _LANGUAGE))

    async def _values(self) -> list[str]:
        """The colours by their names, and the sizes, which have none, both in F&O's order."""
        names = {
            row["ProductMasterColorId"]: row["TranslatedColorName"]
            for row in await self.systems.records("ProductMasterColorTranslations")
            if (row["ProductMasterNumber"], row["LanguageId"]) == (_MASTER, _LANGUAGE)
        }
        colors = _in_order(await self.systems.records("ProductMasterColors"), "ProductColorId")
        sizes = _in_order(await self.systems.records("ProductMasterSizes"), "ProductSizeId")
        return [*(names.get(color, color) for color in colors), *sizes]

    async def _base_price(self) -> str:
        row = next(row for row in await self._rows("ReleasedProductsV2") if row["ItemNumber"] == _MASTER)
        return _money(row["SalesPrice"])


def _product(what: str, shopify: str, fo: str) -> CatalogueFact:
    return CatalogueFact("products", _MASTER, what, shopify, fo)


def _in_order(rows: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    of_master = (row for row in rows if row["ProductMasterNumber"] == _MASTER)
    return [row[name] for row in sorted(of_master, key=lambda row: row["DisplaySequenceNumber"])]


def _skus(product: Mapping[str, Any]) -> str:
    return ", ".join(sorted(variant["sku"] for variant in product["variants"]))


def _prices(product: Mapping[str, Any]) -> str:
    return ", ".join(sorted({_money(variant["price"]) for variant in product["variants"]}))


def _status(product: Mapping[str, Any]) -> str:
    is_shown = product["status"] == "ACTIVE" and product["publications"]
    return "sold" if is_shown else "not sold"


def _html(text: str) -> str:
    """A paragraph for each block of lines."""
    return "".join(f"<p>{escape(block, quote=False)}</p>" for block in text.split("\n\n"))


def _listed(price: Mapping[str, Any] | None) -> str:
    if price is None:
        return ""
    return ", ".join([_money(price["price"]), *(f"{_money(its)} from {of}" for of, its in price["breaks"].items())])


def _agreed(rows: Sequence[Mapping[str, Any]]) -> str:
    ordered = sorted(rows, key=lambda row: Decimal(str(row["FromQuantity"])))
    breaks = (f"{_money(row['Price'])} from {Decimal(str(row['FromQuantity'])):.0f}" for row in ordered[1:])
    return ", ".join([_money(ordered[0]["Price"]), *breaks])


def _money(amount: object) -> str:
    return f"{Decimal(str(amount)):.2f}"
