"""`/_sim`: trade agreement journals; and the price service that a tenant may have written for itself."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from local.d365 import edm
from local.d365.admin_catalogue import answered
from local.d365.admin_http import body_of, json_answer
from local.d365.books import Books
from local.d365.edm import Values, parse_moment
from local.d365.prices.agreements import Sought
from local.d365.prices.journals import end_agreements, post_discounts, post_prices
from local.d365.prices.quoting import groups_of, quote
from local.d365.simulator import Simulator
from local.d365.world_products import refuse_unknown

_DIMENSIONS = {
    "colorId": "ProductColorId",
    "configurationId": "ProductConfigurationId",
    "sizeId": "ProductSizeId",
    "styleId": "ProductStyleId",
    "versionId": "ProductVersionId",
}


class PriceAdmin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_sim/trade-agreements", answered(self.post)),
            web.post("/_sim/trade-agreements/end", answered(self.end)),
        ]

    async def post(self, request: web.Request) -> web.Response:
        """`{"company", "prices"?: [fields of SalesPriceAgreements], "discounts"?: [of SalesLineDiscount...]}`."""
        raw, books = await body_of(request), self._simulator.books
        refuse_unknown(raw, {"company", "prices", "discounts"})
        with books.journal.change_set():
            prices = post_prices(books, raw["company"], raw.get("prices", ()))
            discounts = post_discounts(books, raw["company"], raw.get("discounts", ()))
        return json_answer({"prices": prices, "discounts": discounts}, 201)

    async def end(self, request: web.Request) -> web.Response:
        """`{"company", "records": [record ids], "day"?: "2026-12-31"}`: their last day; without it they are deleted."""
        raw = await body_of(request)
        refuse_unknown(raw, {"company", "records", "day"})
        day = edm.day(parse_moment(raw["day"])) if "day" in raw else None
        end_agreements(self._simulator.books, raw["company"], raw["records"], day)
        return json_answer({})


def service_prices(books: Books, raw: Any) -> list[Decimal | None]:
    """
    What the tenant's service answers: for each line, in their order, the price of one unit for that quantity, or null.
    Raises KeyError, TypeError, ValueError or ArithmeticError for a question that is not to the contract.
    """
    company = str(raw["company"]).lower()
    if company not in books.world.companies:
        raise ValueError(f"there is no company {company}")
    day = edm.day(parse_moment(raw["date"]))
    groups = groups_of(books, company, str(raw.get("priceGroup", "")))
    found = []
    for line in raw["lines"]:
        dimensions: Values = {theirs: str(line.get(ours, "")) for ours, theirs in _DIMENSIONS.items()}
        sought = Sought(
            item=str(line["itemNumber"]),
            unit=str(line["unit"]),
            currency=str(raw["currency"]),
            quantity=Decimal(line["quantity"]),
            day=day,
            account=str(raw.get("customerAccount", "")),
            price_groups=groups,
            dimensions=dimensions,
        )
        found.append(_price_of_one(books, company, sought))
    return found


def _price_of_one(books: Books, company: str, sought: Sought) -> Decimal | None:
    if books.item(company, sought.item) is None:
        return None
    price = quote(books, company, sought).price
    one = price.price / price.price_unit + price.charges / sought.quantity
    return one or None
