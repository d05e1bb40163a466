"""Records of a shop's price lists, catalogs, and those they are for: markets and locations of companies."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class FixedPrice:
    price: Decimal
    compare_at: Decimal | None


@dataclass(frozen=True, slots=True)
class QuantityRule:
    minimum: int
    maximum: int | None
    increment: int


@dataclass(frozen=True, slots=True)
class PriceBreak:
    """What a piece costs from a quantity on."""

    id: int
    variant_id: int
    minimum: int
    price: Decimal


@dataclass(slots=True, eq=False)
class PriceList:
    """Everything is by id of the variant."""

    id: int
    name: str
    currency: str
    #: PERCENTAGE_INCREASE or PERCENTAGE_DECREASE, of the shop's prices
    adjustment: str
    percent: Decimal
    #: ADJUSTED or NULLIFY
    compare_at_mode: str = "ADJUSTED"
    fixed: dict[int, FixedPrice] = field(default_factory=dict)
    rules: dict[int, QuantityRule] = field(default_factory=dict)
    #: ascending by quantity
    breaks: dict[int, list[PriceBreak]] = field(default_factory=dict)

    def forget(self, variant_id: int) -> None:
        """The variant is gone."""
        for kept in (self.fixed, self.rules, self.breaks):
            kept.pop(variant_id, None)


@dataclass(slots=True, eq=False)
class Catalog:
    id: int
    title: str
    status: str
    #: COMPANY_LOCATION or MARKET: what `contexts` are ids of
    kind: str
    contexts: list[int]
    price_list_id: int | None = None
    publication_id: int | None = None


@dataclass(frozen=True, slots=True)
class Market:
    id: int
    name: str
    currency: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Company:
    id: int
    name: str
    created_at: datetime
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class CompanyLocation:
    id: int
    company: Company
    name: str
    currency: str
    created_at: datetime
    external_id: str | None = None


class Pricing:
    """All prices of a shop besides those of its variants."""

    def __init__(self) -> None:
        self.price_lists: dict[int, PriceList] = {}
        self.catalogs: dict[int, Catalog] = {}
        self.markets: dict[int, Market] = {}
        self.locations: dict[int, CompanyLocation] = {}
        #: whether the plan has B2B, and how many catalogs its locations may have
        self.has_b2b = True
        self.most_b2b_catalogs = 1_000

    def catalog_of(self, price_list: PriceList) -> Catalog | None:
        return next((each for each in self.catalogs.values() if each.price_list_id == price_list.id), None)
