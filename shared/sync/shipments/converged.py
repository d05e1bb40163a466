"""How one part of an order ended that converges after F&O moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import RefusedError, TransientError
from shared.store.links import OrderLink


@dataclass(frozen=True, slots=True)
class ConvergedPart:
    """Both systems agree, except for what was found and what waits. `note` says what was done."""

    link: OrderLink
    """As it is stored now."""
    note: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[RefusedError, ...] = ()
    """What a person has to do; each is parked."""
    wait: TransientError | None = None
    """Why the part is to be handled again."""
