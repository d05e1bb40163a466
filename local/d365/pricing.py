"""What a sales line costs, as F&O computes it."""

from decimal import ROUND_HALF_UP, Decimal

_WHOLE_UNITS = frozenset({"BIF", "CLP", "ISK", "JPY", "KRW", "VND"})
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def currency_decimals(currency: str) -> int:
    """How many decimals amounts of the currency have."""
    if currency in _WHOLE_UNITS:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def round_amount(amount: Decimal, currency: str) -> Decimal:
    """Half away from zero, so that a credit is its sale with the sign turned."""
    return amount.quantize(Decimal(1).scaleb(-currency_decimals(currency)), ROUND_HALF_UP)


def line_amount(
    *,
    quantity: Decimal,
    price: Decimal,
    discount: Decimal,
    discount_percent: Decimal,
    price_unit: Decimal,
    charges: Decimal = Decimal(0),
    currency: str,
) -> Decimal:
    """
    `price` and `discount` are per `price_unit` pieces, `charges` are for the line whatever its quantity, below zero for
    a line below zero. The percentage is of what remains after the discount.
    """
    net = quantity * (price - discount) / price_unit + (charges if quantity >= 0 else -charges)
    return round_amount(net * (1 - discount_percent / 100), currency)
