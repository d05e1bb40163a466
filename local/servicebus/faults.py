"""Trouble on demand, for tests and demonstrations: what happens to sends to an entity."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SendAction(StrEnum):
    REFUSE = "refuse"
    """The send is rejected with `condition`; nothing is stored."""
    LOSE = "lose"
    """Nothing is stored and the send is never confirmed."""
    SILENCE = "silence"
    """The message is stored, and the send is never confirmed: the sender cannot know."""
    DELAY = "delay"
    """The message is stored, and the send confirmed after `seconds`."""


class SendFault(BaseModel):
    """`count` sends are affected, all until `clear` when it is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    action: SendAction
    count: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=1.0, gt=0)
    condition: str = "com.microsoft:server-busy"


@dataclass(slots=True)
class _Active:
    fault: SendFault
    left: int | None


class SendFaults:
    """At most one fault an entity; a new one replaces the old one."""

    def __init__(self) -> None:
        self._active: dict[str, _Active] = {}

    def inject(self, fault: SendFault) -> None:
        self._active[fault.entity.lower()] = _Active(fault, fault.count)

    def clear(self) -> None:
        self._active.clear()

    def take(self, entity: str) -> SendFault | None:
        """The fault that hits the next send to the entity."""
        active = self._active.get(entity.lower())
        if active is None:
            return None
        if active.left is not None:
            active.left -= 1
            if active.left == 0:
                del self._active[entity.lower()]
        return active.fault
