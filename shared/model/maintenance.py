"""When F&O is known to be away: windows that return each week, and single ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW: Final = re.compile(
    r"(?P<day>[A-Z][a-z]{2}|\d{4}-\d\d-\d\d) (?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)(?: (?P<zone>\S+))?"
)
_A_DAY: Final = timedelta(days=1)
_SHORT: Final = timedelta(hours=1)
"""A window is at least as long as it says, up to this: one in the hour that spring leaves out has no length else."""
_A_WEEK: Final = timedelta(days=7)
_AHEAD: Final = 8
"""Days in which each weekly window begins at least once."""


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    day: int | date
    """The weekday on which it begins, 0 for Monday, or the one day of a single window."""
    begin: time
    end: time
    """On the next day, if it is not after the beginning."""
    zone: ZoneInfo

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """Its beginning and end in UTC, if it begins on this day of its zone."""
        if self.day not in {day, day.weekday()}:
            return None
        last = day if self.end > self.begin else day + _A_DAY
        begin, end = datetime.combine(day, self.begin, self.zone), datetime.combine(last, self.end, self.zone)
        length = end - begin  # by the clock on the wall, on which an hour is left out in spring
        starts = begin.astimezone(UTC)
        ends = max(end.astimezone(UTC), end.replace(fold=1).astimezone(UTC))  # in autumn an hour comes twice
        return starts, max(ends, starts + min(length, _SHORT))


@dataclass(frozen=True, slots=True)
class Maintenance:
    windows: tuple[MaintenanceWindow, ...] = ()

    def until(self, now: datetime) -> datetime | None:
        """The end of the window that is open now, in UTC, and of those that follow it without a gap; else None.

        At most about a week: windows of every day leave no gap at all.
        """
        end = now
        while end - now < _A_WEEK and (open_then := [last for begin, last in self._near(end) if begin <= end < last]):
            end = max(open_then)
        return end if end > now else None

    def next(self, now: datetime) -> datetime | None:
        """When the next window begins, in UTC, within eight days for a weekly one; None where none is known."""
        return min((begin for begin, _ in self._near(now) if begin > now), default=None)

    def _near(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The times of the windows from the day before this moment on."""
        for window in self.windows:
            today = moment.astimezone(window.zone).date()
            days = [today + _A_DAY * number for number in range(-1, _AHEAD + 1)]
            if isinstance(window.day, date):
                days = [window.day]
            yield from (times for each in days if (times := window.on(each)) is not None)


def read_maintenance(text: str) -> Maintenance:
    """From `Sun 02:00-05:00 Europe/Amsterdam; 2026-12-12 20:00-23:30`, in UTC where no zone is given; "" for none.

    Raises ValueError that names the part that is wrong.
    """
    return Maintenance(tuple(_window(part) for each in text.split(";") if (part := " ".join(each.split()))))


def _window(text: str) -> MaintenanceWindow:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text}” is not as in Sun 02:00-05:00 Europe/Amsterdam or 2026-12-12 20:00-23:30")
    day = found["day"]
    if day.isalpha() and day not in _DAYS:
        raise ValueError(f"“{day}” is none of {', '.join(_DAYS)}")
    try:
        return MaintenanceWindow(
            day=_DAYS.index(day) if day.isalpha() else date.fromisoformat(day),
            begin=time.fromisoformat(found["begin"]),
            end=time.fromisoformat(found["end"]),
            zone=ZoneInfo(found["zone"] or "UTC"),
        )
    except (ValueError, OSError, KeyError) as error:  # KeyError: ZoneInfoNotFoundError
        raise ValueError(f"“{text}” has a day, a time or a time zone that does not exist") from error
