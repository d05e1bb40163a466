"""Sets figures in as few calls as possible, and finds those that Shopify refuses."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from shared.mapping.stock.figures import FigureOutcome, Wanted
from shared.model import Item
from shared.shopify.inventory import BATCH, FigureRejection


@dataclass(frozen=True, slots=True)
class FigureStep:
    """A figure to set."""

    wanted: Wanted
    after: int
    before: int
    outcome: FigureOutcome
    """Its outcome once it is set: lowered or raised."""


@dataclass(slots=True)
class Written:
    done: list[FigureStep] = field(default_factory=list)
    stale: list[FigureStep] = field(default_factory=list)
    refused: list[tuple[FigureStep, str]] = field(default_factory=list)
    """With Shopify's message."""
    withheld: list[FigureStep] = field(default_factory=list)


async def set_figures(
    steps: Iterable[FigureStep], *, send: Callable[[Sequence[FigureStep]], Awaitable[list[FigureRejection]]]
) -> Written:
    """Sends the steps, those that lower a figure first, 250 to a call.

    One refused figure makes Shopify set none of its call: those that Shopify names are left out and the rest is sent
    again; when it names none, the call is halved until the refused figure is alone. An item with a figure that could
    not be lowered has none raised.
    """
    ordered = sorted(steps, key=lambda step: step.outcome is FigureOutcome.RAISED)
    batches = deque(ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))
    written = Written()
    stuck: set[Item] = set()
    while batches:
        batch: list[FigureStep] = []
        for step in batches.popleft():
            held = step.outcome is FigureOutcome.RAISED and step.wanted.listing.item in stuck
            (written.withheld if held else batch).append(step)
        if not batch:
            continue
        objections = await send(batch)
        if not objections:
            written.done += batch
            continue
        blamed = _blamed(batch, objections)
        for index, objection in blamed.items():
            if objection.stale:
                written.stale.append(batch[index])
            else:
                written.refused.append((batch[index], objection.message))
            if batch[index].outcome is FigureOutcome.LOWERED:
                stuck.add(batch[index].wanted.listing.item)
        rest = [step for index, step in enumerate(batch) if index not in blamed]
        middle = len(rest) if blamed else len(rest) // 2
        batches.extendleft(part for part in (rest[middle:], rest[:middle]) if part)
    return written


def _blamed(batch: Sequence[FigureStep], objections: Iterable[FigureRejection]) -> dict[int, FigureRejection]:
    """Index in the batch -> Shopify's objection; a step that was sent alone is always the refused one."""
    found = {
        objection.index: objection
        for objection in objections
        if objection.index is not None and objection.index < len(batch)
    }
    return found or ({0: next(iter(objections))} if len(batch) == 1 else {})
