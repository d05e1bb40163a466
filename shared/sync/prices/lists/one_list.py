"""One list of prices, from what Shopify shows to what F&O has: the shop's own prices, or a price list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.changes import PriceChange, PriceOutcome, price_text
from shared.mapping.prices.plan import ShownVariant, WantedPrices, plan_prices
from shared.mapping.prices.shown import list_label
from shared.mapping.prices.terms import ListTerms
from shared.model import Item
from shared.rules.sections.prices import PriceRules
from shared.sync.brake import Brake
from shared.sync.prices.lists.braked import let_through
from shared.sync.prices.lists.comparison import PriceComparison
from shared.sync.prices.lists.memory import PriceMemory
from shared.sync.prices.ports import LaneOutcome
from shared.sync.prices.report import ListReport

type WritePrices = Callable[[Sequence[PriceChange]], Awaitable[LaneOutcome]]


@dataclass(frozen=True, slots=True)
class RunScope:
    """What the lists of one run share."""

    rules: PriceRules
    brake: Brake
    shop: PriceMemory
    """The shop's own prices."""
    item_of: Callable[[str], Item | None]
    """The item behind a SKU; None for one that F&O does not have."""
    is_late: Callable[[], bool]


async def converge_list(
    scope: RunScope, memory: PriceMemory, variants: Iterable[ShownVariant], prices: WantedPrices, write: WritePrices
) -> ListReport:
    """Writes the prices that differ from F&O's, as far as rules and brake let it. Raises what `write` raises.

    What Shopify refused is not sent again until it changes, or until all prices are read again.
    """
    terms = prices.calculator.terms
    report = ListReport(terms.name, terms.currency)
    plan = plan_prices(variants, prices, item_of=scope.item_of, overwrite=scope.rules.overwrite)
    report.outcomes.update(plan.outcomes)
    report.problems += plan.refusals.values()
    report.problems += (_edited(change, terms) for change in plan.edited)
    for variant, price in plan.equal.items():
        memory.remember(variant, price)
    memory.end(plan.over)
    memory.keep_refusals({change.variant: price_text(change.after) for change in plan.changes})
    comparison = PriceComparison.of_list(terms, memory, scope.shop, scope.rules.currency)
    allowed = await let_through(plan, comparison, scope.rules, scope.brake, report)
    to_write = [change for change in allowed if change.variant not in memory.refused]
    outcome = await write(to_write) if to_write else LaneOutcome()
    _remember(outcome, memory, report)
    known = {change.variant: change for change in allowed}
    refused = [(known[variant], message) for variant, (_, message) in memory.refused.items() if variant in known]
    report.problems += (_refused(change, message, terms) for change, message in refused)
    reached = len(outcome.written) + len(outcome.refused) + len(outcome.gone)
    ends = {PriceOutcome.REJECTED: len(refused), PriceOutcome.LEFT: len(to_write) - reached}
    report.outcomes.update({end: count for end, count in ends.items() if count})
    report.halted = outcome.halted
    return report


def _remember(outcome: LaneOutcome, memory: PriceMemory, report: ListReport) -> None:
    for change in outcome.written:
        memory.remember(change.variant, change.after)
        report.outcomes[change.outcome] += 1
    report.written += outcome.written
    memory.forget(change.variant for change in outcome.gone)
    for change, message in outcome.refused:
        memory.note_refusal(change.variant, price_text(change.after), message)


def _edited(change: PriceChange, terms: ListTerms) -> RefusedError:
    return RefusedError(
        ErrorCode.PRICE_EDITED,
        sku=change.sku,
        list=list_label(terms),
        shown=price_text(change.before),
        price=price_text(change.after),
    )


def _refused(change: PriceChange, message: str, terms: ListTerms) -> RefusedError:
    return RefusedError(
        ErrorCode.PRICE_REFUSED,
        sku=change.sku,
        list=list_label(terms),
        price=price_text(change.after),
        message=message,
    )
