"""Runs of one flow against the simulators, each in a process of its own, as if some time had passed between them."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from local.d365 import Simulator
from local.shopify import RunningShopify
from local.stack import ROOT

type Operations = dict[str, dict[str, float]]
"""Shopify's operation -> `calls`, and the points that they `cost`."""


@dataclass(slots=True)
class RunsApart:
    module: str
    """Prints its figures as JSON, `python -m MODULE GIVEN`."""
    fo: Simulator
    shopify: RunningShopify
    domain: str
    """The shop's."""
    folder: str
    """For what the flow remembers."""
    minutes: int = 0
    """Since the first run."""

    async def run(self, *, after: int, **given: Any) -> dict[str, Any]:
        """The figures of a run so many minutes after the last one, with `operations` and their `points`."""
        self.shopify.simulator.calls.clear()
        self.minutes += after
        given |= {
            "fo": self.fo.base_url,
            "shopify": self.shopify.url,
            "folder": self.folder,
            "token": self.fo.tokens.issue(self.fo.options.client_id, self.fo.base_url).text,
            "minutes": self.minutes,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self.module, json.dumps(given), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError("the run failed")
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        operations: Operations = {}
        for call in self.shopify.simulator.calls:
            row = operations.setdefault(call.operation or "", {"calls": 0, "cost": 0})
            row["calls"] += 1
            row["cost"] += call.actual or 0
        return found | {"operations": operations, "points": sum(row["cost"] for row in operations.values())}

    async def operations_end(self) -> None:
        """What Shopify does in bulk. Looks as often as a person would: nothing tells of it here."""
        operations = self.shopify.simulator.shops[self.domain].bulk_operations
        while not all(each.has_ended for each in operations.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def add_operations(whole: Operations, more: Operations) -> None:
    for name, row in more.items():
        known = whole.setdefault(name, {"calls": 0, "cost": 0})
        whole[name] = {key: known[key] + row[key] for key in known}
