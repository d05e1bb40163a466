"""What bringing products of one shop in line with F&O needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from shared.mapping.products.shop.policy import ShopPolicy
from shared.mapping.products.shop.showing import Showing
from shared.model import Metafield, ProductImage, WantedProduct
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.pictures import Uploader
from shared.shopify.products.reading import ProductSelection
from shared.sync.products.shop.finding import Finder
from shared.sync.products.shop.new_variants import NewVariants

type PictureReader = Callable[[str, ProductImage], Awaitable[bytes]]
"""Item number and picture -> its bytes, from F&O."""


@dataclass(slots=True)
class ShowLater:
    """Products that may be seen now, gathered in one run to be shown together."""

    showings: dict[str, tuple[int, Showing]] = field(default_factory=dict)
    """Item number -> product, and what shows it."""


@dataclass(frozen=True, slots=True)
class ShopProductPorts:
    """Of one run: `finder` remembers what the shop has, `new_variants` what it was given."""

    admin: QueryRunner
    policy: ShopPolicy
    read_picture: PictureReader
    upload: Uploader
    finder: Finder = field(default_factory=Finder)
    new_variants: NewVariants = field(default_factory=NewVariants)
    later: ShowLater | None = None
    """Gathers products that may be seen, instead of showing each at once; only with a bulk lane."""

    def selection(self, products: Iterable[WantedProduct]) -> ProductSelection:
        """What has to be read of these products in the shop."""
        wanted = list(products)
        of_products = (each for product in wanted for each in product.metafields)
        of_variants = (each for product in wanted for variant in product.variants for each in variant.metafields)
        return ProductSelection(_keys(of_products), _keys(of_variants), pictures=self.policy.pictures != "never")


def _keys(metafields: Iterable[Metafield]) -> tuple[str, ...]:
    return tuple(sorted({f"{each.namespace}.{each.key}" for each in metafields}))
