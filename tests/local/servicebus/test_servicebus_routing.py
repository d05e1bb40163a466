"""The way of a message through topics, filters and forwarding; duplicates and schedules on that way."""

from typing import Any

import pytest
from pydantic import ValidationError

from local.servicebus import addresses
from local.servicebus.addresses import Address
from local.servicebus.agenda import Agenda
from local.servicebus.duplicates import DuplicateHistory
from local.servicebus.errors import EntityNotFoundError, InvalidArgumentError, NotAllowedError, QuotaExceededError
from local.servicebus.filters import selects
from local.servicebus.message import Content, Message
from local.servicebus.namespace import Namespace
from local.servicebus.topology import Topology


class Bus:
    def __init__(self, **entities: Any) -> None:
        self.now = 1000.0
        self.namespace = Namespace(
            Topology.model_validate(entities), clock=lambda: self.now, on_available=lambda _: None
        )

    def send(self, name: str, **content: Any) -> int:
        return self.namespace.send(name, [Content(**content)])[0]

    def messages(self, name: str, subscription: str | None = None, *, dead: bool = False) -> list[Message]:
        return self.namespace.mailbox(name, subscription, dead_letters=dead).peek(1, 1000)

    def ids(self, name: str, subscription: str | None = None, *, dead: bool = False) -> list[str | None]:
        return [message.content.message_id for message in self.messages(name, subscription, dead=dead)]

    def reasons(self, name: str, subscription: str | None = None) -> list[str | None]:
        return [
            message.dead_letter.reason
            for message in self.messages(name, subscription, dead=True)
            if message.dead_letter is not None
        ]


def subscription(name: str, **more: Any) -> dict[str, Any]:
    return {"topic": "t", "name": name, **more}


def correlation(**conditions: Any) -> dict[str, Any]:
    return {"name": "r", "correlationFilter": conditions}


def rules(*filters: dict[str, Any]):
    entities = {"topics": [{"name": "t"}], "subscriptions": [subscription("s", rules=list(filters))]}
    return Topology.model_validate(entities).subscriptions[0].effective_rules


@pytest.mark.parametrize(
    ("condition", "content"),
    [
        ({"correlationId": "x"}, {"correlation_id": "x"}),
        ({"messageId": "x"}, {"message_id": "x"}),
        ({"to": "x"}, {"to": "x"}),
        ({"replyTo": "x"}, {"reply_to": "x"}),
        ({"label": "x"}, {"subject": "x"}),
        ({"subject": "x"}, {"subject": "x"}),
        ({"sessionId": "x"}, {"session_id": "x"}),
        ({"replyToSessionId": "x"}, {"reply_to_session_id": "x"}),
        ({"contentType": "x"}, {"content_type": "x"}),
        ({"properties": {"flow": "x"}}, {"properties": {"flow": "x", "more": 1}}),
    ],
)
def test_each_property_can_be_filtered_on(condition, content):
    wanted = rules(correlation(**condition))
    assert selects(wanted, Content(**content))
    assert not selects(wanted, Content())
    other = {key: {"flow": "X"} if isinstance(value, dict) else "X" for key, value in content.items()}
    assert not selects(wanted, Content(**other))


def test_conditions_of_a_filter_are_anded_and_rules_are_ored():
    both = correlation(label="order", properties={"flow": "orders"})
    assert not selects(rules(both), Content(subject="order"))
    assert selects(rules(both), Content(subject="order", properties={"flow": "orders"}))
    assert selects(rules(both, correlation(to="x")), Content(to="x"))


def test_numbers_strings_and_booleans_are_different_values():
    wanted = rules(correlation(properties={"n": 1}))
    assert selects(wanted, Content(properties={"n": 1}))
    assert not selects(wanted, Content(properties={"n": "1"}))
    assert not selects(wanted, Content(properties={"n": True}))


def test_a_subscription_without_rules_or_with_a_bare_default_rule_gets_everything():
    bus = Bus(
        topics=[{"name": "t"}],
        subscriptions=[subscription("new"), subscription("bare", rule={"name": "$Default"})],
    )
    bus.send("t", message_id="1")
    assert bus.ids("t", "new") == bus.ids("t", "bare") == ["1"]


def test_two_matching_rules_make_one_copy():
    bus = Bus(
        topics=[{"name": "t"}],
        subscriptions=[subscription("s", rules=[correlation(label="x"), correlation(to="y")])],
    )
    bus.send("t", message_id="1", subject="x", to="y")
    assert bus.ids("t", "s") == ["1"]


