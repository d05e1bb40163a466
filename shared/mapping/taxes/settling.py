"""How the difference between the tax that F&O will post and the tax that Shopify charged is treated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import ErrorCode, TaxRefusedError
from shared.mapping.evidence import Proof
from shared.mapping.taxes.fo_tax import CodeTax, FoTax, Taxed
from shared.mapping.taxes.groups import LineTax, TaxGroups, is_tolerated
from shared.model import Money, TaxSetup, total
from shared.rules import StoreRules


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxedLine:
    """What a planned line of any document is to tax."""

    amount: Money
    """The LineAmount that F&O must compute; of a credit, what it takes off what the buyer owes."""
    tax: LineTax
    expected_tax: Money
    codes: tuple[CodeTax, ...] = ()
    """The same by F&O's tax codes, where its set-up was read."""


class TaxSettling:
    """One order's tax, or one refund's. `setup` is F&O's own, for stores that compute tax from it (tax.verify = "fo").

    Raises ValueError when such a store gives none.
    """

    def __init__(self, rules: StoreRules, taxes: TaxGroups, setup: TaxSetup | None, *, currency: str) -> None:
        if rules.tax.verify == "fo" and setup is None:
            raise ValueError(f"store {rules.key} computes tax from F&O's tax set-up, and none was given")
        self._rules = rules
        self._taxes = taxes
        self._setup = setup
        self._currency = currency

    def posted[Line: TaxedLine](self, lines: Sequence[Line], on: datetime) -> list[Line]:
        """The lines of one document with the tax that F&O computes from its own tax codes, for stores that use them, as
        they are on the store's day of that moment. Raises what FoTax.of raises.
        """
        if self._setup is None:
            return list(lines)
        fo_tax = FoTax(
            self._setup,
            day=on.astimezone(self._rules.zone).date(),
            currency=self._currency,
            method=self._rules.tax.calculation_method,
            store=self._rules.key,
        )
        asked = [Taxed(line.amount, line.tax.sales_tax_group, line.tax.item_tax_group) for line in lines]
        return [
            replace(line, codes=codes, expected_tax=total((code.amount for code in codes), self._currency))
            for line, codes in zip(lines, fo_tax.of(asked, included=self._taxes.included), strict=True)
        ]

    def difference[Line: TaxedLine](
        self,
        lines: Sequence[Line],
        charged: Money,
        on: datetime,
        *,
        write: Callable[[Money, str], Line],
        prove: Callable[[Sequence[Line]], Proof],
    ) -> list[Line]:
        """The line for the cents that F&O's tax is off, where the store's rules want one.

        `lines` are all that F&O posts, `charged` is what Shopify charged for the seller; `write` plans the line of an
        amount, with the item that the rules have for it, and `prove` compares both systems for a refusal. What an
        engine outside F&O will compute is not known yet: it is compared once F&O has invoiced. Raises RefusedError
        TAX_DIFFERS for more difference than the rules tolerate, and what FoTax.of raises.
        """
        if self._taxes.external:
            return []
        expected = total((line.expected_tax for line in lines), self._currency)
        wanted = charged if self._taxes.exempt is None else charged * 0
        if not is_tolerated(expected, wanted, taxed_lines=sum(line.tax.rate > 0 for line in lines), rules=self._rules):
            raise self._differs(expected, wanted, prove(lines))
        item = self._rules.tax.difference_item
        if item is None or self._taxes.included or expected == wanted:
            return []
        (line,) = self.posted([write(wanted - expected, item)], on)
        if line.expected_tax:  # the total would be wrong by the tax on the cents
            raise self._differs(expected + line.expected_tax, charged, prove([*lines, line]))
        return [line]

    def _differs(self, expected: Money, charged: Money, proof: Proof) -> TaxRefusedError:
        return TaxRefusedError(
            ErrorCode.TAX_DIFFERS, expected=expected, charged=charged, store=self._rules.key
        ).with_proof(proof.as_dict())
