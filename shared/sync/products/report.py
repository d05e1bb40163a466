"""What a run of the products did, item by item: for the journal, for telemetry, and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from shared.errors import RefusedError
from shared.mapping.products.decisions import ProductAction
from shared.model import ShopState

ENDED_THE_RUN: Final = "run"
"""In place of a problem's mark: the run wrote nothing because of it, and each run like it tells of it again."""


@dataclass(slots=True)
class ProductsReport:
    """One run for one store."""

    store: str
    run: str
    is_full: bool = False
    """F&O was read in full."""
    is_plan: bool = False
    """Nothing is written: the rules do not allow it yet."""
    read: int = 0
    """Products of F&O."""
    actions: Counter[ProductAction] = field(default_factory=Counter)
    """Of all products that were read."""
    done: dict[str, tuple[ProductAction, ShopState]] = field(default_factory=dict)
    """By item number: what was brought in line, and where it stands."""
    unsold: dict[str, str] = field(default_factory=dict)
    """By item number: why it was withdrawn."""
    problems: dict[str, list[RefusedError]] = field(default_factory=dict)
    """By item number, all of the run; under "" those of the store."""
    new_problems: list[tuple[str, RefusedError]] = field(default_factory=list)
    """Those that people were not told of yet."""
    pending: int = 0
    """Products that the run did not come to."""
    under_way: int = 0
    """Products that a bulk operation works on."""
    awaiting_another_day: int = 0
    held: int = 0
    """Changes that an operator has to confirm."""
    halted: str = ""
    """Why the run ended before it had done everything, and the next run continues; "" if it did all."""
    busy: bool = False
    """Another run holds the lease, so this run did nothing."""
    shopify_calls: int = 0
    """Operations; a repeated one counts once."""

    def add(self, item_number: str, problems: Iterable[RefusedError]) -> None:
        for problem in problems:
            self.problems.setdefault(item_number, []).append(problem)

    def settle(self, told: Mapping[str, tuple[str, ...]], read: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Finds the problems that are new, and returns all that people know of then. `read` are the items that the run
        looked at: what it did not find there any more is forgotten. "" stands for the run as a whole.
        """
        looked_at = set(read)
        known = {item: marks for item, marks in told.items() if item not in looked_at}
        for item, problems in self.problems.items():
            before = told.get(item, ())
            self.new_problems += [(item, problem) for problem in problems if mark_of(problem) not in before]
            kept = () if item or item in looked_at else before
            known[item] = tuple(sorted({*kept, *map(mark_of, problems)}))
        return known

    @property
    def states(self) -> Counter[ShopState]:
        return Counter(state for _, state in self.done.values())


def mark_of(problem: RefusedError) -> str:
    """Short, and another one for another case of the same code."""
    details = "\0".join(f"{name}={value}" for name, value in sorted(problem.details.items()))
    return f"{problem.code}:{sha256(details.encode(errors='surrogatepass')).hexdigest()[:8]}"


def explained(report: ProductsReport) -> dict[str, Any]:
    """The run as a JSON document."""
    return {
        "store": report.store,
        "run": report.run,
        "full": report.is_full,
        "read": report.read,
        "actions": {action.value: count for action, count in sorted(report.actions.items())},
        "done": {item: {"action": action.value, "state": state.value} for item, (action, state) in report.done.items()},
        "withdrawn": report.unsold,
        "pending": report.pending,
        "held": report.held,
        "halted": report.halted,
        "problems": [
            {"item": item, "code": problem.code, "cause": problem.cause, "next_step": problem.next_step}
            for item, problems in report.problems.items()
            for problem in problems
        ],
    }
