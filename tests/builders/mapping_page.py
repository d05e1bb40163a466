"""docs/mapping.md, read strictly: a row that does not have the page's form is an error, never left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from builders.root import ROOT

from tests.builders.markdown import MarkdownTable, names_in, read_tables

PAGE: Final = ROOT / "docs/mapping.md"

FROM_SHOPIFY: Final = ("Shopify", "F&O", "Rules", "How, or why not")
OF_THE_APP: Final = ("F&O", "Rules", "How, or why not")

ORDER: Final = (
    "The order",
    "Buyer and addresses",
    "Lines",
    "Shipping",
    "Taxes of lines and shipping",
    "The order's amounts",
    "Fields that are not read",
)
REFUND: Final = "A refund, by itself or among the order's `refunds`"
TRANSACTION: Final = "A transaction, by itself or among a refund's `transactions`"
NOT_FROM_SHOPIFY: Final = "Fields of F&O that no field of Shopify fills"
CHANGES: Final = ("Changes after F&O has the order", "Change in Shopify")
"""The table of the rules, which tools/change_matrix.py writes."""
KINDS: Final = ("How each company of F&O gets a change", ("Key", "Answer", "What the connector does"))
"""The last table: by answers of config/tenants."""

_HEADERS: Final = dict.fromkeys((*ORDER, REFUND, TRANSACTION), FROM_SHOPIFY) | {NOT_FROM_SHOPIFY: OF_THE_APP}
_NAMES: Final = re.compile(r"`[\w.]+`(?:, `[\w.]+`)*")
_OF_A_SET: Final = re.compile(rf"`(\w+)`: ({_NAMES.pattern})")
READ: Final = "read"
UNUSED: Final = "—"


@dataclass(frozen=True, slots=True)
class MappingRow:
    """What becomes of some fields of Shopify, all in the same way."""

    shopify: tuple[str, ...]
    """REST names; a name stands for all below it without a row. Empty where no field of Shopify fills those of F&O."""
    fo: tuple[str, ...]
    """F&O's fields, each as EntitySet.Field."""
    rules: tuple[str, ...]
    why: str
    is_read: bool


def read_mapping() -> dict[str, tuple[MappingRow, ...]]:
    """The page's rows by heading. Raises AssertionError for a table or a row that is not of the page's form."""
    *tables, changes, kinds = read_tables(PAGE)
    assert (changes.heading, changes.header[0]) == CHANGES
    assert (kinds.heading, kinds.header) == KINDS
    assert {table.heading: table.header for table in tables} == _HEADERS
    assert len(tables) == len(_HEADERS)
    return {table.heading: tuple(_rows(table)) for table in tables}


def answers_on_page() -> Iterator[tuple[str, str]]:
    """Each key of config/tenants and each answer to it of which the page says what the connector does."""
    *_, kinds = read_tables(PAGE)
    for keys, answers, what in kinds.rows:
        assert what
        yield from ((key, answer) for key in _names(keys) for answer in _names(answers))


def rows_of(*headings: str) -> Iterator[MappingRow]:
    """The rows below these headings; of the whole page without."""
    mapping = read_mapping()
    for heading in headings or mapping:
        yield from mapping[heading]


def _rows(table: MarkdownTable) -> Iterator[MappingRow]:
    for cells in table.rows:
        *shopify, fo, rules, why = cells
        row = MappingRow(
            shopify=tuple(name for cell in shopify for name in _names(cell)),
            fo=() if fo in {READ, UNUSED} else tuple(_fields(fo)),
            rules=tuple(_names(rules)) if rules else (),
            why=why,
            is_read=bool(shopify) and fo != UNUSED,
        )
        assert row.why, f"no reason: {cells}"
        assert shopify or row.fo, f"neither read nor written: {cells}"
        assert row.is_read or row.fo or not row.rules, f"not read, and yet with a rule: {cells}"
        yield row


def _names(cell: str) -> list[str]:
    assert _NAMES.fullmatch(cell), f"no list of names: {cell}"
    return names_in(cell)


def _fields(cell: str) -> Iterator[str]:
    for part in cell.split("; "):
        of_a_set = _OF_A_SET.fullmatch(part)
        assert of_a_set, f"no fields of an entity set: {part}"
        yield from (f"{of_a_set[1]}.{field}" for field in names_in(of_a_set[2]))
