"""A run of the stock flow as a document for people: every figure, and what it is made of."""

from __future__ import annotations

from typing import Any

from shared.sync.stock.report import FigureReport, StockReport


def explained(report: StockReport) -> dict[str, Any]:
    """Plain values. Quantities are texts where they may have decimals."""
    return {
        "store": report.store,
        "run": report.run,
        "backlog": report.backlog,
        "frozen": report.frozen,
        "halted": report.halted,
        "figures": [_figure(figure) for figure in report.figures],
        "without_figure": [{"sku": variant.sku, "why": why.value} for variant, why in report.unlisted],
        "problems": [
            {"code": problem.code, "cause": problem.cause, "next_step": problem.next_step}
            for problem in report.problems
        ],
    }


def _figure(report: FigureReport) -> dict[str, Any]:
    wanted = report.wanted
    return {
        "sku": wanted.listing.sku,
        "location": wanted.listing.level.location,
        "warehouses": {
            stock.warehouse: {
                "available": str(stock.available),
                "incoming": str(stock.incoming),
                "open_issues": str(stock.open_issues),
                "safety": str(stock.safety),
            }
            for stock in wanted.stock
        },
        "available_to_promise": str(wanted.atp),
        "sold_unknown_to_fo": wanted.unknown,
        "before": report.before,
        "after": report.after,
        "outcome": report.outcome.value,
    }
