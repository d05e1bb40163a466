"""Random approvals and changes in F&O, edits by hand, lost answers and a lost memory: at quiet, what the rules sell
stands in the shop as F&O has it, what they do not sell cannot be bought, and nothing else was touched.

What should be there is computed from F&O's tables here, apart from the app's mapping.
"""

from __future__ import annotations

import asyncio
import html
from contextlib import suppress
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from local.d365.faults import Fault as FoFault
from local.d365.world_products import parse_product, parse_release, parse_variants
from local.shopify.faults import Fault, FaultKind
from local.shopify.merchandise import Product
from local.shopify.products import staff
from local.shopify.products.making import delete_product, delete_variant
from shared.errors import TransientError
from shared.sync.withheld import read_withheld
from tests.builders.catalogue_world import PRICE, RULES, CatalogueWorld, catalogue_world
from tests.builders.sales import with_rules

STORE_RULES: Final = with_rules(
    RULES, products={"unpublish_floor": 999, "least_share": 0, "full_minutes": 60, "full_compare_hours": 4}
)
ITEMS: Final = ("BOOT", "TEE", "MUG", "CAP")
"""Masters of the example world, a product without variants, and a master that is released later."""
STATES: Final = st.sampled_from(("Released", "Released", "Ended"))
WHICH: Final = st.integers(0, 7)
TEXTS: Final = st.sampled_from(
    ("Plain", "Two\nlines", "Some <b>HTML</b> & so on", "  Blanks  ", "Para\n\nTwo", "Ünïcode")
)
ONLINE_STORE: Final = 75002001

STOPS: Final = st.tuples(st.just("variant state"), WHICH, st.just("Ended"))
EVENTS: Final = st.one_of(
    st.tuples(st.just("state"), WHICH, STATES),
    st.tuples(st.just("variant state"), WHICH, STATES),
    st.tuples(st.just("stop"), WHICH, st.booleans()),
    st.tuples(st.just("name"), WHICH, TEXTS),
    st.tuples(st.just("description"), WHICH, TEXTS),
    st.tuples(st.just("value name"), WHICH, st.sampled_from(("One", "Two", "Three"))),
    st.tuples(st.just("barcode"), WHICH, st.integers(1, 3)),
    st.tuples(st.just("origin"), WHICH, st.sampled_from(("USA", "CAN", ""))),
    st.tuples(st.just("new variant"), WHICH),
    st.tuples(st.just("prices"), st.booleans()),
    st.tuples(
        st.just("edit"), WHICH, st.sampled_from(("title", "description_html", "barcode", "policy", "tags", "seo"))
    ),
    st.tuples(st.just("merchant variant"), WHICH),
    st.tuples(st.just("delete variant"), WHICH),
    st.tuples(st.just("delete product"), WHICH),
    st.tuples(st.just("lost answer"), st.sampled_from(("ProductSet", "ProductUpdate", "ProductVariantsUpdate"))),
    st.tuples(st.just("reading fails")),
    st.tuples(st.just("memory lost")),
    st.tuples(st.just("run"), st.sampled_from((5, 61, 300))),
)


