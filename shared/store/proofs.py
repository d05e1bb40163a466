"""The proof of a refusal, short enough for a table row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

PROOF_LIMIT: Final = 24_000
"""UTF-16 units. A string property holds 32 Ki of them, and the journal's has the refusal's details beside the proof."""

_CUT: Final = ("lines", "components", "taxes")
_NOTES_KEPT: Final = 20
_SEPARATOR: Final = len(", ")


def cut_proof(proof: Mapping[str, Any], limit: int = PROOF_LIMIT) -> dict[str, Any]:
    """The proof, whole if it fits. Of a longer one the totals stay, and of the other rows as many as there is room for:
    first those with a difference. A note says how many are left out.
    """
    if _length(proof) <= limit:
        return dict(proof)
    rows = [(name, at, row) for name in _CUT for at, row in enumerate(proof.get(name, ()))]
    rows.sort(key=lambda each: not _differs(each[2]))
    room = limit - _length(_without_rows(proof, len(rows)))
    lengths = accumulate(_length(row) + _SEPARATOR for _, _, row in rows)
    kept = {(name, at) for (name, at, _), length in zip(rows, lengths, strict=True) if length <= room}
    return _without_rows(proof, len(rows) - len(kept)) | {
        name: [row for at, row in enumerate(proof[name]) if (name, at) in kept] for name in _CUT if name in proof
    }


def _without_rows(proof: Mapping[str, Any], left_out: int) -> dict[str, Any]:
    note = f"{left_out} rows are left out for want of room; rows with a difference were kept first"
    empty: dict[str, list[Any]] = {name: [] for name in _CUT if name in proof}
    return {**proof, **empty, "notes": [note, *proof.get("notes", ())[:_NOTES_KEPT]]}


def _differs(row: Mapping[str, str]) -> bool:
    """Whether the row has a difference other than "0.00 EUR"."""
    return any(digit in "123456789" for digit in row.get("difference", ""))


def _length(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")) // 2
