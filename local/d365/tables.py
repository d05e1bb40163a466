"""Tables in memory, with change sets that happen as a whole or not at all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from local.d365.edm import Value, Values

type RowKey = tuple[Value, ...]


class SparseValues(Mapping[str, Value]):
    """A record that keeps only what differs from a new one: tens of thousands of products have hundreds of fields."""

    __slots__ = ("_blank", "_given")

    def __init__(self, blank: Mapping[str, Value], given: Mapping[str, Value]) -> None:
        self._blank = blank
        self._given = given

    def __getitem__(self, name: str) -> Value:
        return self._given[name] if name in self._given else self._blank[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blank)

    def __len__(self) -> int:
        return len(self._blank)

    @property
    def given(self) -> Mapping[str, Value]:
        """What was written; all other fields are as in a new record."""
        return self._given

    def changed(self, changes: Mapping[str, Value]) -> "SparseValues":
        return SparseValues(self._blank, {**self._given, **changes})


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its fields, and what F&O's kernel keeps about it."""

    values: Values
    record_id: int
    version: int
    created: datetime
    modified: datetime


class Journal:
    """Remembers how to take back what an open change set has done."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._open = False
        self.changes = 0
        """How many there were, to tell whether what was read before still holds."""

    def record(self, undo: Callable[[], None]) -> None:
        self.changes += 1
        if self._open:
            self._undo.append(undo)

    @contextmanager
    def change_set(self) -> Iterator[None]:
        """Takes back every change made inside when it ends in an exception. Inside another, joins it."""
        if self._open:
            yield
            return
        self._open = True
        try:
            yield
        except BaseException:
            self._open = False
            for undo in reversed(self._undo):
                undo()
            raise
        finally:
            self._open = False
            self._undo.clear()


class Table[K, V]:
    """Immutable values by key. Values are replaced, never changed, so that taking back is putting back."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._held: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: K) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._held.values()))

    def items(self) -> list[tuple[K, V]]:
        return list(self._held.items())

    def get(self, key: K) -> V | None:
        return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        if key in self._held:
            before = self._held[key]
            self._journal.record(lambda: self._held.__setitem__(key, before))
        else:
            self._journal.record(lambda: self._held.__delitem__(key))
        self._held[key] = value

    def remove(self, key: K) -> None:
        before = self._held.pop(key)
        self._journal.record(lambda: self._held.__setitem__(key, before))
