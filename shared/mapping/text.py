"""Text as people typed it, made safe to pass on: cleaned, never transliterated, never cut short."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What no field of either system can hold or show: control characters, the zero-width space, the byte order mark, and
# halves of surrogate pairs, which JSON can spell (a lone escape of D800) but UTF-8 cannot. The zero-width joiner and
# non-joiner stay: Persian, the Indic scripts and emoji need them.
_UNSEEN: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\ufeff\ud800-\udfff]")
_LINE_ENDS: Final = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]+")
_JOINER: Final = "\u200d"
_VIRAMA_CLASS: Final = 9


def storable(text: str) -> str:
    """The text in Unicode's composed form (NFC), without what cannot be seen; blanks and line ends stay."""
    if not text.isprintable():
        text = _UNSEEN.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """The text on one line, with single blanks between its words."""
    return " ".join(storable(text).split())


def lines(text: str) -> str:
    """The same for text of several lines: line feeds between them, no empty ones."""
    return "\n".join(filter(None, map(one_line, _LINE_ENDS.split(text))))


def split_to_lengths(text: str, width: int) -> list[str]:
    """The text as lines of at most `width` UTF-16 units, which is how SQL Server, and so F&O, counts a field's length.

    Existing line feeds stay ends of lines; longer lines are split at blanks. A word that is longer than a line is
    split too, but never within what a reader sees as one character (a letter with its accents, a joined emoji),
    unless that alone is wider than the line. Nothing but blanks and line feeds at a split is lost.
    """
    if width < 2:  # noqa: PLR2004 - a character beyond the basic plane takes two units
        raise ValueError("a line must have room for any one character")
    return [part for line in text.split("\n") for part in _fold(line.split(), width)]


def _fold(words: list[str], width: int) -> list[str]:
    """The words in as few lines as they fill."""
    folded: list[str] = []
    current = ""
    for word in words:
        joined = f"{current} {word}" if current else word
        if _units(joined) <= width:
            current = joined
            continue
        if current:
            folded.append(current)
        *full, current = _chop(word, width)
        folded += full
    return [*folded, current] if current else folded


def _chop(word: str, width: int) -> list[str]:
    """The word in pieces that fit; a single piece if it fits whole."""
    pieces = [""]
    for character in _seen_characters(word):
        parts = [character] if _units(character) <= width else list(character)
        for part in parts:
            if _units(pieces[-1]) + _units(part) > width:
                pieces.append("")
            pieces[-1] += part
    return pieces


def _seen_characters(word: str) -> list[str]:
    """What a reader sees as one character each: a base with its marks, joined emoji, the two letters of a flag.

    A plain reading of Unicode's grapheme clusters (UAX 29), without its tables for Hangul jamo, which NFC composes.
    """
    seen: list[str] = []
    for character in word:
        if seen and (_extends(character) or _awaits_more(seen[-1]) or _completes_flag(seen[-1], character)):
            seen[-1] += character
        else:
            seen.append(character)
    return seen


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character in {_JOINER, "\u200c"}
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
    )


def _awaits_more(seen: str) -> bool:
    """After a joiner, and after a virama, which binds two consonants of an Indic script."""
    return seen.endswith(_JOINER) or unicodedata.combining(seen[-1]) == _VIRAMA_CLASS


def _completes_flag(seen: str, character: str) -> bool:
    return len(seen) == 1 and _is_flag_letter(seen) and _is_flag_letter(character)


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