def test_forwarding_keeps_session_and_first_sequence_number():
    bus = Bus(
        topics=[{"name": "t"}],
        queues=[{"name": "q", "requiresSession": True}],
        subscriptions=[subscription("s", forwardTo="q")],
    )
    bus.send("q", session_id="other")
    number = bus.send("t", message_id="1", session_id="o-1")
    forwarded = bus.messages("q")[1]
    assert (forwarded.content.session_id, forwarded.enqueued_sequence_number, forwarded.sequence_number) == (
        "o-1",
        number,
        2,
    )
    assert not bus.messages("t", "s")


def test_a_message_that_cannot_be_forwarded_is_dead_lettered_at_the_source():
    bus = Bus(
        topics=[{"name": "t"}],
        queues=[{"name": "q", "requiresSession": True}],
        subscriptions=[subscription("no-session", forwardTo="q"), subscription("no-target", forwardTo="nowhere")],
    )
    bus.send("t", message_id="1")
    assert bus.reasons("t", "no-session") == ["Session ID is null"]
    assert bus.reasons("t", "no-target") == ["amqp:not-found"]
    assert not bus.messages("q")


def test_a_full_target_dead_letters_at_the_source():
    bus = Bus(queues=[{"name": "a", "forwardTo": "b"}, {"name": "b", "maxSizeInMegabytes": 1}])
    bus.send("a", size=1_000_000)
    bus.send("a", size=1_000_000)
    assert len(bus.messages("b")) == 1
    assert bus.reasons("a") == ["amqp:resource-limit-exceeded"]


def test_four_hops_are_allowed_and_the_fifth_dead_letters():
    chain = [{"name": f"q{n}", "forwardTo": f"q{n + 1}"} for n in range(5)]
    bus = Bus(queues=[*chain, {"name": "q5"}])
    bus.send("q1", message_id="four")
    assert bus.ids("q5") == ["four"]
    bus.send("q0", message_id="five")
    assert bus.ids("q5") == ["four"]
    assert bus.reasons("q4") == ["MaxTransferHopCountExceeded"]


def test_a_circle_of_queues_ends():
    bus = Bus(queues=[{"name": "a", "forwardTo": "b"}, {"name": "b", "forwardTo": "a"}])
    bus.send("a")
    assert len(bus.messages("a", dead=True)) + len(bus.messages("b", dead=True)) == 1


def test_a_duplicate_within_the_window_is_confirmed_and_dropped():
    bus = Bus(queues=[{"name": "q", "requiresDuplicateDetection": True, "duplicateDetectionHistoryTimeWindow": "PT1M"}])
    bus.send("q", message_id="1")
    bus.now += 59
    bus.send("q", message_id="1")
    bus.send("q", message_id="2")
    bus.send("q"), bus.send("q")
    assert bus.ids("q") == ["1", "2", None, None]
    bus.now += 1
    bus.send("q", message_id="1")
    assert bus.ids("q") == ["1", "2", None, None, "1"]


def test_a_topic_drops_duplicates_for_all_its_subscriptions():
    bus = Bus(
        topics=[{"name": "t", "requiresDuplicateDetection": True}], subscriptions=[subscription("a"), subscription("b")]
    )
    bus.send("t", message_id="1"), bus.send("t", message_id="1")
    assert bus.ids("t", "a") == bus.ids("t", "b") == ["1"]


def test_a_scheduled_message_counts_for_duplicates_from_the_moment_it_is_sent():
    bus = Bus(queues=[{"name": "q", "requiresDuplicateDetection": True}])
    bus.send("q", message_id="1", scheduled_for=bus.now + 60)
    bus.send("q", message_id="1")
    bus.now += 60
    assert [message.enqueued_at for message in bus.messages("q")] == [bus.now]


def test_a_topic_filters_a_scheduled_message_when_it_is_due():
    bus = Bus(topics=[{"name": "t"}], subscriptions=[subscription("s", rule=correlation(label="x"))])
    bus.send("t", message_id="1", subject="x", scheduled_for=bus.now + 60)
    bus.send("t", message_id="2", subject="y", scheduled_for=bus.now + 60)
    assert bus.namespace.depths()["t"].scheduled == 2
    bus.now += 60
    assert bus.ids("t", "s") == ["1"]
    assert bus.namespace.depths()["t"].scheduled == 0


def test_a_message_due_in_the_past_is_delivered_at_once():
    bus = Bus(queues=[{"name": "q"}])
    bus.send("q", message_id="1", scheduled_for=bus.now)
    assert bus.namespace.mailbox("q").receive() is not None


def test_a_topics_time_to_live_binds_its_subscriptions():
    bus = Bus(
        topics=[{"name": "t", "defaultMessageTimeToLive": "PT10S"}],
        subscriptions=[subscription("s", defaultMessageTimeToLive="PT1H")],
    )
    bus.send("t", time_to_live=60.0)
    bus.now += 10
    assert not bus.messages("t", "s")


