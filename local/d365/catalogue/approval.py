"""What decides whether a released product may be sold."""

from collections.abc import Collection, Mapping

from local.d365 import product_sets as sets
from local.d365.catalogue.part import Part
from local.d365.catalogue.records import CatalogueError
from local.d365.edm import Value
from local.d365.tables import Row
from local.d365.world import DIMENSIONS


class Approval(Part):
    def set_state(self, company: str, item: str, state: str, variants: Collection[str] | None = None) -> None:
        """
        Gives a lifecycle state to the item and all its variants (as `UpdateProductVariantLifecycleState` does), or only
        to the named variants.
        """
        released = self._released(company, item)
        if state and self._books.find(sets.STATES, state) is None:
            raise CatalogueError(f"there is no lifecycle state {state}")
        rows = self._variant_rows(company, item)
        unknown = set(variants or ()) - rows.keys()
        if unknown:
            raise CatalogueError(f"item {item} has no variant {', '.join(sorted(unknown))}")
        with self._books.journal.change_set():
            if variants is None:
                self._change(sets.RELEASED_PRODUCTS, released, {"ProductLifecycleStateId": state})
            for number, row in rows.items():
                if variants is None or number in variants:
                    self._change(sets.RELEASED_VARIANTS, row, {"ProductLifecycleStateId": state})

    def stop(self, company: str, item: str, *, stopped: bool, variant: str = "", site: str = "") -> None:
        """Stops sales of an item, or lets it be sold again; of one variant or one site by order settings of its own."""
        released = self._books.item(company, item)
        if released is None or (variant and variant not in released.variants):
            raise CatalogueError(f"company {company} has no item {item} {variant}".rstrip())
        flag: dict[str, Value] = {"IsSalesProcessingStopped": "Yes" if stopped else "No"}
        key: dict[str, Value] = {"dataAreaId": company, "ItemNumber": released.number}
        if not variant and not site:
            self._put(sets.ORDER_SETTINGS, key | flag)
            return
        dimensions = released.variants[variant] if variant else ("",) * len(DIMENSIONS)
        key |= {"OperationalSiteId": site, **dict(zip(DIMENSIONS, dimensions, strict=True))}
        self._put(sets.SPECIFIC_ORDER_SETTINGS, key | {"AreSalesDefaultOrderSettingsOverridden": "Yes"} | flag)

    def _variant_rows(self, company: str, item: str) -> Mapping[str, Row]:
        released = self._books.item(company, item)
        rows = {}
        for number, dimensions in (released.variants if released is not None else {}).items():
            color, configuration, size, style, version = dimensions
            master = self._released(company, item).values["ProductNumber"]
            key = (company, master, configuration, size, color, style, version)
            row = self._books.find(sets.RELEASED_VARIANTS, *key)
            if row is not None:
                rows[number] = row
        return rows
