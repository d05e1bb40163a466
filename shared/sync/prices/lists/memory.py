"""The prices of one list that Shopify last showed, and that the flow last wrote: stored between two runs.

A price that Shopify shows and that is neither F&O's nor the last written one was set by somebody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Self

from shared.model import ListedPrice, PriceTier, QuantityRule
from shared.store.blobs import Snapshots

_FORMAT: Final = 1
"""Of the stored document. One in another format is read again from Shopify."""


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """Of a variant."""

    product: int
    sku: str
    shown: ListedPrice | None
    """None where a price list has no price of its own."""
    written: ListedPrice | None = None
    """As the flow last wrote it, or found it equal to F&O's."""


@dataclass(slots=True)
class ListReading:
    """A reading of Shopify's pages that may take several runs."""

    is_full: bool
    """Of all prices: those of a list in bulk, if there is one, and those of the pages."""
    began: datetime
    since: datetime | None = None
    """The pages have what changed at or after it; None for all prices."""
    after: str | None = None
    """Cursor of the last page that was read."""
    seen: set[int] = field(default_factory=set)
    """Variants that a full reading found: what it does not find is forgotten at its end."""


@dataclass(slots=True)
class PriceMemory:
    snapshots: Snapshots
    name: str
    basis: list[Any]
    """What the stored prices depend on: with another basis they are read again."""
    etag: str | None = None
    prices: dict[int, KnownPrice] = field(default_factory=dict)
    """By variant."""
    read_at: datetime | None = None
    """When the last full reading began that was read to its end."""
    searched_at: datetime | None = None
    """When the last reading of any kind began: the next search for changes starts there."""
    reading: ListReading | None = None
    """Under way."""
    ended: dict[int, ListedPrice] = field(default_factory=dict)
    """Variant -> the last price that the flow wrote, of those that a list has none of its own for any more."""
    sending: dict[int, ListedPrice | None] = field(default_factory=dict)
    """Prices that a run sent, or was about to send, and of which it did not hear whether Shopify has set them; None for
    those that it took off the list.
    """
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Variant -> the price that Shopify refused, and its message."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What else is stored with the list, such as its id."""
    is_changed: bool = False

    @classmethod
    async def load(cls, snapshots: Snapshots, name: str, basis: list[Any]) -> Self:
        value, etag = await snapshots.read(name)
        basis = [_FORMAT, *basis]
        if value is None or value["basis"] != basis:
            return cls(snapshots, name, basis, etag)
        reading = value["reading"]
        return cls(
            snapshots=snapshots,
            name=name,
            basis=basis,
            etag=etag,
            prices=_prices(value["prices"]),
            read_at=_moment(value["read_at"]),
            searched_at=_moment(value["searched_at"]),
            reading=None
            if reading is None
            else ListReading(
                is_full=reading["full"],
                began=datetime.fromisoformat(reading["began"]),
                since=_moment(reading.get("since")),  # a release before stored none: it reads all the rest
                after=reading["after"],
                seen=set(reading["seen"]),
            ),
            ended=_by_variant(value.get("ended", {})),
            sending={int(variant): _price(text) for variant, text in value.get("sending", {}).items()},
            refused={int(variant): (price, message) for variant, (price, message) in value["refused"].items()},
            extra=value["extra"],
        )

    def is_full_reading_due(self, now: datetime, hours: int) -> bool:
        return self.read_at is None or now >= self.read_at + timedelta(hours=hours)

    def begin_reading(self, now: datetime, *, since: datetime | None = None) -> ListReading:
        """The reading under way, or a new one: of all prices, or of what changed at or after `since`."""
        if self.reading is None:
            self.reading = ListReading(since is None, now, since)
            self.is_changed = True
        return self.reading

    def note_shown(self, prices: Mapping[int, KnownPrice], *, after: str | None) -> None:
        """A page of the reading. `after` is where the next one begins."""
        for variant, price in prices.items():
            before = self.prices.get(variant)
            self._put(variant, replace(price, written=before.written if before else None))
        if self.reading is not None:
            self.reading.after = after
            if self.reading.is_full:
                self.reading.seen.update(prices)

    def end_reading(self, *, keeps_written: bool) -> None:
        """All pages are read. With `keeps_written` a price that was written and is not shown any more stays known."""
        reading, self.reading = self.reading, None
        if reading is None:
            return
        self.is_changed = True
        self.searched_at = reading.began
        if not reading.is_full:
            return
        self.read_at = reading.began
        self.refused.clear()
        missing = self.prices.keys() - reading.seen
        for variant in missing:
            known = self.prices.pop(variant)
            if keeps_written and known.written is not None:
                self.prices[variant] = replace(known, shown=None)

    def remember(self, variant: int, price: ListedPrice | None) -> None:
        """Shopify shows this price now, and it is F&O's. None: the list has no price of its own any more."""
        if price is None:
            self.end([variant])
            return
        known = self.prices.get(variant) or KnownPrice(0, "", None)
        self._put(variant, replace(known, shown=price, written=price))
        self.is_changed |= self.ended.pop(variant, None) is not None

    def end(self, variants: Iterable[int]) -> None:
        """The list has no price of its own any more, by F&O: the last one stays known."""
        for variant in variants:
            if (last := self.last_written(variant)) is not None:
                self.ended[variant] = last
            self.forget([variant])

    def shared_skus(self) -> frozenset[str]:
        """SKUs of several variants."""
        counts = Counter(known.sku for known in self.prices.values())
        return frozenset(sku for sku, count in counts.items() if count > 1)

    def last_written(self, variant: int) -> ListedPrice | None:
        known = self.prices.get(variant)
        return self.ended.get(variant) if known is None or known.written is None else known.written

    def forget_deleted(self, variants: Collection[int]) -> None:
        """Forgets what was written for variants that the shop does not have among these any more."""
        self.forget([each for each, known in self.prices.items() if known.shown is None and each not in variants])
        if gone := self.ended.keys() - set(variants):
            self.ended = {variant: price for variant, price in self.ended.items() if variant not in gone}
            self.is_changed = True

    def set_extra(self, **values: Any) -> None:
        if self.extra != self.extra | values:
            self.extra |= values
            self.is_changed = True

    def drop_extra(self, name: str) -> None:
        self.is_changed |= self.extra.pop(name, None) is not None

    def read_again(self) -> None:
        """The next reading is one of all prices; what the flow wrote stays known."""
        self.read_at = self.reading = None
        self.is_changed = True

    def note_written(self, variant: int, price: ListedPrice) -> None:
        """The flow wrote this price at some time; what Shopify shows now is another matter."""
        known = self.prices.get(variant)
        if known is not None:
            self._put(variant, replace(known, written=price))

    def note_compare_at(self, variant: int, compare_at: Decimal | None) -> None:
        """Shopify shows the price beside this one."""
        known = self.prices.get(variant)
        if known is not None and known.shown is not None:
            self._put(variant, replace(known, shown=replace(known.shown, compare_at=compare_at)))

    def begin_sending(self, prices: Mapping[int, ListedPrice | None]) -> None:
        """Before they are sent: until it is known what became of them, what the list shows is not known either."""
        self.is_changed |= not prices.items() <= self.sending.items()
        self.sending |= prices

    def end_sending(self, *, but: Collection[int]) -> None:
        """What became of them is known, but of these."""
        kept = {variant: price for variant, price in self.sending.items() if variant in but}
        self.is_changed |= kept != self.sending
        self.sending = kept

    def settle_sending(self) -> None:
        """All prices are read: those that Shopify shows as they were sent were written by the flow."""
        for variant, price in self.sending.items():
            known = self.prices.get(variant)
            shown = None if known is None else known.shown
            if price is None and shown is None:
                self.end([variant])
            elif price is not None and shown is not None and shown.price == price.price:
                self.note_written(variant, price)
        self.end_sending(but=())

    def start_again(self) -> None:
        """Nothing is known of the list any more: the next reading is one of all prices."""
        self.prices, self.ended, self.sending, self.refused, self.extra = {}, {}, {}, {}, {}
        self.read_at = self.searched_at = self.reading = None
        self.is_changed = True

    def forget(self, variants: Iterable[int]) -> None:
        for variant in variants:
            self.is_changed |= self.prices.pop(variant, None) is not None

    def note_refusal(self, variant: int, price: str, message: str) -> None:
        self.refused[variant] = (price, message)
        self.is_changed = True

    def keep_refusals(self, wanted: Mapping[int, str]) -> None:
        """Forgets refusals of prices that are not wanted any more."""
        kept = {variant: known for variant, known in self.refused.items() if wanted.get(variant) == known[0]}
        self.is_changed |= kept != self.refused
        self.refused = kept

    async def save(self) -> None:
        """Raises TransientError when another run was faster: the next one finds the same."""
        if not self.is_changed:
            return
        reading = self.reading
        value = {
            "basis": self.basis,
            "read_at": self.read_at and self.read_at.isoformat(),
            "searched_at": self.searched_at and self.searched_at.isoformat(),
            "reading": reading
            and {
                "full": reading.is_full,
                "began": reading.began.isoformat(),
                "since": reading.since and reading.since.isoformat(),
                "after": reading.after,
                "seen": sorted(reading.seen),
            },
            "refused": {str(variant): list(known) for variant, known in self.refused.items()},
            "ended": {str(variant): _text(price) for variant, price in self.ended.items()},
            "sending": {str(variant): _text(price) for variant, price in self.sending.items()},
            "extra": self.extra,
            "prices": [_stored(variant, known) for variant, known in self.prices.items()],
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)
        self.is_changed = False

    def _put(self, variant: int, price: KnownPrice) -> None:
        if self.prices.get(variant) != price:
            self.prices[variant] = price
            self.is_changed = True


