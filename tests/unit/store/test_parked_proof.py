"""A message that was refused because amounts differ keeps its proof, and the operator's command shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from shared.errors import ErrorCode, RefusedError
from shared.operator.__main__ import _show
from shared.store.parking import ParkedMessage, Parking
from shared.store.proofs import PROOF_LIMIT
from tests.builders.memory_table import MemoryTable

SIDES = {"shopify": "10.01 EUR", "fo": "10.00 EUR", "difference": "-0.01 EUR"}
PROOF = {"subject": "#1001", "totals": [{"name": "total", **SIDES}], "notes": ["prices include tax"]}


class Bodies:
    async def put(self, name, body):
        return "sha"

    async def get(self, name, *, sha256):
        return b'{"id":42}'


async def parked(table: MemoryTable, proof):
    parking = Parking(table, Bodies())
    error = RefusedError(ErrorCode.SUM_DIFFERS, sum="10.00", total="10.01", difference="-0.01").with_proof(proof)
    at = datetime(2026, 11, 2, 10, tzinfo=UTC)
    await parking.park(ParkedMessage("orders", "nordlys", "event-1", "42", at, {"topic": "orders/create"}, b"", error))
    (found,) = await parking.of_event("event-1")
    return parking, found


async def shown(parking: Parking, found) -> list[str]:
    lines: list[str] = []
    await _show([found], SimpleNamespace(parking=parking), lines.append)
    return "\n".join(lines).splitlines()


async def test_the_proof_of_a_parked_message_is_shown_as_a_table():
    parking, found = await parked(MemoryTable(), PROOF)
    assert found.proof == PROOF
    lines = await shown(parking, found)
    at = lines.index("#1001    Shopify        F&O  Difference")
    assert lines[at + 2 : at + 6] == [
        "Totals",
        "total  10.01 EUR  10.00 EUR   -0.01 EUR",
        "",
        "Note: prices include tax",
    ]


async def test_a_message_without_a_proof_shows_none():
    parking, found = await parked(MemoryTable(), None)
    assert found.proof is None
    assert not [line for line in await shown(parking, found) if "Difference" in line]


async def test_a_row_of_an_older_version_has_no_proof():
    table = MemoryTable()
    parking, _ = await parked(table, PROOF)
    for row in table.rows.values():
        del row["proof"]
    (found,) = await parking.of_event("event-1")
    assert found.proof is None


async def test_a_very_long_proof_fits_the_row_and_counts_what_is_left_out():
    lines = [{"name": f"{number} x TENT", **SIDES} for number in range(3000)]
    table = MemoryTable()
    parking, found = await parked(table, PROOF | {"lines": lines})
    (row,) = table.rows.values()
    assert PROOF_LIMIT * 0.9 < len(row["proof"]) <= PROOF_LIMIT
    assert [line for line in await shown(parking, found) if "rows are left out for want of room" in line]
    assert found.proof["totals"] == PROOF["totals"]
