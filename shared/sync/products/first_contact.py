"""What the flow would do in a shop that it does not write to yet: `products/<store>/plan` in the container `state`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from shared.errors import RefusedError, ThrottledError
from shared.mapping.products.decisions import ProductAction
from shared.model import Adoption
from shared.store.blobs import Snapshots
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.ports import ShopSide
from shared.sync.products.report import ProductsReport
from shared.sync.products.survey import Survey

_NAME: Final = "products/{store}/plan"


@dataclass(slots=True)
class FirstContact:
    """Looks in the shop for every product that is sold. Nothing is written there."""

    survey: Survey
    memory: CatalogueMemory
    shop: ShopSide
    report: ProductsReport
    now: Callable[[], datetime]
    until: datetime

    async def plan(self) -> dict[str, Any]:
        """By item number: what would become of each product that is sold, or that the app has brought to the shop.

        A run that has no more time leaves the rest out, and says how many.
        """
        adopted: dict[str, Any] = {}
        created: list[str] = []
        refused: dict[str, Any] = {}
        unsold: dict[str, str] = {}
        for product in self.survey.catalogue:
            planned, _ = self.survey.plan(product, self.memory)
            item = product.item_number
            self.report.add(item, planned.problems)
            if planned.unsold:
                self.report.actions[ProductAction.NOT_SOLD] += 1
                unsold[item] = planned.unsold
            elif planned.wanted is None:
                self.report.actions[ProductAction.REFUSED] += 1
                refused[item] = [problem.cause for problem in planned.problems]
            elif self.report.halted or self.now() >= self.until:
                self.report.halted = self.report.halted or "time limit reached"
                self.report.pending += 1
            else:
                try:
                    found = await self.shop.look(planned.wanted)
                except RefusedError as refusal:
                    self.report.actions[ProductAction.REFUSED] += 1
                    self.report.add(item, [refusal])
                    refused[item] = [refusal.cause]
                except ThrottledError as throttled:
                    self.report.halted = throttled.reason
                    self.report.pending += 1
                else:
                    self._note(item, found, adopted, created)
        self.report.read = len(self.survey.catalogue)
        return {
            "at": self.now().isoformat(),
            "adopt": adopted,
            "create": created,
            "cannot": refused,
            "not_sold": unsold,
            "not_looked_at": self.report.pending,
        }

    def _note(self, item: str, found: Adoption | None, adopted: dict[str, Any], created: list[str]) -> None:
        if found is None:
            self.report.actions[ProductAction.CREATE] += 1
            created.append(item)
            return
        self.report.actions[ProductAction.CHANGE] += 1
        self.report.add(item, found.problems)
        adopted[item] = {
            "product": found.id,
            "variants": {", ".join(filter(None, each[1:])): variant for each, variant in found.variants.items()},
            "changes": list(found.differing),
            "problems": [problem.cause for problem in found.problems],
        }


async def write_plan(snapshots: Snapshots, store: str, plan: dict[str, Any]) -> None:
    name = _NAME.format(store=store)
    _, etag = await snapshots.read(name)
    await snapshots.write(name, plan, etag)


async def read_plan(snapshots: Snapshots, store: str) -> dict[str, Any] | None:
    value, _ = await snapshots.read(_NAME.format(store=store))
    return value


def plan_lines(plan: Mapping[str, Any], most: int | None) -> Iterator[str]:
    """For a person: at most so many products of each kind."""
    adopted = {
        item: f"as product {each['product']}, changing {', '.join(each['changes']) or 'nothing'}"
        + "".join(f"; {problem}" for problem in each["problems"])
        for item, each in plan["adopt"].items()
    }
    yield f"Planned at {plan['at']}. Nothing is written until adopt = true in [products]"
    for title, items in (
        ("taken over", adopted),
        ("created", dict.fromkeys(plan["create"], "")),
        ("cannot be written", {item: "; ".join(causes) for item, causes in plan["cannot"].items()}),
        ("not sold", plan["not_sold"]),
    ):
        yield f"{title}: {len(items)}"
        yield from (f"    {item}  {how}".rstrip() for item, how in islice(items.items(), most))
        if most is not None and len(items) > most:
            yield f"    and {len(items) - most} more: --all shows them"
    if plan["not_looked_at"]:
        yield f"not looked at, for lack of time: {plan['not_looked_at']}"
