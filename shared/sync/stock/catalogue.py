"""What a store sells and F&O stocks, with the safety stock: read at intervals, and stored in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from sys import intern
from typing import Any, Final, Self

from shared.d365.items import ItemCache, read_items
from shared.d365.odata.client import RowReader
from shared.d365.on_hand import read_safety_stock
from shared.errors import ErrorCode, RefusedError, TransientError
from shared.mapping.orders.items import sku_field
from shared.mapping.stock.assortment import Unlisted, WithoutFigure, choose_variants, match_variants
from shared.mapping.stock.figures import StockedItem
from shared.model import Item
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import read_on_sale, read_variants
from shared.store.blobs import Snapshots

_FORMAT: Final = 4
"""Of what is stored here. An assortment in another format is read again from both systems."""


@dataclass(frozen=True, slots=True)
class Assortment:
    items: tuple[StockedItem, ...]
    """Those with the same F&O item are withheld, but for one at most."""
    locations: tuple[int, ...]
    safety: dict[tuple[Item, str], Decimal]
    is_new: bool
    """Read in this run."""
    sold_as: Mapping[int, int] = field(default_factory=dict)
    """See ChosenVariants."""


@dataclass(slots=True)
class Findings:
    """What the last reading of the assortment found for people, stored until a run has ended that reports it: the run
    that reads the assortment may fail.
    """

    snapshots: Snapshots
    name: str
    etag: str | None
    unlisted: tuple[WithoutFigure, ...]
    problems: tuple[RefusedError, ...]

    @classmethod
    async def load(cls, snapshots: Snapshots, store: str) -> Self:
        name = f"stock/{store}/findings"
        value, etag = await snapshots.read(name)
        found = value if value and value["format"] == _FORMAT else _no_findings()
        return cls(
            snapshots=snapshots,
            name=name,
            etag=etag,
            unlisted=tuple((sku, Unlisted[why]) for sku, why in found["unlisted"]),
            problems=tuple(RefusedError(ErrorCode(code), **details) for code, details in found["problems"]),
        )

    async def replace(self, unlisted: Sequence[WithoutFigure], problems: Sequence[RefusedError]) -> None:
        """Raises TransientError when another run was faster."""
        value = {
            "format": _FORMAT,
            "unlisted": [[sku, why.name] for sku, why in unlisted],
            "problems": [[problem.code, problem.details] for problem in problems],
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)
        self.unlisted, self.problems = tuple(unlisted), tuple(problems)

    async def forget_stored(self) -> None:
        """Call it at the end of the run that reports them."""
        if self.unlisted or self.problems:
            try:
                await self.snapshots.write(self.name, _no_findings(), self.etag)
            except TransientError:
                return


def _no_findings() -> dict[str, Any]:
    return {"format": _FORMAT, "unlisted": [], "problems": []}


async def load_assortment(
    rules: StoreRules,
    *,
    admin: QueryRunner,
    fo: RowReader,
    snapshots: Snapshots,
    now: datetime,
    withheld: Mapping[int, Item],
    findings: Findings,
) -> Assortment:
    """The stored assortment, or a new one from both systems when that is older than the rules allow or the warehouses
    have changed; what is found then replaces the findings.

    `withheld` are variants that are not sold any more: they have figures too if F&O does not have their item.
    """
    name = f"stock/{rules.key}/catalogue"
    warehouses = sorted(warehouse.id for warehouse in rules.warehouses)
    locations = sorted({warehouse.location for warehouse in rules.warehouses})
    basis = [_FORMAT, rules.company, sku_field(rules), warehouses, locations]
    value, etag = await snapshots.read(name)
    max_age = timedelta(minutes=rules.stock.catalogue_minutes)
    if value and value["basis"] == basis and now < datetime.fromisoformat(value["read_at"]) + max_age:
        return _from_stored(value, locations, withheld)
    variants = await read_variants(admin)
    skus = {variant.sku for variant in variants if variant.sku}
    items = await read_items(fo, rules.company, sku_field(rules), skus, cache=ItemCache())
    matched = match_variants(variants, items, withheld=withheld, locations=locations, company=rules.company)
    on_sale = await read_on_sale(admin, [each.variant_id for each in matched.shared])
    chosen = choose_variants(matched.shared, on_sale=on_sale, withheld=withheld)
    stocked = {each.item for each in chain(matched.single, matched.shared)}
    safety = await read_safety_stock(fo, rules.company, stocked, warehouses)
    await findings.replace((*matched.unlisted, *chosen.unlisted), (*matched.problems, *chosen.problems))
    await snapshots.write(
        name,
        {
            "read_at": now.isoformat(),
            "basis": basis,
            "single": _rows(matched.single),
            "shared": _rows(matched.shared),
            "on_sale": sorted(on_sale),
            "safety": [[warehouse, str(units), *item] for (item, warehouse), units in safety.items()],
        },
        etag,
    )
    return Assortment(
        items=matched.single + chosen.items,
        locations=tuple(locations),
        safety=safety,
        is_new=True,
        sold_as=chosen.sold_as,
    )


def _rows(items: Iterable[StockedItem]) -> list[list[Any]]:
    return [[each.sku, each.inventory_item, each.variant_id, *each.item] for each in items]


def _from_stored(value: dict[str, Any], locations: Iterable[int], withheld: Mapping[int, Item]) -> Assortment:
    """Which variants are withheld may have changed since the assortment was read."""
    chosen = choose_variants(_items(value["shared"]), on_sale=frozenset(value["on_sale"]), withheld=withheld)
    return Assortment(
        items=(*_items(value["single"]), *chosen.items),
        locations=tuple(locations),
        safety={(Item(*item), warehouse): Decimal(units) for warehouse, units, *item in value["safety"]},
        is_new=False,
        sold_as=chosen.sold_as,
    )


def _items(rows: Iterable[list[Any]]) -> Iterator[StockedItem]:
    for sku, inventory_item, variant_id, *item in rows:
        yield StockedItem(sku, Item(*map(intern, item)), inventory_item, variant_id)
