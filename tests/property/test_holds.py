"""Random holds and releases on both sides, with lost answers, duplicates and disorder: at quiet both systems agree, and
no hold outlives its origin.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import HoldReason, Part
from shared.sync.shipments.moved_event import moved_event
from tests.builders.both_sides import App, app_in_process
from tests.builders.held_order import HeldOrder, booked

LOST: Final = ("HoldsPlace", "HoldsRelease", "HoldsState", "HoldsOrder")
COPIED_REASON: Final = "INCORRECT_ADDRESS"
STEPS: Final = (
    "stop",
    "start",
    "credit",
    "let go",
    "hold",
    "hold by an app for another reason",
    "release",
    "tag",
    "untag",
    "move",
    "run",
    "deliver",
    "deliver twice, disordered",
    *(f"lose {operation}" for operation in LOST),
)

histories = st.lists(st.sampled_from(STEPS), min_size=3, max_size=12)


@settings(max_examples=30, deadline=None)
@given(histories, st.integers(0, 1000))
def test_at_quiet_both_systems_have_the_same_holds(history: list[str], seed: int) -> None:
    asyncio.run(play(history, Random(seed)))


class World:
    def __init__(self, app: App, one: HeldOrder) -> None:
        self.app = app
        self.one = one
        self.is_stopped_by_staff = False
        self.is_credit = False
        self.is_tagged = False


async def play(history: list[str], order: Random) -> None:
    async with app_in_process() as app:
        world = World(app, await booked(app))
        for step in history:
            await act(world, step, order)
        app.shopify.simulator.faults.clear()
        one = world.one
        await one.deliver()
        await one.deliver_holds()
        for _ in range(3):
            await app.push_shipments()
            await app.ship(moved_event(app.rules, one.order.id, {Part.HOLDS}, "quiet", app.now()))
            await app.handle_shipped()
        await check(world, history)


async def check(world: World, history: list[str]) -> None:
    one, app = world.one, world.app
    link = await app.link(one.order.id)
    assert link is not None
    is_held_in_shop = COPIED_REASON in one.foreign
    is_stopped_by_staff = one.is_stopped and not link.held
    wanted = {"fo-staff"} if is_stopped_by_staff else set()
    wanted |= {"fo-credit"} if world.is_credit else set()
    for part, copies in zip(one.parts, one.copies, strict=True):
        handles = [handle for handle, _ in copies]
        assert sorted(handles) == sorted(wanted), (part.id, history)
    ours = {HoldReason.SHOP} if is_held_in_shop else set()
    ours |= {HoldReason.TAG} if world.is_tagged else set()
    assert one.is_stopped == bool(ours or world.is_stopped_by_staff), history
    if link.held:
        assert link.held in ours, history
    if ours and not world.is_stopped_by_staff:
        assert link.held in ours, history
    assert await app.parked() == set(), history


async def act(world: World, step: str, order: Random) -> None:  # noqa: C901, PLR0912 - one case for each step
    one, app = world.one, world.app
    link = await app.link(one.order.id)
    is_ours = link is not None and bool(link.held)
    match step:
        case "stop" if not one.is_stopped:
            one.stop()
            world.is_stopped_by_staff = True
        case "start" if one.is_stopped and not is_ours:
            one.start()
            world.is_stopped_by_staff = False
        case "credit" if not world.is_credit:
            one.take_into_credit_control()
            world.is_credit = True
        case "let go" if world.is_credit:
            one.let_go_of_credit_control()
            world.is_credit = False
        case "hold":
            one.hold_in_shopify(COPIED_REASON)
        case "hold by an app for another reason":
            one.hold_in_shopify("OTHER", app=77)
        case "release":
            one.release_foreign()
        case "tag":
            one.change("amend", tags=["hold"])
            world.is_tagged = True
        case "untag" if world.is_tagged:
            one.change("amend", tags=["gift"])
            world.is_tagged = False
        case "move" if len(one.parts) == 1 and not one.parts[0].holds:
            one.move_the_map()
        case "run":
            await app.push_shipments()
        case "deliver":
            await one.deliver()
            await one.deliver_holds()
        case "deliver twice, disordered":
            one.told *= 2
            order.shuffle(one.told)
            await one.deliver_holds()
        case _ if step.startswith("lose"):
            app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": step.removeprefix("lose ")})
        case _:
            return
