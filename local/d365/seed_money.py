"""Puts journals, methods of payment, sales tax, exchange rates and dispositions into F&O's tables."""

from collections.abc import Iterator
from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books
from local.d365.edm import Value
from local.d365.ledger import RATE_TYPE
from local.d365.world_money import SalesTax

type Record = tuple[str, dict[str, Value]]

_CENT = Decimal("0.01")


def seed_money(books: Books) -> None:
    """A record of a set that the tenant's schema lacks is left out."""
    for set_name, values in _records(books):
        entity_set = books.schema.sets.get(set_name)
        if entity_set is not None:
            books.add(entity_set, {**books.blank(set_name), **values})


def _records(books: Books) -> Iterator[Record]:
    money = books.world.money
    for company, ledger in money.ledgers.items():
        for kind, names in (("CustPayment", ledger.payment_journals), ("Daily", ledger.general_journals)):
            for name in names:
                yield "JournalNames", {"dataAreaId": company, "Name": name, "Description": name, "Type": kind}
    for company, taxes in money.sales_tax.items():
        for set_name, values in _sales_tax(taxes):
            yield set_name, {"dataAreaId": company, **values}
    for company, dispositions in money.dispositions.items():
        for code, action in dispositions.items():
            yield (
                "ReturnDispositionCodes",
                {
                    "dataAreaId": company,
                    "DispositionCode": code,
                    "DispositionDescription": code,
                    "DispositionAction": action,
                },
            )
    for exchange in money.exchange_rates:
        yield (
            "ExchangeRates",
            {
                "RateTypeName": RATE_TYPE,
                "FromCurrency": exchange.source,
                "ToCurrency": exchange.target,
                "StartDate": edm.NO_DATE,
                "Rate": exchange.rate,
            },
        )


def _sales_tax(taxes: SalesTax) -> Iterator[Record]:
    """The groups themselves are masters; these are their codes."""
    for code, percent in taxes.codes.items():
        yield "TaxCodes", {"TaxCode": code, "TaxName": code, "TaxRoundOff": _CENT}
        yield "TaxCodeValuesV2", {"TaxCodeId": code, "Value": percent}
    for group, codes in taxes.groups.items():
        for code in codes:
            yield "TaxGroupDatas", {"TaxGroupId": group, "TaxCodeId": code}
    for group, codes in taxes.item_groups.items():
        for code in codes:
            yield "TaxItemGroups", {"TaxItemGroupCode": group, "TaxCodeId": code}
