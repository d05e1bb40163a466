"""Random changes in F&O, edits by hand, lost answers: at quiet, everything that F&O owns of a product is as F&O has it,
nothing else was touched, and nothing is written any more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from local.shopify.faults import Fault, FaultKind
from shared.errors import TransientError
from shared.model import Item, ListedPrice, Metafield, ProductOption, ShopState, WantedProduct, WantedVariant
from tests.builders.shop_side import ONLINE_STORE, ShopSide, shop_in_process

COLORS: Final = ("R", "G", "B")
SIZES: Final = ("S", "L")
PAIRS: Final = [(color, size) for color in COLORS for size in SIZES]
NAMES: Final = ("Red", "Crimson", "Green", "Lime", "Blue", "RED")
TAGS: Final = ("Summer", "Camp", "summer", "New")
WRITES: Final = (
    "ProductSet",
    "ProductUpdate",
    "ProductPublish",
    "ProductUnpublish",
    "ProductVariantsUpdate",
    "ProductVariantsCreate",
    "ProductOptionUpdate",
    "ProductOptionsReorder",
    "ProductMetafields",
    "ProductTagsAdd",
    "ProductTagsRemove",
)


@dataclass
class FoSide:
    """The product as F&O has it."""

    is_approved: bool = True
    title: str = "Tent"
    tags: tuple[str, ...] = ()
    material: str = "Nylon"
    colors: dict[str, str] = field(default_factory=lambda: {"R": "Red", "G": "Green", "B": "Blue"})
    order: tuple[str, ...] = COLORS
    released: set[tuple[str, str]] = field(default_factory=lambda: set(PAIRS[:3]))
    approved: set[tuple[str, str]] = field(default_factory=lambda: set(PAIRS[:3]))
    barcodes: dict[tuple[str, str], str] = field(default_factory=dict)
    prices: dict[tuple[str, str], Decimal] = field(default_factory=lambda: dict.fromkeys(PAIRS, Decimal("9.50")))

    def wanted(self) -> WantedProduct:
        pairs = [(color, size) for color in self.order for size in SIZES if (color, size) in self.released]
        colors = tuple(color for color in self.order if any(pair[0] == color for pair in pairs))
        sizes = tuple(size for size in SIZES if any(pair[1] == size for pair in pairs))
        return WantedProduct(
            item_number="TENT",
            is_approved=self.is_approved and bool(self.approved),
            title=self.title,
            tags=self.tags,
            options=(
                ProductOption("Color", "ProductColorId", tuple(self.colors[each] for each in colors), colors),
                ProductOption("Size", "ProductSizeId", sizes, sizes),
            ),
            variants=tuple(
                WantedVariant(
                    item=Item("TENT", color=pair[0], size=pair[1]),
                    sku=f"T-{pair[0]}{pair[1]}",
                    values=(self.colors[pair[0]], pair[1]),
                    is_approved=self.is_approved and pair in self.approved,
                    barcode=self.barcodes.get(pair),
                    tracked=True,
                )
                for pair in pairs
            ),
            metafields=(Metafield("custom", "material", "single_line_text_field", self.material),),
        )

    def listed(self) -> dict[Item, ListedPrice | None]:
        return {
            Item("TENT", color=color, size=size): ListedPrice(self.prices[color, size])
            if self.prices[color, size]
            else None
            for color, size in PAIRS
        }


@dataclass
class StaffSide:
    """What staff did that must stay."""

    vendor: str = ""
    tags: set[str] = field(default_factory=set)
    variants: dict[str, Decimal] = field(default_factory=dict)
    """Own size, which is the SKU of an own variant too -> its price."""
    prices: dict[str, Decimal] = field(default_factory=dict)
    sells_beyond: set[str] = field(default_factory=set)


pairs = st.sampled_from(PAIRS[:4])
fo_steps = st.one_of(
    st.tuples(st.just("name_in_fo"), st.sampled_from(["Tent", "Tent 2", "Big tent"])),
    st.tuples(st.just("tag_in_fo"), st.lists(st.sampled_from(TAGS), max_size=3)),
    st.tuples(st.just("describe_in_fo"), st.sampled_from(["Nylon", "Wool"])),
    st.tuples(st.just("rename_in_fo"), st.tuples(st.sampled_from(COLORS), st.sampled_from(NAMES))),
    st.tuples(st.just("order_in_fo"), st.permutations(COLORS)),
    st.tuples(st.just("release_in_fo"), pairs),
    st.tuples(st.just("approve_in_fo"), pairs),
    st.tuples(st.just("stop_in_fo"), pairs),
    st.tuples(st.just("code_in_fo"), st.tuples(pairs, st.sampled_from(["4001", "4002"]))),
    st.tuples(st.just("price_in_fo"), st.tuples(pairs, st.sampled_from([Decimal(0), Decimal("7.25")]))),
    st.tuples(st.just("sell_in_fo"), st.booleans()),
)
staff_steps = st.one_of(
    st.tuples(st.just("set_title"), st.just("By hand")),
    st.tuples(st.just("set_vendor"), st.sampled_from(["Own", "Other"])),
    st.tuples(st.just("add_tag"), st.sampled_from(["Own", "Sale"])),
    st.tuples(st.just("drop_tags"), st.none()),
    st.tuples(st.just("set_barcode"), pairs),
    st.tuples(st.just("set_sku"), pairs),
    st.tuples(st.just("set_price"), pairs),
    st.tuples(st.just("oversell"), pairs),
    st.tuples(st.just("add_variant"), st.tuples(st.sampled_from(["Own 1", "Own 2"]), st.sampled_from(["", *NAMES]))),
    st.tuples(st.just("rename_value"), st.sampled_from(["Pink", "Green", "Red"])),
    st.tuples(st.just("rename_option"), st.sampled_from(["Shade", "Size 2"])),
    st.tuples(st.just("delete_variant"), pairs),
    st.tuples(st.just("hide"), st.sampled_from(["DRAFT", "ARCHIVED"])),
    st.tuples(st.just("delete_product"), st.none()),
)
runs = st.sampled_from(["", "", "run", "run", "lose_answers", "fail", "forget"])
steps = st.lists(st.tuples(st.one_of(fo_steps, fo_steps, staff_steps), runs), max_size=20)
"""Each with the run that follows it, and what happens to that."""
unpriced = st.sets(pairs, max_size=2)


@dataclass
class World:
    """Each step of a history is a method. Those by staff do nothing while the shop has no product."""

    side: ShopSide
    fo: FoSide = field(default_factory=FoSide)
    staff: StaffSide = field(default_factory=StaffSide)

    @property
    def product(self) -> Any:
        known = self.side.known.get("TENT")
        return self.side.shop.products.get(known.id) if known else None

    def step(self, name: str, what: Any) -> None:
        if name not in BY_STAFF or self.product is not None:
            getattr(self, name)(what)

    def forget(self) -> None:
        """What the app remembers of the shop is lost."""
        self.side.known.clear()

    def lose_answers(self) -> None:
        """That of the next call of each kind."""
        self.side.faults.pending += [Fault(FaultKind.RESET_AFTER_COMMIT, operation=each) for each in WRITES]

    def fail(self) -> None:
        """The next call of each kind, whatever the client repeats."""
        self.side.faults.pending += [Fault(FaultKind.UNAVAILABLE, operation=each, times=3) for each in WRITES]

    def name_in_fo(self, title: str) -> None:
        self.fo.title = title

    def tag_in_fo(self, tags: list[str]) -> None:
        self.fo.tags = tuple({each.casefold(): each for each in tags}.values())

    def describe_in_fo(self, material: str) -> None:
        self.fo.material = material

    def rename_in_fo(self, what: tuple[str, str]) -> None:
        color, text = what
        if text.casefold() not in {each.casefold() for key, each in self.fo.colors.items() if key != color}:
            self.fo.colors[color] = text

    def order_in_fo(self, order: list[str]) -> None:
        self.fo.order = tuple(order)

    def release_in_fo(self, pair: tuple[str, str]) -> None:
        self.fo.released.add(pair)

    def approve_in_fo(self, pair: tuple[str, str]) -> None:
        self.fo.released.add(pair)
        self.fo.approved.add(pair)

    def stop_in_fo(self, pair: tuple[str, str]) -> None:
        self.fo.approved.discard(pair)

    def code_in_fo(self, what: tuple[tuple[str, str], str]) -> None:
        self.fo.barcodes[what[0]] = what[1] + "".join(what[0])

    def price_in_fo(self, what: tuple[tuple[str, str], Decimal]) -> None:
        self.fo.prices[what[0]] = what[1]

    def sell_in_fo(self, is_sold: bool) -> None:  # noqa: FBT001
        self.fo.is_approved = is_sold

    def set_title(self, title: str) -> None:
        self.side.edit(self.product.id, title=title)

    def set_vendor(self, vendor: str) -> None:
        self.side.edit(self.product.id, vendor=vendor)
        self.staff.vendor = vendor

    def add_tag(self, tag: str) -> None:
        self.side.edit(self.product.id, tags=[*self.product.tags, tag])
        self.staff.tags.add(tag)

    def drop_tags(self, _: None) -> None:
        self.side.edit(self.product.id, tags=sorted(self.staff.tags))

    def set_barcode(self, pair: tuple[str, str]) -> None:
        if sku := self.sku(pair):
            self.side.edit_variant(self.product.id, sku, barcode="hand")

    def set_sku(self, pair: tuple[str, str]) -> None:
        """Of a variant that the app knows: another one would be taken for a merchant's."""
        sku = self.sku(pair)
        known = self.side.known["TENT"].variants.values()
        if sku and self.side.variant(self.product.id, sku).id in known:
            self.side.edit_variant(self.product.id, sku, sku=f"HAND-{sku}")

    def set_price(self, pair: tuple[str, str]) -> None:
        if sku := self.sku(pair):
            self.side.edit_variant(self.product.id, sku, price="55.00")
            self.staff.prices[sku] = Decimal("55.00")

    def oversell(self, pair: tuple[str, str]) -> None:
        sku = self.sku(pair)
        if sku and self.fo.is_approved and pair in self.fo.approved:
            self.side.edit_variant(self.product.id, sku, inventory_policy="CONTINUE")
            self.staff.sells_beyond.add(sku)

    def add_variant(self, what: tuple[str, str]) -> None:
        """Of an own size, and a colour that may be F&O's."""
        size, name = what
        color, other = self.product.options
        if size not in self.skus:
            known = {each.name.casefold(): each.name for each in color.values}
            value = known.get(name.casefold(), name) or color.values[0].name
            self.side.add_variant(self.product.id, values={color.name: value, other.name: size}, sku=size, price="3.00")
            self.staff.variants[size] = Decimal("3.00")

    def rename_value(self, name: str) -> None:
        option = self.product.options[0]
        if option.value(name) is None:
            self.side.rename(self.product.id, option.name, values={option.values[0].name: name})

    def rename_option(self, name: str) -> None:
        if name not in {option.name for option in self.product.options}:
            self.side.rename(self.product.id, self.product.options[0].name, rename=name)

    def delete_variant(self, pair: tuple[str, str]) -> None:
        sku = self.sku(pair)
        if sku and len(self.product.variants) > 1:
            self.side.delete_variant(self.product.id, sku)
            self.staff.prices.pop(sku, None)
            self.staff.sells_beyond.discard(sku)

    def hide(self, status: str) -> None:
        self.side.edit(self.product.id, status=status)

    def delete_product(self, _: None) -> None:
        self.side.delete(self.product.id)
        self.staff = StaffSide()

    @property
    def skus(self) -> set[str]:
        return {variant.sku for variant in self.product.variants}

    def sku(self, pair: tuple[str, str]) -> str:
        """Of a variant that the shop has; "" for none."""
        sku = f"T-{pair[0]}{pair[1]}"
        return sku if sku in self.skus else ""

    async def run(self) -> Any:
        """One run. Nothing becomes visible by it while a variant has no price."""
        await self.side.time.sleep(60)
        was_seen = self.is_seen()
        try:
            return await self.side.converge(self.fo.wanted(), self.fo.listed())
        except TransientError:
            return None
        finally:
            if self.is_seen() and not was_seen:
                assert all(variant.price > 0 for variant in self.product.variants)

    def is_seen(self) -> bool:
        product = self.product
        return product is not None and product.status == "ACTIVE" and ONLINE_STORE in product.publications