class Shop:
    """The world, and what merchants did by hand."""

    def __init__(self, world: CatalogueWorld) -> None:
        self.world = world
        self.has_prices = True
        self.tags: dict[int, set[str]] = {}
        self.seo: dict[int, str] = {}
        self.own: set[int] = set()
        """Variants that a merchant added."""
        self.count = 0
        world.prices = lambda _: PRICE if self.has_prices else None
        world.rules = STORE_RULES
        add(world, "MUG")
        add(world, "CAP", colors=["Red", "Blue"], sizes=["S", "M"], variants="every")

    # ---- in F&O

    def happens(self, what: str, *arguments: Any) -> None:
        getattr(self, what.replace(" ", "_"))(*arguments)

    def state(self, which: int, state: str) -> None:
        self.world.catalogue.set_state("usmf", ITEMS[which % 4], state)

    def variant_state(self, which: int, state: str) -> None:
        if variants := self.variants(ITEMS[which % 4]):
            number = variants[which % len(variants)]["ProductVariantNumber"]
            self.world.catalogue.set_state("usmf", ITEMS[which % 4], state, [number])

    def stop(self, which: int, stopped: bool) -> None:  # noqa: FBT001
        self.world.catalogue.stop("usmf", ITEMS[which % 4], stopped=stopped)

    def name(self, which: int, text: str) -> None:
        self.text(ITEMS[which % 4], name=text)

    def description(self, which: int, text: str) -> None:
        self.text(ITEMS[which % 4], description=text)

    def text(self, item: str, **changes: str) -> None:
        now = self.texts(item)
        self.world.catalogue.set_text(item, "en-US", **{**now, **changes})

    def value_name(self, which: int, text: str) -> None:
        item = ITEMS[which % 4]
        values = sorted({row["ProductColorId"] for row in self.variants(item) if row["ProductColorId"]})
        if values:
            key = {
                "ProductMasterNumber": item,
                "ProductMasterColorId": values[which % len(values)],
                "LanguageId": "en-US",
            }
            # Each value has a name of its own: two that are shown alike would be told.
            name = f"{text} {values[which % len(values)]}"
            self.world.catalogue.write("ProductMasterColorTranslations", {**key, "TranslatedColorName": name})

    def barcode(self, which: int, number: int) -> None:
        item = ITEMS[which % 4]
        variants = self.variants(item)
        of = variants[which % len(variants)]["ProductVariantNumber"] if variants else ""
        with suppress(ValueError):
            self.world.catalogue.add_barcode("usmf", item, f"00{which}{number}", of, "ea")

    def origin(self, which: int, country: str) -> None:
        key = {"dataAreaId": "usmf", "ItemNumber": ITEMS[which % 4]}
        self.world.catalogue.write("ReleasedProductsV2", {**key, "OriginCountryRegionId": country})

    def new_variant(self, which: int) -> None:
        item = ("BOOT", "TEE", "CAP")[which % 3]
        self.count += 1
        size = f"X{self.count}"
        color = self.variants(item)[0]["ProductColorId"]
        self.world.catalogue.write("ProductMasterSizes", {"ProductMasterNumber": item, "ProductSizeId": size})
        new = {"number": f"{item}-NEW-{self.count}", "color": color, "size": size, "state": "Released"}
        self.world.catalogue.add_variants(item, parse_variants(item, [new], {}))

    def prices(self, has: bool) -> None:  # noqa: FBT001
        self.has_prices = has

    def reading_fails(self) -> None:
        self.world.fo.faults.add(FoFault("bad_gateway", entity_set="ProductBarcodesV3"))

    # ---- in the shop

    def edit(self, which: int, field: str) -> None:
        for product in self.world.products_of(ITEMS[which % 4]):
            if field == "tags":
                tags = {f"tag{which}", *product.tags}
                self.tags[product.id] = tags
                staff.edit_product(self.world.shop, product, {"tags": sorted(tags)})
            elif field == "seo":
                self.seo[product.id] = f"seo {which}"
                staff.edit_product(self.world.shop, product, {"seo_title": f"seo {which}"})
            elif field == "barcode":
                staff.edit_variant(self.world.shop, product.variants[0], {"barcode": "BY-HAND"})
            elif field == "policy":
                staff.edit_variant(self.world.shop, product.variants[0], {"inventory_policy": "CONTINUE"})
            else:
                staff.edit_product(self.world.shop, product, {field: "by hand"})

    def merchant_variant(self, which: int) -> None:
        for product in self.world.products_of(ITEMS[which % 4]):
            if len(product.options) == 2:
                self.count += 1
                values = {option.name: f"Own{self.count}" for option in product.options}
                made = staff.add_variant(self.world.shop, product, {"values": values, "price": "1.23"})
                self.own.add(made.id)

    def delete_variant(self, which: int) -> None:
        for product in self.world.products_of(ITEMS[which % 4]):
            if len(product.variants) > 1:
                variant = product.variants[which % len(product.variants)]
                self.own.discard(variant.id)
                delete_variant(self.world.shop, variant)

    def delete_product(self, which: int) -> None:
        for product in self.world.products_of(ITEMS[which % 4]):
            self.own -= {variant.id for variant in product.variants}
            delete_product(self.world.shop, product)

    def lost_answer(self, operation: str) -> None:
        self.world.shopify.faults.pending.append(Fault(FaultKind.RESET_AFTER_COMMIT, times=1, operation=operation))

    def memory_lost(self) -> None:
        self.world.container.blobs.pop("products/prairie/catalogue.json", None)

    # ---- what should be there

    def texts(self, item: str) -> dict[str, str]:
        rows = self.world.fo.books.rows("ProductTranslations")
        [row] = [
            row.values for row in rows if row.values["ProductNumber"] == item and row.values["LanguageId"] == "en-US"
        ]
        return {"name": str(row["ProductName"]), "description": str(row["Description"])}

    def variants(self, item: str) -> list[dict[str, Any]]:
        rows = self.world.fo.books.rows("ReleasedProductVariantsV2")
        return [dict(row.values) for row in rows if row.values["ItemNumber"] == item]

    def is_sold(self, item: str) -> bool:
        books = self.world.fo.books
        [released] = [r.values for r in books.rows("ReleasedProductsV2") if r.values["ItemNumber"] == item]
        [settings] = [r.values for r in books.rows("ProductDefaultOrderSettings") if r.values["ItemNumber"] == item]
        return released["ProductLifecycleStateId"] == "Released" and settings["IsSalesProcessingStopped"] != "Yes"

    def sold(self, item: str) -> dict[str, bool]:
        """By SKU: whether each variant is sold."""
        is_sold = self.is_sold(item)
        if item == "MUG":
            return {"MUG": is_sold}
        own = {row["ProductVariantNumber"]: row["ProductLifecycleStateId"] or "Released" for row in self.variants(item)}
        return {number: is_sold and state == "Released" for number, state in own.items()}

    def barcodes(self, item: str) -> dict[str, set[str]]:
        """By the dimensions, all of the sales unit."""
        found: dict[str, set[str]] = {}
        for row in self.world.fo.books.rows("ProductBarcodesV3"):
            if row.values["ItemNumber"] == item:
                key = f"{row.values['ProductColorId']}/{row.values['ProductSizeId']}"
                found.setdefault(key, set()).add(str(row.values["Barcode"]))
        return found

    def assert_right(self, withheld: set[int]) -> None:
        for item in ITEMS:
            self.assert_product(item, withheld)
        alive = {variant.id for product in self.world.shop.products.values() for variant in product.variants}
        assert alive >= self.own
        for product in self.world.shop.products.values():
            assert set(product.tags) >= self.tags.get(product.id, set())
            assert product.seo_title == self.seo.get(product.id)

    def assert_product(self, item: str, withheld: set[int]) -> None:
        sold = self.sold(item)
        found = self.world.products_of(item)
        assert len(found) <= 1
        if any(sold.values()):
            [product] = found
            self.assert_shown(item, product, sold)
        elif found:
            assert ONLINE_STORE not in found[0].publications
        for product in found:
            for variant in product.variants:
                if variant.sku in sold and not sold[variant.sku]:
                    assert variant.id in withheld
                    assert (variant.inventory_policy, variant.tracked) == ("DENY", True)
                elif variant.id in self.own:
                    assert variant.id not in withheld
                    assert str(variant.price) == "1.23"

    def assert_shown(self, item: str, product: Product, sold: dict[str, bool]) -> None:
        skus = {variant.sku: variant for variant in product.variants if variant.sku in sold}
        assert {sku for sku, is_sold in sold.items() if is_sold} <= skus.keys()
        assert (product.status, ONLINE_STORE in product.publications) == ("ACTIVE", True)
        texts = self.texts(item)
        assert product.title == " ".join(texts["name"].split())
        if texts["description"].strip():
            assert product.description_html == as_html(texts["description"])
        barcodes = self.barcodes(item)
        rows = {row["ProductVariantNumber"]: row for row in self.variants(item)}
        for sku, variant in skus.items():
            assert variant.price > 0
            row = rows.get(sku, {"ProductColorId": "", "ProductSizeId": ""})
            own = barcodes.get(f"{row['ProductColorId']}/{row['ProductSizeId']}")
            if own and sold[sku]:
                assert variant.barcode == min(own)
        withdrawn = [each for each in skus.values() if not sold[each.sku or ""]]
        assert all(each.inventory_policy == "DENY" for each in withdrawn)


