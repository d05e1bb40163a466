"""What has to be written so that a product of the shop is as F&O has it. Fields of merchants are never sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.shop.given import ITEM_KEY, Given, GivenText, Withheld, digest_of, item_metafield
from shared.mapping.products.shop.matching import VariantMatch
from shared.mapping.products.shop.options import OptionChanges, moved_values, plan_options, values_after
from shared.mapping.products.shop.owned import Owned, changed_metafields, owned_fields
from shared.mapping.products.shop.policy import ShopPolicy
from shared.mapping.products.shop.tags import clean_tags, plan_tags
from shared.mapping.products.shop.variants import (
    given_back,
    new_variant,
    tax_codes_digest,
    variant_changes,
    withheld_variant,
)
from shared.model import (
    Item,
    ListedPrice,
    Metafield,
    ProductFields,
    ProductStatus,
    ShopProduct,
    ShopVariant,
    VariantFields,
    VariantPrices,
    VariantValues,
    WantedProduct,
    WantedVariant,
)

VISIBLE: Final = frozenset({ProductStatus.ACTIVE, ProductStatus.UNLISTED})
TEXT_ATTRIBUTES: Final = {
    "title": "title",
    "description": "description_html",
    "vendor": "vendor",
    "product_type": "product_type",
}
"""Names of text fields in the store's file -> in the model."""
_NAMED: Final = 10
"""SKUs that a problem names at most."""


@dataclass(frozen=True, slots=True)
class ProductChanges:
    """In the order in which they are written."""

    before: Given
    """What the app has to remember before anything else is written."""
    metafields: tuple[Metafield, ...] = ()
    options: OptionChanges = field(default_factory=OptionChanges)
    fields: ProductFields | None = None
    new_tags: tuple[str, ...] = ()
    old_tags: tuple[str, ...] = ()
    updates: tuple[VariantFields, ...] = ()
    new_variants: Mapping[Item, VariantFields] = field(default_factory=dict)
    deletions: tuple[int, ...] = ()
    after: Given = field(default_factory=Given)
    """What it has to remember when all of this is written."""
    problems: tuple[RefusedError, ...] = ()

    @property
    def needs_reading(self) -> bool:
        """Whether the product has to be read again: variants and option values have new ids, or a price counts only
        when Shopify has it.
        """
        is_moved = any(each.values or each.price is not None for each in self.updates)
        return bool(is_moved or self.new_variants or self.deletions)

    @property
    def differing(self) -> tuple[str, ...]:
        """Names of what would be written, for a person."""
        sent = {
            "options": self.options.changes or self.options.order,
            "tags": self.new_tags or self.old_tags,
            "metafields": [each for each in self.metafields if each.key != ITEM_KEY],
            "new variants": self.new_variants,
            "deleted variants": self.deletions,
        }
        texts = _given_names(self.fields) if self.fields else ()
        of_variants = dict.fromkeys(f"{name} of variants" for each in self.updates for name in _given_names(each))
        return (*texts, *(name for name, value in sent.items() if value), *of_variants)


