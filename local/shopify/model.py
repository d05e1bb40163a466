"""Records of a shop besides its orders and products: locations, stock, metafields, subscriptions."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Location:
    id: int
    name: str
    country: str
    city: str
    province: str | None
    created_at: datetime
    #: the name of the third party that fulfils from it; None for the merchant's own
    fulfillment_service: str | None = None


@dataclass(slots=True)
class Level:
    """Stock of one item at one location. on_hand is the sum of all states but `incoming`."""

    id: int
    item_id: int
    location_id: int
    created_at: datetime
    updated_at: datetime
    states: dict[str, int] = field(default_factory=dict)

    def quantity(self, name: str) -> int:
        if name == "on_hand":
            return sum(quantity for state, quantity in self.states.items() if state != "incoming")
        return self.states.get(name, 0)


@dataclass(slots=True)
class Metafield:
    id: int
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MetafieldDefinition:
    """What a metafield of one kind of owner is declared to hold. Its type is the default, its limit is enforced."""

    type: str
    max_length: int | None = None
    id: int = 0
    name: str = ""
    description: str | None = None
    admin_access: str = "PUBLIC_READ_WRITE"
    pinned_position: int | None = None
    is_admin_filterable: bool = False
    #: whether no two owners have the same value: always so of the type id
    has_unique_values: bool = False


@dataclass(slots=True)
class Subscription:
    """A webhook subscription. One made through the Admin API is deleted after eight failures in a row."""

    id: int
    topic: str
    uri: str
    created_at: datetime
    through_api: bool
    name: str | None = None
    #: JSON or XML
    format: str = "JSON"
    #: "" for none; one with a filter is not delivered, since no filter is simulated
    filter: str = ""
    include_fields: list[str] = field(default_factory=list)
    updated_at: datetime | None = None
    failures: int = 0
