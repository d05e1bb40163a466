"""Small versions of `make surge` and `make soak`: nothing is lost, the ceiling is kept, and both tell what they see."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from bench.processes import Usage
from bench.soak import Reading, growth_of, soak
from bench.surge import CEILING, Log, Size, figures_of, surge
from bench.surge_chart import draw

SMALL = Size(webhooks=90, connections=16, orders=24, delay=0.2, fast_orders=6, fast_delay=0.05)


@pytest.mark.wire
@pytest.mark.timeout(240)
async def test_a_surge_is_taken_and_drained_with_nothing_lost_and_the_ceiling_kept(tmp_path: Path) -> None:
    with Log(tmp_path / "surge.log") as log:
        result = await surge(SMALL, tmp_path, log, Console(quiet=True))
    assert len(result.taken.seconds) == SMALL.webhooks
    assert result.waiting == SMALL.orders  # further deliveries of a webhook are dropped
    assert len(result.booked) == SMALL.orders + SMALL.fast_orders
    assert set(result.booked.values()) == {1}
    assert [drained.orders for drained in result.drained] == [SMALL.orders, SMALL.fast_orders]
    assert all(1 < drained.peak <= CEILING for drained in result.drained)
    assert (result.refusals, result.throttled) == (0, 0)
    figures = {figure.name: figure for figure in figures_of(result)}
    assert 0 < figures["surge share of fo limit"].value <= 1
    assert figures["surge peak over ceiling"].value <= 0
    assert len(result.latencies) == SMALL.orders
    picture = ET.fromstring(draw(result.moments, result.latencies, ceiling=CEILING / SMALL.delay))
    assert sum(each.tag.endswith("circle") for each in picture.iter()) == SMALL.orders


@pytest.mark.wire
@pytest.mark.timeout(240)
async def test_a_soak_reads_the_app_and_finds_every_order_in_fo(tmp_path: Path) -> None:
    lines: list[str] = []
    readings = await soak(6, 1, lambda *_: None, lines.append)
    assert len(lines) == len(readings) >= 3
    assert readings[-1].orders > 0
    assert all(each.usage.memory > 20 and each.usage.connections > 0 for each in readings)


def readings(**growing: float) -> list[Reading]:
    """Of thirty minutes, in which these resources grow by so much a minute."""
    return [
        Reading(
            float(minute),
            Usage(
                memory=200 + minute * growing.get("memory", 0),
                handles=round(90 + minute * growing.get("handles", 0)),
                connections=round(40 + minute * growing.get("connections", 0)),
            ),
            orders=minute * 100,
        )
        for minute in range(30)
    ]


@pytest.mark.parametrize(
    ("growing", "flat"),
    [
        ({}, [True, True, True]),
        ({"memory": 0.5}, [True, True, True]),
        ({"memory": 2.0}, [False, True, True]),
        ({"handles": 1.0}, [True, False, True]),
        ({"connections": 1.0}, [True, True, False]),
    ],
)
def test_what_grows_is_told_from_what_is_flat(growing: dict[str, float], flat: list[bool]) -> None:
    assert [each.is_flat for each in growth_of(readings(**growing))] == flat


def test_a_few_readings_are_no_verdict() -> None:
    with pytest.raises(ValueError, match="9 readings"):
        growth_of(readings()[:9])
