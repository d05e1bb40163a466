"""What the flow of products stores of a store between two runs, and the lease that lets one run write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Self

from shared.errors import ConnectorError, TransientError
from shared.mapping.products.decisions import RememberedProduct
from shared.model import Item, ShopState
from shared.model.fo_product import StampedItem
from shared.store.blobs import Snapshots

_LEASE: Final = timedelta(minutes=4)
"""How long a run may write before it must renew its lease: longer than a run may last (shared/sync/deadline.py)."""
_STAMPED: Final = timedelta(seconds=1)
_FORMAT: Final = 1


@dataclass(slots=True)
class CatalogueMemory:
    """Losing it costs a comparison of every product with the shop: Shopify's id metafield tells which is which."""

    snapshots: Snapshots
    name: str
    run: str
    etag: str | None
    products: dict[str, RememberedProduct] = field(default_factory=dict)
    """By item number."""
    basis: str = ""
    """Of the rules with which the products were compared last."""
    read_at: datetime | None = None
    """When F&O was last read in full."""
    day: date | None = None
    """The store's day then."""
    read_products: int = 0
    read_variants: int = 0
    """How many F&O had then."""
    stamped_at: datetime | None = None
    """F&O's newest stamp."""
    stamps: dict[str, datetime] = field(default_factory=dict)
    """Of the items that were read since, by item number: an item is read once for each stamp."""
    edited_at: datetime | None = None
    """Up to when changes in the shop are known, by Shopify's clock."""
    pending: tuple[str, ...] = ()
    """Item numbers that the last run did not come to, or could not finish."""
    failed: tuple[str, ...] = ()
    """Those of them that it could not finish, the one that was tried longest ago first."""
    is_held: bool = False
    """The brake holds changes, until an operator confirms them."""
    counted_day: date | None = None
    new_variants: int = 0
    """On that day."""
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By item number, the problems that people were told of; under "" those of the store."""
    leased_until: datetime | None = None

    @classmethod
    async def load(cls, snapshots: Snapshots, *, store: str, run: str) -> Self:
        name = f"products/{store}/catalogue"
        value, etag = await snapshots.read(name)
        if value is None or value["format"] != _FORMAT:
            return cls(snapshots, name, run, etag)
        return cls(
            snapshots=snapshots,
            name=name,
            run=run,
            etag=etag,
            products={item: _remembered(item, row) for item, row in value["products"].items()},
            basis=value["basis"],
            read_at=_moment(value["read_at"]),
            day=_day(value["day"]),
            read_products=value["read_products"],
            read_variants=value["read_variants"],
            stamped_at=_moment(value["stamped_at"]),
            stamps={item: datetime.fromisoformat(at) for item, at in value["stamps"].items()},
            edited_at=_moment(value["edited_at"]),
            pending=tuple(value["pending"]),
            failed=tuple(value.get("failed", ())),
            is_held=value["is_held"],
            counted_day=_day(value["counted_day"]),
            new_variants=value["new_variants"],
            told={item: tuple(codes) for item, codes in value["told"].items()},
            leased_until=_moment(value["turn_until"]),
        )

    def is_leased(self, now: datetime) -> bool:
        return self.leased_until is not None and now < self.leased_until

    def in_shop(self, item_number: str) -> Mapping[Item, int]:
        """The variants that the shop has of a product of F&O."""
        found = self.products.get(item_number)
        return found.variants if found is not None else {}

    def unread(self, stamped: Iterable[StampedItem]) -> list[StampedItem]:
        """Those that were not read since this stamp."""
        return [each for each in stamped if self.stamps.get(each.number) != each.at]

    def note_stamps(self, stamped: Sequence[StampedItem], overlap: timedelta) -> None:
        """Remembers what was read, as long as the next runs see it again.

        F&O stamps whole seconds: an item may change once more in the second of the newest stamp, after it was read. It
        is read a second time.
        """
        newest = max((each.at for each in stamped), default=None)
        for each in stamped:
            before = each.at - _STAMPED
            is_certain = each.at != newest or self.stamps.get(each.number) == before
            self.stamps[each.number] = each.at if is_certain else before
        if newest is not None:
            self.stamped_at = max(newest, self.stamped_at or newest)
            oldest = self.stamped_at - overlap - _STAMPED
            self.stamps = {item: at for item, at in self.stamps.items() if at >= oldest}

    def note_left(self, left: Iterable[str], failed: Collection[str], done: Collection[str]) -> None:
        """What the next run begins with, and what of it comes last."""
        self.pending = tuple(dict.fromkeys(left))
        tried = {*failed, *done}
        untried = (item for item in self.failed if item in self.pending and item not in tried)
        self.failed = (*untried, *failed)

    def note_new(self, variants: int, today: date) -> None:
        """`variants` are all new ones of this day."""
        self.new_variants = variants
        self.counted_day = today

    def counted(self, today: date) -> int:
        """New variants of this day."""
        return self.new_variants if self.counted_day == today else 0

    async def renew_lease(self, now: datetime) -> None:
        """Takes the lease before the first write, and renews it while writing. Saves all that is known so far.

        Raises TransientError when another run was faster.
        """
        await self._save(now + _LEASE)

    async def release_lease(self) -> None:
        await self._save(None)

    def assert_lease(self, now: datetime) -> None:
        """Raises TransientError when the lease has expired, so that another run may have begun."""
        if not self.is_leased(now):
            raise TransientError("the lease of the products run has expired")

    async def _save(self, leased_until: datetime | None) -> None:
        value = {
            "format": _FORMAT,
            "run": self.run,
            "products": {item: _stored(product) for item, product in self.products.items()},
            "basis": self.basis,
            "read_at": _text(self.read_at),
            "day": _text(self.day),
            "read_products": self.read_products,
            "read_variants": self.read_variants,
            "stamped_at": _text(self.stamped_at),
            "stamps": {item: at.isoformat() for item, at in self.stamps.items()},
            "edited_at": _text(self.edited_at),
            "pending": list(self.pending),
            "failed": list(self.failed),
            "is_held": self.is_held,
            "counted_day": _text(self.counted_day),
            "new_variants": self.new_variants,
            "told": {item: list(codes) for item, codes in self.told.items()},
            "turn_until": _text(leased_until),
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)
        self.leased_until = leased_until


async def compare_products_at_once(snapshots: Snapshots, store: str, now: datetime) -> None:
    """The next run reads F&O in full, and tries again what was refused. Raises ConnectorError while a run writes,
    TransientError when one stores its memory meanwhile.
    """
    memory = await CatalogueMemory.load(snapshots, store=store, run=f"{store}-operator-{now:%Y%m%dT%H%M%S}")
    if memory.is_leased(now):
        raise ConnectorError(f"a run writes products until {memory.leased_until:%H:%M} UTC at most: call again then")
    memory.read_at = None
    for item, product in memory.products.items():
        if product.state is ShopState.REFUSED:
            memory.products[item] = replace(product, digest="")
    if memory.etag is not None:  # else the first run is still to come
        await memory.release_lease()


def _stored(product: RememberedProduct) -> list[Any]:
    variants = [[*item[1:], number] for item, number in product.variants.items()]
    at = int(product.compared_at.timestamp())
    return [product.id, product.digest, product.state.value, at, int(product.is_pending), variants]


def _remembered(item_number: str, row: list[Any]) -> RememberedProduct:
    number, digest, state, at, is_pending, variants = row
    return RememberedProduct(
        id=number,
        digest=digest,
        state=ShopState(state),
        compared_at=datetime.fromtimestamp(at, UTC),
        variants={Item(item_number, *dimensions): variant for *dimensions, variant in variants},
        is_pending=bool(is_pending),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(moment: datetime | date | None) -> str | None:
    return moment.isoformat() if moment is not None else None
