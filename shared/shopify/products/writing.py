"""Writing to a product: each function is one call, or one for so many rows as Shopify takes.

Errors in the input raise RefusedError PRODUCT_REFUSED with Shopify's words and the path of the field, but for rows of
variants: those are returned, since the other rows of the call can be sent without them. Nothing here may be repeated
blindly: after OutcomeUnknownError the product has to be read.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.model import (
    Metafield,
    NewProduct,
    OptionChange,
    OptionOrder,
    ProductFields,
    ProductStatus,
    ShopProduct,
    VariantFields,
)
from shared.shopify import queries
from shared.shopify.admin.answers import Json, UserError, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of
from shared.shopify.products.reading import ProductSelection, whole_product

BULK_CREATE: Final = "product_set_bulk"
BULK_ACTIVATE: Final = "product_update"
BULK_PUBLISH: Final = "product_publish"
"""Documents that a bulk operation may carry out for many products."""
ROWS: Final = 250
"""Variants to a call: Shopify takes 2,048, but a refused row has all of its call sent again."""
_METAFIELDS: Final = 25
_INPUT: Final = {
    "title": "title",
    "description_html": "descriptionHtml",
    "vendor": "vendor",
    "product_type": "productType",
    "category": "category",
}


type Send[Row] = Callable[[list[Row]], Awaitable[list[UserError]]]


@dataclass(frozen=True, slots=True)
class ProductWriter:
    """Writes to one product. `item` is F&O's number, for what is refused."""

    admin: QueryRunner
    item: str
    product: int

    @property
    def gid(self) -> str:
        return gid_of("Product", self.product)

    async def set_fields(self, fields: ProductFields) -> ProductFields:
        """The texts as Shopify then has them: it may store them in another form."""
        given = {"product": fields_input(self.product, fields)}
        payload = await self._write("product_update", "productUpdate", "its fields", given)
        stored = payload["product"]
        return ProductFields(
            title=stored["title"],
            description_html=stored["descriptionHtml"] or "",
            vendor=stored["vendor"] or "",
            product_type=stored["productType"] or "",
            status=ProductStatus(stored["status"]),
        )

    async def change_option(self, change: OptionChange) -> bool:
        """True, since nothing was refused."""
        option: Json = {"id": gid_of("ProductOption", change.id)}
        if change.name is not None:
            option["name"] = change.name
        values = [{"id": gid_of("ProductOptionValue", number), "name": name} for number, name in change.values]
        given = {"product": self.gid, "option": option, "values": values}
        return bool(await self._write("product_option_update", "productOptionUpdate", "an option", given))

    async def put_in_order(self, order: OptionOrder) -> None:
        options = [
            {
                "id": gid_of("ProductOption", option),
                "values": [{"id": gid_of("ProductOptionValue", value)} for value in values],
            }
            for option, values in order.options
        ]
        given = {"product": self.gid, "options": options}
        await self._write("product_options_reorder", "productOptionsReorder", "the order of options", given)

    async def set_metafields(self, metafields: Iterable[Metafield]) -> dict[Metafield, str]:
        """25 to a call. The ones that Shopify refused, with its words; all others are written."""

        async def send(rows: list[Metafield]) -> list[UserError]:
            owned = [{"ownerId": self.gid, **_metafield(each)} for each in rows]
            data = await self.admin.run(queries.load("product_metafields"), {"metafields": owned})
            return user_errors(data["metafieldsSet"])

        return await send_rows(metafields, send, "metafields", _METAFIELDS)

    async def add_tags(self, tags: Sequence[str]) -> None:
        await self._write("product_tags_add", "tagsAdd", "tags", {"product": self.gid, "tags": list(tags)})

    async def remove_tags(self, tags: Sequence[str]) -> None:
        await self._write("product_tags_remove", "tagsRemove", "tags", {"product": self.gid, "tags": list(tags)})

    async def update_variants(self, variants: Iterable[VariantFields]) -> dict[VariantFields, str]:
        """The rows that Shopify refused, with its words; all others are written."""
        send = self._variants("product_variants_update", "productVariantsBulkUpdate", variant_input)
        return await send_rows(variants, send, "variants", ROWS)

    async def create_variants(self, variants: Iterable[VariantFields]) -> dict[VariantFields, str]:
        """The rows that Shopify refused, with its words; all others are written."""
        send = self._variants("product_variants_create", "productVariantsBulkCreate", _created)
        return await send_rows(variants, send, "variants", ROWS)

    async def delete_variants(self, numbers: Iterable[int]) -> None:
        given = {"product": self.gid, "variants": [gid_of("ProductVariant", number) for number in numbers]}
        await self._write("product_variants_delete", "productVariantsBulkDelete", "variants", given)

    async def publish(self, publications: Iterable[int]) -> None:
        given = publish_input(self.product, publications)
        await self._write("product_publish", "publishablePublish", "sales channels", given)

    async def unpublish(self, publications: Iterable[int]) -> None:
        given = publish_input(self.product, publications)
        await self._write("product_unpublish", "publishableUnpublish", "sales channels", given)

    def _variants(self, document: str, root: str, as_input: Callable[[VariantFields], Json]) -> Send[VariantFields]:
        async def send(rows: list[VariantFields]) -> list[UserError]:
            variables = {"product": self.gid, "variants": [as_input(row) for row in rows]}
            errors = user_errors((await self.admin.run(queries.load(document), variables))[root])
            if any(error.field[:1] == ("productId",) for error in errors):
                raise refusal(errors, self.item, "variants")
            return errors

        return send

    async def _write(self, document: str, root: str, what: str, variables: Json) -> Json:
        payload: Json = (await self.admin.run(queries.load(document), variables))[root]
        refuse(payload, self.item, what)
        return payload


