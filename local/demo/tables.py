"""The demo's tables, for the person who owns the shop."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table

from local.demo.values import (
    Account,
    CatalogueFact,
    Collected,
    OrderChange,
    OrderResult,
    Parcel,
    ParkedOrder,
    StockLevel,
    money,
)


def orders(results: Sequence[OrderResult]) -> Table:
    """Each Shopify order beside the F&O sales order that the app made of it."""
    table = Table(title="Orders: Shopify -> Dynamics 365 F&O", title_justify="left")
    for heading in ("Order", "Customer"):
        table.add_column(heading)
    table.add_column("Lines", justify="right")
    table.add_column("Total", justify="right")
    for heading in ("F&O order", "Warehouse"):
        table.add_column(heading)
    for heading in ("Lines", "Total", "Seconds"):
        table.add_column(heading, justify="right")
    for result in results:
        booked = result.sales_order
        fo = (
            (booked.number, ", ".join(booked.warehouses), str(booked.lines), money(booked.total, result.currency))
            if booked
            else (f"[yellow]{result.outcome}", "", "", "")
        )
        shopify = (result.order, result.customer, str(result.lines), money(result.total, result.currency))
        table.add_row(*shopify, *fo, f"{result.seconds:.1f}")
    table.caption = "F&O's lines include shipping as a service item; its total is lines + the tax it computes."
    table.caption_justify = "left"
    return table


def parked(results: Sequence[ParkedOrder]) -> Table:
    """What waits for a person, and what that person has to do."""
    table = Table(title="Parked: kept whole until somebody acts", title_justify="left")
    for heading in ("Order", "Why", "Owner", "Next step"):
        table.add_column(heading)
    for result in results:
        table.add_row(result.order, result.cause, result.owner, result.next_step)
    return table


def stock(levels: Sequence[StockLevel]) -> Table:
    """Each SKU and location: what F&O has, what may be promised, what Shopify showed before and shows now."""
    table = Table(title="Stock: Dynamics 365 F&O -> Shopify", title_justify="left")
    for heading in ("Location", "SKU", "F&O on-hand by warehouse"):
        table.add_column(heading)
    for heading in ("To promise", "Shopify"):
        table.add_column(heading, justify="right")
    for level in levels:
        table.add_row(
            level.location,
            level.sku,
            level.warehouses or "[yellow]F&O has no such item",
            level.available_to_promise,
            _moved(level),
        )
    table.caption = "To promise: available - open issues - safety stock, summed over the location's warehouses."
    table.caption_justify = "left"
    return table


def stock_changes(levels: Sequence[StockLevel]) -> Table:
    """The figures that a run of the stock flow changed."""
    table = Table(title_justify="left")
    for heading in ("Location", "SKU"):
        table.add_column(heading)
    for heading in ("To promise", "Shopify"):
        table.add_column(heading, justify="right")
    for level in levels:
        table.add_row(level.location, level.sku, level.available_to_promise, _moved(level))
    return table


def _moved(level: StockLevel) -> str:
    return f"{level.before} -> {level.after}"


def changes(results: Sequence[OrderChange]) -> Table:
    """What happened to orders in Shopify, and what the app did about it in F&O."""
    table = Table(title="Changes, payments, refunds", title_justify="left")
    for heading in ("Order", "In Shopify", "In F&O"):
        table.add_column(heading)
    for result in results:
        table.add_row(result.order, result.what, "\n".join(result.notes))
    return table


def parcels(results: Sequence[Parcel]) -> Table:
    """What left F&O's warehouses, and what Shopify and the buyer see of it."""
    table = Table(title="Shipments: Dynamics 365 F&O -> Shopify", title_justify="left")
    for heading in ("Order", "Parcel", "F&O", "Shopify"):
        table.add_column(heading)
    for parcel in results:
        table.add_row(parcel.order, parcel.tracking, parcel.left, parcel.shown or "[red]nothing")
    return table


def collected(results: Sequence[Collected]) -> Table:
    """Orders that the buyers pick up."""
    table = Table(title="Pick-up: Dynamics 365 F&O -> Shopify", title_justify="left")
    for heading in ("Order", "F&O", "The buyer's mail"):
        table.add_column(heading)
    for each in results:
        table.add_row(each.order, each.state, each.told or "[red]none")
    return table


def catalogue(facts: Sequence[CatalogueFact]) -> Table:
    """What both systems say of products and prices."""
    table = Table(title="Catalogue: Dynamics 365 F&O -> Shopify", title_justify="left")
    for heading in ("Item", "What", "F&O", "Shopify"):
        table.add_column(heading)
    for fact in facts:
        table.add_row(fact.subject, fact.what, fact.fo, fact.shopify if fact.agrees else f"[red]{fact.shopify}")
    return table


def accounts(results: Sequence[Account]) -> Table:
    """Both systems line by line, then what each order came to and what was paid for it."""
    table = Table(title="The accountant's view", title_justify="left")
    for heading in ("Order", "What"):
        table.add_column(heading)
    for heading in ("Shopify", "F&O", "Difference"):
        table.add_column(heading, justify="right")
    for account in results:
        rows = account.rows()
        for at, row in enumerate(rows):
            table.add_row(
                "" if at else row.subject,
                row.what,
                row.shopify,
                row.fo,
                row.difference if _is_zero(row.difference) else f"[red]{row.difference}",
                end_section=at == len(rows) - 1,
            )
    table.caption = "Invoiced: F&O's invoices and credit notes, with the tax that F&O's own tax codes came to."
    table.caption_justify = "left"
    return table


def _is_zero(difference: str) -> bool:
    return not Decimal(difference.partition(" ")[0])
