"""Whether people may see a product: its status and the sales channels on which it is published."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.shop.changes import VISIBLE, named
from shared.mapping.products.shop.given import Given, Shown
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import ProductStatus, ShopProduct, ShopState, WantedProduct


@dataclass(frozen=True, slots=True)
class Showing:
    state: ShopState
    shown: Shown
    """To be remembered."""
    status: ProductStatus | None = None
    """To be set, before it is published; None if it stays."""
    publish: tuple[int, ...] = ()
    unpublish: tuple[int, ...] = ()
    problem: RefusedError | None = None

    @property
    def withdraws(self) -> bool:
        return self.status is ProductStatus.DRAFT or bool(self.unpublish)


def plan_showing(wanted: WantedProduct, shop: ShopProduct, policy: ShopPolicy, given: Given) -> Showing:
    """`shop` is as Shopify has it after all else was written: nothing becomes visible by a price that was only sent."""
    if not wanted.is_approved:
        return _withdrawal(shop, policy, given)
    is_visible = shop.status in VISIBLE
    if policy.status == "never" or (policy.status == "once" and given.shown is Shown.SHOWN):
        return Showing(ShopState.ACTIVE if is_visible else ShopState.WAITING, given.shown)
    publish = tuple(each for each in policy.publications if each not in shop.publications)
    problem = _problem(wanted, shop, policy, is_visible=is_visible)
    if problem is not None:
        is_seen = is_visible and not publish
        return Showing(ShopState.ACTIVE if is_seen else ShopState.WAITING, given.shown, problem=problem)
    shown = Shown.SHOWN if policy.status == "once" else given.shown
    return Showing(ShopState.ACTIVE, shown, status=None if is_visible else ProductStatus.ACTIVE, publish=publish)


def _withdrawal(shop: ShopProduct, policy: ShopPolicy, given: Given) -> Showing:
    status: ProductStatus | None = None
    unpublish: tuple[int, ...] = ()
    if policy.leaves == "draft" or not policy.publications:
        status = ProductStatus.DRAFT if shop.status in VISIBLE else None
    else:
        unpublish = tuple(each for each in policy.publications if each in shop.publications)
    is_withdrawn = policy.status == "once" and bool(status or unpublish)
    shown = Shown.WITHDRAWN if is_withdrawn else given.shown
    return Showing(ShopState.WITHDRAWN, shown, status=status, unpublish=unpublish)


def _problem(wanted: WantedProduct, shop: ShopProduct, policy: ShopPolicy, *, is_visible: bool) -> RefusedError | None:
    """Why the product cannot be shown, or should not be seen as it is."""
    if policy.visible_at_zero:
        return None
    where = {"item": wanted.item_number, "product": shop.id}
    if not policy.has_prices and not is_visible:
        return RefusedError(ErrorCode.PRODUCT_PRICES_OFF, **where)
    if unpriced := [each.sku or f"variant {each.id}" for each in shop.variants if each.price <= 0]:
        return RefusedError(ErrorCode.PRODUCT_WITHOUT_PRICE, skus=named(unpriced), **where)
    return None
