"""The schedules of timer triggers: NCRONTAB with a field for seconds, and plain time spans. All in UTC.

NCRONTAB, unlike cron, fires only when the day of the month AND the day of the week match
(github.com/atifaziz/NCrontab). Sunday is 0; there is no 7.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from local.functions.config import parse_time_span

_MONTHS = tuple(name.lower() for name in calendar.month_name[1:])
# calendar's week begins on Monday.
_DAYS = tuple(name.lower() for name in (calendar.day_name[6], *calendar.day_name[:6]))

# The longest wait of any schedule that ever fires: a 29 February on a given weekday, across the year 2100.
_HORIZON = timedelta(days=366 * 41)


class Schedule(Protocol):
    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than that moment, both in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Interval:
    """A fixed time between runs."""

    span: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.span


@dataclass(frozen=True, slots=True)
class Crontab:
    """The values of each field at which it fires, in ascending order."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime:
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = start.date()
        while day - start.date() <= _HORIZON:
            if self._fires_on(day):
                earliest = (start.hour, start.minute, start.second) if day == start.date() else (0, 0, 0)
                if time := self._first_time(earliest):
                    return datetime(day.year, day.month, day.day, *time, tzinfo=UTC)
            day += timedelta(days=1)
        raise ValueError("the schedule has no occurrence")

    def _fires_on(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _first_time(self, earliest: tuple[int, int, int]) -> tuple[int, int, int] | None:
        hour, minute, second = earliest
        for h in self.hours:
            if h < hour:
                continue
            for m in self.minutes:
                if h == hour and m < minute:
                    continue
                for s in self.seconds:
                    if (h, m, s) >= (hour, minute, second):
                        return h, m, s
        return None


def parse_schedule(text: str) -> Schedule:
    """A timer's schedule: six fields (five mean second 0), or `hh:mm:ss` between runs. Raises ValueError.

    A schedule that can never fire, such as 30 February, is an error too.
    """
    fields = text.split()
    if len(fields) == 1 and ":" in text:
        span = parse_time_span(fields[0])
        if not span:
            raise ValueError("a time span between runs must be longer than zero")
        return Interval(span)
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise ValueError(f"{text!r} has {len(fields)} fields: write second minute hour day month day-of-week")
    crontab = Crontab(
        seconds=_parse_field("second", fields[0], 0, 59),
        minutes=_parse_field("minute", fields[1], 0, 59),
        hours=_parse_field("hour", fields[2], 0, 23),
        days=_parse_field("day", fields[3], 1, 31),
        months=_parse_field("month", fields[4], 1, 12, _MONTHS),
        weekdays=_parse_field("day-of-week", fields[5], 0, 6, _DAYS),
    )
    crontab.next_after(datetime(2000, 1, 1, tzinfo=UTC))
    return crontab


def _parse_field(name: str, text: str, lowest: int, highest: int, words: tuple[str, ...] = ()) -> tuple[int, ...]:
    """`*`, `5`, `1-5`, a step as in `*/10`, `1-30/5` or `5/15` (from 5 to the end), and lists of these."""

    def number(token: str) -> int:
        if len(token) >= 3:
            for value, word in enumerate(words, start=lowest):
                if word.startswith(token.lower()):
                    return value
        if not (token.isascii() and token.isdigit()):
            raise ValueError(f"{token!r} is no {name}")
        if not lowest <= int(token) <= highest:
            raise ValueError(f"{name} {token} is not within {lowest} and {highest}")
        return int(token)

    values: set[int] = set()
    for item in text.split(","):
        span, slash, step = item.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = lowest, highest
        elif dash:
            start, end = number(first), number(last)
        else:
            start = number(first)
            end = highest if slash else start
        if start > end:
            raise ValueError(f"the {name} range {span} runs backwards")
        if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
            raise ValueError(f"the {name} step {step!r} must be a whole number from 1")
        values.update(range(start, end + 1, int(step) if slash else 1))
    return tuple(sorted(values))
