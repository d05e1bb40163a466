"""One price list of the shop: found by its name or created, assigned, read, and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import batched
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.changes import PriceChange
from shared.mapping.prices.plan import ShownVariant
from shared.mapping.prices.terms import ListTerms
from shared.model import ListedPrice, QuantityRule
from shared.rules.sections.prices import PriceListRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.catalogs import assign_locations, create_catalog, read_catalog_locations, read_catalog_markets
from shared.shopify.price_lists import (
    BATCH,
    TIER_BATCH,
    NewListPrice,
    ShopPriceList,
    create_price_list,
    find_price_list,
    read_compare_at,
    read_list_page,
    read_quantity_rules,
    set_list_prices,
    set_tiered_prices,
)
from shared.shopify.prices import PriceRejection
from shared.store.blobs import Snapshots
from shared.sync.prices.lists.braked import list_key
from shared.sync.prices.lists.memory import KnownPrice, PriceMemory
from shared.sync.prices.lists.writing import write_all_or_none
from shared.sync.prices.ports import LaneOutcome

_LOCATIONS_A_CALL: Final = 250


async def load_list_prices(snapshots: Snapshots, store: str, terms: ListTerms) -> PriceMemory:
    """What is read depends on whether quantity breaks and quantity rules are F&O's."""
    basis = [terms.currency, terms.tiers, terms.quantity_rules]
    return await PriceMemory.load(snapshots, f"prices/{store}/{list_key(terms.name)}", basis)


async def ensure_list(rules: PriceListRules, memory: PriceMemory, admin: QueryRunner) -> ShopPriceList:
    """The list with its catalog and company locations, of which what is missing is created and assigned.

    Locations that the rules do not name stay, unless the app assigned them. Looks before it creates: after a lost
    answer the next run finds what was created. Raises RefusedError PRICE_LIST_MISMATCH and PRICE_LIST_REFUSED.
    """
    found = await find_price_list(admin, rules.name)
    if found is None:
        number = await create_price_list(admin, rules.name, rules.currency)
        found = ShopPriceList(number, rules.name, rules.currency, catalog=None)
    if found.currency != rules.currency:
        raise RefusedError(
            ErrorCode.PRICE_LIST_MISMATCH, list=rules.name, what="currency", shop=found.currency, rules=rules.currency
        )
    locations = set(rules.company_locations)
    if found.catalog is None:
        catalog = await create_catalog(
            admin, rules.name, found.id, market=rules.market, locations=sorted(locations)[:_LOCATIONS_A_CALL]
        )
        found = replace(found, catalog=catalog)
    elif rules.market is not None:
        await _check_market(rules.name, found.catalog, rules.market, admin)
    if locations:
        await _assign(rules.name, found.catalog or "", locations, memory, admin)
    if memory.extra.get("list") != found.id:
        # Another list of this name: what was written to the one before says nothing about it.
        memory.start_again()
    memory.set_extra(list=found.id, catalog=found.catalog, assigned=sorted(locations), market=rules.market)
    return found


async def _check_market(name: str, catalog: str, market: int, admin: QueryRunner) -> None:
    """Its prices are those of every market of the catalog: it may have no other than that of the rules."""
    markets = await read_catalog_markets(admin, catalog)
    if markets is None:
        raise _other_kind(name, shop="company locations", rules="markets")
    if markets != {market}:
        found = ", ".join(str(each) for each in sorted(markets)) or "(none)"
        raise RefusedError(
            ErrorCode.PRICE_LIST_MISMATCH, list=name, what="a catalog of the market", shop=found, rules=market
        )


async def _assign(name: str, catalog: str, locations: set[int], memory: PriceMemory, admin: QueryRunner) -> None:
    assigned = await read_catalog_locations(admin, catalog)
    if assigned is None:
        raise _other_kind(name, shop="markets", rules="company locations")
    ours = set(memory.extra.get("assigned", ()))
    for some in batched(sorted(locations - assigned), _LOCATIONS_A_CALL, strict=False):
        await assign_locations(admin, name, catalog, add=some, remove=())
    for some in batched(sorted((ours - locations) & assigned), _LOCATIONS_A_CALL, strict=False):
        await assign_locations(admin, name, catalog, add=(), remove=some)


def _other_kind(name: str, *, shop: str, rules: str) -> RefusedError:
    return RefusedError(ErrorCode.PRICE_LIST_MISMATCH, list=name, what="a catalog of", shop=shop, rules=rules)