async def send_rows[Row](rows: Iterable[Row], send: Send[Row], root: str, size: int) -> dict[Row, str]:
    """The rows that Shopify refused, with its words.

    A call writes all of its rows or none: it is sent again without those that Shopify names, and in halves where it
    names none.
    """
    refused: dict[Row, str] = {}
    calls = [list(batch) for batch in batched(rows, size, strict=False)][::-1]
    while calls:
        call = calls.pop()
        errors = await send(call)
        if not errors:
            continue
        named = _named_rows(errors, root, len(call))
        refused |= {call[index]: words for index, words in named.items()}
        rest = [row for index, row in enumerate(call) if index not in named]
        middle = len(rest) if named else len(rest) // 2
        calls += [part for part in (rest[middle:], rest[:middle]) if part]
    return refused


async def create_product(admin: QueryRunner, product: NewProduct, selection: ProductSelection) -> ShopProduct:
    """The product as Shopify then has it.

    The caller has looked before that there is none: this deletes what is not in its lists.
    """
    variables = {**set_input(product), **selection.variables}
    payload = (await admin.run(queries.load("product_set"), variables))["productSet"]
    refuse(payload, product.item_number, "it")
    return await whole_product(admin, payload["product"], selection)


def set_input(product: NewProduct) -> Json:
    """The variables of productSet."""
    own = product.metafields[0]
    options = [
        {"name": option.name, "position": place, "values": [{"name": value} for value in option.values]}
        for place, option in enumerate(product.options, start=1)
    ] or [{"name": "Title", "values": [{"name": "Default Title"}]}]
    fields = _fields(product.fields)
    return {
        "identifier": {"customId": {"namespace": own.namespace, "key": own.key, "value": own.value}},
        "input": fields
        | {
            "productOptions": options,
            "variants": [_set_variant(variant) for variant in product.variants],
            # The custom id's type is that of its definition. Without it among the metafields it would be taken away.
            "metafields": [
                {"namespace": own.namespace, "key": own.key, "value": own.value},
                *(_metafield(each) for each in product.metafields[1:]),
            ],
        }
        | ({"tags": list(product.tags)} if product.tags else {}),
    }


def fields_input(product: int, fields: ProductFields) -> Json:
    """The product of productUpdate."""
    return {"id": gid_of("Product", product), **_fields(fields)}


