"""What F&O's bookkeepers have set up at start: journals, accounts, sales tax, exchange rates, returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Ledger:
    """A company's names for journals and accounts, as they were written."""

    payment_journals: tuple[str, ...] = ()
    """Journal names of the type customer payment."""
    general_journals: tuple[str, ...] = ()
    """Journal names of the type daily."""
    main_accounts: tuple[str, ...] = ()
    bank_accounts: tuple[str, ...] = ()
    posting_profiles: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    """The segments of the format for default dimensions, in their order."""
    dimension_values: tuple[str, ...] = ()
    """`Department:WEB`."""
    required_dimensions: tuple[str, ...] = ()
    """Those without which the account structure posts nothing."""


@dataclass(frozen=True, slots=True)
class SalesTax:
    """A company's tax codes (percent), and the codes in each sales tax group and item sales tax group."""

    codes: Mapping[str, Decimal]
    groups: Mapping[str, tuple[str, ...]]
    item_groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What 100 of one currency are worth in another."""

    source: str
    target: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class MoneyWorld:
    """Per company, except the rates, which all share."""

    ledgers: Mapping[str, Ledger]
    sales_tax: Mapping[str, SalesTax]
    dispositions: Mapping[str, Mapping[str, str]]
    """What may become of returned goods: a code, and its DispositionAction."""
    exchange_rates: tuple[ExchangeRate, ...]

    def ledger(self, company: str) -> Ledger:
        return self.ledgers.get(company, Ledger())


def parse_money(raw: Mapping[str, Any]) -> MoneyWorld:
    """Every table may be left out. Raises KeyError, TypeError or ValueError for a wrong entry."""
    return MoneyWorld(
        ledgers={
            company: Ledger(**{kind: tuple(codes) for kind, codes in kinds.items()})
            for company, kinds in raw.get("ledger", {}).items()
        },
        sales_tax={
            company: SalesTax(
                codes={code: Decimal(percent) for code, percent in taxes["codes"].items()},
                groups={group: tuple(codes) for group, codes in taxes["groups"].items()},
                item_groups={group: tuple(codes) for group, codes in taxes["item_groups"].items()},
            )
            for company, taxes in raw.get("sales_tax", {}).items()
        },
        dispositions=raw.get("dispositions", {}),
        exchange_rates=tuple(
            ExchangeRate(row["from"], row["to"], Decimal(row["rate"])) for row in raw.get("exchange_rates", ())
        ),
    )