def known_list(rules: PriceListRules, memory: PriceMemory) -> ShopPriceList | None:
    """The list as the last run that looked for it found it; None where none did, or the rules name others for whom it
    is.
    """
    known = memory.extra
    if "list" not in known or known["assigned"] != sorted(rules.company_locations):
        return None
    if known.get("market") != rules.market:
        return None
    return ShopPriceList(memory.extra["list"], rules.name, rules.currency, memory.extra["catalog"])


async def read_list_prices(
    memory: PriceMemory,
    price_list: ShopPriceList,
    terms: ListTerms,
    admin: QueryRunner,
    *,
    now: datetime,
    full_hours: int,
    is_late: Callable[[], bool],
) -> bool:
    """Reads the list's own prices when that is due: Shopify does not tell which of them changed. Returns whether they
    are known; a reading that takes longer than a run goes on in the next one.
    """
    if memory.sending and memory.reading is None:
        memory.read_again()
    if not memory.is_full_reading_due(now, full_hours):
        return True
    reading = memory.begin_reading(now)
    while not is_late():
        page = await read_list_page(admin, price_list.id, after=reading.after, with_tiers=terms.tiers)
        if page is None:
            memory.start_again()
            return False
        memory.note_shown(
            {variant: KnownPrice(0, "", price) for variant, price in page.prices.items()}, after=page.after
        )
        if page.after is None:
            if terms.quantity_rules:
                async for rules in read_quantity_rules(admin, price_list.id):
                    _note_rules(memory, rules)
            memory.end_reading(keeps_written=True)
            memory.settle_sending()
            return True
    return False


def _note_rules(memory: PriceMemory, rules: Mapping[int, QuantityRule]) -> None:
    """Of variants with a price of their own: rules of others are the merchant's."""
    for variant, rule in rules.items():
        known = memory.prices.get(variant)
        if known is not None and known.shown is not None:
            shown = replace(known.shown, quantities=None if rule == QuantityRule() else rule)
            memory.note_shown({variant: replace(known, shown=shown)}, after=None)


def list_variants(memory: PriceMemory, shop: PriceMemory) -> Iterator[ShownVariant]:
    """Every variant of the shop, with what the list shows of it."""
    for variant, known in shop.prices.items():
        on_list = memory.prices.get(variant)
        shown, written = (None, None) if on_list is None else (on_list.shown, on_list.written)
        yield ShownVariant(variant, known.product, known.sku, shown, written)


async def write_list(
    changes: Sequence[PriceChange],
    price_list: ShopPriceList,
    terms: ListTerms,
    memory: PriceMemory,
    admin: QueryRunner,
    *,
    is_fresh: bool,
    is_late: Callable[[], bool],
) -> LaneOutcome:
    """Quantity breaks and rules with the prices, in one step; the prices alone in larger calls.

    `is_fresh` if the list was read in this run. What is sent is stored before: if the run is killed, or an answer is
    lost, the next one reads the list, and a price that Shopify has set counts as written by the flow.
    """
    is_tiered = terms.tiers or terms.quantity_rules

    async def send(some: Sequence[PriceChange]) -> list[PriceRejection]:
        prices = [_new(change) for change in some]
        if not is_tiered:
            return await set_list_prices(admin, price_list, prices)
        return await set_tiered_prices(
            admin, price_list, prices, with_tiers=terms.tiers, with_rules=terms.quantity_rules
        )

    async def renew(some: Sequence[PriceChange]) -> list[PriceChange]:
        if is_fresh or terms.list_price_group is not None:
            return list(some)
        set_ = [change.variant for change in some if change.after is not None]
        shown = await read_compare_at(admin, price_list.id, set_)
        return [_with_compare_at(change, shown, memory) for change in some]

    memory.begin_sending({change.variant: change.after for change in changes})
    await memory.save()
    size = TIER_BATCH if is_tiered else BATCH
    outcome = await write_all_or_none(changes, size=size, renew=renew, send=send, is_late=is_late)
    memory.end_sending(but={change.variant for change in outcome.unknown})
    return outcome


def _with_compare_at(change: PriceChange, shown: Mapping[int, Decimal | None], memory: PriceMemory) -> PriceChange:
    """With the merchant's compare-at price of now: that of the last reading may be a day old."""
    if change.after is None or change.variant not in shown:
        return change
    compare_at = shown[change.variant]
    memory.note_compare_at(change.variant, compare_at)
    return replace(change, after=replace(change.after, compare_at=compare_at))


def _new(change: PriceChange) -> NewListPrice:
    before: ListedPrice | None = change.before
    return NewListPrice(
        variant=change.variant,
        price=change.after,
        had_rule=before is not None and before.quantities is not None,
        is_fixed=before is not None,
    )