def plan_changes(
    wanted: WantedProduct, shop: ShopProduct, match: VariantMatch, prices: VariantPrices, policy: ShopPolicy
) -> ProductChanges:
    """Raises RefusedError PRODUCT_OPTIONS_UNLIKE."""
    given = Given.of_text(shop.given)
    if not wanted.is_approved:
        return _withheld_only((*match.found.values(), *match.left), given)
    owned = owned_fields(wanted.once, is_new=False)
    options = plan_options(wanted, shop, match, is_owned=owned("options"))
    tags = plan_tags(clean_tags(wanted.tags), shop.tags, given.tags) if owned("tags") else None
    codes = tax_codes_digest(wanted.variants) if owned("tax_code") else given.tax_codes
    unsold = _unsold(wanted, match)
    deletions = _deletions(shop, unsold) if policy.delete_variants else ()
    before_withheld = _withheld(given, (each for each in unsold if each.id not in deletions))
    sold = [each for each in wanted.variants if each.is_approved and each.item in match.found]
    new, problems = _new_variants(wanted, shop, match, prices=prices, policy=policy, options=options)
    updates = [
        *(
            _merged(
                variant_changes(
                    each,
                    match.found[each.item],
                    owned,
                    price=prices.get(each.item),
                    values=_moved(options, each, match, shop, owned),
                    with_tax_code=codes != given.tax_codes,
                ),
                _given_back(given, match.found[each.item], each),
            )
            for each in sold
        ),
        *(withheld_variant(each) for each in unsold if each.id not in deletions),
    ]
    withheld = {each.id for each in shop.variants} - {match.found[each.item].id for each in sold} - set(deletions)
    return ProductChanges(
        before=replace(given, tags=tags.before if tags else given.tags, withheld=before_withheld),
        metafields=_metafields(wanted, shop, owned),
        options=options,
        fields=_fields(wanted, shop, owned, given),
        new_tags=tags.new if tags else (),
        old_tags=tags.old if tags else (),
        updates=tuple(each for each in updates if each is not None),
        new_variants=new,
        deletions=deletions,
        after=replace(
            given,
            tags=tags.after if tags else given.tags,
            withheld={number: each for number, each in before_withheld.items() if number in withheld},
            tax_codes=codes,
        ),
        problems=problems,
    )


def plan_stops(wanted: WantedProduct, shop: ShopProduct, match: VariantMatch) -> ProductChanges:
    """Of a product that cannot be written as a whole: nothing but that what is not sold cannot be bought."""
    return _withheld_only(_unsold(wanted, match), Given.of_text(shop.given))


def stored_texts(sent: ProductFields, stored: ProductFields, given: Given) -> Given:
    """What is remembered of texts, after Shopify was sent these fields and answered with what it stored."""
    texts = dict(given.texts)
    for name, attribute in TEXT_ATTRIBUTES.items():
        text, now = getattr(sent, attribute), getattr(stored, attribute)
        if text is None:
            continue
        texts.pop(name, None)
        if text != now:
            texts[name] = GivenText(digest_of(text), digest_of(now or ""))
    return replace(given, texts=texts)


def _withheld_only(variants: Iterable[ShopVariant], given: Given) -> ProductChanges:
    """Of a product that left the rule: nothing but that its variants cannot be bought."""
    variants = tuple(variants)
    after = replace(given, withheld=_withheld(given, variants))
    updates = (withheld_variant(each) for each in variants)
    return ProductChanges(before=after, updates=tuple(each for each in updates if each is not None), after=after)


def _unsold(wanted: WantedProduct, match: VariantMatch) -> list[ShopVariant]:
    sold = {each.item for each in wanted.variants if each.is_approved}
    return [*(variant for item, variant in match.found.items() if item not in sold), *match.left]


def _deletions(shop: ShopProduct, unsold: Iterable[ShopVariant]) -> tuple[int, ...]:
    """None if the product would have no variant left: Shopify does not allow that."""
    numbers = tuple(each.id for each in unsold)
    return numbers if len(numbers) < len(shop.variants) else ()


def _withheld(given: Given, variants: Iterable[ShopVariant]) -> dict[int, Withheld]:
    """With what these variants were before, of those that could be bought without stock."""
    news = {
        each.id: Withheld(sold_beyond_stock=not each.denies_overselling, tracked=each.tracked)
        for each in variants
        if withheld_variant(each) is not None
    }
    return news | dict(given.withheld)


def _given_back(given: Given, shop: ShopVariant, wanted: WantedVariant) -> VariantFields | None:
    before = given.withheld.get(shop.id)
    return given_back(shop, before, wanted) if before else None


def _moved(options: OptionChanges, wanted: WantedVariant, match: VariantMatch, shop: ShopProduct, owned: Owned) -> Any:
    return moved_values(options, wanted.item, match.found[wanted.item], shop) if owned("options") else None