BY_STAFF: Final = {
    "set_title",
    "set_vendor",
    "add_tag",
    "drop_tags",
    "set_barcode",
    "set_sku",
    "set_price",
    "oversell",
    "add_variant",
    "rename_value",
    "rename_option",
    "delete_variant",
    "hide",
    "delete_product",
}


async def at_quiet(world: World) -> None:
    side = world.side
    side.faults.pending.clear()
    for _ in range(2):
        result = await world.run()
        assert result is not None
        assert result.state is not ShopState.REFUSED, result
        assert "PRODUCT_REFUSED" not in [each.code for each in result.problems], result
    assert not set(side.calls) & set(WRITES), side.calls
    compare(world, result)


def compare(world: World, result: Any) -> None:
    fo, staff, product = world.fo, world.staff, world.product
    wanted = fo.wanted()
    skus = [variant.sku for variant in world.side.shop.variants.values() if (variant.sku or "").startswith("T-")]
    assert len(skus) == len(set(skus))
    if product is None:
        assert not wanted.is_approved
        return
    variants = {variant.sku: variant for variant in product.variants}
    assert len(variants) == len(product.variants)
    for size, price in staff.variants.items():
        own = variants[size]
        assert (own.price, own.inventory_policy, own.value_names[1]) == (price, "DENY", size)
    assert product.vendor == (staff.vendor or "Nordlys Outdoor")
    assert staff.tags <= set(product.tags)
    for sku, price in staff.prices.items():
        # What is not sold is not looked after: a SKU that staff changed stays until it is sold again.
        assert sku in variants or not wanted.is_approved
        assert sku not in variants or variants[sku].price == price
    for variant in wanted.variants:
        if variant.sku in variants and not variant.is_approved:
            assert variants[variant.sku].inventory_policy == "DENY"
            assert variants[variant.sku].tracked
    is_seen = world.is_seen()
    if not wanted.is_approved:
        assert not is_seen
        return
    assert product.title == fo.title
    assert {tag.casefold() for tag in product.tags} == {tag.casefold() for tag in (*fo.tags, *staff.tags)}
    assert product.metafields["custom", "material"].value == fo.material
    assert [option.name for option in product.options] == ["Color", "Size"]
    colors = [value.name for value in product.options[0].values]
    for variant in wanted.variants:
        if not variant.is_approved:
            continue
        if variant.sku not in variants:
            assert is_seen
            assert not fo.listed()[variant.item]
            continue
        shown = variants[variant.sku]
        assert shown.value_names == variant.values
        assert variant.barcode is None or shown.barcode == variant.barcode
        assert shown.inventory_policy == ("CONTINUE" if variant.sku in staff.sells_beyond else "DENY")
        assert shown.tracked
    own_order = [name for name in wanted.options[0].values if name in colors]
    assert colors[: len(own_order)] == own_order
    has_prices = all(variant.price > 0 for variant in product.variants)
    assert is_seen == (result.state is ShopState.ACTIVE)
    assert is_seen or not has_prices
    assert result.variants.keys() >= {v.item for v in wanted.variants if v.sku in variants}


@given(unpriced, steps)
@settings(max_examples=150, derandomize=True)
def test_at_quiet_what_fo_owns_is_as_in_fo_and_nothing_else_was_touched(
    without_price: set[tuple[str, str]], history: list[tuple[tuple[str, Any], str]]
) -> None:
    async def play() -> None:
        async with shop_in_process() as side:
            world = World(side)
            for pair in without_price:
                world.price_in_fo((pair, Decimal(0)))
            await world.run()
            for (name, what), how in history:
                world.step(name, what)
                if how in {"lose_answers", "fail", "forget"}:
                    getattr(world, how)()
                if how:
                    await world.run()
            await at_quiet(world)

    asyncio.run(play())
