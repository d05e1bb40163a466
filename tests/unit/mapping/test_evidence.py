"""The table of a proof that a person reads, from the proof as it is stored."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from shared.mapping.evidence import Proof, ProofRow, compared, proof_table
from tests.builders.sales import euros

PROOF = Proof(
    subject="#1001",
    lines=(compared("2 x TENT-2P", euros("1200.00"), euros("1199.99")), ProofRow("Rounding", fo=euros("0.02"))),
    components=(ProofRow("products", euros("1200.00"), euros("1199.99")),),
    taxes=(compared("NL21", euros("208.26"), euros("208.26")),),
    totals=(ProofRow("cash rounding", euros(0)), compared("total", euros("1200.00"), euros("1199.99"))),
    notes=("prices include tax",),
)


def test_a_bookkeeper_reads_both_sides_in_columns_with_the_totals_last():
    assert proof_table(json.loads(json.dumps(PROOF.as_dict()))) == [
        "#1001            Shopify          F&O  Difference",
        "",
        "Line by line",
        "2 x TENT-2P  1200.00 EUR  1199.99 EUR   -0.01 EUR",
        "Rounding                     0.02 EUR",
        "",
        "By component",
        "products     1200.00 EUR  1199.99 EUR",
        "",
        "Taxes",
        "NL21          208.26 EUR   208.26 EUR    0.00 EUR",
        "",
        "Totals",
        "total        1200.00 EUR  1199.99 EUR   -0.01 EUR",
        "",
        "Note: prices include tax",
    ]


def test_a_long_name_leaves_room_for_the_amounts():
    proof = Proof(subject="#1", components=(ProofRow("x" * 400, euros("1.00")),), totals=(ProofRow("total", euros(1)),))
    assert max(map(len, proof_table(proof.as_dict()))) < 100


def test_fractions_of_a_cent_are_shown_since_they_may_be_the_whole_difference():
    assert compared("line", euros("0.375"), euros("0.38")).as_dict() == {
        "name": "line",
        "shopify": "0.375 EUR",
        "fo": "0.38 EUR",
        "difference": "0.005 EUR",
    }


def test_a_component_that_was_left_out_has_no_amounts():
    assert PROOF.row("duties") == ProofRow("duties")
    assert PROOF.row("products").shopify == euros("1200.00")
    assert PROOF.total.amount == Decimal("1200.00")


def test_a_proof_without_a_total_of_shopify_has_none():
    with pytest.raises(ValueError, match="#1 has no total"):
        _ = Proof(subject="#1", components=(), totals=(ProofRow("total", fo=euros(1)),)).total
