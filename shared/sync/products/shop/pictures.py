"""Brings F&O's pictures to a product. Pictures of merchants stay, and no file is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from shared.errors import RefusedError
from shared.mapping.products.shop.given import Given, GivenPicture
from shared.mapping.products.shop.pictures import (
    MOST_BYTES,
    PicturePlan,
    file_name_of,
    plan_pictures,
    refused_picture,
)
from shared.model import ProductImage
from shared.shopify.products.pictures import NewPicture, UploadTarget, add_pictures, change_pictures, stage_pictures
from shared.sync.products.shop.ports import ShopProductPorts
from shared.sync.products.shop.session import ProductSession

type _Uploaded = list[tuple[ProductImage, UploadTarget]]


async def bring_pictures(session: ProductSession, given: Given, ports: ShopProductPorts) -> Given:
    """What has to be remembered then."""
    plan = plan_pictures(session.wanted, session.shop, given, ports.policy)
    session.problems += plan.problems
    known, dropped = dict(plan.known), dict(plan.dropped)
    if plan.new:
        uploaded = await _upload(session, plan, ports, known, dropped)
        if uploaded:
            known |= await _add(session, uploaded)
            session.is_pending = True
            await session.remember(replace(given, pictures={**dropped, **plan.waiting, **known}))
    if plan.alts or dropped:
        writer, numbers = session.writer, [each.id for each in dropped.values()]
        change = change_pictures(session.admin, writer.product, plan.alts, numbers, writer.item)
        await session.attempt(change)
    session.is_pending |= plan.is_pending
    undecided = {each.key for each in session.wanted.images} - known.keys() - {each.key for each in plan.new}
    to_give = given.to_give if undecided else given.to_give - {"images"}
    return replace(given, pictures={**plan.waiting, **known}, to_give=to_give)


async def _upload(
    session: ProductSession,
    plan: PicturePlan,
    ports: ShopProductPorts,
    known: dict[str, GivenPicture],
    dropped: dict[str, GivenPicture],
) -> _Uploaded:
    """The new pictures whose bytes Shopify has. The same bytes under another key stay the picture that they are."""
    wanted = session.wanted
    names = [NewPicture(file_name_of(each), each.mime_type) for each in plan.new]
    staged = await session.attempt(stage_pictures(session.admin, names, wanted.item_number))
    targets, refused = staged or ([], {})
    session.problems += [refused_picture(wanted, plan.new[place], words) for place, words in refused.items()]
    uploaded: _Uploaded = []
    for image, target in zip(plan.new, targets, strict=False):
        if target is None:
            continue
        content = await session.attempt(ports.read_picture(wanted.item_number, image))
        if content is None:
            continue
        digest = sha256(content).hexdigest()
        same = next((key for key, each in dropped.items() if each.digest == digest), None)
        if same is not None:
            known[image.key] = dropped.pop(same)
        elif len(content) > MOST_BYTES:
            reason = f"it has {len(content):,} bytes, and Shopify takes {MOST_BYTES:,}"
            session.problems.append(refused_picture(wanted, image, reason))
        elif await session.attempt(_sent(ports, target, content, item=wanted.item_number, file=image.file_name)):
            uploaded.append((replace(image, digest=digest), target))
    return uploaded


async def _sent(ports: ShopProductPorts, target: UploadTarget, content: bytes, *, item: str, file: str) -> bool:
    """True, since nothing was refused."""
    await ports.upload(target, content, item=item, file=file)
    return True


async def _add(session: ProductSession, uploaded: _Uploaded) -> Mapping[str, GivenPicture]:
    """All in one call; one by one where Shopify refuses one of them."""
    has = {picture.id for picture in session.shop.pictures}
    added: dict[str, GivenPicture] = {}
    calls = [uploaded]
    while calls:
        call = calls.pop(0)
        rows = [(target, image.alt) for image, target in call]
        try:
            shown = await add_pictures(session.admin, session.shop.id, rows, session.wanted.item_number)
        except RefusedError as refused:
            if len(call) > 1:
                calls += [[each] for each in call]
            else:
                session.problems.append(refused_picture(session.wanted, call[0][0], refused.details["message"]))
            continue
        new = [picture.id for picture in shown if picture.id not in has][-len(call) :]
        has |= {picture.id for picture in shown}
        added |= {image.key: GivenPicture(image.digest, number) for (image, _), number in zip(call, new, strict=False)}
    return added
