"""Default financial dimensions: display values that must name known values, and postings that require some of them."""

from collections.abc import Iterable, Sequence

from local.d365.books import Books
from local.d365.edm import Values
from local.d365.errors import Infolog
from local.d365.ledger import PostingError, segments
from local.d365.world_money import Ledger

_FIELDS = (
    "DefaultLedgerDimensionDisplayValue",
    "DefaultDimensionDisplayValue",
    "DefaultDimensionsForAccountDisplayValue",
    "DefaultDimensionsForOffsetAccountDisplayValue",
)


def check_dimensions(books: Books, values: Values, log: Infolog) -> None:
    """Each segment of the company's format is empty or a known value of its dimension."""
    company = str(values.get("dataAreaId", ""))
    ledger = books.world.money.ledger(company)
    for field in _FIELDS:
        shown = str(values.get(field, ""))
        if shown == "":
            continue
        parts = segments(shown, books.world.companies[company].account_delimiter)
        if len(parts) != len(ledger.dimensions):
            log.reject_field(field, f"The value '{shown}' does not have the format of the default dimensions.")
            continue
        for name, value in zip(ledger.dimensions, parts, strict=True):
            if value and f"{name}:{value}" not in ledger.dimension_values:
                log.reject_unrelated(field, value, name, "Financial dimensions")


def require_dimensions(books: Books, company: str, shown: Iterable[str]) -> None:
    """What is posted has every dimension that the account structure requires. Raises PostingError naming it."""
    ledger, delimiter = books.world.money.ledger(company), books.world.companies[company].account_delimiter
    for each in shown:
        for name in _missing(ledger, segments(each, delimiter) if each else []):
            raise PostingError(f"dimension {name} must have a value in company {company}")


def _missing(ledger: Ledger, parts: Sequence[str]) -> list[str]:
    values = dict(zip(ledger.dimensions, parts, strict=False))
    return [name for name in ledger.required_dimensions if not values.get(name)]