def as_html(text: str) -> str:
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    lines = [[" ".join(line.split()) for line in paragraph.strip().split("\n")] for paragraph in paragraphs]
    return "".join(f"<p>{'<br>'.join(html.escape(line, quote=False) for line in each)}</p>" for each in lines)


def add(world: CatalogueWorld, number: str, **shape: Any) -> None:
    product = parse_product({"number": number, "name": number.title(), **shape})
    world.catalogue.add(product, parse_release({"company": "usmf", "price": "1", "state": "Released"}))


async def run(world: CatalogueWorld, minutes: float) -> Any:
    await world.later(minutes=minutes)
    with suppress(TransientError):
        return await world.push()
    return None


async def play(history: list[tuple[Any, ...]], before: list[tuple[Any, ...]] | None = None) -> None:
    """`before` happens before the first run, which takes over what the shop has."""
    async with catalogue_world() as world:
        shop = Shop(world)
        for what, *arguments in before or ():
            shop.happens(what, *arguments)
        await run(world, 0)
        for what, *arguments in history:
            if what == "run":
                await run(world, *arguments)
            else:
                shop.happens(what, *arguments)
        world.fo.faults.clear()
        world.shopify.faults.pending.clear()
        shop.has_prices = True
        for _ in range(5):  # each run after every product's turn to be compared has come
            await run(world, 4 * 60)
        before = {each.id: staff.product_document(each) for each in world.shop.products.values()}
        await run(world, 61)
        assert {each.id: staff.product_document(each) for each in world.shop.products.values()} == before
        withheld, _ = await read_withheld(world.snapshots, "prairie")
        shop.assert_right(set(withheld))


@settings(deadline=None, max_examples=15)
@given(before=st.lists(STOPS, max_size=3), history=st.lists(EVENTS, max_size=12))
def test_at_quiet_the_shop_sells_what_f_and_o_does_and_merchants_keep_theirs(
    before: list[tuple[Any, ...]], history: list[tuple[Any, ...]]
) -> None:
    asyncio.run(play(history, before))


def test_variants_that_were_stopped_before_the_first_run_cannot_be_bought() -> None:
    asyncio.run(play([], [("variant state", which, "Ended") for which in (0, 1, 5)]))


def test_a_lost_answer_doubles_nothing() -> None:
    history: list[tuple[Any, ...]] = [
        ("delete product", 1),
        ("lost answer", "ProductSet"),
        ("run", 300),
        ("lost answer", "ProductUpdate"),
        ("run", 5),
    ]
    asyncio.run(play(history))
