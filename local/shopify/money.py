"""Amounts as Shopify writes them: in two currencies, in REST and GraphQL notation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal(0)
_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "ISK": 0, "CLP": 0, "BHD": 3, "KWD": 3, "JOD": 3, "OMR": 3, "TND": 3}


def quantum(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 EUR, 1 JPY."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(quantum(currency), ROUND_HALF_UP)


def allocate(amount: Decimal, weights: list[Decimal], currency: str) -> list[Decimal]:
    """Split `amount` in proportion to `weights` by the largest remainder; the parts sum to it exactly.

    No part exceeds its weight as long as `amount` does not exceed their sum.
    """
    total = sum(weights, ZERO)
    if not total:
        return [ZERO for _ in weights]
    step = quantum(currency)
    exact = [amount * weight / total for weight in weights]
    parts = [share.quantize(step, ROUND_FLOOR) for share in exact]
    missing = int((amount - sum(parts, ZERO)) / step)
    by_remainder = sorted(range(len(parts)), key=lambda i: parts[i] - exact[i])
    for i in by_remainder[:missing]:
        parts[i] += step
    return parts


@dataclass(frozen=True, slots=True)
class MoneyBag:
    """One amount in the shop's currency and in the buyer's (presentment) currency."""

    shop: Decimal
    shop_currency: str
    presentment: Decimal
    presentment_currency: str

    def __add__(self, other: "MoneyBag") -> "MoneyBag":
        return MoneyBag(
            self.shop + other.shop,
            self.shop_currency,
            self.presentment + other.presentment,
            self.presentment_currency,
        )

    def __neg__(self) -> "MoneyBag":
        return MoneyBag(-self.shop, self.shop_currency, -self.presentment, self.presentment_currency)

    def __sub__(self, other: "MoneyBag") -> "MoneyBag":
        return self + -other

    def times(self, count: int) -> "MoneyBag":
        return MoneyBag(self.shop * count, self.shop_currency, self.presentment * count, self.presentment_currency)

    def times_rate(self, rate: Decimal) -> "MoneyBag":
        """A tax or a percentage of the amount, rounded in each currency."""
        return MoneyBag(
            rounded(self.shop * rate, self.shop_currency),
            self.shop_currency,
            rounded(self.presentment * rate, self.presentment_currency),
            self.presentment_currency,
        )

    def settled_by(self, presentment: Decimal) -> "MoneyBag":
        """The part, in both currencies, that this amount of the buyer's currency settles."""
        if presentment == self.presentment:
            return self
        share = presentment / self.presentment if self.presentment else ZERO
        shop = rounded(self.shop * share, self.shop_currency)
        return MoneyBag(shop, self.shop_currency, presentment, self.presentment_currency)

    @staticmethod
    def portions(bags: Sequence["MoneyBag"], part: Decimal | int, whole: Decimal | int) -> list["MoneyBag"]:
        """`part` of `whole` of each bag. Their sum is rounded once, then distributed; no part exceeds its bag."""
        if not bags or not whole:
            return [bag - bag for bag in bags]
        first = bags[0]

        def side(amounts: list[Decimal], currency: str) -> list[Decimal]:
            return allocate(rounded(sum(amounts, ZERO) * part / whole, currency), amounts, currency)

        return [
            MoneyBag(shop, first.shop_currency, buyer, first.presentment_currency)
            for shop, buyer in zip(
                side([bag.shop for bag in bags], first.shop_currency),
                side([bag.presentment for bag in bags], first.presentment_currency),
                strict=True,
            )
        ]

    @property
    def zero(self) -> "MoneyBag":
        return self - self

    def __bool__(self) -> bool:
        return bool(self.shop or self.presentment)

    def divided_by(self, count: int) -> "MoneyBag":
        """The rounded share of one in `count`: approximate, as Shopify's discounted unit prices are."""
        return MoneyBag(
            rounded(self.shop / count, self.shop_currency),
            self.shop_currency,
            rounded(self.presentment / count, self.presentment_currency),
            self.presentment_currency,
        )

    @property
    def rest(self) -> str:
        """The bare REST amount: always in the shop's currency."""
        return rest_amount(self.shop, self.shop_currency)

    @property
    def rest_set(self) -> dict[str, Any]:
        return {
            "shop_money": {"amount": self.rest, "currency_code": self.shop_currency},
            "presentment_money": {
                "amount": rest_amount(self.presentment, self.presentment_currency),
                "currency_code": self.presentment_currency,
            },
        }


def total(bags: Iterable[MoneyBag], like: MoneyBag) -> MoneyBag:
    """The sum; without items it is zero in the currencies of `like`."""
    return sum(bags, like.zero)


def rest_amount(amount: Decimal, currency: str) -> str:
    """REST and webhook notation: all decimals of the currency ("13.50"; yen "23600")."""
    return f"{rounded(amount, currency):f}"


def graphql_amount(amount: Decimal) -> str:
    """GraphQL notation: trailing zeros trimmed down to one decimal ("13.5", "9.0", "0.0")."""
    text = f"{amount.normalize():f}"
    return text if "." in text else f"{text}.0"
