"""What values a metafield of each type takes, with Shopify's texts."""

import json
import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from local.shopify.nodes import not_simulated

_LIMIT = Decimal(1_000_000_000_000_000_000)
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def value_problem(kind: str, value: str, currency: str) -> str | None:
    """The text of the user error for a value that is not blank; None if it fits its type."""
    match kind:
        case "single_line_text_field":
            return "Value must be a single line text string." if "\n" in value else None
        case "multi_line_text_field" | "id" | "string":
            return None
        case "number_integer":
            return None if re.fullmatch(r"-?\d+", value) else "Value must be an integer."
        case "number_decimal":
            if not _DECIMAL.fullmatch(value):
                raise not_simulated(f"the decimal {value!r} in a metafield")
            return None if abs(Decimal(value)) < _LIMIT else f"Value must be within +/-{_LIMIT}."
        case "boolean":
            return None if value in ("true", "false") else "Value must be true or false."
        case "date":
            return None if _is_date(value) else "Value must be in YYYY-MM-DD format."
        case "date_time":
            if _is_date_time(value):
                return None
            return "Value must be in \u201cYYYY-MM-DDTHH:MM:SS\u201d format. For example: 2022-06-01T15:30:00"
        case "money":
            return _money_problem(value, currency)
        case "json":
            _check_json(value)
            return None
        case _:
            raise not_simulated(f"metafields of the type {kind}")


def _is_date(value: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)) and date.fromisoformat(value) is not None
    except ValueError:
        return False


def _is_date_time(value: str) -> bool:
    try:
        return bool(_DATE_TIME.fullmatch(value)) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _check_json(value: str) -> None:
    """Kept as it was given: whether Shopify writes it in another form is not recorded."""
    try:
        json.loads(value)
    except ValueError:
        raise not_simulated(f"the JSON {value!r} in a metafield") from None


def _money_problem(value: str, currency: str) -> str | None:
    shape = (
        "Value must be a stringified JSON object with amount (numeric) and currency_code (string matching the shop's "
        "currency) fields."
    )
    try:
        document = json.loads(value)
    except ValueError:
        return shape
    if not isinstance(document, dict) or document.keys() != {"amount", "currency_code"}:
        return shape
    if not document["currency_code"]:
        return "Value must have a currency code."
    try:
        amount = Decimal(str(document["amount"]))
    except InvalidOperation:
        return "Value must have a numeric amount."
    if document["currency_code"] != currency:
        return f"Value contains an invalid currency, {document['currency_code']}."
    return "Value can't exceed 9999999999999." if amount > 9_999_999_999_999 else None
