"""New variants, and variants and products that go."""

from decimal import Decimal

from local.shopify.merchandise import OptionValue, Product, Variant
from local.shopify.state import Shop


def new_variant(shop: Shop, product: Product, values: dict[int, OptionValue]) -> Variant:
    """As Shopify makes one without further fields: not tracked, at 0, in the shop's unit of weight."""
    now = shop.clock()
    made = Variant(
        shop.next_catalogue_id(),
        product,
        shop.next_catalogue_id(),
        None,
        Decimal(0),
        now,
        now,
        values,
        weight_unit="POUNDS" if shop.seed.country == "US" else "KILOGRAMS",
        tracked=False,
    )
    shop.assortment.add_variant(made)
    return made


def stock_at_first_location(shop: Shop, variant: Variant) -> None:
    shop.activate(variant.inventory_item_id, next(iter(shop.locations)))


def delete_variant(shop: Shop, variant: Variant) -> None:
    """A variant, its stock and its prices are gone; lines of orders that were sold have none then."""
    for price_list in shop.pricing.price_lists.values():
        price_list.forget(variant.id)
    shop.assortment.remove_variant(variant)
    for location in shop.locations:
        shop.levels.pop((variant.inventory_item_id, location), None)
    for order in shop.orders.values():
        for line in order.lines:
            if line.variant is variant:
                line.variant = None


def delete_product(shop: Shop, product: Product) -> None:
    for variant in list(product.variants):
        delete_variant(shop, variant)
    shop.assortment.remove_product(product)
