"""A stock run, cut off at every call that leaves the process: the next run brings Shopify where a whole run would."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from chaos_wire import How, HttpxOver, Killed, Wire
from fixtures.stock import Memory, Retailer, retailing

from shared.errors import ConnectorError, TransientError
from shared.sync.deadline import ended_after

TURN = timedelta(minutes=4)  # a run that failed keeps its turn for three: its last write may still be under way
LOCATION = 71001001
SKUS = ("STOVE-GAS", "MAP-NORDIC")


@dataclass
class Remembering(Memory):
    """What the flow remembers, over the wire."""

    wire: Wire | None = None

    async def _over(self, name: str, do: Any) -> Any:
        assert self.wire is not None
        away = TransientError("storage is away")
        return await self.wire.call(name, do, unsent=away, lost=away, drop=lambda answer: None)

    async def read(self, name):
        return await self._over(f"read {name}", lambda: super(Remembering, self).read(name))

    async def write(self, name, value, etag):
        return await self._over(f"write {name}", lambda: super(Remembering, self).write(name, value, etag))


def stock(retailer: Retailer, figure: int) -> None:
    """So many of each, in one warehouse."""
    for sku in SKUS:
        retailer.set_on_hand(sku, "AMS", figure)
        retailer.set_on_hand(sku, "HAM", 0)


async def begun(retailer: Retailer, wire: Wire, strike: tuple[int, How] | None) -> list[str]:
    """The calls of a run, which the strike may end."""
    wire.begin(strike)
    with suppress(Killed, ConnectorError):
        async with ended_after(timedelta(hours=1)) as wire.deadline:
            await retailer.push()
    return wire.calls


@pytest.mark.wire
@pytest.mark.parametrize("how", How)
async def test_a_run_interrupted_at_any_call_is_completed_by_the_next(how: How) -> None:
    wire = Wire()
    async with retailing("nordlys", over=lambda: HttpxOver(wire)) as retailer:
        retailer.memory = Remembering(wire=wire)
        stock(retailer, 100)
        await begun(retailer, wire, None)
        stock(retailer, 101)
        clean = await begun(retailer, wire, None)
        assert {retailer.shown(LOCATION)[sku] for sku in SKUS} == {101}
        wrong = {}
        for sold, (position, call) in enumerate(enumerate(clean), start=1):
            figure = 200 + position
            stock(retailer, figure)
            assert len(await begun(retailer, wire, (position, how))) > position
            retailer.sell("STOVE-GAS", 1)
            retailer.clock.ahead += TURN
            wire.begin()
            await retailer.push()
            shown = retailer.shown(LOCATION)
            if (shown["STOVE-GAS"], shown["MAP-NORDIC"]) != (figure - sold, figure):
                wrong[f"{position} {call}"] = (shown["STOVE-GAS"], shown["MAP-NORDIC"], figure - sold, figure)
            before = retailer.writes()
            await retailer.push()
            if retailer.writes() != before:
                wrong[f"{position} {call}, once more"] = retailer.writes() - before
        assert not wrong, clean
