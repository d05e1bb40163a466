"""What became of each mutant, in words, and whether that is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tools.mutants.mutations import Mutant
from tools.mutants.unseen import Unseen

GOAL: Final = 0.92
"""Of the mutants that can be seen, the share that tests have to kill."""


class Fate(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    UNSEEN = "cannot be seen"
    NO_CODE = "no code"
    """Cosmic Ray wrote what does not compile. Not counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    mutant: Mutant
    fate: Fate
    seconds: float
    by: str
    """The test that failed, or the reason why none can; for a survivor the tests that ran."""
    diff: str = ""


def line_of(verdict: Verdict, number: int, count: int) -> str:
    mutant = verdict.mutant
    place = f"{mutant.file}:{mutant.row}"
    return (
        f"{number:>3}/{count} {verdict.seconds:>6.1f} s  {verdict.fate:<14}  {place}  {mutant.operator}  {verdict.by}"
    )


def share_killed(verdicts: Iterable[Verdict]) -> float:
    counted = [each.fate is Fate.KILLED for each in verdicts if each.fate in {Fate.KILLED, Fate.SURVIVED}]
    return sum(counted) / len(counted) if counted else 1.0


def summary(
    verdicts: Sequence[Verdict], stale: Iterable[Unseen], *, seed: int, minutes: float, cpu_minutes: float
) -> str:
    counts = {fate: sum(each.fate is fate for each in verdicts) for fate in Fate}
    lines = [
        f"seed {seed}, {len(verdicts)} mutants in {minutes:.0f} min ({cpu_minutes:.0f} min of one core): "
        + ", ".join(f"{count} {fate}" for fate, count in counts.items()),
        f"{share_killed(verdicts):.1%} of those that can be seen were killed, {GOAL:.0%} are wanted",
    ]
    for each in verdicts:
        if each.fate is Fate.SURVIVED:
            lines += ["", f"survived: {each.mutant.file}:{each.mutant.row} {each.mutant.operator}"]
            lines += [f"nth in the line: {each.mutant.nth}, within: {each.mutant.within}", each.diff, f"ran: {each.by}"]
    lines += [f"\ntools/mutants/unseen.toml names what is gone: {each}" for each in stale]
    return "\n".join(lines)
