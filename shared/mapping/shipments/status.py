"""F&O's status of an order as a whole, and how its tags in Shopify become those of the status."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shared.model import FoStatus, OrderStatus, SalesOrderState
from shared.rules import StatusTags


def status_of(states: Sequence[SalesOrderState]) -> OrderStatus:
    """Of the order whose sales orders these are, at least one. A hold comes first; a cancelled sales order counts only
    where there is no other.
    """
    living = [state for state in states if state.status is not FoStatus.CANCELLED]
    if not living:
        return OrderStatus.CANCELLED
    if any(state.is_held and not state.status.is_closed for state in living):
        return OrderStatus.ON_HOLD
    found = {state.status for state in living}
    if found == {FoStatus.OPEN}:
        return OrderStatus.OPEN
    if found == {FoStatus.INVOICED}:
        return OrderStatus.INVOICED
    return OrderStatus.DELIVERED if found <= {FoStatus.DELIVERED, FoStatus.INVOICED} else OrderStatus.PARTLY_DELIVERED


@dataclass(frozen=True, slots=True)
class TagChange:
    add: str
    """"" for none."""
    remove: tuple[str, ...]
    """Case-folded, as Shopify compares them."""


def tag_change(status: OrderStatus, shown: Collection[str], rules: StatusTags, last: str) -> TagChange:
    """`shown` has the order's tags, case-folded; `last` is the tag that showed the status before, which the rules may
    name otherwise now. Tags that are not the app's are left alone.
    """
    wanted = rules.of(status) or ""
    own = rules.all | ({last.casefold()} if last else frozenset())
    return TagChange(
        add=wanted if wanted.casefold() not in shown else "",
        remove=tuple(sorted((own & set(shown)) - {wanted.casefold()})),
    )
