"""Text as people typed it, made safe to pass on: cleaned, never transliterated, never cut short."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import regex

# What no field of either system can hold or show: control characters, the zero-width space, the byte order mark, and
# halves of surrogate pairs, which JSON can spell (a lone escape of D800) but UTF-8 cannot. The zero-width joiner and
# non-joiner stay: Persian, the Indic scripts and emoji need them.
_UNSEEN: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\ufeff\ud800-\udfff]")
_LINE_ENDS: Final = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]+")
# A letter with more marks than any script has (Unicode's stream-safe format, UAX 15). The time to sort marks grows with
# the square of their number; the grapheme joiner, which cannot be seen, parts them.
_MARKS: Final = regex.compile(r"([\p{M}--\u034f]{30})(?=[\p{M}--\u034f])", regex.VERSION1)
# What a reader sees as one character (Unicode's extended grapheme cluster): a letter with its accents, a joined emoji.
_CHARACTER: Final = regex.compile(r"\X")


def storable(text: str) -> str:
    """The text in Unicode's composed form (NFC), without what cannot be seen; blanks and line ends stay."""
    if not text.isprintable():
        text = _UNSEEN.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", _MARKS.sub("\\1\u034f", text))


def one_line(text: str) -> str:
    """The text on one line, with single blanks between its words."""
    if not (text.isascii() and text.isprintable()):
        text = storable(text)
    return " ".join(text.split())


def lines(text: str) -> str:
    """The same for text of several lines: line feeds between them, no empty ones."""
    return "\n".join(filter(None, map(one_line, _LINE_ENDS.split(text))))


def split_to_lengths(text: str, width: int) -> list[str]:
    """The text as lines of at most `width` UTF-16 units, which is how SQL Server, and so F&O, counts a field's length.

    Existing line feeds stay ends of lines; longer lines are split at blanks. A word that is longer than a line is
    split too, but never within what a reader sees as one character, unless that alone is wider than the line. Nothing
    but blanks and line feeds at a split is lost.
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
    if word.isascii():  # without line ends, which have been split at: every letter is one character
        return [word[start : start + width] for start in range(0, len(word), width)]
    pieces: list[str] = []
    piece: list[str] = []
    room = width
    for character in _CHARACTER.findall(word):
        for part in [character] if _units(character) <= width else character:
            if _units(part) > room:
                pieces.append("".join(piece))
                piece, room = [], width
            piece.append(part)
            room -= _units(part)
    return [*pieces, "".join(piece)]


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
