"""What of F&O's catalogue a run reads: all of it, or only what F&O stamped as changed and what the last run left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.d365.catalogue.asked import CatalogueSource
from shared.d365.catalogue.reading import FoCatalogue, read_catalogue
from shared.d365.catalogue.stamps import read_stamped
from shared.d365.odata.client import CountedReader
from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.wanted.digest import basis_of, product_digest
from shared.mapping.products.wanted.product import PlannedProduct, ProductPlanner
from shared.model import Item, ShopLimits, WantedProduct
from shared.model.fo_product import FoProduct, StampedItem
from shared.rules import StoreRules
from shared.sync.brake import Brake
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.needs import needs_of

FEW: Final = 200
"""Up to so many items are read one by one, some twenty to a call; for more, reading every set takes fewer calls."""
OVERLAP: Final = timedelta(minutes=10)
"""Before F&O's newest stamp: a change is stamped when it begins, and shown when it is committed."""
_READING: Final = "reading"


@dataclass(frozen=True, slots=True)
class Survey:
    """Products of F&O, and what the rules make of each. A product is planned when it is asked for: all at once would
    take too much memory.
    """

    catalogue: FoCatalogue
    planner: ProductPlanner
    basis: str
    is_full: bool
    asked: frozenset[str] = frozenset()
    """Item numbers, where not all were read."""
    stamped: tuple[StampedItem, ...] = ()
    sku_owners: dict[str, str] = field(default_factory=dict)
    """Of all variants, where all were read: SKU in lower case -> item number."""

    def plan(self, product: FoProduct, memory: CatalogueMemory) -> tuple[PlannedProduct, str]:
        """With the digest of what is wanted; "" for a product that cannot stand in the shop."""
        planned = self.planner.plan(product, memory.in_shop(product.item_number).keys())
        other = None if product.is_master else self.sku_owners.get(product.item_number.casefold())
        if other is not None and planned.wanted is not None and not planned.unsold:
            problem = RefusedError(
                ErrorCode.PRODUCT_SKU_DOUBLE, item=product.item_number, sku=product.item_number, other=other
            )
            planned = PlannedProduct(None, "", planned.unsold_items, planned.sold_items, (problem, *planned.problems))
        return planned, self.digest(planned.wanted)

    def digest(self, wanted: WantedProduct | None) -> str:
        return product_digest(wanted, self.basis) if wanted is not None else ""

    def is_sold(self, item: Item, memory: CatalogueMemory) -> bool:
        """False for an item that was not read, too."""
        product = self.catalogue.get(item.number)
        planned = self.plan(product, memory)[0] if product is not None else None
        return planned is not None and not planned.unsold and item in planned.sold_items

    def items_by_sku(self) -> dict[str, Item]:
        """Of all variants, and of products without variants."""
        released = self.catalogue.released
        found = {item: Item(item) for item, product in released.products.items() if not product.is_master}
        return found | {each.number: each.item for variants in released.variants.values() for each in variants}

    def gone(self, memory: CatalogueMemory) -> Iterator[str]:
        """Items that the app brought to the shop, and that F&O does not have any more."""
        if self.is_full:
            yield from (item for item in memory.products if item not in self.catalogue.released.products)


async def survey(
    rules: StoreRules,
    fo: CountedReader,
    memory: CatalogueMemory,
    limits: ShopLimits,
    *,
    brake: Brake,
    now: datetime,
) -> Survey | None:
    """None if there is nothing to look at. Raises RefusedError PRODUCTS_READ_SHORT if F&O shows far fewer products or
    variants than before: nothing may be taken for withdrawn then.
    """
    basis = basis_of(rules, limits)
    stamped, asked = await _asked(rules, fo, memory, basis, now)
    if asked is not None and not asked:
        return None
    source = CatalogueSource(fo, rules.company, asked)
    catalogue = await read_catalogue(source, needs_of(rules.products), now)
    if asked is None:
        await _refuse_short(rules, catalogue, memory, brake)
    return Survey(
        catalogue=catalogue,
        planner=ProductPlanner(rules, catalogue.terms, limits, now.astimezone(rules.zone).date()),
        basis=basis,
        is_full=asked is None,
        asked=asked or frozenset(),
        stamped=tuple(stamped),
        sku_owners=_sku_owners(catalogue) if asked is None else {},
    )


async def _asked(
    rules: StoreRules, fo: CountedReader, memory: CatalogueMemory, basis: str, now: datetime
) -> tuple[list[StampedItem], frozenset[str] | None]:
    """F&O's stamps, and the item numbers to read; None for all."""
    since = (memory.stamped_at or now) - OVERLAP
    stamped = memory.unread(await read_stamped(fo, rules.company, since))
    asked = frozenset((*memory.pending, *(each.number for each in stamped)))
    is_due = memory.read_at is None or now >= memory.read_at + timedelta(minutes=rules.products.full_minutes)
    # What is sold by its dates changes at midnight, and nothing is stamped then.
    is_next_day = memory.day != now.astimezone(rules.zone).date()
    if is_due or is_next_day or memory.basis != basis or len(asked) > FEW:
        return stamped, None
    # A plan is of all products, or none.
    return stamped, asked if rules.products.adopt else frozenset()


async def _refuse_short(rules: StoreRules, catalogue: FoCatalogue, memory: CatalogueMemory, brake: Brake) -> None:
    found = {"released products": len(catalogue), "variants": _variants(catalogue)}
    last = {"released products": memory.read_products, "variants": memory.read_variants}
    share = rules.products.least_share
    short = {name: f"{last[name]} -> {found[name]}" for name in found if found[name] * 100 < last[name] * share}
    if (await brake.hold(_READING, short, 0)).held:
        name = next(iter(short))
        raise RefusedError(
            ErrorCode.PRODUCTS_READ_SHORT, what=name, found=found[name], last=last[name], store=rules.key
        )


def _variants(catalogue: FoCatalogue) -> int:
    return sum(map(len, catalogue.released.variants.values()))


def _sku_owners(catalogue: FoCatalogue) -> dict[str, str]:
    return {
        each.number.casefold(): item
        for item, variants in catalogue.released.variants.items()
        for each in variants
        if each.number
    }
