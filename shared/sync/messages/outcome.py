"""How the handling of one message ends, and when it is tried again."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import MaintenanceError, NotYetError, RefusedError, StorageAwayError, TransientError
from shared.model import Part


@dataclass(frozen=True, slots=True)
class Done:
    """Both systems agree now. `note` describes what was done, `evidence` proves that it is right."""

    note: str
    document: str = ""
    """The number of the F&O document."""
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """Something outside is not ready; a copy of the message waits until then."""

    error: TransientError


@dataclass(frozen=True, slots=True)
class Park:
    """It cannot succeed as it is: the whole message is kept until a person acts."""

    error: RefusedError
    part: Part = Part.READING
    """The part of the event that was refused."""
    number: int = 0
    """Among all that is parked of this part of the event."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of the event that ended by themselves: none holds up another."""

    done: Done
    """What was done, of the parts that were."""
    parked: tuple[Park, ...] = ()
    retry: Retry | None = None
    """For parts that wait."""
    then: Callable[[], Awaitable[object]] | None = None
    """Runs once all that is refused is parked. It stores that the flow refused the event: stored earlier, a crash in
    between would leave a message that is neither handled nor parked.
    """


type MessageOutcome = Done | Retry | Park | Parts


def as_parts(outcome: MessageOutcome) -> Parts:
    """An event that ended as a whole is one part."""
    match outcome:
        case Done():
            return Parts(outcome)
        case Retry():
            return Parts(Done(""), retry=outcome)
        case Park():
            return Parts(Done(""), parked=(outcome,))
        case Parts():
            return outcome


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits that double from `first` to `longest`, until both `max_attempts` and `max_age` are reached."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=15)
    max_attempts: int = 12
    max_age: timedelta = timedelta(hours=24)
    max_failures: int = 3
    """Attempts at a message at which the app itself fails."""

    def wait(self, tries: int, error: TransientError) -> timedelta:
        """Before the next attempt: the delay that the other system asked for, else doubling, with up to 25 % jitter."""
        if error.retry_after is not None:
            return error.retry_after + timedelta(seconds=random.uniform(0, 2))
        doubled = min(self.first * (1 << min(tries - 1, 20)), self.longest)
        return doubled * random.uniform(1, 1.25)

    def is_exhausted(self, error: TransientError, tries: int, occurred_at: datetime, now: datetime) -> bool:
        """Whether to give up after so many tries: attempts without those that only waited."""
        return not is_wait(error) and tries >= self.max_attempts and now - occurred_at >= self.max_age


def is_wait(error: TransientError) -> bool:
    """Whether the attempt only waits for what has to happen first, which spends no try: such waits have limits of their
    own (refunds.wait_hours, the pause between two changes, F&O's maintenance window). Without storage nothing can be
    parked.
    """
    return isinstance(error, MaintenanceError | NotYetError | StorageAwayError)
