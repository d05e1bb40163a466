"""`python -m tools.change_matrix`: the matrix of changes, written into docs/mapping.md between its two markers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.model import FoStatus
from shared.rules import ChangeKind, ChangeRules

PAGE: Final = Path(__file__).resolve().parent.parent / "docs/mapping.md"
BEGIN: Final = "<!-- begin: python -m tools.change_matrix -->"
END: Final = "<!-- end: python -m tools.change_matrix -->"

_NOT_COMPARED: Final = {
    "note": "F&O's order has no field for it.",
    "tags": "F&O's order has no field for them; `orders.hold_tag` can hold the order.",
    "attributes": "F&O's order has no field for them; `orders.requested_date_attribute` can set its dates.",
    "billing address": "In F&O it belongs to the customer.",
}
"""What can change in Shopify and has no field on F&O's sales order."""


def matrix(rules: ChangeRules) -> str:
    """The rules as a Markdown table: a row for each kind of change, a column for each status of F&O."""
    lines = [
        "| Change in Shopify | " + " | ".join(status.value.replace("_", " ") for status in FoStatus) + " | Why |",
        "|---|" + "---|" * (len(FoStatus) + 1),
    ]
    for kind in ChangeKind:
        cells = " | ".join(f"`{rules.decide(kind, status)}`" for status in FoStatus)
        lines.append(f"| `{kind}` | {cells} | {_description(kind)} |")
    for name, why in _NOT_COMPARED.items():
        lines.append(f"| {name} |" + " — |" * len(FoStatus) + f" {why} |")
    return "\n".join(lines)


def section() -> str:
    """What stands between the markers, which are part of it."""
    others = [f"`changes.{key}`: {_description(key)}" for key in ("cancellation", "by_staff")]
    return "\n\n".join([BEGIN, matrix(ChangeRules()), *others, END])


def replaced(page: str) -> str:
    """The page with the section of today. Raises ValueError where a marker is missing or out of place."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise ValueError(f"needs one {BEGIN} and after it one {END}")
    return before + section() + after


def _description(key: str) -> str:
    return ChangeRules.model_fields[key].description or ""


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