def _stored(variant: int, known: KnownPrice) -> list[Any]:
    shown = _text(known.shown)
    row: list[Any] = [variant, known.product, known.sku, shown]
    return row if known.written is None else [*row, 1 if known.written == known.shown else _text(known.written)]


def _prices(rows: Iterable[list[Any]]) -> dict[int, KnownPrice]:
    """Equal prices are one object: a shop has far fewer prices than variants."""
    known: dict[str | None, ListedPrice | None] = {}

    def price(text: str | None) -> ListedPrice | None:
        if text not in known:
            known[text] = _price(text)
        return known[text]

    found = {}
    for variant, product, sku, text, *rest in rows:
        shown = price(text)
        written = None if not rest else shown if rest[0] == 1 else price(rest[0])
        found[variant] = KnownPrice(product, sku, shown, written)
    return found


def _by_variant(texts: Mapping[str, str]) -> dict[int, ListedPrice]:
    return {int(variant): price for variant, text in texts.items() if (price := _price(text)) is not None}


def _text(price: ListedPrice | None) -> str | None:
    """As "12.50", or "12.50|15.00|10:11.00 50:9.00|6:18:3" for a price with compare-at price, breaks and rule."""
    if price is None:
        return None
    if price.compare_at is None and not price.tiers and price.quantities is None:
        return f"{price.price:f}"
    compare_at = "" if price.compare_at is None else f"{price.compare_at:f}"
    tiers = " ".join(f"{tier.minimum}:{tier.price:f}" for tier in price.tiers)
    rule = price.quantities
    rule_text = "" if rule is None else f"{rule.minimum}:{rule.maximum or ''}:{rule.increment}"
    return f"{price.price:f}|{compare_at}|{tiers}|{rule_text}"


def _price(text: str | None) -> ListedPrice | None:
    if text is None:
        return None
    price, *more = text.split("|")
    if not more:
        return ListedPrice(Decimal(price))
    compare_at, tiers, rule = more
    return ListedPrice(
        price=Decimal(price),
        compare_at=Decimal(compare_at) if compare_at else None,
        tiers=tuple(_tier(each) for each in tiers.split()),
        quantities=_rule(rule) if rule else None,
    )


def _tier(text: str) -> PriceTier:
    minimum, _, price = text.partition(":")
    return PriceTier(int(minimum), Decimal(price))


def _rule(text: str) -> QuantityRule:
    minimum, maximum, increment = text.split(":")
    return QuantityRule(int(minimum), int(maximum) if maximum else None, int(increment))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
