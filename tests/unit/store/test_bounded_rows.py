"""Whatever a message has in it, its rows in the tables are such as Azure takes, and two messages never share one."""

import json
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError

from shared.errors import ErrorCode, RefusedError
from shared.model import Part
from shared.store.journal import Journal, JournalEntry
from shared.store.parking import ParkedMessage, Parking, State
from shared.store.tables import cut, key
from tests.builders.memory_table import MemoryTable

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
HOSTILE = {
    "short": "plain",
    "long": "x" * 40_000,
    "astral": "😀" * 20_000,
    "huge": "x" * 2_000_000,
    "no character": "a\ud800b",
    "forbidden": "a/b\\c#d?e\x00\x7f",
}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


class Bodies:
    def __init__(self):
        self.kept = {}

    async def put(self, name, body):
        assert 0 < len(name) <= 1024
        name.encode()
        self.kept[name] = body
        return "sha"


def refusal(text: str) -> RefusedError:
    rows = [{"name": text, "shopify": text, "fo": "", "difference": "1.00 EUR"}]
    proof = {"subject": text, "totals": rows, "lines": rows * 3, "notes": [text]}
    return RefusedError(ErrorCode.NOT_AN_ORDER, problem=text).with_proof(proof)


@hostile
async def test_a_message_is_parked_whatever_its_ids_and_its_cause_are(text):
    table, bodies = MemoryTable(), Bodies()
    parking = Parking(table, bodies)
    for part in Part:
        message = ParkedMessage(
            "orders", "nordlys", text[:2000], text, NOW, {"topic": text[:2000]}, b"b", refusal(text), part
        )
        await parking.park(message)
    found = await parking.open()
    assert {row.code for row in found} == {ErrorCode.NOT_AN_ORDER}
    assert {row.event_id for row in await parking.of_event(found[0].event_id)} == {found[0].event_id}
    assert list(bodies.kept.values()) == [b"b"]
    assert await parking.close(found[0], State.DISCARDED, text, NOW)


@hostile
async def test_an_outcome_is_journaled_whatever_its_note_and_its_evidence_are(text):
    journal = Journal(MemoryTable())
    entry = JournalEntry("nordlys", text, text, text, 1, NOW, "done", text, evidence={"problem": text})
    await journal.write(entry)
    (row,) = await journal.history("nordlys", text)
    assert row["note"][:1] == text[:1]


def test_long_keys_that_begin_alike_differ_and_short_ones_stay_as_they_are():
    keys = {key(f"{'x' * 600}{end}") for end in "ab"}
    assert len(keys) == 2
    assert all(len(one) <= 480 for one in keys)
    assert key("order-00000000005551234567") == "order-00000000005551234567"
    assert key("a/b") == "a_b"


@pytest.mark.parametrize("limit", [10, 11, 12, 13])
def test_a_cut_text_has_the_length_of_its_limit_and_is_a_text(limit):
    short = cut("😀" * 10, limit)
    assert len(short.encode("utf-16-le")) <= 2 * limit
    assert short.endswith(" ...")
    assert cut("as it is", 8) == "as it is"


def test_a_cut_text_keeps_as_much_of_its_beginning_as_the_limit_leaves_room_for():
    assert cut("a long text", 11) == "a long text"
    assert cut("a long text", 10) == "a long ..."


async def test_a_row_that_the_table_does_not_take_is_parked_in_short_with_its_body():
    class Strict(MemoryTable):
        """Takes no proofs, as a table that has other limits than those we know of."""

        async def upsert_entity(self, row, *, mode):
            if row["proof"]:
                error = HttpResponseError(message="too large")
                error.status_code = 413
                raise error
            return await super().upsert_entity(row, mode=mode)

    bodies = Bodies()
    parking = Parking(Strict(), bodies)
    await parking.park(ParkedMessage("orders", "nordlys", "event-1", "42", NOW, {"topic": "t"}, b"b", refusal("x")))
    (row,) = await parking.of_event("event-1")
    assert (row.code, row.properties, row.proof) == (ErrorCode.NOT_AN_ORDER, {"topic": "t"}, None)
    assert json.dumps(bodies.kept[row.blob].decode()) == '"b"'


async def test_a_table_that_does_not_answer_gets_no_row_in_short():
    class Away(MemoryTable):
        async def upsert_entity(self, row, *, mode):
            error = HttpResponseError(message="busy")
            error.status_code = 503
            raise error

    with pytest.raises(HttpResponseError):
        await Parking(Away(), Bodies()).park(
            ParkedMessage("orders", "nordlys", "event-1", "42", NOW, {}, b"b", refusal("x"))
        )
