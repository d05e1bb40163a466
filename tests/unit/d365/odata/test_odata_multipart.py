"""Multipart bodies split into their parts, compared with Python's parser of e-mails."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.d365.odata.batch import MalformedBatchError, leaves

TYPE = "multipart/mixed; boundary=b1"


def bodies(body: bytes, content_type: str = TYPE) -> list[bytes]:
    return [part.body for part in leaves(content_type, body)]


@pytest.mark.parametrize(
    "content_type",
    [TYPE, 'Multipart/Mixed; charset=utf-8; Boundary="b1"', " multipart/mixed;boundary=b1;x=y"],
)
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_parts_are_found_whatever_surrounds_them(content_type: str, end: str) -> None:
    text = "preamble\n--b1\nA: 1\n\none\n--b1 \n\ntwo\n--b1--\nepilogue\n--b1"
    assert bodies(text.replace("\n", end).encode(), content_type) == [b"one", b"two"]


def test_headers_have_names_in_lower_case() -> None:
    (part,) = leaves(TYPE, b"--b1\r\nContent-ID:  7 \r\nX: a:b\r\n\r\n\r\n--b1--")
    assert part.headers == {"content-id": "7", "x": "a:b"}


@pytest.mark.parametrize("inside", [b"x--b1", b"--b12", b"--b1 x", b"-b1"])
def test_what_only_looks_like_a_delimiter_is_content(inside: bytes) -> None:
    body = b"--b1\r\n\r\na\r\n" + inside + b"\r\nb\r\n--b1--"
    assert bodies(body) == [b"a\r\n" + inside + b"\r\nb"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "closing delimiter"),
        (b"--b1\r\n\r\none\r\n--b1", "closing delimiter"),
        (b"--b1\r\nA: 1\r\n--b1--", "blank line"),
        (b"--b1\r\n--b1--", "blank line"),
        (b"--b1\r\nContent-Transfer-Encoding: base64\r\n\r\nb25l\r\n--b1--", "encoded"),
        (b"--b1\r\nContent-Type: multipart/mixed\r\n\r\n\r\n--b1--", "no multipart"),
        (b"--b1\r\nContent-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\n\r\none\r\n--b1--", "closing delimiter"),
    ],
)
def test_a_body_that_is_not_whole_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(MalformedBatchError, match=problem):
        bodies(body)


def nested(depth: int) -> bytes:
    body = b"one"
    for number in range(depth, 0, -1):
        head = f"Content-Type: multipart/mixed; boundary=b{number + 1}\r\n" if number < depth else ""
        body = f"--b{number}\r\n{head}\r\n".encode() + body + f"\r\n--b{number}--".encode()
    return body


def test_parts_within_parts_end_somewhere() -> None:
    assert bodies(nested(3)) == [b"one"]
    with pytest.raises(MalformedBatchError, match="no multipart"):
        bodies(nested(4))


CONTENT = st.text(st.sampled_from("ab-1: \r\n{}ä"), max_size=30).filter(lambda text: "--b" not in text)


@given(st.lists(CONTENT, min_size=1, max_size=4), st.booleans())
def test_the_parts_are_those_that_a_parser_of_emails_finds(contents: list[str], inside: bool) -> None:  # noqa: FBT001
    parts = "".join(f"--b1\r\nContent-Type: application/http\r\n\r\n{content}\r\n" for content in contents)
    body, content_type = f"{parts}--b1--\r\n".encode(), TYPE
    if inside:
        body = b"--b2\r\nContent-Type: " + TYPE.encode() + b"\r\n\r\n" + body + b"--b2--\r\n"
        content_type = "multipart/mixed; boundary=b2"
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    expected = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    assert bodies(body, content_type) == expected
