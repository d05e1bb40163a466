"""Which translations of a product, of its options and of their values differ from F&O's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from shared.mapping.products.shop.given import Given, GivenText, digest_of
from shared.model import Registered, ShopProduct, TranslatableText, Translated, WantedProduct

_PRODUCT = "gid://shopify/Product/{}"
_OPTION = "gid://shopify/ProductOption/{}"
_VALUE = "gid://shopify/ProductOptionValue/{}"


def wanted_translations(wanted: WantedProduct, shop: ShopProduct) -> dict[str, list[Translated]]:
    """By locale. Names of options and values only where the shop has F&O's: by name, since all are named so by then."""
    found: defaultdict[str, list[Translated]] = defaultdict(list)
    for locale, texts in wanted.translations.items():
        found[locale] += [
            Translated(_PRODUCT.format(shop.id), key, locale, value) for key, value in texts.items() if value.strip()
        ]
    for locale, names in wanted.value_translations.items():
        for (dimension, number), name in names.items():
            if name.strip() and (resource := _resource(wanted, shop, dimension, number)):
                found[locale].append(Translated(resource, "name", locale, name))
    return {locale: rows for locale, rows in found.items() if rows}


def differing(wanted: Iterable[Translated], texts: Iterable[TranslatableText], given: Given) -> Iterator[Registered]:
    """Those that the shop lacks, has otherwise, or has for an older text. Shopify takes none that equals the text."""
    has = {(text.resource, text.key): text for text in texts}
    for each in wanted:
        text = has.get((each.resource, each.key))
        if text is None or text.value == each.value:
            continue
        if text.translated is not None and not text.is_outdated:
            stored = GivenText(digest_of(each.value), digest_of(text.translated))
            if text.translated == each.value or given.texts.get(_name(each)) == stored:
                continue
        yield each, text.digest


def stored_translations(sent: Iterable[Translated], stored: Iterable[Translated], given: Given) -> Given:
    """What is remembered after Shopify was sent these and answered with what it stored."""
    texts = dict(given.texts)
    now = {_name(each): each.value for each in stored}
    for each in sent:
        name = _name(each)
        texts.pop(name, None)
        if name in now and now[name] != each.value:
            texts[name] = GivenText(digest_of(each.value), digest_of(now[name]))
    return replace(given, texts=texts)


def _name(each: Translated) -> str:
    """Among the remembered texts."""
    return f"{each.locale} {each.key} {each.resource.rpartition('/')[2]}"


def _resource(wanted: WantedProduct, shop: ShopProduct, dimension: str, number: str) -> str | None:
    """The option of the dimension, or its value of this id in F&O."""
    for option in wanted.options:
        if option.dimension != dimension:
            continue
        found = next((each for each in shop.options if each.name == option.name), None)
        if found is None:
            return None
        if not number:
            return _OPTION.format(found.id)
        shown = dict(zip(option.ids, option.values, strict=True)).get(number)
        return next((_VALUE.format(value) for value, name in found.values if name == shown), None)
    return None
