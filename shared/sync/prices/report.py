"""What a run of the flow prices did: for the journal, for telemetry, and as a document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.errors import RefusedError
from shared.mapping.prices.changes import PriceChange, PriceOutcome, price_text

_WRITTEN = frozenset({PriceOutcome.SET, PriceOutcome.SET_BACK, PriceOutcome.ENDED})


@dataclass(slots=True)
class ListReport:
    """One list."""

    name: str
    """SHOP for the shop's own prices."""
    currency: str
    outcomes: Counter[PriceOutcome] = field(default_factory=Counter)
    written: list[PriceChange] = field(default_factory=list)
    problems: list[RefusedError] = field(default_factory=list)
    held: int = 0
    halted: str = ""
    """Why not all of its prices were reached; "" if all were."""

    @property
    def changed(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome in _WRITTEN)


@dataclass(frozen=True, slots=True)
class ProofReport:
    """Prices that F&O gave on order lines, compared with what the app computes."""

    lines: int
    """Compared."""
    differences: list[RefusedError]
    passed_over: int
    """Lines that cannot be compared: in another unit, with a price that the app does not find or would refuse."""


@dataclass(slots=True)
class PriceReport:
    """One run for one store."""

    store: str
    run: str
    lists: list[ListReport] = field(default_factory=list)
    problems: list[RefusedError] = field(default_factory=list)
    """Of the run as a whole."""
    proof: ProofReport | None = None
    """None where no order line was compared."""
    news: list[RefusedError] = field(default_factory=list)
    """Those of all problems that were not told before."""
    is_idle: bool = False
    """It was not time to compare prices."""
    halted: str = ""
    """Why the run ended early, and the next one goes on; "" if it did all."""
    shopify_calls: int = 0
    fo_calls: int = 0

    @property
    def changed(self) -> int:
        return sum(each.changed for each in self.lists)

    @property
    def held(self) -> int:
        return sum(each.held for each in self.lists)

    @property
    def all_problems(self) -> list[RefusedError]:
        proved = self.proof.differences if self.proof is not None else []
        return [*self.problems, *proved, *(problem for each in self.lists for problem in each.problems)]


def explained_prices(report: PriceReport) -> dict[str, Any]:
    """The run as a JSON document. Amounts are strings."""
    return {
        "store": report.store,
        "run": report.run,
        "halted": report.halted,
        "proved_order_lines": None if report.proof is None else report.proof.lines,
        "lists": [
            {
                "list": each.name or "(the shop's own prices)",
                "currency": each.currency,
                "outcomes": {outcome.value: count for outcome, count in each.outcomes.items()},
                "written": [_written(change) for change in each.written],
            }
            for each in report.lists
        ],
        "problems": [
            {"code": problem.code, "cause": problem.cause, "next_step": problem.next_step}
            for problem in report.all_problems
        ],
    }


def _written(change: PriceChange) -> dict[str, Any]:
    return {
        "sku": change.sku,
        "variant": change.variant,
        "before": price_text(change.before),
        "after": price_text(change.after),
        "outcome": change.outcome.value,
    }
