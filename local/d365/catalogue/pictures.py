"""Small pictures, so that attachments are files that every viewer opens."""

import base64
import re
import struct
import zlib

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_SIZE = 64
"""Pixels of each side."""


def picture(color: str) -> str:
    """A PNG of one colour (`#rrggbb`), as base64. Raises ValueError for what is no colour."""
    if not _COLOR.fullmatch(color):
        raise ValueError(f"{color} is no colour of the form #rrggbb")
    line = b"\x00" + bytes.fromhex(color[1:]) * _SIZE
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(line * _SIZE)), _chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
