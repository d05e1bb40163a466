"""Brings one product of the shop in line with F&O: reads it, writes what differs, and shows it when it may be seen.

Every step looks first: a run that was interrupted anywhere, or whose answers were lost, is continued by the next one,
and what is as it should be costs one reading and no write.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import batched
from typing import Final, NamedTuple

from shared.errors import ErrorCode, OutcomeUnknownError, RefusedError
from shared.mapping.products.shop.changes import VISIBLE, plan_changes, plan_stops
from shared.mapping.products.shop.creation import new_product
from shared.mapping.products.shop.given import Given, Shown
from shared.mapping.products.shop.matching import match_shop_variants
from shared.mapping.products.shop.showing import Showing, plan_showing
from shared.model import (
    Adoption,
    Converged,
    Item,
    KnownProduct,
    NewProduct,
    ShopProduct,
    ShopState,
    TranslatableText,
    VariantPrices,
    WantedProduct,
)
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.reading import MOST_AT_ONCE, find_by_item, read_products
from shared.shopify.products.writing import create_product
from shared.sync.products.shop.pictures import bring_pictures
from shared.sync.products.shop.ports import ShopProductPorts, ShowLater
from shared.sync.products.shop.session import CountedShop, ProductSession
from shared.sync.products.shop.translations import bring_translations, read_together
from shared.sync.products.shop.writing import write_changes, write_showing

_ROUNDS: Final = 4
"""How often a product is read again after variants were added or moved. Two are enough unless people change it too."""


class ProductWork(NamedTuple):
    """A product to be brought in line."""

    wanted: WantedProduct
    known: KnownProduct | None
    prices: VariantPrices


class _Read(NamedTuple):
    """What was read of many products together."""

    products: Mapping[int, ShopProduct]
    texts: Mapping[str, Sequence[TranslatableText]] | None


async def converge(
    wanted: WantedProduct, known: KnownProduct | None, prices: VariantPrices, ports: ShopProductPorts
) -> Converged:
    """Refusals, of Shopify or by limits, are in the result. Raises TransientError: the next run continues."""
    return await _converge(ProductWork(wanted, known, prices), ports, None)


async def converge_all(
    work: Iterable[ProductWork], ports: ShopProductPorts
) -> AsyncIterator[tuple[ProductWork, Converged]]:
    """The same for many products: those that are known are read 25 to a call."""
    for batch in batched(work, MOST_AT_ONCE, strict=False):
        read = await _read_together(batch, ports)
        for each in batch:
            yield each, await _converge(each, ports, read)


async def _read_together(batch: Sequence[ProductWork], ports: ShopProductPorts) -> _Read | None:
    """None for a single one, which is read by itself."""
    known = {each.known.id: each.wanted for each in batch if each.known is not None}
    if len(known) < 2:  # noqa: PLR2004
        return None
    products = await read_products(ports.admin, list(known), ports.selection(each.wanted for each in batch))
    texts = await read_together([(known[number], shop) for number, shop in products.items()], ports.admin)
    return _Read(products, texts)


async def look(products: Sequence[WantedProduct], ports: ShopProductPorts) -> list[Adoption | None]:
    """For each item the product of the shop that would be taken as its own, and what would be changed; None for none.

    Nothing is written. All variants of the shop are listed once in a run; up to 25 products cost one reading then.
    """
    await ports.finder.list_all(ports.admin)
    numbers: list[int | RefusedError | None] = []
    for wanted in products:
        try:
            numbers.append(await _listed(wanted, ports, ports.admin))
        except RefusedError as refused:
            numbers.append(refused)
    found = [number for number in numbers if isinstance(number, int)]
    read = await read_products(ports.admin, found, ports.selection(products))
    return [
        Adoption(id=0, variants={}, problems=(number,))
        if isinstance(number, RefusedError)
        else _adoption(wanted, read[number], ports)
        if number in read
        else None
        for wanted, number in zip(products, numbers, strict=True)
    ]


def _adoption(wanted: WantedProduct, shop: ShopProduct, ports: ShopProductPorts) -> Adoption:
    try:
        match = match_shop_variants(wanted, shop, {})
        changes = plan_changes(wanted, shop, match, {}, ports.policy)
    except RefusedError as refused:
        return Adoption(id=shop.id, variants={}, problems=(refused,))
    return Adoption(id=shop.id, variants=match.ids, differing=changes.differing)


async def _converge(work: ProductWork, ports: ShopProductPorts, read: _Read | None) -> Converged:
    admin = CountedShop(ports.admin)
    known: Mapping[Item, int] = work.known.variants if work.known else {}
    problems: list[RefusedError] = []
    number = work.known.id if work.known else None
    session: ProductSession | None = None
    try:
        shop = await _find(work, ports, admin, read)
        if shop is None:
            number = None
            if work.known is not None and work.wanted.is_approved:
                problems.append(
                    RefusedError(ErrorCode.PRODUCT_DELETED_IN_SHOP, item=work.wanted.item_number, product=work.known.id)
                )
            product = new_product(work.wanted, work.prices, ports.policy)
            if product is None:
                return Converged(None, {}, ShopState.WITHDRAWN, calls=admin.calls)
            if not ports.new_variants.take(len(product.variants)):
                return Converged(
                    None, {}, ShopState.WAITING, tuple(problems), calls=admin.calls, awaits_another_day=True
                )
            shop = await _create(product, work.wanted, ports, admin)
            known = {}
        if work.known is None or shop.id != work.known.id:
            known = {}
        number = shop.id
        texts = read.texts if read is not None else None
        session = ProductSession(work.wanted, shop, admin, ports.new_variants, problems, texts=texts)
        return await _bring_in_line(session, work.prices, known, ports)
    except RefusedError as refused:
        unsold: Mapping[int, Item] = {}
        if session is not None and session.known is not None:
            known, unsold = session.known, _unsold(session, session.known)
        return Converged(number, known, ShopState.REFUSED, (*problems, refused), calls=admin.calls, unsold=unsold)


async def _find(
    work: ProductWork, ports: ShopProductPorts, admin: QueryRunner, read: _Read | None
) -> ShopProduct | None:
    """The shop's product of the item: the known one, the one with its number, or the one to be adopted.

    Raises RefusedError as Finder.to_adopt does.
    """
    wanted, known, finder = work.wanted, work.known, ports.finder
    selection = ports.selection([wanted])
    if known is not None:
        found = (read.products if read is not None else await read_products(admin, [known.id], selection)).get(known.id)
        if found is not None and found.item_number in {None, wanted.item_number}:
            return found
    if not await finder.is_listed(admin):
        found = await find_by_item(admin, wanted.item_number, selection)
        if found is not None:
            return found
    number = await _listed(wanted, ports, admin)
    found = (await read_products(admin, [number], selection)).get(number) if number is not None else None
    if found is not None and found.item_number not in {None, wanted.item_number}:  # it was given since it was listed
        raise RefusedError(
            ErrorCode.PRODUCT_OF_OTHER_ITEM, item=wanted.item_number, product=found.id, other=found.item_number
        )
    return found


async def _listed(wanted: WantedProduct, ports: ShopProductPorts, admin: QueryRunner) -> int | None:
    """By the list of the shop's variants, if there is one: the product with the item's number, or one to be adopted."""
    number = ports.finder.products.get(wanted.item_number)
    if number is not None or not wanted.is_approved:
        return number
    return await ports.finder.to_adopt(wanted, admin)


async def _create(
    product: NewProduct, wanted: WantedProduct, ports: ShopProductPorts, admin: QueryRunner
) -> ShopProduct:
    """The new product, a draft. Raises RefusedError for what cannot be created."""
    selection = ports.selection([wanted])
    try:
        return await create_product(admin, product, selection)
    except RefusedError:
        ports.new_variants.give_back(len(product.variants))
        raise
    except OutcomeUnknownError:
        found = await find_by_item(admin, product.item_number, selection)
        if found is None:
            raise
        return found


async def _bring_in_line(
    session: ProductSession, prices: VariantPrices, known: Mapping[Item, int], ports: ShopProductPorts
) -> Converged:
    """A variant that was deleted in the shop is known no more: if it was not added again for want of a price, the
    caller asks for one.
    """
    wanted, was_visible = session.wanted, session.shop.status in VISIBLE
    for _ in range(_ROUNDS):
        match = match_shop_variants(wanted, session.shop, known)
        known = {**known, **match.ids}
        try:
            changes = plan_changes(wanted, session.shop, match, prices, ports.policy)
        except RefusedError:
            if session.shop.item_number == wanted.item_number:
                session.known = known
                await write_changes(session, plan_stops(wanted, session.shop, match))
            raise
        if changes.new_variants and not session.new_variants.take(len(changes.new_variants)):
            session.awaits_another_day = True
            changes = replace(changes, new_variants={})
        given = await write_changes(session, changes)
        session.known = known
        if not changes.needs_reading:
            break
        await session.remember(given)
        await session.read_again(ports.selection([wanted]))
    there = {each.id for each in session.shop.variants}
    known = {item: number for item, number in known.items() if number in there}
    if wanted.is_approved:
        given = await bring_pictures(session, given, ports)
        given = await bring_translations(session, given)
    showing = plan_showing(wanted, session.shop, ports.policy, given)
    given = replace(given, shown=showing.shown)
    if ports.later is not None and (showing.status or showing.publish) and not showing.withdraws:
        return await _show_later(session, showing, given, known, ports.later)
    if showing.shown is Shown.WITHDRAWN:  # before it is withdrawn: only what is remembered as withdrawn comes back
        await session.remember(given)
    await write_showing(session, showing)
    await session.remember(given)
    if showing.problem is not None:
        session.problems.append(showing.problem)
    return Converged(
        id=session.shop.id,
        variants=known,
        state=showing.state,
        problems=tuple(session.problems),
        unpublished=was_visible and showing.withdraws,
        calls=session.calls,
        is_pending=session.is_pending,
        awaits_another_day=session.awaits_another_day,
        unsold=_unsold(session, known),
    )


async def _show_later(
    session: ProductSession, showing: Showing, given: Given, known: Mapping[Item, int], later: ShowLater
) -> Converged:
    """With others. What is given once is remembered as given only when it is done, by a later run."""
    await session.remember(replace(given, shown=session.given.shown))
    later.showings[session.wanted.item_number] = (session.shop.id, showing)
    return Converged(
        id=session.shop.id,
        variants=known,
        state=ShopState.WAITING,
        problems=tuple(session.problems),
        calls=session.calls,
        is_pending=True,
        awaits_another_day=session.awaits_another_day,
        unsold=_unsold(session, known),
    )


def _unsold(session: ProductSession, known: Mapping[Item, int]) -> dict[int, Item]:
    """Two variants of the shop may have one SKU: `known` has one of them."""
    unsold = session.wanted.unsold
    others = {variant for item, variant in known.items() if item not in unsold.values()}
    return {each.id: unsold[each.sku] for each in session.shop.variants if each.sku in unsold and each.id not in others}
