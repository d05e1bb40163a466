import pytest

from shared.mapping.text import split_to_lengths


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 10, []),
        ("Main Street 1", 20, ["Main Street 1"]),
        ("Main Street 1", 13, ["Main Street 1"]),
        ("Main Street 1", 12, ["Main Street", "1"]),
        ("Main Street 1", 6, ["Main", "Street", "1"]),
        ("Building A\nMain Street 1", 30, ["Building A", "Main Street 1"]),
        ("Donaudampfschifffahrt 5", 8, ["Donaudam", "pfschiff", "fahrt 5"]),
        ("a abcdefgh", 4, ["a", "abcd", "efgh"]),
    ],
)
def test_lines_are_split_at_blanks_and_words_only_where_they_must(text: str, width: int, expected: list[str]):
    assert split_to_lengths(text, width) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("e\u0301e\u0301e\u0301", 3, ["e\u0301", "e\u0301", "e\u0301"]),
        ("👩\u200d👩\u200d👧👩\u200d👩\u200d👧", 12, ["👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"]),
        ("🇳🇱🇩🇰", 6, ["🇳🇱", "🇩🇰"]),
        ("👍🏽👍🏽", 5, ["👍🏽", "👍🏽"]),
        ("षिषि", 3, ["षि", "षि"]),
        ("क्षक्ष", 5, ["क्ष", "क्ष"]),
        ("\u1100\u1161\u11a8\u1100\u1161\u11a8", 5, ["\u1100\u1161\u11a8", "\u1100\u1161\u11a8"]),  # Hangul jamo
    ],
)
def test_what_is_seen_as_one_character_stays_whole(text: str, width: int, expected: list[str]):
    assert split_to_lengths(text, width) == expected


def test_a_character_beyond_the_basic_plane_counts_twice():
    assert split_to_lengths("𠮷𠮷𠮷", 4) == ["𠮷𠮷", "𠮷"]


def test_a_character_wider_than_the_line_is_split_rather_than_lost():
    assert split_to_lengths("e\u0301\u0301\u0301", 3) == ["e\u0301\u0301", "\u0301"]


def test_a_width_that_cannot_hold_every_character_is_refused():
    with pytest.raises(ValueError, match="room"):
        split_to_lengths("a", 1)
