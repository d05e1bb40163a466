"""Which changes of a list may be written: the rest is held until an operator confirms it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.changes import PriceChange, PriceOutcome, by_name, most_changes, texts
from shared.mapping.prices.plan import PricePlan
from shared.mapping.prices.shown import list_label
from shared.mapping.prices.terms import ListTerms
from shared.rules.sections.prices import PriceRules
from shared.sync.brake import Brake
from shared.sync.prices.lists.comparison import PriceComparison
from shared.sync.prices.report import ListReport


async def let_through(
    plan: PricePlan, comparison: PriceComparison, rules: PriceRules, brake: Brake, report: ListReport
) -> list[PriceChange]:
    """None of the changes if they are too many; else those of which each is small enough, or confirmed.

    A price that a list has for the first time does not count among the many, for no shown price of the list changes.
    Both brakes hold at once, so that an operator confirms once.
    """
    terms = comparison.terms
    kind = list_key(terms.name)
    shared = comparison.shop.shared_skus()
    replacing = by_name((each for each in plan.changes if each.before is not None), shared)
    limit = most_changes(plan.shown, percent=rules.brake_percent, floor=rules.brake_floor)
    great = by_name((each for each in plan.changes if _is_great(each, comparison, rules.brake_single_percent)), shared)
    single = await brake.hold_each(f"{kind}-single", texts(great))
    many = await brake.hold(f"{kind}-all", texts(replacing), limit)
    if many.are_too_many:
        why = f"they are more than {rules.brake_percent} % of the {plan.shown} prices"
        _hold(plan.changes, why, terms, brake.store, report)
        return []
    held = [*(great[name] for name in single), *(replacing[name] for name in many.held)]
    held = list({each.variant: each for each in held}.values())
    if held:
        why = f"each is by more than {rules.brake_single_percent} %, has no price to compare it with, or was left out"
        _hold(held, why, terms, brake.store, report)
    names = {each.variant for each in held}
    return [each for each in plan.changes if each.variant not in names]


def _is_great(change: PriceChange, comparison: PriceComparison, most: int) -> bool:
    """A price that is set back has passed the brake before: what somebody typed in Shopify is what is wrong."""
    if change.outcome is PriceOutcome.SET_BACK:
        return False
    percent = comparison.percent(change)
    return percent is None or percent > most


def _hold(changes: Sequence[PriceChange], why: str, terms: ListTerms, store: str, report: ListReport) -> None:
    report.outcomes[PriceOutcome.HELD] += len(changes)
    report.held += len(changes)
    first = min(changes, key=lambda each: (each.sku, each.variant))
    report.problems.append(
        RefusedError(
            ErrorCode.PRICES_HELD,
            count=len(changes),
            list=list_label(terms),
            why=why,
            first=f"{first.sku}: {first.text}",
            store=store,
        )
    )


def list_key(name: str) -> str:
    """The list in the name of a stored document."""
    if not name:
        return "shop"
    readable = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40]
    return f"list-{readable}-{hashlib.sha256(name.casefold().encode()).hexdigest()[:8]}"
