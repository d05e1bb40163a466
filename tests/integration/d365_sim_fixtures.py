"""A small F&O of its own for each test, and a client that says what it gets."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp

from local.d365 import Options, Simulator, World, parse_world, run_d365

MASTERS = {
    "customer_groups": ["30", "IG-CL"],
    "order_origins": ["SHOPIFY"],
    "delivery_modes": ["STD"],
    "delivery_terms": ["DAP"],
    "units": ["ea"],
    "currencies": ["USD", "JPY"],
    "tax_groups": ["VAT"],
    "tax_item_groups": ["FULL"],
    "payment_terms": ["Net0"],
    "payment_methods": ["CARD"],
    "customer_reasons": ["DEFECT"],
}
LEDGER = {
    "payment_journals": ["SHOPPAY"],
    "general_journals": ["GENJRN"],
    "main_accounts": ["110180", "401100"],
    "bank_accounts": ["DAT-OPER"],
    "posting_profiles": ["GEN"],
}
DISPOSITIONS = {"CREDIT": "Credit", "KEEP": "CreditOnly", "SCRAP": "Scrap"}
SALES_TAX = {
    "codes": {"FULL10": "10", "CITY2": "2.5"},
    "groups": {"VAT": ["FULL10", "CITY2"]},
    "item_groups": {"FULL": ["FULL10", "CITY2"]},
}


def small_world() -> World:
    """`dat` draws its numbers itself, `web` lets the caller choose them; both sell the same things."""
    companies = ("dat", "web")
    return parse_world(
        {
            "companies": [
                {
                    "id": company,
                    "name": f"Company {company}",
                    "currency": "USD",
                    "manual_sales_order_numbers": company == "web",
                    "manual_customer_accounts": company == "web",
                }
                for company in companies
            ],
            "sites": [{"company": c, "id": site, "name": site} for c in companies for site in ("1", "2")],
            "warehouses": [
                {"company": c, "id": warehouse, "site": site, "name": warehouse}
                for c in companies
                for warehouse, site in (("11", "1"), ("12", "1"), ("21", "2"))
            ],
            "masters": dict.fromkeys(companies, MASTERS),
            "ledger": dict.fromkeys(companies, LEDGER),
            "sales_tax": dict.fromkeys(companies, SALES_TAX),
            "dispositions": dict.fromkeys(companies, DISPOSITIONS),
            "exchange_rates": [{"from": "JPY", "to": "USD", "rate": "0.65"}],
            "countries": [{"id": "USA", "iso": "US", "states": ["WA", "CO"]}, {"id": "NLD", "iso": "NL"}],
            "items": [
                item | {"company": company}
                for company in companies
                for item in (
                    {"number": "LAMP", "name": "Lamp", "price": "34.50", "tax_item_group": "FULL"},
                    {"number": "MUG", "name": "Mug", "price": "12.95", "tax_item_group": "FULL"},
                    {"number": "FREIGHT", "name": "Freight", "type": "Service", "price": "0", "tax_item_group": "FULL"},
                    {
                        "number": "TEE",
                        "name": "Tee",
                        "subtype": "ProductMaster",
                        "price": "24",
                        "tax_item_group": "FULL",
                        "variants": [
                            {"number": "TEE-RED-M", "color": "Red", "size": "M"},
                            {"number": "TEE-BLU-M", "color": "Blue", "size": "M"},
                        ],
                    },
                )
            ],
            "on_hand": {
                company: {
                    "LAMP": {"11": {"physical": 10, "reserved": 2, "ordered": 5, "on_order": 1}, "12": {"physical": 4}},
                    "TEE-RED-M": {"11": {"physical": 3}},
                    "TEE-BLU-M": {"11": {"physical": 7}},
                }
                for company in companies
            },
            "safety_stock": {"web": {"TEE-RED-M": {"11": 2}}},
            "customers": [
                {
                    "company": company,
                    "account": "DAT-000004",
                    "name": "Ingenious Development LLC",
                    "group": "30",
                    "currency": "USD",
                }
                for company in companies
            ],
        },
    )


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def infolog(self) -> str:
        """F&O's reason."""
        return self.json["error"]["innererror"]["message"]


class Client:
    def __init__(self, simulator: Simulator, http: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.http = http
        self.headers = {"Authorization": f"Bearer {self.token()}"}

    def token(self) -> str:
        client_id = self.simulator.options.client_id
        return self.simulator.tokens.issue(client_id, self.simulator.base_url).text

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`path` follows the base URL; a body is sent as JSON unless it is text already."""
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", **self.headers, **headers}
        url = self.simulator.base_url + path
        async with self.http.request(method, url, data=text, headers=sent) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.text())

    async def data(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Under /data and across companies, as a connector asks."""
        return await self.call(method, f"/data/{path}{'&' if '?' in path else '?'}cross-company=true", body, **headers)

    async def rows(self, path: str) -> list[dict[str, Any]]:
        answer = await self.data("GET", path)
        assert answer.status == 200, answer.text
        return answer.json["value"]

    async def batch(self, body: str, boundary: str = "batch_1") -> Answer:
        headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
        return await self.call("POST", "/data/$batch", body, **headers)

    async def order(self, *lines: Mapping[str, Any], company: str = "web", **header: Any) -> str:
        """A sales order's number. Lines take their goods from warehouse 11 unless they say otherwise."""
        created = await self.data(
            "POST",
            "SalesOrderHeadersV4",
            {
                "dataAreaId": company,
                "OrderingCustomerAccountNumber": "DAT-000004",
                "DefaultShippingSiteId": "1",
                "DefaultShippingWarehouseId": "11",
                "InventoryReservationMethod": "Automatic",
                **header,
            },
        )
        assert created.status == 201, created.text
        number = created.json["SalesOrderNumber"]
        for line in lines:
            answer = await self.line(number, company=company, **line)
            assert answer.status == 201, answer.text
        return number

    async def line(self, number: str, *, company: str = "web", **fields: Any) -> Answer:
        body = {"dataAreaId": company, "SalesOrderNumber": number, "ItemNumber": "LAMP", **fields}
        return await self.data("POST", "SalesOrderLinesV3", body)

    async def on_hand(self, item: str, warehouse: str = "11", company: str = "web") -> dict[str, Any] | None:
        where = f"dataAreaId eq '{company}' and ItemNumber eq '{item}' and InventoryWarehouseId eq '{warehouse}'"
        rows = await self.rows(f"WarehousesOnHandV2?$filter={where}")
        return rows[0] if rows else None

    async def header(self, number: str, company: str = "web") -> dict[str, Any]:
        key = f"dataAreaId='{company}',SalesOrderNumber='{number}'"
        answer = await self.data("GET", f"SalesOrderHeadersV4({key})")
        assert answer.status == 200, answer.text
        return answer.json

    async def admin(self, method: str, path: str, body: Any = None) -> Answer:
        return await self.call(method, f"/_sim/{path}", body)


@asynccontextmanager
async def running_f_and_o(options: Options | None = None, **arguments: Any) -> AsyncIterator[Client]:
    async with (
        run_d365(small_world(), options, **arguments) as simulator,
        aiohttp.ClientSession() as http,
    ):
        yield Client(simulator, http)
