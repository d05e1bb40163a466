"""The demo's tables, for the person who owns the shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.table import Table

from local.demo_orders import Placed

if TYPE_CHECKING:
    from local.demo_life import Account, Told

type Level = Mapping[str, Any]
type LevelKey = tuple[str, str, int]


def orders(placed: Sequence[Placed], ends: Mapping[str, Mapping[str, Any]], booked: Mapping[str, Any]) -> Table:
    """Each Shopify order beside the F&O sales order that came of it."""
    table = Table(title="Orders: Shopify -> Dynamics 365 F&O", title_justify="left")
    for heading in ("Order", "Customer"):
        table.add_column(heading)
    table.add_column("Lines", justify="right")
    table.add_column("Total", justify="right")
    for heading in ("Cur.", "F&O order", "Warehouse"):
        table.add_column(heading)
    for heading in ("Lines", "Total", "Seconds"):
        table.add_column(heading, justify="right")
    for order in placed:
        end = ends[order.key]
        sold = order.order
        row = [
            sold["name"],
            f"{sold['customer']['first_name']} {sold['customer']['last_name']}",
            str(len(sold["line_items"])),
            sold["total_price"],
            sold["currency"],
        ]
        fo = booked.get(end["document"])
        if fo is None:
            table.add_row(*row, f"[yellow]{end['outcome']}", "", "", "", f"{end['seconds']:.1f}")
            continue
        table.add_row(
            *row,
            end["document"],
            ", ".join(sorted({line["warehouse"] for line in fo["lines"] if line["warehouse"]})),
            str(len(fo["lines"])),
            str(_total(fo, sold)),
            f"{end['seconds']:.1f}",
        )
    table.caption = "F&O's lines include shipping as a service item; its total is lines + the tax it computes."
    table.caption_justify = "left"
    return table


def _total(fo: Mapping[str, Any], sold: Mapping[str, Any]) -> Decimal:
    """What F&O will invoice: the amounts of its lines, and tax on top where prices do not include it."""
    lines = sum((Decimal(str(line["line_amount"])) for line in fo["lines"]), Decimal(0))
    tax = Decimal(0) if fo["prices_include_tax"] else Decimal(sold["total_tax"])
    return (lines + tax).quantize(Decimal("0.01"))


def parked(orders: Sequence[tuple[Placed, Mapping[str, Any]]], rows: Sequence[Mapping[str, Any]]) -> Table:
    """What waits for a person, and what that person has to do."""
    by_order = {f"{row['PartitionKey'].removeprefix('orders-')}-{row['entity_id']}": row for row in rows}
    table = Table(title="Parked: kept whole until somebody acts", title_justify="left")
    for heading in ("Order", "Why", "Whose job", "Next step"):
        table.add_column(heading)
    for order, _ in orders:
        row = by_order[order.key]
        table.add_row(order.name, row["cause"], row["owner"], row["next_step"])
    return table


def stock(
    before: Mapping[LevelKey, Level], after: Mapping[LevelKey, Level], reports: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Each SKU and location: what F&O has, what may be promised, what Shopify showed and shows."""
    table = Table(title="Stock: Dynamics 365 F&O -> Shopify", title_justify="left")
    for heading in ("Location", "SKU", "F&O on-hand by warehouse"):
        table.add_column(heading)
    for heading in ("To promise", "Shopify"):
        table.add_column(heading, justify="right")
    figures = {
        (store, figure["sku"], figure["location"]): figure
        for store, report in reports.items()
        for figure in report["figures"]
    }
    for key, level in after.items():
        figure = figures.get(key)
        table.add_row(
            level["location"],
            level["sku"],
            _warehouses(figure["warehouses"]) if figure else "[yellow]F&O has no such item",
            figure["available_to_promise"] if figure else "",
            f"{before[key]['available']} -> {level['available']}",
        )
    table.caption = "To promise: available - open issues - safety stock, summed over the location's warehouses."
    table.caption_justify = "left"
    return table


def _warehouses(stock: Mapping[str, Mapping[str, str]]) -> str:
    """As in "AMS 14 (2 kept back), HAM 6"."""
    return ", ".join(
        f"{warehouse} {row['available']}" + (f" ({row['safety']} kept back)" if Decimal(row["safety"]) else "")
        for warehouse, row in stock.items()
    )


def changes(before: Mapping[LevelKey, Level], after: Mapping[LevelKey, Level], keys: Sequence[LevelKey]) -> Table:
    """Only the figures that the last push changed."""
    table = Table(title_justify="left")
    for heading in ("Location", "SKU"):
        table.add_column(heading)
    table.add_column("Shopify", justify="right")
    for key in keys:
        level = after[key]
        table.add_row(level["location"], level["sku"], f"{before[key]['available']} -> {level['available']}")
    return table


def told(steps: Sequence[Told]) -> Table:
    """What happened to orders in Shopify, and what the app did in F&O about it."""
    table = Table(title="Changes, payments, refunds", title_justify="left")
    for heading in ("Order", "In Shopify", "In F&O"):
        table.add_column(heading)
    for step in steps:
        table.add_row(f"{step.order.name} {step.order.store}", step.what, "\n".join(step.notes))
    return table


def accountant(accounts: Sequence[Account]) -> Table:
    """Both systems line by line, then what each order came to and what was paid for it."""
    table = Table(title="The accountant's view", title_justify="left")
    for heading in ("Order", "What"):
        table.add_column(heading)
    for heading in ("Shopify", "F&O", "Difference"):
        table.add_column(heading, justify="right")
    table.add_column("Cur.")
    for account in accounts:
        rows = [*account.lines, ("invoiced, tax included", account.total), ("paid, less money back", account.paid)]
        for at, (what, (shopify, fo)) in enumerate(rows):
            table.add_row(
                "" if at else account.order,
                what,
                f"{shopify:.2f}",
                f"{fo:.2f}",
                "0" if shopify == fo else f"[red]{shopify - fo:.2f}",
                account.currency,
                end_section=at == len(rows) - 1,
            )
    table.caption = "Invoiced: F&O's invoices and credit notes, with the tax that F&O's own tax codes came to."
    table.caption_justify = "left"
    return table
