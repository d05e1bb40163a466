"""How payments become lines of F&O's customer payment journals: `[payments]` and `[[payments.methods]]`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.rules.base import ANY, Code, CurrencyOrAny, LedgerAccount, Rules

_OWED: Final = ("gift_card", "shopify_store_credit")
"""Gateways that pay with money that the store already owes the buyer: no bank receives anything."""


def _pattern(gateway: str) -> str:
    if set(gateway) & set("?["):
        raise ValueError(f"{gateway!r}: only `*` is a wildcard")
    return gateway.casefold()


class PaymentMethod(Rules):
    """The first rule that fits a transaction's gateway and currency decides."""

    gateway: Annotated[str, Field(min_length=1), AfterValidator(_pattern)] = Field(
        description="Shopify's key of the payment provider (`shopify_payments`, `paypal`, `gift_card`, `manual`), or "
        "the name of a manual payment method. `*` stands for any text; case does not count. Gift cards and store "
        "credit are paid from a liability and need rules of their own.",
    )
    currency: CurrencyOrAny = Field(
        default=ANY, description="Currency of the amounts, where each has its own bank account; `*` for all."
    )
    method: Code = Field(description="F&O customer method of payment; must exist there.")
    journal: Code | None = Field(
        default=None, description="F&O journal name of these payments, if it is not payments.journal."
    )
    offset_type: Literal["bank", "ledger"] = Field(
        description="Where the money is booked: a bank account, or a main account (clearing, gift card liability).",
    )
    offset_account: LedgerAccount = Field(
        description="The bank account's id, or the main account with its dimensions as F&O displays it: 110180-001.",
    )
    posting_profile: Code | None = Field(
        default=None, description="F&O customer posting profile, if it is not the company's default."
    )

    def fits(self, gateway: str, currency: str) -> bool:
        return self.currency in (ANY, currency) and fnmatchcase(gateway.casefold(), self.gateway)

    def covers(self, other: PaymentMethod) -> bool:
        """Whether every transaction that fits the other rule fits this one too."""
        return self.currency in (ANY, other.currency) and fnmatchcase(other.gateway, self.gateway)


class PaymentRules(Rules):
    journal: Code = Field(description="F&O journal name, of the type customer payment.")
    methods: tuple[PaymentMethod, ...] = Field(
        min_length=1, description="Where the money of each payment provider is booked."
    )
    exchange_account: LedgerAccount | None = Field(
        default=None,
        description="Main account of exchange differences: a payment's amount at its own rate less its amount at the "
        "order's rate. Without it a payment with a difference is parked.",
    )
    rounding_account: LedgerAccount | None = Field(
        default=None,
        description="Main account of cash rounding. The sales order then has no rounding, so orders.rounding_item must "
        "not be set.",
    )

    def method_for(self, gateway: str, currency: str) -> PaymentMethod | None:
        return next((rule for rule in self.methods if rule.fits(gateway, currency)), None)

    def _rules_that_decide(self, gateway: str) -> list[int]:
        """Positions of the rules for this gateway: one for each currency that is named, one for all others."""
        fitting = [at for at, rule in enumerate(self.methods) if rule.fits(gateway, rule.currency)]
        for_all = [at for at in fitting if self.methods[at].currency == ANY]
        return [at for at in fitting if not for_all or at <= for_all[0]]

    @model_validator(mode="after")
    def _each_can_apply(self) -> Self:
        mistakes = [
            f"methods: rule #{at + 1} never applies: rule #{earlier + 1} covers it, and the first that fits decides"
            for at, rule in enumerate(self.methods)
            for earlier in range(at)
            if self.methods[earlier].covers(rule)
        ]
        mistakes += [
            f"methods: rule #{at + 1} books {gateway} on a bank account, but it is paid from a liability: add a rule "
            "for it above this one"
            for gateway in _OWED
            for at in self._rules_that_decide(gateway)
            if self.methods[at].offset_type == "bank"
        ]
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self
