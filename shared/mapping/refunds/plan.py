"""A Shopify refund as documents of F&O: what the buyer is credited with, proved to be what the refund is worth.

    goods that came back            a return order against the lots they were sold from
    amounts without goods           a free text invoice: credits below zero, as F&O writes them
    goods that never left, and      nothing: the sales order is smaller by them already
    what was given back before

Where F&O gives a return line the price, discount and price unit of its lot, whatever is sent (tenant.return_price), a
return order may credit cents more or less than the refund. Once F&O has computed it, the plan is made again with its
amounts (`booked`): the rest is a line of the free text invoice, on refunds.accounts.discrepancy, taxed as the goods.

Return order lines have no fields for tax: F&O is expected to tax them as their lot was sold, with tax in the price or
on top. The sales order's convention is therefore that of both documents. Where the tax is computed from F&O's own tax
codes, those of the return order are taken as of the day of the sale, since it is the sale's tax that was charged and is
given back; those of the free text invoice as of its invoice date.

The payment journals book the money, whenever it moves: a credit does not wait for it. What was credited and not paid
out (an exchange, an unpaid order) stays on the customer's account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.errors import ErrorCode, RefusedError
from shared.mapping.dimensions import INVOICE_FIELD, dimensioned
from shared.mapping.evidence import Proof
from shared.mapping.fo.fields import fit, noon, yes_no
from shared.mapping.refunds.documents import PlannedCredit, PlannedDocument
from shared.mapping.refunds.lots import LotBack, SoldLot, copied_credits, take_back
from shared.mapping.refunds.parts import Credit, GoodsBack, RefundParts, read_parts
from shared.mapping.refunds.proof import compare_refund_plan, prove_refund_plan
from shared.mapping.taxes.groups import LineTax, TaxGroups
from shared.mapping.taxes.place import place_of_sale
from shared.mapping.taxes.settling import TaxSettling
from shared.model import Component, FoRow, Money, Order, OrderRecord, Refund, TaxSetup
from shared.rules import RefundAccount, RefundRules, StoreRules


@dataclass(frozen=True, slots=True)
class RefundPlan:
    refund_id: int
    company: str
    reference: str
    """Of every document: CustomersOrderReference of a return order, CustomerReference of a free text invoice."""
    return_order: PlannedDocument | None
    invoice: PlannedDocument | None
    copied: Mapping[str, tuple[Money, Money]]
    """By lot, the least and the most that the return order may credit instead, since F&O may copy the lot's price.

    Empty where F&O takes the price that is sent.
    """
    waits_for: tuple[str, ...]
    """Goods that F&O has not invoiced yet; nothing of the refund is to be written before."""
    evidence: Proof | None
    """None while the refund waits."""

    def explains(self, booked: Mapping[str, Money]) -> bool:
        """Whether the return order's credits, by lot, are what was sent or what F&O copies from the lots."""
        if self.return_order is None:
            return not booked
        sent = credits_by_lot(self.return_order.lines)
        return booked.keys() == sent.keys() and all(
            amount == sent[lot] or (lot in self.copied and self.copied[lot][0] <= amount <= self.copied[lot][1])
            for lot, amount in booked.items()
        )


def refund_reference(store: str, refund_id: int) -> str:
    """The refund's identity in F&O: at most 59 of the 60 characters."""
    return f"shopify-{store}-r{refund_id}"


def needs_lots(refund: Refund, order: Order, rules: StoreRules, known: OrderRecord | None = None) -> bool:
    """Whether the plan depends on what F&O has delivered and invoiced."""
    return bool(_parts(refund, order, _refund_rules(rules), _tax_groups(order, rules, known)).goods)