def test_a_batch_is_taken_whole_or_not_at_all():
    bus = Bus(queues=[{"name": "q", "requiresSession": True}])
    with pytest.raises(NotAllowedError):
        bus.namespace.send("q", [Content(session_id="a"), Content()])
    assert not bus.messages("q")


def test_a_topic_is_as_full_as_its_subscriptions():
    bus = Bus(topics=[{"name": "t", "maxSizeInMegabytes": 1}], subscriptions=[subscription("a"), subscription("b")])
    bus.send("t", size=500_000)
    with pytest.raises(QuotaExceededError):
        bus.send("t", size=500_000)


def test_names_ignore_case_and_unknown_ones_are_not_found():
    bus = Bus(topics=[{"name": "T"}], queues=[{"name": "Orders"}], subscriptions=[subscription("S")])
    bus.send("oRDERS", message_id="1")
    assert bus.ids("ORDERS") == ["1"]
    assert bus.ids("t", "s") == []
    for name, sub in (("nope", None), ("t", None), ("t", "nope"), ("orders", "s")):
        with pytest.raises(EntityNotFoundError):
            bus.namespace.mailbox(name, sub)
    with pytest.raises(EntityNotFoundError):
        bus.send("nope")


def test_no_receiver_where_messages_are_forwarded_but_at_its_dead_letters():
    bus = Bus(queues=[{"name": "a", "forwardTo": "b"}, {"name": "b"}])
    with pytest.raises(NotAllowedError):
        bus.namespace.receivable("a")
    assert bus.namespace.receivable("a", dead_letters=True).path == "a/$DeadLetterQueue"


@pytest.mark.parametrize("name", ["message_id", "session_id"])
def test_ids_have_at_most_128_characters(name):
    bus = Bus(queues=[{"name": "q"}])
    bus.send("q", **{name: "x" * 128})
    with pytest.raises(InvalidArgumentError):
        bus.send("q", **{name: "x" * 129})


def test_a_repeat_does_not_prolong_the_memory_of_the_first():
    history = DuplicateHistory(60)
    assert not history.is_repeat("1", 0)
    assert history.is_repeat("1", 59)
    assert not history.is_repeat("1", 60)


def test_the_agenda_runs_what_is_due_in_order_and_forgets_what_is_cancelled_or_replaced():
    ran: list[str] = []
    agenda = Agenda()
    for key, due in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("later", 9.0)):
        agenda.put(key, due, lambda key=key: ran.append(key))
    agenda.put("a", 2.5, lambda: ran.append("a again"))
    agenda.cancel("c")
    agenda.run_due(3.0)
    assert ran == ["b", "a again"]
    assert agenda.next_due() == 9.0


def test_the_agenda_does_not_grow_with_cancelled_entries():
    agenda = Agenda()
    for number in range(10_000):
        agenda.put(number, 1e9, lambda: None)
        agenda.cancel(number)
    assert len(agenda) == 0
    assert len(agenda._heap) < 100


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("orders", Address("orders")),
        ("amqps://127.0.0.1:5672/orders", Address("orders")),
        ("orders/$DeadLetterQueue", Address("orders", dead_letters=True)),
        ("t/Subscriptions/s", Address("t", "s")),
        ("t/subscriptions/s/$deadletterqueue/$management", Address("t", "s", dead_letters=True, management=True)),
        ("orders/$management", Address("orders", management=True)),
    ],
)
def test_addresses_name_entities(text, address):
    assert addresses.parse(text) == address


@pytest.mark.parametrize("text", ["", "$management", "a/b", "a/b/c", "orders/$Transfer/$DeadLetterQueue"])
def test_other_addresses_are_not_found(text):
    with pytest.raises(EntityNotFoundError):
        addresses.parse(text)


@pytest.mark.parametrize(
    ("entities", "problem"),
    [
        ({"queues": [{"name": "q", "lockDuration": "PT6M"}]}, "less than or equal"),
        ({"queues": [{"name": "q", "autoDeleteOnIdle": "PT1H"}]}, "Extra inputs"),
        ({"queues": [{"name": "q"}], "topics": [{"name": "Q"}]}, "named twice"),
        ({"queues": [{"name": "q", "requiresSession": True, "forwardTo": "p"}]}, "cannot forward"),
        ({"subscriptions": [{"topic": "t", "name": "s"}]}, "unknown topics"),
        (
            {
                "topics": [{"name": "t"}],
                "subscriptions": [{"topic": "t", "name": "s", "rule": {"name": "r", "correlationFilter": {}}}],
            },
            "at least one condition",
        ),
    ],
)
def test_a_topology_that_azure_or_the_emulator_would_not_take_is_refused(entities, problem):
    with pytest.raises(ValidationError, match=problem):
        Topology.model_validate(entities)
