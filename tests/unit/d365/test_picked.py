"""What is read of goods that the warehouse has picked or packed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shared.d365.moved import Moved
from shared.d365.picked import has_mode, packed_since, read_packed
from shared.errors import DeniedError, ErrorCode, RefusedError

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = "2026-11-27T12:00:05Z"
LATEST = "2026-11-27T12:00:09Z"


class Client:
    """Rows by entity set; an error is raised instead."""

    def __init__(self, **rows):
        self.rows, self.asked = rows, []

    async def query(self, entity_set, *, company, where, select):
        assert company == "nleu"
        self.asked.append((entity_set, where, select))
        found = self.rows[entity_set]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("mode", "modes", "expected"),
    [("Pick", {"PICK"}, True), ("STD", {"PICK"}, False), ("STD", None, True), ("STD", set(), False)],
)
def test_a_mode_of_delivery_is_compared_without_case(mode, modes, expected):
    assert has_mode(mode, modes) is expected


def packed(lot, units, at=LATER):
    return {"InventTransId": lot, "PackingQty": Decimal(units), "SysModifiedDateTime": at}


def line(lot, number, mode="PICK"):
    return {"InventTransId": lot, "SalesId": number, "DlvMode": mode}


async def test_packed_lines_are_found_by_their_sales_orders():
    early = "2026-11-27T12:00:01Z"
    client = Client(
        WHSSalesLineBiEntities=[packed("L2", 2), packed("L1", 1, early), packed("L3", 0), packed("L4", 1, LATEST)],
        SalesLineBiEntities=[line("L2", "S1"), line("L1", "S1"), line("L4", "S2", "STD"), line("l9", "S9")],
    )
    found = await packed_since(client, "nleu", NOON, {"pick"}, is_known=True)
    assert {number: (each.at, each.rows) for number, each in found.items()} == {
        "S1": (datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC), {f"packed L2 2 {LATER}", f"packed L1 1 {early}"}),
        "": (datetime(2026, 11, 27, 12, 0, 9, tzinfo=UTC), set()),
    }
    assert client.asked[1][1] == "(InventTransId eq 'L1' or InventTransId eq 'L2' or InventTransId eq 'L4')"


async def test_nothing_packed_is_one_call():
    client = Client(WHSSalesLineBiEntities=[packed("L3", 0)])
    found = await packed_since(client, "nleu", NOON, None, is_known=True)
    assert found == {"": Moved(datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC))}
    assert len(client.asked) == 1


async def test_what_is_packed_of_a_line():
    client = Client(WHSSalesLineBiEntities=[packed("L1", 2), packed("l1", 9)])
    assert await read_packed(client, "nleu", {"L1"}, is_known=True) == {"L1": 2}
    assert await read_packed(client, "nleu", set(), is_known=True) == {}
    assert len(client.asked) == 1


HIDDEN = [
    RefusedError(ErrorCode.FO_SET_MISSING, entity_set="WHSSalesLineBiEntities"),
    DeniedError(ErrorCode.FO_DENIED, status=403, infolog="no role"),
]


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda error: error.code)
async def test_where_fo_shows_no_warehouse_management_nothing_is_packed_unless_the_company_has_it(hidden):
    client = Client(WHSSalesLineBiEntities=hidden)
    assert await packed_since(client, "nleu", NOON, None, is_known=False) == {}
    assert await read_packed(client, "nleu", {"L1"}, is_known=False) == {}
    for reading in (
        packed_since(client, "nleu", NOON, None, is_known=True),
        read_packed(client, "nleu", {"L1"}, is_known=True),
    ):
        with pytest.raises(type(hidden)):
            await reading


async def test_another_refusal_is_raised():
    client = Client(WHSSalesLineBiEntities=RefusedError(ErrorCode.FO_REJECTED, what="GET", infolog="no"))
    for reading in (
        packed_since(client, "nleu", NOON, None, is_known=False),
        read_packed(client, "nleu", {"L1"}, is_known=False),
    ):
        with pytest.raises(RefusedError, match="FO_REJECTED"):
            await reading
