"""F&O's parameters of one company that decide what a change of a sales order does, is allowed to do, and costs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

_UPDATE_ORDER_LINES = ("Always", "Never", "Prompt")


@dataclass(frozen=True, slots=True)
class Parameters:
    update_order_lines: str = "Always"
    """*Update order lines*: Always, Never or Prompt. Nobody answers a prompt over OData: it is Never there."""
    calculate_line_net_amount: bool = True
    """*Calculate line net amount*. Without it, and where a trade agreement policy restricts the net amount, a line
    keeps its amount, unless that is 0 or 0 is sent.
    """
    locks_invoiced_orders: bool = False
    """*Safety level of invoiced orders*: Locked."""
    takes_zero_quantity: bool = True
    takes_delivered_quantity: bool = True
    deletes_confirmed_lines: bool = True
    commerce_pricing: bool = False
    """Whether Commerce's pricing engine prices order lines, as for users of a call centre."""

    @property
    def lines_follow(self) -> bool:
        """Whether open lines take what changes on their header."""
        return self.update_order_lines == "Always"


def with_changes(parameters: Parameters, raw: Mapping[str, Any]) -> Parameters:
    """Raises ValueError for a parameter or a value that does not exist."""
    known = {field.name for field in fields(Parameters)}
    for name, value in raw.items():
        if name not in known:
            raise ValueError(f"{name} is no parameter, only {', '.join(sorted(known))}")
        is_mode = name == "update_order_lines"
        if value not in (_UPDATE_ORDER_LINES if is_mode else (True, False)):
            raise ValueError(f"{name} cannot be {value!r}")
    return replace(parameters, **raw)
