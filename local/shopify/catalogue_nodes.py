"""Shop, locations, and the stock of variants, as GraphQL objects."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.shopify.ids import gid
from local.shopify.merchandise import Variant
from local.shopify.model import Level, Location
from local.shopify.money import graphql_amount
from local.shopify.nodes import Connection, Node, Request, connect, count, error, parse_gid, utc
from local.shopify.search import Reader, Search

LEVEL_SEARCH: dict[str, Reader] = {
    "created_at": lambda level: [level.created_at],
    "id": lambda level: [level.id],
    "inventory_item_id": lambda level: [level.item_id],
    "updated_at": lambda level: [level.updated_at],
}
MOST_LOCATIONS = 200
MOST_OPTIONS = 3
MOST_VARIANTS = 2048
QUANTITY_NAMES = (
    "available",
    "committed",
    "damaged",
    "incoming",
    "on_hand",
    "quality_control",
    "reserved",
    "safety_stock",
)


class ShopNode(Node):
    typename = "Shop"

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        seed = request.shop.seed
        self.id = gid("Shop", seed.id)
        self.name = seed.name
        self.myshopify_domain = seed.domain
        self.currency_code = seed.currency
        self.iana_timezone = seed.timezone
        self.taxes_included = seed.taxes_included
        self.created_at = utc(request.shop.created_at)
        self.url = f"https://{seed.domain}"
        self.enabled_presentment_currencies = [seed.currency]

    def entitlements(self) -> dict[str, Any]:
        """What the plan allows of B2B."""
        pricing = self.shop.pricing
        catalogs = {"enabled": pricing.has_b2b, "limit": pricing.most_b2b_catalogs}
        return {
            "b2b": {"enabled": pricing.has_b2b},
            "markets": {"b2b": {"enabled": pricing.has_b2b, "catalogs": catalogs}},
        }

    def resource_limits(self) -> dict[str, Any]:
        return {
            "locationLimit": MOST_LOCATIONS,
            "maxProductOptions": MOST_OPTIONS,
            "maxProductVariants": MOST_VARIANTS,
            "redirectLimitReached": False,
        }


class LocationNode(Node):
    typename = "Location"

    def __init__(self, request: Request, location: Location) -> None:
        super().__init__(request)
        self.location = location
        self.id = gid("Location", location.id)
        self.legacy_resource_id = location.id
        self.name = location.name
        self.is_active = True
        self.is_primary = location is next(iter(request.shop.locations.values()))
        service = location.fulfillment_service
        self.is_fulfillment_service = service is not None
        self.fulfillment_service = service and {"handle": service.lower().replace(" ", "-"), "serviceName": service}
        self.fulfills_online_orders = True
        self.ships_inventory = service is None
        self.deactivated_at = None
        self.created_at = self.updated_at = utc(location.created_at)

    def address(self) -> dict[str, Any]:
        return {
            "address1": None,
            "address2": None,
            "city": self.location.city,
            "countryCode": self.location.country,
            "provinceCode": self.location.province,
            "phone": None,
            "zip": None,
        }

    def inventory_level(self, inventory_item_id: str) -> "LevelNode | None":
        item_id = parse_gid(inventory_item_id, "InventoryItem")
        level = self.shop.levels.get((item_id, self.location.id))
        return LevelNode(self.request, level) if level else None

    def inventory_levels(self, *, query: str | None = None, **window: Any) -> Connection:
        levels = (level for (_, where), level in self.shop.levels.items() if where == self.location.id)
        search = Search(self.request, "Location.inventoryLevels", LEVEL_SEARCH, self.shop.timezone)
        return _levels(self.request, search.filter(query, levels), window)


class InventoryItemNode(Node):
    typename = "InventoryItem"

    def __init__(self, request: Request, variant: Variant) -> None:
        super().__init__(request)
        self._variant = variant
        self.id = gid("InventoryItem", variant.inventory_item_id)
        self.legacy_resource_id = variant.inventory_item_id
        self.sku = variant.sku
        self.tracked = variant.tracked
        self.requires_shipping = variant.requires_shipping
        self.country_code_of_origin = variant.country_code_of_origin
        self.province_code_of_origin = variant.province_code_of_origin
        self.harmonized_system_code = variant.harmonized_system_code
        self.created_at = utc(variant.created_at)
        self.updated_at = utc(variant.updated_at)

    def variant(self) -> Any:
        return self.request.load(self.request, "ProductVariant", self._variant.id)

    def unit_cost(self) -> dict[str, Any] | None:
        cost = self._variant.cost
        if cost is None:
            return None
        return {"amount": graphql_amount(cost), "currencyCode": self.shop.seed.currency}

    def measurement(self) -> dict[str, Any]:
        return {"weight": {"unit": self._variant.weight_unit, "value": float(self._variant.weight)}}

    def locations_count(self) -> dict[str, Any]:
        return count(len(self.shop.levels_of(self._variant.inventory_item_id)))

    def inventory_level(self, location_id: str) -> "LevelNode | None":
        pair = (self._variant.inventory_item_id, parse_gid(location_id, "Location"))
        level = self.shop.levels.get(pair)
        return LevelNode(self.request, level) if level else None

    def inventory_levels(self, **window: Any) -> Connection:
        return _levels(self.request, self.shop.levels_of(self._variant.inventory_item_id), window)


class LevelNode(Node):
    typename = "InventoryLevel"

    def __init__(self, request: Request, level: Level) -> None:
        super().__init__(request)
        self._level = level
        self.id = f"{gid('InventoryLevel', level.id)}?inventory_item_id={level.item_id}"
        self.is_active = True
        self.created_at = utc(level.created_at)
        self.updated_at = utc(level.updated_at)

    def item(self) -> InventoryItemNode:
        return InventoryItemNode(self.request, self.shop.variant_by_item[self._level.item_id])

    def location(self) -> LocationNode:
        return LocationNode(self.request, self.shop.locations[self._level.location_id])

    def quantities(self, names: list[str]) -> list[dict[str, Any]]:
        unknown = [name for name in names if name not in QUANTITY_NAMES]
        if unknown:
            raise error(
                f"The specified quantity name is invalid. Valid values are: {', '.join(QUANTITY_NAMES)}.",
                "INVALID_FIELD_ARGUMENTS",
            )
        return [
            {
                "id": f"{gid('InventoryQuantity', self._level.id)}?name={name}",
                "name": name,
                "quantity": self._level.quantity(name),
                "updatedAt": self.updated_at,
            }
            for name in names
        ]


def _levels(request: Request, levels: Iterable[Level], window: dict[str, Any]) -> Connection:
    return connect(request, levels, lambda each: LevelNode(request, each), lambda each: (each.id, each.id), **window)


def sort_moment(moment: datetime) -> str:
    """A timestamp as a sortable cursor value."""
    return moment.isoformat()
