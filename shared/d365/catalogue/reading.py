"""F&O's catalogue of a company, read once and put together by item."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.d365.catalogue.asked import CatalogueNeeds, CatalogueSource
from shared.d365.catalogue.facts import read_attributes, read_barcodes, read_categories, read_hs_codes
from shared.d365.catalogue.images import AttachedTo, read_images
from shared.d365.catalogue.released import ReleasedProducts, read_released
from shared.d365.catalogue.terms import read_terms
from shared.d365.catalogue.texts import OptionValues, read_option_values, read_texts
from shared.d365.entities import DIMENSIONS
from shared.model import Item
from shared.model.fo_product import (
    FoAttribute,
    FoBarcode,
    FoCatalogueTerms,
    FoCategory,
    FoImage,
    FoProduct,
    FoText,
)

_AT_ONCE: Final = 3
"""Sets that are read side by side: orders need F&O at the same time."""


@dataclass(frozen=True, slots=True)
class FoCatalogue:
    """What the sets hold, by item number, product number or master; put together for one item at a time."""

    released: ReleasedProducts
    terms: FoCatalogueTerms
    texts: Mapping[str, Mapping[str, FoText]]
    options: OptionValues
    barcodes: Mapping[str, Mapping[Item, list[FoBarcode]]]
    hs_codes: Mapping[str, str]
    attributes: Mapping[str, tuple[FoAttribute, ...]]
    categories: Mapping[str, tuple[FoCategory, ...]]
    images: Mapping[str, tuple[FoImage, ...]]
    attached_to: AttachedTo | None

    def __len__(self) -> int:
        return len(self.released.products)

    def __iter__(self) -> Iterator[FoProduct]:
        return (self._complete(product) for product in self.released.products.values())

    def get(self, item_number: str) -> FoProduct | None:
        found = self.released.products.get(item_number)
        return None if found is None else self._complete(found)

    def _complete(self, product: FoProduct) -> FoProduct:
        item, number = product.item_number, product.product_number
        variants = tuple(self.released.variants.get(item, ()))
        numbers = (number, *(each.number for each in variants)) if self.attributes else ()
        return replace(
            product,
            is_stopped=item in self.released.stopped,
            stops=tuple(self.released.stops.get(item, ())),
            variants=variants,
            hs_code=self.hs_codes.get(number, ""),
            texts=self.texts.get(number, {}),
            values={name: tuple(values) for name, values in self.options.places.get(number, {}).items()},
            value_names=self.options.names.get(number, {}),
            barcodes={each: tuple(codes) for each, codes in self.barcodes.get(item, {}).items()},
            attributes={each: self.attributes[each] for each in numbers if each in self.attributes},
            categories=self.categories.get(number, ()),
            images=self.images.get(item if self.attached_to == "released" else number, ()),
        )


async def read_catalogue(source: CatalogueSource, needs: CatalogueNeeds, now: datetime) -> FoCatalogue:
    """Raises RefusedError FO_READ_SHORT if F&O shows fewer rows of a set than it counts, and what the client raises:
    then nothing is known of any product.
    """
    terms = await read_terms(source.client, source.company, needs, now)
    released = await read_released(source)
    numbers = released.product_numbers
    with_variants = numbers.union(each.number for variants in released.variants.values() for each in variants)
    masters = {each.product_number for each in released.products.values() if each.is_master}
    used = {name for variants in released.variants.values() for each in variants for name in _dimensions(each.item)}
    hierarchies = {*needs.hierarchies, *(line.category.hierarchy for line in terms.assortments if line.category)}
    owners = set(released.products) if needs.images == "released" else numbers
    texts, options, barcodes, hs_codes, attributes, categories, images = await _side_by_side(
        read_texts(source, numbers, needs),
        read_option_values(source, masters, [name for name in DIMENSIONS if name in used], needs),
        read_barcodes(source) if needs.barcodes else _nothing(),
        read_hs_codes(source, numbers) if needs.hs_codes else _nothing(),
        read_attributes(source, with_variants, needs.attributes),
        read_categories(source, numbers, hierarchies),
        read_images(source, needs.images, owners) if needs.images else _nothing(),
    )
    return FoCatalogue(
        released, terms, texts, options, barcodes, hs_codes, attributes, categories, images, needs.images
    )


def _dimensions(item: Item) -> Iterator[str]:
    return (name for name, value in zip(DIMENSIONS, item[1:], strict=True) if value)


async def _nothing() -> dict[str, Any]:
    return {}


async def _side_by_side(*readings: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results in order. The first error ends the others, and is raised as it is."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def read(reading: Coroutine[Any, Any, Any]) -> Any:
        async with slots:
            return await reading

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(reading)) for reading in readings]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        for reading in readings:
            reading.close()
    return [task.result() for task in tasks]
