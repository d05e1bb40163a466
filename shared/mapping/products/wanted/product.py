"""The product that should stand in the shop, and what keeps it from standing there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.wanted.approval import reason_against, reason_against_variant
from shared.mapping.products.wanted.fields import ItemFields, barcode_of, item_fields
from shared.mapping.products.wanted.images import images_of
from shared.mapping.products.wanted.options import OptionPlan, lacking_dimension, option_of, plan_options
from shared.mapping.products.wanted.sources import fitting, metafields_from, tags_from, taxonomy_of, text_from
from shared.mapping.products.wanted.texts import html_of
from shared.mapping.products.wanted.translations import NO_TEXT, option_translations, text_translations
from shared.mapping.text import one_line
from shared.model import Item, Metafield, ProductOption, ShopLimits, WantedProduct, WantedVariant
from shared.model.fo_product import FoCatalogueTerms, FoProduct, FoVariant
from shared.rules import ProductRules, StoreRules
from shared.rules.sections.product_fields import FieldOwners

_NO_VARIANT: Final = "none of its variants is sold"


@dataclass(frozen=True, slots=True)
class PlannedProduct:
    """What the rules make of a product of F&O."""

    wanted: WantedProduct | None
    """None for a product that cannot stand in the shop as it is in F&O: its problems say why."""
    unsold: str = ""
    """Why it is not sold by the rules; "" if it is."""
    unsold_items: Mapping[Item, str] = field(default_factory=dict)
    """Why each of these variants is not sold; all of a product that is not."""
    sold_items: frozenset[Item] = frozenset()
    """Its other variants. Those that the shop has and F&O does not are in neither."""
    problems: tuple[RefusedError, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductPlanner:
    """Plans the products of one store on one day."""

    rules: StoreRules
    terms: FoCatalogueTerms
    limits: ShopLimits
    day: date
    """The store's."""

    def plan(self, product: FoProduct, in_shop: Collection[Item] = ()) -> PlannedProduct:
        """What should stand in the shop. `in_shop` are the items that the shop has variants of.

        A variant that is not sold is only among those of the result if the shop has it.
        """
        reason, unsold = self._unsold(product)
        if reason:
            return PlannedProduct(_withdrawn(product, in_shop), reason, unsold)
        sold = frozenset(each.item for each in _variants(product) if each.item not in unsold)
        building = _Building(product, self.terms, self.rules.products, self.limits, unsold, in_shop)
        try:
            wanted = building.product()
        except RefusedError as refusal:
            return PlannedProduct(None, "", unsold, sold, (refusal, *building.problems))
        return PlannedProduct(wanted, "", unsold, sold, tuple(building.problems))

    def _unsold(self, product: FoProduct) -> tuple[str, dict[Item, str]]:
        """Why the product is not sold, and which of its variants are not."""
        approved = self.rules.products.approved
        sites = frozenset(warehouse.site for warehouse in self.rules.warehouses)
        reason = reason_against(product, self.terms, approved, self.day)
        against = {
            each.item: reason or reason_against_variant(each, product, self.terms, approved, sites)
            for each in _variants(product)
        }
        if not reason and all(against.values()):
            reason = _NO_VARIANT if product.is_master else next(iter(against.values()))
        return reason, {item: why for item, why in against.items() if why}


def _variants(product: FoProduct) -> tuple[FoVariant, ...]:
    """Its variants; a product without variants as its own one."""
    if product.is_master:
        return product.variants
    return (FoVariant(Item(product.item_number), product.item_number, "", product.tax_group),)


def _withdrawn(product: FoProduct, in_shop: Collection[Item]) -> WantedProduct:
    """Nothing of it is set any more but that it cannot be seen and bought."""
    return WantedProduct(
        item_number=product.item_number,
        is_approved=False,
        variants=tuple(
            WantedVariant(each.item, each.number, is_approved=False)
            for each in _variants(product)
            if each.item in in_shop and each.number
        ),
        unsold=_by_sku(_variants(product), in_shop),
    )


def _by_sku(variants: Iterable[FoVariant], in_shop: Collection[Item]) -> dict[str, Item]:
    """Those that the shop is not known to have."""
    return {each.number: each.item for each in variants if each.number and each.item not in in_shop}


def _in_order(
    variants: Sequence[FoVariant], plans: Sequence[OptionPlan], options: Sequence[ProductOption]
) -> list[FoVariant]:
    """In the order of their options' values."""
    places = [{value: place for place, value in enumerate(option.ids)} for option in options]
    return sorted(
        variants, key=lambda each: [rank[plan.id_of(each.item)] for plan, rank in zip(plans, places, strict=True)]
    )


