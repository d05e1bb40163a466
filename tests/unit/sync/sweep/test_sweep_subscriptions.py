"""Which topics a shop no longer sends to the app."""

import pytest

from shared.flows import TOPICS
from shared.shopify.sweep import Subscription
from shared.sync.sweep.subscriptions import lost_topics, report_lost_topics

ALL = sorted(topic for topics in TOPICS.values() for topic in topics)


def subscription(topic, family=None, store="nordlys", host="https://app.example.com/api"):
    family = family or next(name for name, topics in TOPICS.items() if topic in topics)
    return Subscription(topic.upper().replace("/", "_"), f"{host}/webhooks/shopify/{store}/{family}")


def everything():
    return [subscription(topic) for topic in ALL]


def test_nothing_is_lost_while_every_topic_is_sent():
    assert lost_topics("nordlys", TOPICS, everything()) == []


@pytest.mark.parametrize("topic", ALL)
def test_each_topic_is_missed(topic):
    assert lost_topics("nordlys", TOPICS, [each for each in everything() if each != subscription(topic)]) == [topic]


@pytest.mark.parametrize(
    "elsewhere",
    [
        subscription("refunds/create", family="orders"),
        subscription("refunds/create", store="prairie"),
        Subscription("REFUNDS_CREATE", "https://other.example.com/hooks"),
        Subscription("REFUNDS_CREATE", "pubsub://project:topic"),
    ],
)
def test_what_is_sent_elsewhere_is_not_sent_to_us(elsewhere):
    others = [each for each in everything() if each.topic != "REFUNDS_CREATE"]
    assert lost_topics("nordlys", TOPICS, [*others, elsewhere]) == ["refunds/create"]


def test_another_host_is_ours_too():
    moved = [subscription(topic, host="https://shop.example.com") for topic in ALL]
    assert lost_topics("nordlys", TOPICS, moved) == []


def test_subscriptions_are_watched_from_the_first_that_is_listed():
    assert report_lost_topics("nordlys", TOPICS, [], subscribed=False) is False
    assert report_lost_topics("nordlys", TOPICS, everything()[:1], subscribed=False) is True
    assert report_lost_topics("nordlys", TOPICS, [], subscribed=True) is True
