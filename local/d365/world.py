"""What F&O holds at start: companies, master data, products, stock, customers."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from local.d365.sequences import KINDS, Kind
from local.d365.world_money import MoneyWorld, parse_money
from local.d365.world_products import ProductData, ReleaseData, parse_product, parse_release

DIMENSIONS = ("ProductColorId", "ProductConfigurationId", "ProductSizeId", "ProductStyleId", "ProductVersionId")
"""A variant's dimensions, in the order of WarehousesOnHandV2's key."""
UNIT = "ea"
"""Every item of the world is counted in pieces."""
NO_DIMENSIONS = ("", "", "", "", "")
type ReturnPrice = Literal["given", "copied", "copied_with_charges"]
type Dimensions = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Company:
    id: str
    name: str
    currency: str
    sales_order_numbers: Kind
    customer_accounts: Kind
    number_sequence_groups: tuple[str, ...] = ()
    account_delimiter: str = "-"
    """What separates the segments of an account in its display value."""
    delivery_date_control: Literal["none", "refuse", "move"] = "none"
    """What becomes of a ship date in the past, or a receipt date before ship date and transport days."""
    transport_days: int = 0
    time_zone: str = "UTC"
    """Decides which day is today."""
    return_price: ReturnPrice = "given"
    """What a return line against a lot costs: what is sent, or price, discount and price unit of the lot's line."""
    address_tax_group: str = ""
    """Sales tax group that new sales orders and lines get by their address, in place of the one sent."""
    external_tax: str = ""
    """Percent of an engine outside F&O that taxes all documents, by what is taxed and not by sales tax groups."""


@dataclass(frozen=True, slots=True)
class Site:
    company: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Warehouse:
    company: str
    id: str
    site: str
    name: str
    inventory_statuses: bool = False
    """Whether its stock has an inventory status, as warehouse management requires."""


@dataclass(frozen=True, slots=True)
class Item:
    """A released product as order lines and stock know it. `variants` maps a variant's number to its dimensions; empty
    for a product without dimensions.
    """

    company: str
    number: str
    name: str
    price: Decimal
    tax_item_group: str
    stocked: bool
    variants: Mapping[str, Dimensions]


@dataclass(frozen=True, slots=True)
class Country:
    """`states` is empty where F&O's address set-up lists none: then any text passes."""

    id: str
    iso: str
    states: frozenset[str]


@dataclass(frozen=True, slots=True)
class Customer:
    company: str
    account: str
    name: str
    group: str
    currency: str
    price_group: str = ""
    discount_group: str = ""


@dataclass(frozen=True, slots=True)
class TradeAgreements:
    """Posted at start, by the field names of SalesPriceAgreements and SalesLineDiscountAgreements."""

    company: str
    prices: tuple[Mapping[str, Any], ...] = ()
    discounts: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class OpeningStock:
    """`sku` is an item number or a variant number."""

    company: str
    sku: str
    warehouse: str
    physical: Decimal
    reserved: Decimal
    ordered: Decimal
    on_order: Decimal


@dataclass(frozen=True, slots=True)
class CarrierService:
    id: str
    name: str
    delivery_mode: str = ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A shipping carrier; `scac` is its standard carrier alpha code."""

    company: str
    id: str
    name: str
    scac: str = ""
    tracking_url: str = ""
    services: tuple[CarrierService, ...] = ()


@dataclass(frozen=True, slots=True)
class SafetyStock:
    company: str
    sku: str
    warehouse: str
    minimum: Decimal


@dataclass(frozen=True, slots=True)
class World:
    companies: Mapping[str, Company]
    sites: tuple[Site, ...]
    warehouses: tuple[Warehouse, ...]
    masters: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Per company, per kind (customer_groups, units, ...) the codes that exist."""
    countries: Mapping[str, Country]
    products: tuple[tuple[ProductData, ReleaseData], ...]
    """What each company has released; a product that several have is one product."""
    records: Mapping[str, tuple[Mapping[str, Any], ...]]
    """By entity set further records of the catalogue, as JSON has them: lifecycle states, attributes, categories."""
    trade_agreements: tuple[TradeAgreements, ...]
    export_projects: tuple[Mapping[str, Any], ...]
    """As `/_sim/export-projects` takes them."""
    stock: tuple[OpeningStock, ...]
    safety_stock: tuple[SafetyStock, ...]
    customers: tuple[Customer, ...]
    carriers: tuple[Carrier, ...]
    money: MoneyWorld


def load_world(path: Path) -> World:
    """Raises KeyError or ValueError, naming the missing or wrong entry."""
    return parse_world(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))


def parse_world(raw: Mapping[str, Any]) -> World:
    return World(
        companies={row["id"]: _company(row) for row in raw["companies"]},
        sites=tuple(Site(**row) for row in raw["sites"]),
        warehouses=tuple(Warehouse(**row) for row in raw["warehouses"]),
        masters={
            company: {kind: tuple(codes) for kind, codes in kinds.items()} for company, kinds in raw["masters"].items()
        },
        countries={
            row["id"]: Country(row["id"], row["iso"], frozenset(row.get("states", ()))) for row in raw["countries"]
        },
        products=tuple((parse_product(row), parse_release(row)) for row in raw["items"]),
        records={set_name: tuple(rows) for set_name, rows in raw.get("records", {}).items()},
        export_projects=tuple(raw.get("export_projects", ())),
        trade_agreements=tuple(TradeAgreements(**row) for row in raw.get("trade_agreements", ())),
        stock=tuple(
            OpeningStock(
                company,
                sku,
                warehouse,
                *(Decimal(str(figures.get(name, 0))) for name in ("physical", "reserved", "ordered", "on_order")),
            )
            for company, skus in raw.get("on_hand", {}).items()
            for sku, warehouses in skus.items()
            for warehouse, figures in warehouses.items()
        ),
        safety_stock=tuple(
            SafetyStock(company, sku, warehouse, Decimal(str(minimum)))
            for company, skus in raw.get("safety_stock", {}).items()
            for sku, warehouses in skus.items()
            for warehouse, minimum in warehouses.items()
        ),
        customers=tuple(Customer(**row) for row in raw.get("customers", ())),
        carriers=tuple(_carrier(row) for row in raw.get("carriers", ())),
        money=parse_money(raw),
    )


def _company(row: Mapping[str, Any]) -> Company:
    for key in ("sales_order_numbers", "customer_accounts"):
        if row[key] not in KINDS:
            raise ValueError(f"company {row['id']}: {key} is one of {', '.join(sorted(KINDS))}")
    return Company(**{**row, "number_sequence_groups": tuple(row.get("number_sequence_groups", ()))})


def _carrier(row: Mapping[str, Any]) -> Carrier:
    return Carrier(**{**row, "services": tuple(CarrierService(**service) for service in row.get("services", ()))})