@dataclass(slots=True)
class _Building:
    """One product that is sold. Its problems concern single fields or variants, which are left out."""

    source: FoProduct
    terms: FoCatalogueTerms
    rules: ProductRules
    limits: ShopLimits
    unsold: Collection[Item]
    in_shop: Collection[Item]
    problems: list[RefusedError] = field(default_factory=list)

    def product(self) -> WantedProduct:
        """Raises RefusedError for what keeps all of the product from the shop."""
        source, rules, owns = self.source, self.rules, self.rules.owners.owned
        text = source.texts.get(rules.language, NO_TEXT)
        listed = [each for each in _variants(source) if each.item not in self.unsold or each.item in self.in_shop]
        plans = plan_options(source, listed, rules, most=self.limits.options)
        usable = self._usable(listed, plans)
        options = [option_of(plan, source, usable, rules, most_values=self.limits.values) for plan in plans]
        usable = _in_order(usable, plans, options)
        common = item_fields(source, self.terms, rules, self.problems)
        translates = owns("translations")
        return WantedProduct(
            item_number=source.item_number,
            is_approved=True,
            title=self._title(text.name),
            description_html=(html_of(text.description) or None) if owns("description") else None,
            vendor=text_from(rules.vendor, source, self.terms, field="vendor"),
            product_type=text_from(rules.product_type, source, self.terms, field="type"),
            category=taxonomy_of(rules.categories, source, self.terms),
            tags=tags_from(rules.tags, source, self.terms),
            options=tuple(options),
            variants=tuple(self._variant(each, plans, options, common) for each in usable),
            kept=frozenset(each.item for each in listed if each not in usable and each.item not in self.unsold),
            unsold=_by_sku((each for each in _variants(source) if each.item in self.unsold), self.in_shop),
            metafields=self._metafields("product", source.product_number),
            translations=text_translations(source, rules, self.problems) if translates else {},
            value_translations=option_translations(plans, options, [each.item for each in usable], source, rules)
            if translates
            else {},
            images=images_of(source, self.problems) if owns("images") else (),
            once=frozenset(name for name in FieldOwners.model_fields if getattr(rules.owners, name) == "once"),
        )

    def _title(self, name: str) -> str:
        title = one_line(name)
        if not title:
            raise RefusedError(
                ErrorCode.PRODUCT_TITLE_MISSING, item=self.source.item_number, language=self.rules.language
            )
        return fitting(title, self.source.item_number, "title")

    def _usable(self, variants: Sequence[FoVariant], plans: Sequence[OptionPlan]) -> list[FoVariant]:
        """The variants that the shop can tell apart. Raises RefusedError PRODUCT_TOO_MANY_VARIANTS."""
        usable: dict[tuple[str, ...], FoVariant] = {}
        for variant in variants:
            values = tuple(plan.id_of(variant.item) for plan in plans)
            problem = next(self._problems_of(variant, plans, usable.get(values)), None)
            if problem is None:
                usable[values] = variant
            elif variant.item not in self.unsold:
                self.problems.append(problem)
        if len(usable) > self.limits.variants:
            raise RefusedError(
                ErrorCode.PRODUCT_TOO_MANY_VARIANTS,
                item=self.source.item_number,
                count=len(usable),
                limit=self.limits.variants,
            )
        return list(usable.values())

    def _problems_of(
        self, variant: FoVariant, plans: Sequence[OptionPlan], alike: FoVariant | None
    ) -> Iterator[RefusedError]:
        item = self.source.item_number
        if not variant.number:
            dimensions = ", ".join(filter(None, variant.item[1:]))
            yield RefusedError(ErrorCode.PRODUCT_SKU_MISSING, item=item, variant=dimensions)
        if dimension := lacking_dimension(variant.item, plans):
            option = self.rules.option_name(dimension)
            yield RefusedError(ErrorCode.PRODUCT_VALUE_MISSING, item=item, sku=variant.number, option=option)
        if alike is not None:
            yield RefusedError(ErrorCode.PRODUCT_VARIANTS_ALIKE, item=item, sku=variant.number, other=alike.number)

    def _variant(
        self,
        variant: FoVariant,
        plans: Sequence[OptionPlan],
        options: Sequence[ProductOption],
        common: ItemFields,
    ) -> WantedVariant:
        source, rules, owns = self.source, self.rules, self.rules.owners.owned
        names = [dict(zip(option.ids, option.values, strict=True)) for option in options]
        group = variant.tax_group or source.tax_group
        return WantedVariant(
            item=variant.item,
            sku=variant.number,
            values=tuple(shown[plan.id_of(variant.item)] for plan, shown in zip(plans, names, strict=True)),
            is_approved=variant.item not in self.unsold,
            barcode=barcode_of(variant.item, source, rules) if owns("barcode") else None,
            weight=common.weight,
            hs_code=common.hs_code,
            origin_country=common.origin_country,
            origin_province=common.origin_province,
            cost=common.cost,
            tracked=common.tracked,
            requires_shipping=common.requires_shipping,
            tax_code=rules.tax_code(group) if owns("tax_code") else None,
            metafields=self._metafields("variant", variant.number if source.is_master else source.product_number),
        )

    def _metafields(self, of: str, number: str) -> tuple[Metafield, ...]:
        rules = [each for each in self.rules.metafields if each.of == of]
        attributes = self.source.attributes.get(number, ())
        if not rules:
            return ()
        item, currency = self.source.item_number, self.limits.currency
        return metafields_from(rules, attributes, item, self.problems, currency=currency)
