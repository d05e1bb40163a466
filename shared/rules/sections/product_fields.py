"""Which system owns which field of a product, and where F&O has it: tables of `[products]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.rules.base import Rules

type FieldOwner = Literal["fo", "once", "never"]

type Dimension = Literal["color", "configuration", "size", "style", "version"]
"""F&O's product dimensions."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^\S(.*\S)?$")]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]

ENGLISH: Final[dict[Dimension, str]] = {
    "color": "Color",
    "size": "Size",
    "style": "Style",
    "configuration": "Configuration",
    "version": "Version",
}
"""F&O has no set with the names of dimensions: in other languages the rules name them."""

_BETWEEN: Final = " / "
"""Shopify joins the options of a variant with it in the variant's title."""


class FieldOwners(Rules):
    """`fo`: F&O's value is set, and set again when it is changed in Shopify. `once`: only when the product or its
    variant is created. `never`: the field belongs to the merchant.
    """

    title: Literal["fo", "once"] = Field(
        default="fo", description="Product name in F&O. No product is created without: `never` is not possible."
    )
    description: FieldOwner = Field(default="fo", description="Product description in F&O, plain text.")
    vendor: FieldOwner = Field(default="never", description="From products.vendor.")
    product_type: FieldOwner = Field(default="never", description="From products.product_type.")
    category: FieldOwner = Field(default="never", description="Category of Shopify's taxonomy: products.categories.")
    tags: FieldOwner = Field(default="never", description="From products.tags. Tags of merchants always stay.")
    options: Literal["fo", "once"] = Field(
        default="fo",
        description="Names and order of options and of their values. No variant is created without: `never` is not "
        "possible.",
    )
    barcode: FieldOwner = Field(default="fo", description="Barcode of the sales unit, else the first one.")
    weight: FieldOwner = Field(default="never", description="Weight; needs products.weight_unit.")
    hs_code: FieldOwner = Field(default="fo", description="Harmonized System code, else the Intrastat commodity code.")
    origin: FieldOwner = Field(default="fo", description="Country and province of origin.")
    cost: FieldOwner = Field(default="never", description="Cost of a unit; needs products.cost_currency.")
    tracked: FieldOwner = Field(default="fo", description="Whether Shopify counts the stock: not of services.")
    requires_shipping: FieldOwner = Field(default="fo", description="Whether it is shipped: not of services.")
    tax_code: FieldOwner = Field(default="never", description="From products.tax_codes.")
    metafields: FieldOwner = Field(default="fo", description="Those of [[products.metafields]].")
    translations: FieldOwner = Field(default="never", description="Texts in the languages of products.locales.")
    images: FieldOwner = Field(default="never", description="F&O's product images. Images of merchants always stay.")
    status: FieldOwner = Field(
        default="fo",
        description="`once`: the product becomes active and published when it first may, and staff decide afterwards. "
        "`never`: it stays the draft as which it was created. What leaves the rule is withdrawn in either case.",
    )

    def owned(self, *names: str) -> bool:
        return any(getattr(self, name) != "never" for name in names)


class TextSource(Rules):
    """Where a text comes from: exactly one of the keys."""

    text: Name | None = Field(default=None, description="The same text for every product.")
    attribute: Name | None = Field(default=None, description="Value of this product attribute in F&O.")
    hierarchy: Name | None = Field(default=None, description="Name of the category in this F&O hierarchy.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(value is not None for value in (self.text, self.attribute, self.hierarchy)) != 1:
            raise ValueError("exactly one of text, attribute and hierarchy says where the value comes from")
        return self


class TagSource(TextSource):
    prefix: str = Field(default="", max_length=100, description='Put before each value: "Material: ".')


class CategoryRule(Rules):
    hierarchy: Name = Field(description="F&O category hierarchy.")
    names: tuple[Name, ...] = Field(
        min_length=1, description="Names of categories (not the friendly names). Their children are included."
    )


class TaxonomyRule(Rules):
    hierarchy: Name = Field(description="F&O category hierarchy.")
    name: Name = Field(description="Name of the category; of the nearest one that has a rule, for its children.")
    taxonomy: str = Field(
        pattern=r"^gid://shopify/TaxonomyCategory/[a-z]{2}(-\d+)*$",
        description="Category of Shopify's taxonomy, as gid://shopify/TaxonomyCategory/aa-1-2.",
    )


class AttributeRule(Rules):
    attribute: Name = Field(description="Product attribute in F&O.")
    value: str = Field(
        description='Its value as text; Yes or No of an attribute of type "true/false". Case is ignored.'
    )


class LocaleRule(Rules):
    locale: Language = Field(description="Locale of the shop.")
    language: Language = Field(description="F&O's language of its texts.")


class TaxCodeRule(Rules):
    group: Name = Field(description="F&O's item sales tax group.")
    code: Name = Field(description="Shopify's tax code.")


class OptionName(Rules):
    locale: Language = Field(description="Locale of the shop.")
    name: Name = Field(description="Name of the option in it.")


class OptionRule(Rules):
    dimension: Dimension = Field(description="F&O's product dimension.")
    name: Name = Field(description="Name of the option in the store's language.")
    names: tuple[OptionName, ...] = Field(default=(), description="The name in other locales of the shop.")

    @model_validator(mode="after")
    def _no_separator(self) -> Self:
        if any(_BETWEEN in name for name in (self.name, *(each.name for each in self.names))):
            raise ValueError('the name of an option must not contain " / ", with which Shopify joins values')
        return self


class JoinRule(Rules):
    dimensions: tuple[Dimension, ...] = Field(
        min_length=2, max_length=3, description="Dimensions that become one option, in the place of the first."
    )
    text: str = Field(default=" - ", min_length=1, max_length=10, description="Text between their values.")

    @model_validator(mode="after")
    def _readable(self) -> Self:
        mistakes = []
        if len(set(self.dimensions)) < len(self.dimensions):
            mistakes.append("a dimension is named twice")
        if "/" in self.text:
            mistakes.append('text must not contain "/": Shopify joins the options of a variant with " / "')
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self


class MetafieldRule(Rules):
    attribute: Name = Field(description="Product attribute in F&O.")
    of: Literal["product", "variant"] = Field(default="product", description="What has the attribute, and the field.")
    namespace: str = Field(
        default="custom",
        pattern=r"^(\$app:)?[A-Za-z0-9_-]{3,64}$",
        description="Namespace of the metafield: 3 to 64 letters, digits, - and _.",
    )
    key: str = Field(
        pattern=r"^[A-Za-z0-9_-]{2,64}$", description="Key of the metafield: 2 to 64 letters, digits, - and _."
    )
    type: (
        Literal[
            "single_line_text_field",
            "multi_line_text_field",
            "number_integer",
            "number_decimal",
            "boolean",
            "date",
            "date_time",
            "money",
        ]
        | None
    ) = Field(default=None, description="Type of the metafield. Default: that of the attribute's data type.")


def repeated_metafields(metafields: tuple[MetafieldRule, ...]) -> Iterator[str]:
    seen = set()
    for each in metafields:
        where = (each.of, each.namespace, each.key)
        if where in seen:
            yield f"metafields: two rules write {each.namespace}.{each.key} of the {each.of}"
        seen.add(where)
