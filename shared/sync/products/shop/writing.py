"""Writes the changes of one product. What Shopify refuses of them is told, and the others are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.shop.changes import ProductChanges, stored_texts
from shared.mapping.products.shop.given import GIVEN_KEY, ITEM_KEY, Given, given_metafield
from shared.mapping.products.shop.options import OptionChanges, with_change
from shared.mapping.products.shop.showing import Showing
from shared.model import Metafield, ProductFields, VariantFields
from shared.sync.products.shop.session import ProductSession


async def write_changes(session: ProductSession, changes: ProductChanges) -> Given:
    """What has to be remembered then. Raises RefusedError PRODUCT_REFUSED where the product cannot be made F&O's."""
    session.problems += changes.problems
    writer = session.writer
    await _write_metafields(session, changes)
    await _write_options(session, changes.options)
    after = changes.after
    for sent in await _write_fields(session, changes.fields) if changes.fields is not None else ():
        after = stored_texts(*sent, after)
    if changes.new_tags:
        await session.attempt(writer.add_tags(changes.new_tags))
    if changes.old_tags:
        await session.attempt(writer.remove_tags(changes.old_tags))
    if changes.updates:
        _tell_variants(session, await session.attempt(writer.update_variants(changes.updates)))
    if changes.new_variants:
        refused = await session.attempt(writer.create_variants(changes.new_variants.values()))
        session.new_variants.give_back(len(changes.new_variants if refused is None else refused))
        _tell_variants(session, refused)
    if changes.deletions:
        await session.attempt(writer.delete_variants(changes.deletions))
    return after


async def write_showing(session: ProductSession, showing: Showing) -> None:
    """First the status: only what is active can be published."""
    writer = session.writer
    if showing.status is not None:
        await writer.set_fields(ProductFields(status=showing.status))
    if showing.publish:
        await writer.publish(showing.publish)
    if showing.unpublish:
        await writer.unpublish(showing.unpublish)


async def _write_fields(session: ProductSession, sent: ProductFields) -> list[tuple[ProductFields, ProductFields]]:
    """What was written, with what Shopify stored: all in one call, one by one where it refuses one of them."""
    given = {each.name: getattr(sent, each.name) for each in fields(sent) if getattr(sent, each.name) is not None}
    try:
        return [(sent, await session.writer.set_fields(sent))]
    except RefusedError as refused:
        if len(given) == 1:
            session.problems.append(refused)
            return []
    parts = [ProductFields(**{name: value}) for name, value in given.items()]
    stored = [(part, await session.attempt(session.writer.set_fields(part))) for part in parts]
    return [(part, has) for part, has in stored if has is not None]


async def _write_options(session: ProductSession, changes: OptionChanges) -> None:
    for change in changes.changes:
        if await session.attempt(session.writer.change_option(change)):
            session.shop = with_change(session.shop, change)
    if changes.order is not None:
        await session.attempt(session.writer.put_in_order(changes.order))


async def _write_metafields(session: ProductSession, changes: ProductChanges) -> None:
    """F&O's, and what has to be remembered first."""
    own = (given_metafield(changes.before),) if changes.before != session.given else ()
    rows = (*own, *changes.metafields)
    if not rows:
        return
    refused = await session.writer.set_metafields(rows)
    for metafield, message in refused.items():
        name = f"the metafield {metafield.namespace}.{metafield.key}"
        if metafield.key in {ITEM_KEY, GIVEN_KEY} and metafield in _own(changes, own):
            raise RefusedError(ErrorCode.PRODUCT_REFUSED, item=session.wanted.item_number, what=name, message=message)
        session.refuse(name, message)
    session.remembered(changes.before)


def _own(changes: ProductChanges, given: Iterable[Metafield]) -> tuple[Metafield, ...]:
    """The app's own metafields, without which nothing else may be written."""
    return (*given, *(each for each in changes.metafields if each.type == "id"))


def _tell_variants(session: ProductSession, refused: dict[VariantFields, str] | None) -> None:
    skus = {each.id: each.sku for each in session.shop.variants}
    for variant, message in (refused or {}).items():
        session.refuse(f"the variant {variant.sku or skus.get(variant.id or 0) or variant.id}", message)
