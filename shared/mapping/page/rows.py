"""The rows of the page: a field of Shopify, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CUSTOMER: Final = "CustomersV3"
ORDER: Final = "SalesOrderHeadersV4"
LINE: Final = "SalesOrderLinesV3"
JOURNAL: Final = "CustomerPaymentJournalHeaders"
PAYMENT: Final = "CustomerPaymentJournalLines"
RETURN: Final = "ReturnOrderHeadersV2"
RETURN_LINE: Final = "ReturnOrderLinesV2"
INVOICE: Final = "FreeTextInvoiceHeaders"
INVOICE_LINE: Final = "FreeTextInvoiceLines"

type Fields = tuple[str, ...]
"""F&O's fields, each as EntitySet.Field."""


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of some fields of Shopify, all in the same way."""

    shopify: tuple[str, ...]
    """REST names. A dot leads into an object, or each of a list's; a name stands for all below it without a row."""
    fo: Fields
    rules: tuple[str, ...]
    """Keys of the store's TOML that say how."""
    why: str
    is_read: bool


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    rows: tuple[Row, ...]


def at(entity_set: str, fields: str) -> Fields:
    """Fields of one set; `fields` are their names, with blanks between."""
    return tuple(f"{entity_set}.{field}" for field in fields.split())


def goes(shopify: str, fo: Fields, why: str, *, by: str = "") -> Row:
    """Its value reaches F&O. Names in `shopify` and keys in `by` have blanks between them."""
    return Row(tuple(shopify.split()), fo, tuple(by.split()), why, is_read=True)


def reads(shopify: str, why: str, *, by: str = "") -> Row:
    """It is read, and no field of F&O has its value."""
    return Row(tuple(shopify.split()), (), tuple(by.split()), why, is_read=True)


def unused(shopify: str, why: str) -> Row:
    """It is not looked at."""
    return Row(tuple(shopify.split()), (), (), why, is_read=False)


def of_our_own(fo: Fields, why: str, *, by: str = "") -> Row:
    """F&O's fields that no field of Shopify fills."""
    return Row((), fo, tuple(by.split()), why, is_read=False)