def plan_refund(
    refund: Refund,
    order: Order,
    rules: StoreRules,
    *,
    customer_account: str,
    sales_order: str,
    sold: Sequence[SoldLot] = (),
    tax_setup: TaxSetup | None = None,
    known: OrderRecord | None = None,
    booked: Mapping[str, Money] | None = None,
) -> RefundPlan:
    """The documents of one refund. `sold` is what F&O has of the order, less what former refunds returned; `tax_setup`
    is F&O's own, for stores that compute tax from it (tax.verify = "fo"). `known` is the order's record: a refund is
    taxed where, and with the groups that, the order was. `booked` is, by lot, what F&O's return order credits, once it
    is written.

    Raises RefusedError: AMOUNT_WITHOUT_RULE for a part without account, REFUND_REASON_UNKNOWN, REFUND_TAX_UNKNOWN,
    RETURN_BEYOND_ORDER, TAX_DIFFERS, REFUND_PLAN_DIFFERS, and what tax rules and tax codes raise; ValueError for a
    store without refund rules, or when such a store gives no tax set-up.
    """
    taxes = _tax_groups(order, rules, known)
    return _RefundPlanner(refund, order, rules, taxes, tax_setup).plan(customer_account, sales_order, sold, booked)


def _refund_rules(rules: StoreRules) -> RefundRules:
    if rules.refunds is None:
        raise ValueError(f"store {rules.key} books no refunds")
    return rules.refunds


def _tax_groups(order: Order, rules: StoreRules, known: OrderRecord | None) -> TaxGroups:
    place = place_of_sale(order, rules, known)
    return TaxGroups(rules, place, included=order.taxes_included, known=known.tax_groups if known else None)


def _parts(refund: Refund, order: Order, applied: RefundRules, taxes: TaxGroups) -> RefundParts:
    return read_parts(refund, order, taxes, return_orders=applied.goods == "return_order")


