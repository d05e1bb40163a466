"""All products of a shop, and the ways to find them."""

import bisect
import itertools
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from local.shopify.merchandise import DEFAULT_TITLE, TITLE, OptionValue, Product, ProductOption, Variant


class SortedIds:
    """Ids in ascending order. New ones are mostly the highest."""

    __slots__ = ("ids",)

    def __init__(self) -> None:
        self.ids: list[int] = []

    def add(self, number: int) -> None:
        if not self.ids or number > self.ids[-1]:
            self.ids.append(number)
        else:
            bisect.insort(self.ids, number)

    def remove(self, number: int) -> None:
        del self.ids[bisect.bisect_left(self.ids, number)]


class Assortment:
    """Products and variants, by id, handle, SKU, inventory item, and by metafields whose values are unique."""

    def __init__(self, next_id: Callable[[], int]) -> None:
        self.next_id = next_id
        self.products: dict[int, Product] = {}
        self.variants: dict[int, Variant] = {}
        self.product_ids = SortedIds()
        self.variant_ids = SortedIds()
        self.variant_by_item: dict[int, Variant] = {}
        #: the first one of each SKU: SKUs are not unique
        self.variant_by_sku: dict[str, Variant] = {}
        self._with_sku: defaultdict[str, dict[int, Variant]] = defaultdict(dict)
        self.product_by_handle: dict[str, Product] = {}
        #: since webhooks were sent: products that are new, that changed, and ids of those that are gone
        self.created: dict[int, Product] = {}
        self.changed: dict[int, Product] = {}
        self.deleted: list[int] = []
        #: (owner type, namespace, key, value) -> id of the owner
        self.unique_values: dict[tuple[str, str, str, str], int] = {}

    def add_product(self, product: Product) -> None:
        self.products[product.id] = product
        product.changes = self.changed
        self.created[product.id] = product
        self.product_ids.add(product.id)
        self.product_by_handle[product.handle] = product

    def add_variant(self, variant: Variant) -> None:
        """At the end of its product."""
        variant.product.variants.append(variant)
        self.variants[variant.id] = variant
        self.variant_ids.add(variant.id)
        self.variant_by_item[variant.inventory_item_id] = variant
        self._learn_sku(variant)

    def remove_variant(self, variant: Variant) -> None:
        variant.product.variants.remove(variant)
        del self.variants[variant.id]
        self.variant_ids.remove(variant.id)
        del self.variant_by_item[variant.inventory_item_id]
        self._forget_sku(variant)
        self._forget_unique("PRODUCTVARIANT", variant)

    def remove_product(self, product: Product) -> None:
        for variant in list(product.variants):
            self.remove_variant(variant)
        del self.products[product.id]
        self.deleted.append(product.id)
        self.product_ids.remove(product.id)
        del self.product_by_handle[product.handle]
        self._forget_unique("PRODUCT", product)

    def set_sku(self, variant: Variant, sku: str | None) -> None:
        if sku != variant.sku:
            self._forget_sku(variant)
            variant.sku = sku
            self._learn_sku(variant)

    def set_handle(self, product: Product, handle: str) -> None:
        del self.product_by_handle[product.handle]
        product.handle = handle
        self.product_by_handle[handle] = product

    def new_option(self, name: str, values: list[str]) -> ProductOption:
        return ProductOption(self.next_id(), name, [OptionValue(self.next_id(), each) for each in values])

    def default_option(self) -> ProductOption:
        """That of a product without variants."""
        return self.new_option(TITLE, [DEFAULT_TITLE])

    def seed(
        self,
        *,
        product_id: int,
        variant_id: int,
        item_id: int,
        title: str,
        vendor: str,
        sku: str,
        price: Decimal,
        grams: int,
        at: datetime,
        values: dict[str, str] | None = None,
    ) -> Variant:
        """A variant that was there from the start, with its product where it is the first. `values` by option."""
        product = self.products.get(product_id)
        named = values or {TITLE: DEFAULT_TITLE}
        if product is None:
            product = Product(product_id, title, self.free_handle(title), vendor, at, at)
            product.options = [self.new_option(each, []) for each in named]
            self.add_product(product)
        chosen = {}
        for name, value in named.items():
            option = product.option(name)
            assert option is not None, f"the product {title} has no option {name}"
            known = option.value(value)
            if known is None:
                known = OptionValue(self.next_id(), value)
                option.values.append(known)
            chosen[option.id] = known
        variant = Variant(variant_id, product, item_id, sku, price, at, at, chosen, weight=Decimal(grams))
        self.add_variant(variant)
        return variant

    def free_handle(self, text: str, of: Product | None = None) -> str:
        """The handle that a title gives, with a number behind it where it is taken."""
        wanted = handle_of(text) or "product"
        if self.product_by_handle.get(wanted) in (None, of):
            return wanted
        stem, _, number = wanted.rpartition("-")
        if not (stem and number.isdigit()):
            stem = wanted
        count = 1
        while self.product_by_handle.get(f"{stem}-{count}") not in (None, of):
            count += 1
        return f"{stem}-{count}"

    def with_sku(self, sku: str) -> list[Variant]:
        """All variants with a SKU, whatever its case."""
        return list(self._with_sku.get(sku.casefold(), {}).values())

    def _learn_sku(self, variant: Variant) -> None:
        if variant.sku:
            self.variant_by_sku.setdefault(variant.sku, variant)
            self._with_sku[variant.sku.casefold()][variant.id] = variant

    def _forget_sku(self, variant: Variant) -> None:
        if not variant.sku:
            return
        left = self._with_sku[variant.sku.casefold()]
        left.pop(variant.id, None)
        if self.variant_by_sku.get(variant.sku) is variant:
            del self.variant_by_sku[variant.sku]
            self.variant_by_sku.update(
                itertools.islice(((variant.sku, v) for v in left.values() if v.sku == variant.sku), 1)
            )

    def _forget_unique(self, owner_type: str, owner: Product | Variant) -> None:
        for (namespace, key), metafield in owner.metafields.items():
            slot = (owner_type, namespace, key, metafield.value)
            if self.unique_values.get(slot) == owner.id:
                del self.unique_values[slot]


def handle_of(text: str) -> str:
    """Letters and digits in lower case, hyphens for all else."""
    words = "".join(each if each.isalnum() else " " for each in text.lower()).split()
    return "-".join(words)
