"""How F&O environments differ from each other in what they let a reader see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.d365.csdl import Schema

CANCELLED_SLIPS: Final = ("stay", "go")
SUMMARY_LINES: Final = ("journal", "order")


@dataclass(frozen=True, slots=True)
class Tenant:
    lacks: frozenset[str] = frozenset()
    """Entity sets that this environment does not have."""
    refuses_filter: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By entity set the fields that cannot be filtered."""
    cancelled_slips: str = "stay"
    """Whether the rows of a cancelled packing slip stay, with quantity 0, or go."""
    summary_lines: str = "journal"
    """Whether `SalesId` of a line on a summary slip is the order of the slip's journal, or the line's own."""
    dual_write: bool = False
    """Whether dual-write is set up, which fills SellableReleasedProducts."""
    price_service: str = ""
    """The tenant's own price service, GROUP/SERVICE/OPERATION below /api/services; "" where there is none."""


def tenant_of(raw: Mapping[str, Any], schema: Schema) -> Tenant:
    """What is left out is as in a new environment. Raises ValueError for what does not exist."""
    unknown = raw.keys() - {
        "lacks",
        "refuses_filter",
        "cancelled_slips",
        "summary_lines",
        "dual_write",
        "price_service",
    }
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is no trait of an environment")
    lacks, refused = raw.get("lacks", []), raw.get("refuses_filter", {})
    if not isinstance(lacks, list) or not isinstance(refused, dict):
        raise ValueError("lacks is a list of entity sets, refuses_filter has a list of fields for each set")  # noqa: TRY004
    for set_name in (*lacks, *refused):
        if set_name not in schema.sets:
            raise ValueError(f"there is no entity set {set_name}")
    for set_name, names in refused.items():
        for name in names:
            if name not in schema.sets[set_name].properties:
                raise ValueError(f"{set_name} has no field {name}")
    kinds = {"cancelled_slips": CANCELLED_SLIPS, "summary_lines": SUMMARY_LINES}
    for name, members in kinds.items():
        if raw.get(name, members[0]) not in members:
            raise ValueError(f"{name} is one of {', '.join(members)}")
    if not isinstance(raw.get("dual_write", False), bool):
        raise ValueError("dual_write is true or false")  # noqa: TRY004
    service = raw.get("price_service", "")
    if service and not re.fullmatch(r"\w+/\w+/\w+", str(service)):
        raise ValueError("price_service is GROUP/SERVICE/OPERATION")
    return Tenant(
        lacks=frozenset(lacks),
        refuses_filter={set_name: frozenset(names) for set_name, names in refused.items()},
        cancelled_slips=raw.get("cancelled_slips", "stay"),
        summary_lines=raw.get("summary_lines", "journal"),
        dual_write=raw.get("dual_write", False),
        price_service=str(service),
    )
