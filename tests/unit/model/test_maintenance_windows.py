"""Maintenance windows of F&O: what is written in the setting, and what it means at a moment."""

from datetime import UTC, datetime

import pytest

from shared.model.maintenance import read_maintenance

# 2026-11-29 and 2026-12-06 are Sundays.
EVERY_DAY = "; ".join(f"{day} 00:00-00:00" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
WEEKLY = "Sun 02:00-05:00 Europe/Amsterdam"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        pytest.param(WEEKLY, "2026-11-29 00:59:59", None, id="a second before"),
        pytest.param(WEEKLY, "2026-11-29 01:00", "2026-11-29 04:00", id="its first second, in the zone's winter time"),
        pytest.param(WEEKLY, "2026-11-29 04:00", None, id="its end is no part of it"),
        pytest.param(WEEKLY, "2026-07-05 00:30", "2026-07-05 03:00", id="in summer time"),
        pytest.param(WEEKLY, "2026-11-30 02:00", None, id="another day"),
        pytest.param("Sat 22:00-04:00", "2026-11-29 03:00", "2026-11-29 04:00", id="after midnight"),
        pytest.param("Sat 22:00-04:00", "2026-11-29 22:30", None, id="not on the day after"),
        pytest.param("Sun 12:00-12:00", "2026-11-30 11:59", "2026-11-30 12:00", id="a whole day"),
        pytest.param("2026-12-12 20:00-23:30", "2026-12-12 21:00", "2026-12-12 23:30", id="a single one"),
        pytest.param("2026-12-12 20:00-23:30", "2026-12-19 21:00", None, id="and not a week later"),
        pytest.param("Sun 02:00-05:00; Sun 05:00-06:00", "2026-11-29 02:30", "2026-11-29 06:00", id="without a gap"),
        pytest.param("Sun 02:00-05:00; Sun 05:30-06:00", "2026-11-29 02:30", "2026-11-29 05:00", id="with a gap"),
        pytest.param("Sun 02:00-05:00; Sun 03:00-03:30", "2026-11-29 03:10", "2026-11-29 05:00", id="the later end"),
        pytest.param("", "2026-11-29 02:30", None, id="none"),
        pytest.param(EVERY_DAY, "2026-11-29 02:30", "2026-12-07 00:00", id="without end: a week and the rest of a day"),
        # The clock goes back at 03:00 on 2026-10-25: the window lasts an hour longer.
        pytest.param(WEEKLY, "2026-10-25 00:00", "2026-10-25 04:00", id="the night of the change"),
        # And the hour before comes twice: a window that ends in it ends in the second one.
        pytest.param("Sat 22:00-02:30 Europe/Amsterdam", "2026-10-25 00:45", "2026-10-25 01:30", id="an hour twice"),
        # It goes forward at 02:00 on 2026-03-29: the wall never shows 02:30, and 03:15 comes before it.
        pytest.param("Sun 02:30-03:15 Europe/Amsterdam", "2026-03-29 01:40", "2026-03-29 02:15", id="an hour left out"),
    ],
)
def test_a_window_is_open_from_its_beginning_to_its_end(text: str, now: str, until: str | None) -> None:
    assert read_maintenance(text).until(at(now)) == (at(until) if until else None)


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        (WEEKLY, "2026-12-06 01:00"),
        ("Mon 01:00-02:00", "2026-11-30 01:00"),
        ("Sun 03:00-04:00", "2026-12-06 03:00"),
        ("2027-03-01 20:00-21:00", "2027-03-01 20:00"),
        ("2026-11-01 20:00-21:00", None),
        ("", None),
    ],
)
def test_the_next_window_is_known(text: str, begin: str | None) -> None:
    assert read_maintenance(text).next(at("2026-11-29 03:00")) == (at(begin) if begin else None)


@pytest.mark.parametrize(
    "text",
    [
        "So 02:00-05:00",
        "Son 02:00-05:00",
        "Sun 2:00-5:00",
        "Sun 25:00-26:00",
        "2026-02-30 02:00-05:00",
        "Sun 02:00-05:00 Europe/Nowhere",
        "Sun 02:00-05:00, Mon 02:00-05:00",
        "Sunday 02:00-05:00",
    ],
)
def test_a_mistake_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"“{text[:3]}"):
        read_maintenance(f"{WEEKLY}; {text}")
