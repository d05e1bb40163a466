"""When the webhooks of a history arrive: at once, or late, in another order and twice."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.builders.histories import History, Webhook


@dataclass(frozen=True)
class Delivery:
    """A webhook and the step, counted from 0, after which it arrives."""

    webhook: Webhook
    after: int


@st.composite
def deliveries(draw: st.DrawFn, history: History) -> tuple[Delivery, ...]:
    """Every webhook late by some steps, in any order, and some of them twice."""
    last = len(history.steps) - 1
    once = [
        Delivery(each, min(last, each.at + draw(st.sampled_from((0, 0, 1, 2, last)))))
        for each in draw(st.permutations(history.webhooks))
    ]
    again = draw(st.lists(st.sampled_from(history.webhooks), max_size=3))
    twice = [Delivery(each, min(last, each.at + draw(st.sampled_from((0, last))))) for each in again]
    return (*once, *twice)


def in_order(history: History) -> tuple[Delivery, ...]:
    return tuple(Delivery(each, each.at) for each in history.webhooks)
