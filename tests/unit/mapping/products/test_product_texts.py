"""F&O's texts as Shopify takes them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.mapping.products.wanted.texts import html_of, plain_number


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("", ""),
        (" \n\n\t", ""),
        ("Holds coffee.", "<p>Holds coffee.</p>"),
        ("One\nTwo", "<p>One<br>Two</p>"),
        ("One\r\nTwo\rThree", "<p>One<br>Two<br>Three</p>"),
        ("One\n\nTwo", "<p>One</p><p>Two</p>"),
        ("One\n \n\n\nTwo\n", "<p>One</p><p>Two</p>"),
        ("  Two   blanks\t", "<p>Two blanks</p>"),
        ('<b>5 > 3</b> & "so"', '<p>&lt;b&gt;5 &gt; 3&lt;/b&gt; &amp; "so"</p>'),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("A\x00B\x08C\x1fD\ufeff\ud800E", "<p>ABCDE</p>"),
        ("A\u2028B\x0bC\x85D", "<p>A<br>B<br>C<br>D</p>"),
        ("Cafe\u0301", "<p>Caf\u00e9</p>"),
    ],
)
def test_plain_text_becomes_paragraphs_in_which_nothing_is_html(plain: str, html: str) -> None:
    assert html_of(plain) == html


@pytest.mark.parametrize(
    ("number", "text"), [("1.50", "1.5"), ("1200", "1200"), ("1E+3", "1000"), ("0.000", "0"), ("-0.25", "-0.25")]
)
def test_numbers_have_no_exponent_and_no_zeros_at_the_end(number: str, text: str) -> None:
    assert plain_number(Decimal(number)) == text
