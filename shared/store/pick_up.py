"""What is remembered of goods to pick up as JSON, as the link of their order holds it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.model import PickUp


def write_pick_up(pick_up: PickUp) -> dict[str, Any]:
    """Plain values; what is empty is left out."""
    values: dict[str, Any] = {
        "picked": {lot: str(units) for lot, units in pick_up.picked.items()},
        "told": _write_units(pick_up.told),
        "telling": _write_units(pick_up.telling),
    }
    return {name: value for name, value in values.items() if value}


def read_pick_up(values: Mapping[str, Any]) -> PickUp:
    return PickUp(
        picked={lot: Decimal(units) for lot, units in values.get("picked", {}).items()},
        told=_read_units(values.get("told", {})),
        telling=_read_units(values.get("telling", {})),
    )


def _write_units(units: Mapping[int, Mapping[int, int]]) -> dict[str, dict[str, int]]:
    return {str(order): {str(line): count for line, count in lines.items()} for order, lines in units.items()}


def _read_units(values: Mapping[str, Mapping[str, int]]) -> dict[int, dict[int, int]]:
    return {int(order): {int(line): count for line, count in lines.items()} for order, lines in values.items()}