def _new_variants(
    wanted: WantedProduct,
    shop: ShopProduct,
    match: VariantMatch,
    *,
    prices: VariantPrices,
    policy: ShopPolicy,
    options: OptionChanges,
) -> tuple[dict[Item, VariantFields], tuple[RefusedError, ...]]:
    problems = []
    must_be_priced = shop.status in VISIBLE and not policy.visible_at_zero
    where = {"item": wanted.item_number, "product": shop.id}
    others = _values_of_others(shop, match, options)
    free = [each for each in match.missing if _shown(options.values[each.item]) not in others]
    if taken := [each.sku for each in match.missing if each not in free]:
        problems.append(RefusedError(ErrorCode.PRODUCT_VARIANT_TAKEN, skus=named(taken), **where))
    ready = [each for each in free if not must_be_priced or has_price(prices.get(each.item))]
    if waiting := [each.sku for each in free if each not in ready and each.item not in match.deleted]:
        problems.append(RefusedError(ErrorCode.PRODUCT_VARIANT_WITHOUT_PRICE, skus=named(waiting), **where))
    if len(shop.variants) + len(ready) > policy.most_variants:
        problems.append(
            RefusedError(
                ErrorCode.PRODUCT_VARIANTS_FULL,
                has=len(shop.variants),
                more=len(ready),
                limit=policy.most_variants,
                **where,
            )
        )
        return {}, tuple(problems)
    if again := [each.sku for each in free if each.item in match.deleted]:
        problems.append(RefusedError(ErrorCode.PRODUCT_VARIANT_DELETED, skus=named(again), **where))
    new = {
        each.item: new_variant(each, options.values[each.item], prices.get(each.item), policy.locations)
        for each in ready
    }
    return new, tuple(problems)


def _values_of_others(shop: ShopProduct, match: VariantMatch, options: OptionChanges) -> set[tuple[str, ...]]:
    """Option values of the merchant's variants, after the changes."""
    ours = set(match.ids.values())
    after = (values_after(options, each, shop) for each in shop.variants if each.id not in ours)
    return {tuple(value.casefold() for value in values) for values in after}


def _shown(values: VariantValues) -> tuple[str, ...]:
    return tuple(value.casefold() for _, value in values)


def has_price(price: ListedPrice | None) -> bool:
    return price is not None and price.price > 0


def named(skus: Iterable[str]) -> str:
    """The first of the SKUs, and how many there are besides."""
    every = list(skus)
    rest = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _fields(wanted: WantedProduct, shop: ShopProduct, owned: Owned, given: Given) -> ProductFields | None:
    sent: dict[str, Any] = {}
    for name, attribute in TEXT_ATTRIBUTES.items():
        text, shown = getattr(wanted, attribute), getattr(shop, attribute)
        if text is None or text == shown or not owned(name):
            continue
        if given.texts.get(name) != GivenText(digest_of(text), digest_of(shown)):
            sent[attribute] = text
    if wanted.category is not None and wanted.category != shop.category and owned("category"):
        sent["category"] = wanted.category
    return ProductFields(**sent) if sent else None


def _metafields(wanted: WantedProduct, shop: ShopProduct, owned: Owned) -> tuple[Metafield, ...]:
    own = () if shop.item_number == wanted.item_number else (item_metafield(wanted.item_number),)
    return own + (changed_metafields(wanted.metafields, shop.metafields) if owned("metafields") else ())


def _given_names(fields: ProductFields | VariantFields) -> tuple[str, ...]:
    return tuple(
        each.name
        for each in dataclasses.fields(fields)
        if each.name != "id" and getattr(fields, each.name) not in {None, ()}
    )


def _merged(*parts: VariantFields | None) -> VariantFields | None:
    """One change of the same variant; later parts win."""
    given = [part for part in parts if part is not None]
    if not given:
        return None
    values: dict[str, Any] = {}
    for part in given:
        for each in dataclasses.fields(part):
            value = getattr(part, each.name)
            if value not in {None, ()}:
                values[each.name] = value
    return VariantFields(**values)
