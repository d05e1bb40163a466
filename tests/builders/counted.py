"""How much work a call is, without a clock: the functions that it calls, Python's own included."""

from __future__ import annotations

import sys
from collections.abc import Callable


def calls_of(work: Callable[[], object]) -> int:
    """How many functions the work calls."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def growth(work_of: Callable[[int], Callable[[], object]], size: int) -> float:
    """By how much the work grows when its input grows to twice the size: 2 if it is linear, 4 if quadratic."""
    small, large = work_of(size), work_of(2 * size)
    return calls_of(large) / calls_of(small)
