"""What a person has to correct of a store's products, prices and stock figures, for the operator's command.

The flows of products and prices remember which problems they told and have found in every run since; the journal has
their texts. The flow of stock stores all problems of a run with its report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.prices.state import RunState
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.report import ENDED_THE_RUN


@dataclass(frozen=True, slots=True)
class OpenProblem:
    flow: str
    item: str
    """The item of a product; "" where the text names what it is about."""
    text: str
    """Its code and cause; the code alone where the journal does not have it any more."""
    next_step: str
    since: str
    """When it was told, in ISO 8601; of stock the run that found it; "" where the journal does not have it."""


async def read_open_problems(snapshots: Snapshots, journal: Journal, store: str) -> list[OpenProblem]:
    """As the last runs found them."""
    catalogue = await CatalogueMemory.load(snapshots, store=store, run="")
    told = [(item, mark) for item, marks in sorted(catalogue.told.items()) for mark in marks]
    rows = await _last_rows(journal, store, "products")
    ended = rows.get(ENDED_THE_RUN)
    read_at = catalogue.read_at
    if ended is not None and (read_at is None or datetime.fromisoformat(ended["at"]) > read_at):
        told.insert(0, ("", ENDED_THE_RUN))
    found = [_of_journal("products", item, mark, rows) for item, mark in told]

    state = await RunState.load(snapshots, store)
    rows = await _last_rows(journal, store, "prices") if state.told else {}
    found += [_of_journal("prices", "", mark, rows) for mark in state.told]

    report, _ = await snapshots.read(f"stock/{store}/report")
    if report is not None:
        found += [
            OpenProblem("stock", "", f"{each['code']}: {each['cause']}", each["next_step"], report["run"])
            for each in report["problems"]
        ]
    return found


async def _last_rows(journal: Journal, store: str, flow: str) -> dict[str, Mapping[str, Any]]:
    """The newest row of the journal about each problem that the flow told, by the problem's mark."""
    return {mark: row for row in await journal.history(store, flow) if (mark := _evidence(row).get("mark"))}


def _of_journal(flow: str, item: str, mark: str, rows: Mapping[str, Mapping[str, Any]]) -> OpenProblem:
    row = rows.get(mark)
    if row is None:
        return OpenProblem(flow, item, mark.partition(":")[0], "", "")
    return OpenProblem(flow, item, row["note"], str(_evidence(row)["next_step"]), row["at"])


def _evidence(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nothing where it was too long for a row."""
    try:
        evidence = json.loads(row["evidence"])
    except ValueError:
        return {}
    return evidence if isinstance(evidence, dict) else {}
