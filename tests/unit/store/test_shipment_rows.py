"""What is stored of a packing slip is read again as it was, also of a release that stored less."""

from __future__ import annotations

import json
from typing import Any, cast

from shared.model import SentPart, SentSlip, Tracking
from shared.store.shipments import Shipments, StoredSlip
from tests.builders.memory_table import MemoryTable

PART = SentPart(
    fulfillment_id=9, units={11: 2}, tracking=(Tracking("JJD1", "https://dhl.example/JJD1"),), company="DHL"
)
SLIP = SentSlip(key="SN1/PS1/2026-11-27", parts=(PART,), is_told=True, intent={11: 1}, tells=True, seen=(8,))


async def test_a_slip_is_read_as_it_was_stored() -> None:
    shipments = Shipments(cast("Any", MemoryTable()))
    await shipments.put(StoredSlip("nordlys", 7, SLIP, "SN1"))
    assert {key: stored.slip for key, stored in (await shipments.of_order("nordlys", 7)).items()} == {SLIP.key: SLIP}


async def test_of_a_release_without_carriers_it_is_not_known_what_was_sent() -> None:
    table = MemoryTable()
    shipments = Shipments(cast("Any", table))
    await shipments.put(StoredSlip("nordlys", 7, SLIP, "SN1"))
    (row,) = table.rows.values()
    parts = json.loads(row["parts"])
    del parts[0]["company"]
    row["parts"] = json.dumps(parts)
    ((_, stored),) = (await shipments.of_order("nordlys", 7)).items()
    assert stored.slip.parts[0].company is None
