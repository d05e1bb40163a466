"""What the journal says about a figure that a stock run could not set."""

from datetime import UTC, datetime

from shared.errors import ErrorCode, RefusedError
from shared.store.journal import Journal
from shared.sync.stock.run import _problem
from tests.builders.memory_table import MemoryTable


async def test_a_problem_of_a_run_is_one_parked_attempt_with_its_owner_and_next_step():
    journal = Journal(MemoryTable())
    problem = RefusedError(ErrorCode.NO_WAREHOUSE, country="IT", store="nordlys", sku="TENT-2P")
    await _problem(problem, "nordlys", "run-1", journal, datetime(2026, 11, 2, 10, tzinfo=UTC))
    (row,) = await journal.history("nordlys", "stock")
    assert (row["event_id"], row["topic"], row["attempt"], row["outcome"]) == ("run-1", "stock", 1, "parked")
    assert row["note"].startswith("NO_WAREHOUSE: ")
    assert all(text in row["evidence"] for text in ("TENT-2P", problem.next_step, problem.entry.owner))
