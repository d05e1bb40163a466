"""What the flow would do in a shop that it does not write to yet: `products/<store>/plan` in the container `state`.

A plan of many products takes several runs: each goes on where the one before ended, and adds what it found.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched, islice
from typing import Any, Final

from shared.errors import DeniedError, TransientError
from shared.mapping.products.decisions import ProductAction
from shared.model import Adoption, WantedProduct
from shared.shopify.products.reading import MOST_AT_ONCE
from shared.store.blobs import Snapshots
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.ports import ShopSide
from shared.sync.products.report import ProductsReport
from shared.sync.products.survey import Survey

_NAME: Final = "products/{store}/plan"


@dataclass(slots=True)
class FirstContact:
    """Looks in the shop for every product that is sold, a slice at a time. Nothing is written there."""

    survey: Survey
    memory: CatalogueMemory
    shop: ShopSide
    report: ProductsReport
    now: Callable[[], datetime]
    until: datetime
    """No slice begins after it, but the first one of the run."""
    seen: set[str] = field(default_factory=set)
    """Item numbers that this run knows all about: it looked at them, or need not."""
    adopt: dict[str, Any] = field(default_factory=dict)
    create: list[str] = field(default_factory=list)
    unclear: dict[str, list[str]] = field(default_factory=dict)

    async def plan(self, before: Mapping[str, Any] | None) -> dict[str, Any]:
        """By item number: what would become of each product that is sold, or that the app has brought to the shop.

        `before` is what the last run found. Where that did not come to the end, this one goes on, and keeps what is
        known of the products before; as it does of those behind, which an earlier plan knew.
        """
        basis = self.survey.basis
        if before is None or before.get("basis") != basis:
            before = {"adopt": {}, "create": [], "unclear": {}, "last": ""}
        sold, cannot, unsold = self._sorted()
        last = await self._look(sold, before["last"])
        self._keep(before, sold)
        return {
            "at": self.now().isoformat(),
            "basis": basis,
            "last": last,
            "adopt": self.adopt,
            "create": self.create,
            "unclear": self.unclear,
            "cannot": cannot,
            "not_sold": unsold,
            "not_looked_at": len(sold) - len(self.adopt) - len(self.create) - len(self.unclear),
        }

    def _sorted(self) -> tuple[list[str], dict[str, list[str]], dict[str, str]]:
        """The items that are sold, in their order; those that cannot be, and those that are not, with the reasons."""
        sold, cannot, unsold = [], {}, {}
        for product in self.survey.catalogue:
            planned, _ = self.survey.plan(product, self.memory)
            item = product.item_number
            self.report.add(item, planned.problems)
            if planned.unsold:
                self.report.actions[ProductAction.NOT_SOLD] += 1
                unsold[item] = planned.unsold
            elif planned.wanted is None:
                self.report.actions[ProductAction.REFUSED] += 1
                cannot[item] = [problem.cause for problem in planned.problems]
            else:
                sold.append(item)
        self.report.read = len(self.survey.catalogue)
        self.seen |= cannot.keys() | unsold.keys()
        return sorted(sold), cannot, unsold

    async def _look(self, sold: Sequence[str], last: str) -> str:
        """Looks at the items behind `last`. Returns the last one that it came to; "" at the end of all."""
        began, left = last, sold[bisect_right(sold, last) :]
        for items in batched(left, MOST_AT_ONCE, strict=False):
            if last != began and self.now() >= self.until:
                self.report.halted = "time limit reached"
                break
            try:
                found = await self.shop.look([self._wanted(item) for item in items])
            except DeniedError:
                raise
            except TransientError as error:
                self.report.halted = error.reason
                break
            for item, adoption in zip(items, found, strict=True):
                self._note(item, adoption)
            last = items[-1]
        else:
            return ""
        self.report.pending = sum(item > last for item in left)
        return last

    def _wanted(self, item: str) -> WantedProduct:
        product = self.survey.catalogue.get(item)
        planned = self.survey.plan(product, self.memory)[0] if product is not None else None
        return planned.wanted if planned and planned.wanted else WantedProduct(item_number=item, is_approved=False)

    def _note(self, item: str, found: Adoption | None) -> None:
        self.seen.add(item)
        if found is None:
            self.report.actions[ProductAction.CREATE] += 1
            self.create.append(item)
        elif found.problems:
            self.report.actions[ProductAction.REFUSED] += 1
            self.report.add(item, found.problems)
            self.unclear[item] = [problem.cause for problem in found.problems]
        else:
            self.report.actions[ProductAction.CHANGE] += 1
            variants = {", ".join(filter(None, each[1:])): variant for each, variant in found.variants.items()}
            self.adopt[item] = {"product": found.id, "variants": variants, "changes": list(found.differing)}

    def _keep(self, before: Mapping[str, Any], sold: Iterable[str]) -> None:
        """What is known of the items that this run did not come to."""
        left = set(sold) - self.seen
        self.adopt = {item: each for item, each in before["adopt"].items() if item in left} | self.adopt
        self.create = sorted([*self.create, *left.intersection(before["create"])])
        self.unclear = {item: each for item, each in before["unclear"].items() if item in left} | self.unclear


async def write_plan(snapshots: Snapshots, store: str, plan: dict[str, Any]) -> None:
    name = _NAME.format(store=store)
    _, etag = await snapshots.read(name)
    await snapshots.write(name, plan, etag)


async def read_plan(snapshots: Snapshots, store: str) -> dict[str, Any] | None:
    value, _ = await snapshots.read(_NAME.format(store=store))
    return value


def plan_lines(plan: Mapping[str, Any], most: int | None) -> Iterator[str]:
    """For a person: at most so many products of each kind. A plan of a release before has fewer of them."""
    adopted = {
        item: f"as product {each['product']}, changing {', '.join(each['changes']) or 'nothing'}"
        for item, each in plan["adopt"].items()
    }
    refused = plan["cannot"] | plan.get("unclear", {})
    for title, items in (
        ("taken over", adopted),
        ("created", dict.fromkeys(plan["create"], "")),
        ("cannot be written", {item: "; ".join(causes) for item, causes in refused.items()}),
        ("not sold", plan["not_sold"]),
    ):
        yield f"{title}: {len(items)}"
        yield from (f"    {item}  {how}".rstrip() for item, how in islice(items.items(), most))
        if most is not None and len(items) > most:
            yield f"    and {len(items) - most} more: --all shows them"
    if plan.get("last"):
        yield f"The plan is not complete: it has come to {plan['last']}, and the next run goes on from there"
    if plan.get("not_looked_at"):
        yield f"not looked at yet: {plan['not_looked_at']}"
