"""unseen.toml: mutants that no test can see, each with the reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.mutations import Mutant


@dataclass(frozen=True, slots=True)
class Unseen:
    file: str
    within: str
    line: str
    operator: str
    reason: str
    nth: int = 0

    def fits(self, mutant: Mutant) -> bool:
        return (self.file, self.within, self.line, self.operator, self.nth) == (
            mutant.file,
            mutant.within,
            mutant.line,
            mutant.operator,
            mutant.nth,
        )


def read_unseen(path: Path) -> list[Unseen]:
    """Raises TypeError for an entry with a missing or unknown key."""
    return [Unseen(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("unseen", [])]


def reason_for(mutant: Mutant, unseen: Iterable[Unseen]) -> str | None:
    return next((each.reason for each in unseen if each.fits(mutant)), None)


def stale(unseen: Iterable[Unseen], mutants: Sequence[Mutant]) -> list[Unseen]:
    """Entries whose line, function or operator is gone."""
    return [each for each in unseen if not any(each.fits(mutant) for mutant in mutants)]
