"""One product of the shop while it is brought in line with F&O."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.mapping.products.shop.given import Given, given_metafield
from shared.model import Item, ShopProduct, TranslatableText, WantedProduct
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.reading import ProductSelection, read_products
from shared.shopify.products.writing import ProductWriter
from shared.shopify.queries import Query
from shared.sync.products.shop.new_variants import NewVariants


@dataclass(slots=True)
class CountedShop:
    """Counts the calls to Shopify about one product."""

    admin: QueryRunner
    calls: int = 0

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        return await self.admin.run(query, variables)


@dataclass(slots=True)
class ProductSession:
    wanted: WantedProduct
    shop: ShopProduct
    """As it was read last."""
    admin: CountedShop
    new_variants: NewVariants
    problems: list[RefusedError] = field(default_factory=list)
    texts: Mapping[str, Sequence[TranslatableText]] | None = None
    """By locale what was read of it, and of others, before anything was written; None if it was not."""
    known: Mapping[Item, int] | None = None
    """Variants that the shop has, once the product is F&O's."""
    is_pending: bool = False
    """Shopify has not finished with a picture."""
    awaits_another_day: bool = False
    """Shopify takes its new variants only then."""

    @property
    def writer(self) -> ProductWriter:
        return ProductWriter(self.admin, self.wanted.item_number, self.shop.id)

    @property
    def given(self) -> Given:
        """What the product's metafield holds."""
        return Given.of_text(self.shop.given)

    @property
    def calls(self) -> int:
        return self.admin.calls

    async def read_again(self, selection: ProductSelection) -> None:
        """Raises TransientError where it is gone meanwhile: the next run looks for it."""
        found = (await read_products(self.admin, [self.shop.id], selection)).get(self.shop.id)
        if found is None:
            raise TransientError(f"product {self.shop.id} was deleted while it was written")
        self.shop = found

    async def attempt[Result](self, write: Awaitable[Result]) -> Result | None:
        """What Shopify refuses is kept as a problem, and the rest of the product is written."""
        try:
            return await write
        except RefusedError as refused:
            self.problems.append(refused)
            return None

    def refuse(self, what: str, message: str) -> None:
        self.problems.append(
            RefusedError(ErrorCode.PRODUCT_REFUSED, item=self.wanted.item_number, what=what, message=message)
        )

    async def remember(self, given: Given) -> None:
        """Writes the product's metafield, if it does not hold this already. Raises RefusedError PRODUCT_REFUSED."""
        if given == self.given:
            return
        for message in (await self.writer.set_metafields([given_metafield(given)])).values():
            raise RefusedError(
                ErrorCode.PRODUCT_REFUSED,
                item=self.wanted.item_number,
                what="what the app remembers of it",
                message=message,
            )
        self.remembered(given)

    def remembered(self, given: Given) -> None:
        self.shop = replace(self.shop, given=given.text)