class _RefundPlanner:
    def __init__(
        self, refund: Refund, order: Order, rules: StoreRules, taxes: TaxGroups, tax_setup: TaxSetup | None
    ) -> None:
        self._refund = refund
        self._order = order
        self._rules = rules
        self._applied = _refund_rules(rules)
        self._taxes = taxes
        self._settling = TaxSettling(rules, taxes, tax_setup, currency=order.currency)
        self._parts = _parts(refund, order, self._applied, taxes)

    def plan(
        self, account: str, sales_order: str, sold: Sequence[SoldLot], booked: Mapping[str, Money] | None
    ) -> RefundPlan:
        goods, copied, waits_for = self._goods(sold)
        goods, rests = self._as_booked(goods, booked or {})
        credits_ = [self._credit(number, one) for number, one in enumerate((*self._parts.credits, *rests), start=1)]
        evidence = None
        if not waits_for:
            goods, credits_ = self._taxed(goods, credits_)
            evidence = prove_refund_plan(self._refund, self._order, self._parts, [*goods, *credits_], self._taxes)
        return RefundPlan(
            refund_id=self._refund.id,
            company=self._rules.company,
            reference=refund_reference(self._order.store, self._refund.id),
            return_order=_document(self._return_header(account, sales_order, goods), goods),
            invoice=_document(self._invoice_header(account, sales_order), credits_),
            copied=copied,
            waits_for=waits_for,
            evidence=evidence,
        )

    def _goods(
        self, sold: Sequence[SoldLot]
    ) -> tuple[list[PlannedCredit], dict[str, tuple[Money, Money]], tuple[str, ...]]:
        """The lines of the return order, what F&O may credit instead (RefundPlan.copied), and the goods that wait."""
        lines: list[PlannedCredit] = []
        returned: list[LotBack] = []
        waits_for: list[str] = []
        left = list(sold)
        for goods in self._parts.goods:
            taken = take_back(goods.line.id, goods.quantity, goods.amount, left)
            if not taken:
                waits_for.append(f"{goods.quantity} x {goods.line.sku}")
            left = _less(left, taken)
            lines += [self._return_line(goods, lot) for lot in taken]
            returned += taken
        if self._rules.tenant.return_price == "given":
            return lines, {}, tuple(waits_for)
        copied = copied_credits(returned)
        sent = credits_by_lot(lines)
        if any(least != sent[lot] or most != sent[lot] for lot, (least, most) in copied.items()):
            self._account(Component.DISCREPANCY, lines[0].amount)  # before anything is written
        return lines, copied, tuple(waits_for)

    def _return_line(self, goods: GoodsBack, back: LotBack) -> PlannedCredit:
        place = next((each for each in self._applied.warehouses if each.location == goods.location_id), None)
        record: FoRow = {
            **back.sold.product,
            "ReturnSalesQuantity": Decimal(-back.quantity),
            "SalesPrice": back.price.amount,
            "ReturningInventoryLotId": back.sold.lot,
            "ReturnSiteId": place.site if place else back.sold.site,
            "ReturnWarehouseId": place.id if place else back.sold.warehouse,
        }
        if self._applied.disposition:
            record["ReturnDispositionCode"] = self._applied.disposition
        return self._planned(Component.GOODS_RETURNED, goods.line.title, record, back.price * back.quantity, goods.tax)

    def _account(self, component: Component, amount: Money) -> RefundAccount:
        account: RefundAccount | None = getattr(self._applied.accounts, component.account_key)
        if account is None:
            key = f"refunds.accounts.{component.account_key}"
            raise self._without_rule(f"a refund of {_name(component)}", amount, key)
        return account

    def _without_rule(self, what: str, amount: Money, key: str) -> RefusedError:
        return RefusedError(ErrorCode.AMOUNT_WITHOUT_RULE, what=what, amount=amount, key=key, store=self._rules.key)

    def _credit(self, number: int, credit: Credit) -> PlannedCredit:
        account = self._account(credit.component, credit.amount)
        tax = self._engine_tax(credit, account) if self._taxes.external else self._tax(credit, account)
        record: FoRow = {
            "LineNumber": Decimal(number),
            "Description": f"Refund: {_name(credit.component)}",
            "InvoiceText": credit.title,
            "MainAccountDisplayValue": account.main_account,
            "Quantity": Decimal(1),
            "UnitPrice": -credit.amount.amount,
            "TransactionCurrencyAmount": -credit.amount.amount,
            "SalesTaxGroupId": tax.sales_tax_group,
            "SalesTaxItemGroupId": tax.item_tax_group,
            **dimensioned(INVOICE_FIELD, self._order, self._rules),
        }
        return self._planned(credit.component, credit.title, record, credit.amount, tax)

    def _as_booked(
        self, goods: Sequence[PlannedCredit], booked: Mapping[str, Money]
    ) -> tuple[list[PlannedCredit], list[Credit]]:
        """The lines of the return order with F&O's amounts, and what is left to credit beside it."""
        sent = credits_by_lot(goods)
        rests = {lot: sent[lot] - amount for lot, amount in booked.items() if amount != sent[lot]}
        credits_: list[Credit] = []
        lines = []
        for line in goods:
            rest = rests.pop(line.record["ReturningInventoryLotId"], None)
            if rest is None:
                lines.append(line)
                continue
            lines.append(self._planned(line.component, line.title, line.record, line.amount - rest, line.tax))
            credits_.append(Credit(Component.DISCREPANCY, line.title, rest, line.tax))
        return lines, credits_

    def _tax(self, credit: Credit, account: RefundAccount) -> LineTax:
        sales_tax_group, item_tax_group = account.sales_tax_group, account.item_tax_group
        if credit.tax is None and sales_tax_group is not None and item_tax_group is not None:
            return LineTax(sales_tax_group, item_tax_group, Decimal(0))
        return credit.tax or self._taxes.of(credit.title, ())

    def _engine_tax(self, credit: Credit, account: RefundAccount) -> LineTax:
        """F&O gives the line of a free text invoice no item's groups: without groups no engine is asked."""
        tax, policy = credit.tax, self._rules.tax
        if tax is not None and tax.rate:
            groups, key = (policy.engine_sales_tax_group, policy.engine_item_tax_group), "tax.engine_sales_tax_group"
        else:
            groups = account.sales_tax_group, account.item_tax_group
            key = f"refunds.accounts.{credit.component.account_key}.sales_tax_group"
        if groups[0] is None or groups[1] is None:
            what = f"a refund of {_name(credit.component)}, whose tax groups are not known,"
            raise self._without_rule(what, credit.amount, key)
        return LineTax(groups[0], groups[1], tax.rate if tax is not None else Decimal(0))

    def _planned(self, component: Component, title: str, record: FoRow, amount: Money, tax: LineTax) -> PlannedCredit:
        expected = tax.expected(amount, included=self._taxes.included)
        return PlannedCredit(component, title, record, amount=amount, tax=tax, expected_tax=expected)

    def _taxed(
        self, goods: Sequence[PlannedCredit], credits_: Sequence[PlannedCredit]
    ) -> tuple[list[PlannedCredit], list[PlannedCredit]]:
        """The lines of both documents with the tax that F&O will post, and one for the cents that it is off."""
        returned = self._settling.posted(goods, self._order.created_at)
        credited = self._settling.posted(credits_, self._refund.created_at)

        def difference(amount: Money, _: str) -> PlannedCredit:
            return self._credit(len(credited) + 1, Credit(Component.TAX_DIFFERENCE, "Tax difference", amount, None))

        lines = [*returned, *credited]
        cents = self._settling.difference(
            lines,
            self._parts.tax,
            self._refund.created_at,
            write=difference,
            prove=lambda posted: compare_refund_plan(self._refund, self._order, self._parts, posted, self._taxes),
        )
        return returned, [*credited, *cents]

    def _return_header(self, account: str, sales_order: str, goods: Sequence[PlannedCredit]) -> FoRow:
        if not goods:
            return {}
        header = {
            "CustomerAccountNumber": account,
            "InvoiceCustomerAccountNumber": account,
            "CurrencyCode": self._order.currency,
            "CustomerRequisitionNumber": fit("CustomerRequisitionNumber", sales_order),
            "CustomerReturnReasonCode": self._applied.reason_code,
            "DefaultReturnSiteId": goods[0].record["ReturnSiteId"],
            "DefaultReturnWarehouseId": goods[0].record["ReturnWarehouseId"],
        }
        return {field: value for field, value in header.items() if value}

    def _invoice_header(self, account: str, sales_order: str) -> FoRow:
        return {
            "CustomerAccount": account,
            "CurrencyCode": self._order.currency,
            "InvoiceDate": noon(self._refund.created_at, self._rules.zone),
            "CustomerRequisition": fit("CustomerRequisition", sales_order),
            "InclTax": yes_no(self._taxes.included),
            **dimensioned(INVOICE_FIELD, self._order, self._rules),
        }


def _name(component: Component) -> str:
    """As the account's key reads, which the free text invoice's lines have always been described by."""
    return component.account_key.replace("_", " ")


def credits_by_lot(lines: Iterable[PlannedCredit]) -> dict[str, Money]:
    """What the lines of a return order credit, by lot."""
    found: dict[str, Money] = {}
    for line in lines:
        lot = line.record["ReturningInventoryLotId"]
        found[lot] = found[lot] + line.amount if lot in found else line.amount
    return found


def _document(header: FoRow, lines: Iterable[PlannedCredit]) -> PlannedDocument | None:
    found = tuple(lines)
    return PlannedDocument(header, found) if found else None


def _less(sold: Iterable[SoldLot], taken: Sequence[LotBack]) -> list[SoldLot]:
    """What is left to return after these units."""
    return [each.less(sum(one.quantity for one in taken if one.sold.lot == each.lot)) for each in sold]
