"""How the GraphQL documents are put together from their files."""

from pathlib import Path

import pytest

from shared.shopify.queries import load

FOLDER = Path("shared/shopify/queries")


def count(text, name):
    return text.count(f"fragment {name} on ")


def test_a_document_brings_the_fragments_that_it_spreads_also_through_another_fragment():
    text = load("order_lines").text
    assert "...Line" in text
    assert {name: count(text, name) for name in ("Line", "Tax", "Money", "Page")} == dict.fromkeys(
        ("Line", "Tax", "Money", "Page"), 1
    )


def test_a_document_brings_no_fragment_that_it_does_not_use():
    assert "fragment " not in load("write_back_tag").text
    assert count(load("stock_orders").text, "Money") == 0


def test_a_fragment_that_one_document_defines_itself_is_not_added():
    text = load("order_state").text
    assert (count(text, "Address"), count(text, "Transaction")) == (1, 1)


def test_a_document_without_a_file_is_an_error():
    with pytest.raises(FileNotFoundError):
        load("no_such_document")


def test_every_fragment_file_defines_its_fragment_and_serves_some_document():
    fragments = {path.stem: path.read_text() for path in FOLDER.glob("fragments/*.graphql")}
    documents = [load(path.stem).text for path in FOLDER.glob("*.graphql")]
    assert fragments
    assert all(count(text, name) == text.count("fragment ") == 1 for name, text in fragments.items())
    assert [name for name in fragments if not any(count(text, name) for text in documents)] == []


def test_a_document_is_read_from_its_file_once():
    assert load("order_state") is load("order_state")
