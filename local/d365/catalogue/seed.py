"""Puts the world's products, and the set-up that they refer to, into F&O's tables."""

from local.d365 import product_sets as sets
from local.d365.books import Books
from local.d365.catalogue.products import Catalogue
from local.d365.catalogue.records import put, write_record


def seed_catalogue(books: Books) -> None:
    """Raises CatalogueError when the world contradicts itself."""
    for country in books.world.countries.values():
        put(books, sets.COUNTRIES, {"CountryRegion": country.id, "ISOcode": country.iso})
    for set_name, records in books.world.records.items():
        if set_name in books.schema.sets:
            for record in records:
                write_record(books, set_name, record)
    catalogue = Catalogue(books)
    for product, release in books.world.products:
        catalogue.add(product, release)