def publish_input(product: int, publications: Iterable[int]) -> Json:
    """The variables of publishablePublish and publishableUnpublish."""
    rows = [{"publicationId": gid_of("Publication", number)} for number in publications]
    return {"product": gid_of("Product", product), "publications": rows}


def variant_input(variant: VariantFields) -> Json:
    """Only the fields that are given. "" takes a value away."""
    item = {
        "sku": variant.sku,
        "tracked": variant.tracked,
        "requiresShipping": variant.requires_shipping,
        "harmonizedSystemCode": variant.hs_code,
        "countryCodeOfOrigin": variant.origin_country,
        "provinceCodeOfOrigin": variant.origin_province,
        "cost": variant.cost,
        "measurement": variant.weight
        and {"weight": {"unit": variant.weight.unit, "value": float(variant.weight.value)}},
    }
    fields: dict[str, Any] = {
        "id": variant.id and gid_of("ProductVariant", variant.id),
        "optionValues": variant.values and [{"optionName": name, "name": value} for name, value in variant.values],
        "barcode": variant.barcode,
        "price": variant.price,
        "compareAtPrice": variant.compare_at,
        "inventoryPolicy": _policy(variant.denies_overselling),
        "taxCode": variant.tax_code,
        "inventoryItem": {name: _or_null(value) for name, value in item.items() if value is not None} or None,
        "metafields": [_metafield(each) for each in variant.metafields] or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def refuse(payload: Mapping[str, Any], item: str, what: str) -> None:
    """Raises RefusedError PRODUCT_REFUSED if the payload has user errors."""
    if errors := user_errors(payload):
        raise refusal(errors, item, what)


def refusal(errors: Iterable[UserError], item: str, what: str) -> RefusedError:
    words = "; ".join(dict.fromkeys(_words(error) for error in errors))
    return RefusedError(ErrorCode.PRODUCT_REFUSED, item=item, what=what, message=words)


def _words(error: UserError) -> str:
    path = ".".join(error.field)
    return f"{path}: {error.message}" if path else error.message


_ROW: Final = re.compile(r"^\d+$")


def _named_rows(errors: Iterable[UserError], root: str, count: int) -> dict[int, str]:
    """Index of each refused row -> Shopify's words. The only row of a call is to blame whatever the error names."""
    found: dict[int, list[str]] = {}
    for error in errors:
        match error.field:
            case (name, position, *_) if name == root and _ROW.match(position) and int(position) < count:
                found.setdefault(int(position), []).append(_words(error))
            case _ if count == 1:
                found.setdefault(0, []).append(_words(error))
            case _:
                pass
    return {index: "; ".join(words) for index, words in found.items()}


def _fields(fields: ProductFields) -> Json:
    given = {name: getattr(fields, attribute) for attribute, name in _INPUT.items()}
    given["status"] = fields.status and fields.status.value
    return {name: value for name, value in given.items() if value is not None}


def _metafield(metafield: Metafield) -> Json:
    return metafield._asdict()


def _created(variant: VariantFields) -> Json:
    """As productVariantsBulkCreate takes it."""
    levels = [{"locationId": gid_of("Location", location), "availableQuantity": 0} for location in variant.stocked_at]
    return variant_input(variant) | ({"inventoryQuantities": levels} if levels else {})


def _set_variant(variant: VariantFields) -> Json:
    """As productSet takes it: with a SKU of its own, and stock by its name."""
    given = variant_input(variant)
    given["sku"] = given["inventoryItem"].pop("sku")
    levels = [
        {"locationId": gid_of("Location", location), "name": "available", "quantity": 0}
        for location in variant.stocked_at
    ]
    return given | ({"inventoryQuantities": levels} if levels else {})


def _policy(denies: bool | None) -> str | None:  # noqa: FBT001
    return None if denies is None else ("DENY" if denies else "CONTINUE")


def _or_null(value: object) -> object:
    """HS code, country and province have no empty value."""
    return None if value == "" else value
