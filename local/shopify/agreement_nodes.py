"""Sales agreements as GraphQL objects."""

from typing import Any

from local.shopify.ids import gid
from local.shopify.nodes import Connection, Node, connect, money, utc
from local.shopify.order import Order
from local.shopify.order_parts import LineItemNode, ShippingLineNode
from local.shopify.record_nodes import ReturnNode, return_fee
from local.shopify.records import Agreement, Sale

_SALES = {
    "PRODUCT": "ProductSale",
    "GIFT_CARD": "GiftCardSale",
    "TIP": "TipSale",
    "SHIPPING": "ShippingLineSale",
    "DUTY": "DutySale",
    "ADDITIONAL_FEE": "AdditionalFeeSale",
    "FEE": "FeeSale",
}


class _AgreementNode(Node):
    def __init__(self, owner: Node, order: Order, agreement: Agreement) -> None:
        super().__init__(owner.request)
        self._owner, self._order, self._agreement = owner, order, agreement
        self.id = gid("SalesAgreement", agreement.id)
        self.reason = agreement.reason
        self.happened_at = utc(agreement.happened_at)

    def sales(self, **window: Any) -> Connection:
        return connect(self.request, self._agreement.sales, self._sale, lambda each: (each.id, each.id), **window)

    def _sale(self, sale: Sale) -> dict[str, Any]:
        order = self._order
        document = {
            "__typename": _SALES[sale.line_type],
            "id": gid("Sale", sale.id),
            "actionType": sale.action,
            "lineType": sale.line_type,
            "quantity": sale.quantity or None,
            "totalAmount": money(sale.amount),
            "totalTaxAmount": money(sale.tax),
        }
        for line in order.lines:
            if line.id == sale.source_id:
                return document | {"lineItem": LineItemNode(self.request, order, line)}
        for shipping in order.shipping_lines:
            if shipping.id == sale.source_id and sale.action != "RETURN":
                return document | {"shippingLine": ShippingLineNode(self.request, order, shipping)}
        for fee in order.return_fees:
            if fee.id == sale.source_id:
                return document | {"fee": return_fee(fee)}
        return document


class OrderAgreementNode(_AgreementNode):
    typename = "OrderAgreement"


class OrderEditAgreementNode(_AgreementNode):
    typename = "OrderEditAgreement"


class RefundAgreementNode(_AgreementNode):
    typename = "RefundAgreement"


class ReturnAgreementNode(_AgreementNode):
    typename = "ReturnAgreement"

    def return_(self) -> ReturnNode:
        found = next(each for each in self._order.returns if each.id == self._agreement.return_id)
        return ReturnNode(self._owner, self._order, found)


_NODES: dict[str, type[_AgreementNode]] = {
    "ORDER": OrderAgreementNode,
    "ORDER_EDIT": OrderEditAgreementNode,
    "REFUND": RefundAgreementNode,
    "RETURN": ReturnAgreementNode,
}


def agreement_node(owner: Node, order: Order, agreement: Agreement) -> Node:
    return _NODES[agreement.reason](owner, order, agreement)
