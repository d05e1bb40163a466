"""A proof of any length fits into a property of a table row, and loses what differs last."""

from __future__ import annotations

import json

from shared.store.proofs import PROOF_LIMIT, cut_proof

TOTAL = {"name": "total", "shopify": "10.01 EUR", "fo": "10.00 EUR", "difference": "-0.01 EUR"}


def row(number: int, difference: str = "0.00 EUR") -> dict[str, str]:
    return {"name": f"{number} x TENT 🏕", "shopify": "10.00 EUR", "fo": "10.00 EUR", "difference": difference}


def length(proof: object) -> int:
    return len(json.dumps(proof, ensure_ascii=False).encode("utf-16-le")) // 2


def test_a_short_proof_is_kept_whole():
    proof = {"subject": "#1", "lines": [row(1)], "totals": [TOTAL]}
    assert cut_proof(proof) == proof


def test_of_a_very_long_proof_the_totals_and_the_rows_that_differ_are_kept():
    lines = [row(number, "-0.01 EUR" if number in {3, 1990} else "0.00 EUR") for number in range(2000)]
    taxes = [row(number, "0.10 EUR" if number == 7 else "0.00 EUR") for number in range(2000)]
    cut = cut_proof({"subject": "#1", "lines": lines, "taxes": taxes, "totals": [TOTAL], "notes": ["tax on top"]})
    assert PROOF_LIMIT * 0.9 < length(cut) <= PROOF_LIMIT
    assert (lines[3] in cut["lines"], lines[1990] in cut["lines"], taxes[7] in cut["taxes"]) == (True, True, True)
    assert [each for each in lines if each in cut["lines"]] == cut["lines"]
    assert cut["totals"] == [TOTAL]
    left_out = 4000 - len(cut["lines"]) - len(cut["taxes"])
    assert cut["notes"] == [
        f"{left_out} rows are left out for want of room; rows with a difference were kept first",
        "tax on top",
    ]


def test_more_differences_than_there_is_room_for_are_cut_too():
    cut = cut_proof({"subject": "#1", "lines": [row(number, "1.00 EUR") for number in range(2000)], "totals": [TOTAL]})
    assert length(cut) <= PROOF_LIMIT
    assert cut["lines"][0] == row(0, "1.00 EUR")


def test_very_many_notes_are_cut():
    cut = cut_proof({"subject": "#1", "totals": [TOTAL], "notes": [f"the attribute {'x' * 400}"] * 500})
    assert length(cut) <= PROOF_LIMIT
