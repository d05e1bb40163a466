"""When a timer fires."""

from datetime import UTC, datetime, timedelta

import pytest

from local.functions.ncrontab import parse_schedule


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("*/15 * * * * *", "2026-11-23T08:00:00", "2026-11-23T08:00:15"),
        ("*/15 * * * * *", "2026-11-23T08:00:14.999", "2026-11-23T08:00:15"),
        ("0 */2 * * * *", "2026-11-23T08:58:00", "2026-11-23T09:00:00"),
        ("0 */2 * * * *", "2026-12-31T23:58:30", "2027-01-01T00:00:00"),
        ("0 5/20 * * * *", "2026-11-23T08:26:00", "2026-11-23T08:45:00"),
        ("0 5/20 * * * *", "2026-11-23T08:46:00", "2026-11-23T09:05:00"),
        ("0 10-40/15 * * * *", "2026-11-23T08:26:00", "2026-11-23T08:40:00"),
        ("30 0 9,17 * * *", "2026-11-23T09:00:30", "2026-11-23T17:00:30"),
        ("0 30 9 * * Mon-Fri", "2026-11-27T09:30:00", "2026-11-30T09:30:00"),
        ("0 0 0 * jan,JULY *", "2026-11-23T00:00:00", "2027-01-01T00:00:00"),
        ("0 0 0 1 * 0", "2026-11-23T00:00:00", "2027-08-01T00:00:00"),
        ("0 0 0 29 2 *", "2026-11-23T00:00:00", "2028-02-29T00:00:00"),
        # The longest wait there is, since 2100 is no leap year.
        ("0 0 0 29 2 mon", "2072-02-29T00:00:00", "2112-02-29T00:00:00"),
        ("*/5 * * * *", "2026-11-23T08:01:00", "2026-11-23T08:05:00"),
    ],
)
def test_timer_fires_at_the_next_time_that_matches_every_field(schedule: str, after: str, expected: str) -> None:
    assert parse_schedule(schedule).next_after(utc(after)) == utc(expected)


def test_day_and_weekday_must_both_match() -> None:
    # Cron would fire on every 13th and on every Friday.
    schedule = parse_schedule("0 0 0 13 * fri")
    assert schedule.next_after(utc("2026-11-14")) == utc("2027-08-13")


def test_time_of_another_zone_is_read_in_utc() -> None:
    moment = datetime.fromisoformat("2026-11-23T10:30:00+02:00")
    assert parse_schedule("0 0 9 * * *").next_after(moment) == utc("2026-11-23T09:00:00")


def test_time_span_counts_from_the_last_run() -> None:
    moment = utc("2026-11-23T08:00:01")
    assert parse_schedule("00:05:00").next_after(moment) == moment + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("schedule", "complaint"),
    [
        ("* * * *", "4 fields"),
        ("", "0 fields"),
        ("60 * * * * *", "second 60 is not within 0 and 59"),
        ("0 0 24 * * *", "hour 24"),
        ("0 0 0 0 * *", "day 0"),
        ("0 0 0 * 13 *", "month 13"),
        ("0 0 0 * * 7", "day-of-week 7"),
        ("0 0 0 * * fry", "'fry' is no day-of-week"),
        ("0 0 0 * ja *", "'ja' is no month"),
        ("0 30-10 * * * *", "runs backwards"),
        ("0 */0 * * * *", "step '0'"),
        ("0 */x * * * *", "step 'x'"),
        ("0 5/ * * * *", "step ''"),
        ("0 1,,2 * * * *", "'' is no minute"),
        ("0 -5 * * * *", "'' is no minute"),
        ("0 ٣ * * * *", "is no minute"),
        ("0 0 0 30 2 *", "no occurrence"),
        ("00:00:00", "longer than zero"),
        ("24:00:00", "hours go to 23"),
        ("5:0:0", "hh:mm:ss"),
    ],
)
def test_schedule_that_means_nothing_is_refused(schedule: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_schedule(schedule)
