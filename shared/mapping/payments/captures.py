"""Authorised money of an order is captured for what F&O invoiced: what to capture next, and what a person has to do.

All amounts are compared in the buyer's currency, into which F&O's invoices are converted at the order's own rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import Proof, ProofRow
from shared.mapping.taxes.groups import tax_tolerance
from shared.model import (
    Authorization,
    CurrencySide,
    Invoicing,
    Money,
    OrderPayments,
    Rate,
    RefundRecord,
    smallest_unit,
    total,
)
from shared.rules import StoreRules
from shared.rules.sections.captures import CaptureRules

_AGAIN: Final = timedelta(days=1)
"""Until an order is looked at again of which something is invoiced: F&O may give up the rest, without an invoice. So is
one with a payment that is pending, of which Shopify sends nothing if it fails.
"""


@dataclass(frozen=True, slots=True)
class Capture:
    """Money to take from an authorisation."""

    authorization_id: int
    amount: Money
    is_final: bool
    """Whether it releases what is left of the authorisation."""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    captures: tuple[Capture, ...] = ()
    """Once they are made, the order is read and planned again."""
    finding: RefusedError | None = None
    """What a person has to do, where there is nothing to capture."""
    expires_at: datetime | None = None
    """When an authorisation that is about to expire does so, as long as it is not captured."""
    look_at: datetime | None = None
    """When the order is to be looked at again although F&O has invoiced nothing new."""


@dataclass(frozen=True, slots=True)
class CaptureTerms:
    """How the order was booked."""

    side: CurrencySide
    """Which of its amounts F&O has."""
    lines: int
    """How many lines its sales orders have."""
    refunds: Mapping[int, RefundRecord]
    """What was decided about its refunds, by their ids."""


def plan_captures(
    shop: OrderPayments, invoicing: Invoicing, rules: StoreRules, *, terms: CaptureTerms, now: datetime
) -> CapturePlan:
    if not any(rules.captures.takes(each.gateway) for each in shop.authorizations):
        return CapturePlan()  # also of an order of nothing, which has no rate between two currencies
    return _Planning(shop, invoicing, rules, terms, now).plan()


def expiry_of(authorization: Authorization, rules: CaptureRules) -> datetime:
    """When it expires; by the rule where Shopify does not say."""
    return authorization.expires_at or authorization.authorized_at + timedelta(hours=rules.valid_hours)


class _Planning:
    def __init__(
        self, shop: OrderPayments, invoicing: Invoicing, rules: StoreRules, terms: CaptureTerms, now: datetime
    ) -> None:
        self._shop = shop
        self._invoicing = invoicing
        self._rules = rules.captures
        self._now = now
        self._none = Money(Decimal(0), shop.outstanding.currency)
        self._ours = tuple(
            sorted(
                (each for each in shop.authorizations if self._rules.takes(each.gateway)),
                key=lambda each: (expiry_of(each, self._rules), each.id),
            )
        )
        rate = _rate_of(shop, terms.side)
        self._invoiced = invoicing.total if rate is None else rate.present(invoicing.total)
        self._tolerance = _tolerance(rate, invoicing.total.currency, terms.lines, rules)
        self._due = self._invoiced - shop.received
        """What is invoiced and not paid, as if nothing was given back: goods that come back stay invoiced."""
        self._given_back = self._refunded_off_order(terms.refunds)
        self._returned = total((each.returned for each in shop.refunds), self._none.currency)
        self._paid_back = total((each.amount for each in shop.refunds if each.returned), self._none.currency)
        """Money for goods that came back."""
        self._owed = max(shop.outstanding, self._none)

    def plan(self) -> CapturePlan:
        if self._invoicing.is_cancelled and not self._invoiced:
            return CapturePlan()
        if self._shop.is_cancelled:
            is_unpaid = self._is_open(self._invoiced - self._shop.received)
            return CapturePlan(finding=self._finding(ErrorCode.CAPTURE_CANCELLED) if is_unpaid else None)
        if self._differs():
            return self._watched((), self._finding(ErrorCode.CAPTURE_DIFFERS).with_proof(self._proof().as_dict()))
        captures, missing = self._share()
        captures = self._with_expiring(captures)
        return self._watched(captures, None if captures else self._short(missing))

    def _refunded_off_order(self, refunds: Mapping[int, RefundRecord]) -> Money:
        """Money that was refunded for what the sales orders are less by: F&O's invoices never had it."""
        amounts = (
            each.amount
            for each in self._shop.refunds
            if each.cancels or (not each.has_lines and _is_off_order(refunds.get(each.refund_id)))
        )
        return total(amounts, self._none.currency)

    def _differs(self) -> bool:
        """Whether F&O invoiced other amounts than the order costs in Shopify; until all is invoiced it may be less.

        Refunds explain a difference. Goods that came back stay invoiced, and the buyer owes less by what they cost and
        was not paid back; money for what was taken off the order is owed again, unless it was more than the buyer had
        to get.
        """
        difference = self._due - self._shop.outstanding
        if not self._invoicing.is_complete:
            return self._is_open(difference - self._returned)
        explained = (self._none, self._given_back, self._paid_back - self._returned)
        return all(self._is_open(abs(difference + each)) for each in explained)

    def _is_open(self, amount: Money) -> bool:
        return self._tolerance < amount

    def _share(self) -> tuple[tuple[Capture, ...], Money]:
        """What is captured of what is due, of the authorisation first that expires first; and what of it never can be.

        The last capture takes what the order still costs. An authorisation that can be captured once waits for it.
        """
        captures: list[Capture] = []
        is_complete = self._invoicing.is_complete
        wanted = self._owed if is_complete else min(self._due, self._owed)
        if not is_complete and not self._is_open(wanted):
            return (), self._none
        for each in self._ours:
            amount = min(wanted, each.left)
            if amount <= self._none:
                continue
            wanted -= amount
            if each.is_multiple or is_complete:
                captures.append(Capture(each.id, amount, is_complete and each.takes_final and amount < each.left))
        return tuple(captures), wanted

    def _with_expiring(self, captures: tuple[Capture, ...]) -> tuple[Capture, ...]:
        """With all that the order costs of the authorisations that are about to expire, where the rule says so."""
        if self._rules.expiring != "capture_all" or self._invoicing.is_complete:
            return captures
        taken = {each.authorization_id: each.amount for each in captures}
        owed = self._owed - total(taken.values(), self._none.currency)
        for each in self._ours:
            rest = min(each.left - taken.get(each.id, self._none), owed)
            if self._is_expiring(each) and rest > self._none:
                taken[each.id] = taken.get(each.id, self._none) + rest
                owed -= rest
        return tuple(Capture(number, amount, is_final=False) for number, amount in taken.items())

    def _watched(self, captures: tuple[Capture, ...], finding: RefusedError | None) -> CapturePlan:
        """The plan with when the order is to be looked at again, and with an authorisation that is about to expire."""
        pending = [self._now + _AGAIN] if self._shop.is_pending else []
        if self._invoicing.is_complete and not captures and finding is None:
            return CapturePlan(look_at=min(pending, default=None))
        remaining = [each for each in self._ours if each.left] if self._owed else []
        moments = [*pending, *(self._next_look(each) for each in remaining)]
        if remaining and self._invoiced and finding is None:
            moments.append(self._now + _AGAIN)
        look_at = min((moment for moment in moments if moment > self._now), default=None)
        expiring = next((each for each in remaining if self._is_expiring(each)), None)
        if expiring is None:
            return CapturePlan(captures, finding, look_at=look_at)
        expires_at = expiry_of(expiring, self._rules)
        if not captures and finding is None:
            finding = self._finding(
                ErrorCode.AUTHORIZATION_EXPIRES, left=expiring.left, expires_at=f"{expires_at:%Y-%m-%d %H:%M} UTC"
            )
        return CapturePlan(captures, finding, expires_at, look_at)

    def _is_expiring(self, authorization: Authorization) -> bool:
        return bool(authorization.left) and self._begin_of_warning(authorization) <= self._now

    def _begin_of_warning(self, authorization: Authorization) -> datetime:
        return expiry_of(authorization, self._rules) - timedelta(hours=self._rules.expiring_hours)

    def _next_look(self, authorization: Authorization) -> datetime:
        begin = self._begin_of_warning(authorization)
        return begin if begin > self._now else expiry_of(authorization, self._rules)

    def _short(self, missing: Money) -> RefusedError | None:
        """Whether no authorisation is left for what is invoiced; where one has ended, for what will be invoiced."""
        ended = [each for each in self._ours if each.uncaptured and not each.left]
        reasons = ["voided"] if any(each.is_voided for each in ended) else []
        if any(not each.is_voided and expiry_of(each, self._rules) <= self._now for each in ended):
            reasons.append("expired")
        if reasons:
            missing = self._owed - total((each.left for each in self._ours), self._none.currency)
        if not self._is_open(missing):
            return None
        if not reasons:
            return self._finding(ErrorCode.CAPTURE_SHORT, missing=missing)
        return self._finding(ErrorCode.AUTHORIZATION_ENDED, missing=missing, reason=" or ".join(reasons))

    def _proof(self) -> Proof:
        """What is invoiced beside what the order costs."""
        shop, costs = self._shop, self._shop.received + self._owed
        return Proof(
            subject="what F&O invoiced, and what the order costs in Shopify",
            components=(ProofRow("paid", shopify=shop.received), ProofRow("outstanding", shopify=self._owed)),
            totals=(ProofRow("invoiced", costs, self._invoiced, self._invoiced - costs),),
        )

    def _finding(self, code: ErrorCode, **details: object) -> RefusedError:
        shop = self._shop
        known = {"invoiced": self._invoiced, "paid": shop.received, "outstanding": self._owed, "due": self._due}
        return RefusedError(code, **known, **details)


def _rate_of(shop: OrderPayments, side: CurrencySide) -> Rate | None:
    """None where F&O has the buyer's amounts, and for an order of nothing."""
    booked, presented = shop.placed
    if side is CurrencySide.PRESENTMENT or booked.currency == presented.currency or not booked or not presented:
        return None
    return Rate(booked, presented)


def _tolerance(rate: Rate | None, currency: str, lines: int, rules: StoreRules) -> Money:
    """The tax tolerance. In two currencies also one unit for each line, since Shopify rounds each in both."""
    booked = tax_tolerance(currency, taxed_lines=lines, rules=rules)
    if rate is None:
        return booked
    presented = rate.present(booked)
    return presented + Money((lines + 1) * smallest_unit(presented.currency), presented.currency)


def _is_off_order(record: RefundRecord | None) -> bool:
    return record is not None and (record.shipping_off_order or record.duties_off_order or record.fees_off_order)
