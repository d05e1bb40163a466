"""The entities of a namespace, as `infra/topology.json` names them.

Keys have the names and the meaning that the ARM types below `Microsoft.ServiceBus/namespaces` give them; durations are
ISO 8601. Strict on purpose: a key the emulator does not act on is an error, not a silent difference to Azure.
"""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

type PropertyValue = bool | int | float | str

FOREVER = timedelta.max
"""The default time to live in Azure: `TimeSpan.MaxValue`."""


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, strict=False
    )


class _Named(_Model):
    name: Annotated[str, Field(min_length=1)]


class CorrelationFilter(_Model):
    """Every condition that is set must hold."""

    correlation_id: str | None = None
    message_id: str | None = None
    to: str | None = None
    reply_to: str | None = None
    subject: str | None = Field(default=None, validation_alias=AliasChoices("label", "subject"))
    session_id: str | None = None
    reply_to_session_id: str | None = None
    content_type: str | None = None
    properties: dict[str, PropertyValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a correlation filter needs at least one condition")
        return self


class Rule(_Named):
    """Without a filter the rule matches every message, as the `$Default` rule of a new subscription does."""

    correlation_filter: CorrelationFilter | None = None


class _Receivable(_Named):
    """What queues and subscriptions have in common. Defaults are Azure's."""

    requires_session: bool = False
    default_message_time_to_live: timedelta = FOREVER
    dead_lettering_on_message_expiration: bool = False
    lock_duration: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(minutes=1)
    max_delivery_count: Annotated[int, Field(ge=1)] = 10
    forward_to: str | None = None

    @model_validator(mode="after")
    def _forwarding_source_has_no_sessions(self) -> Self:
        if self.forward_to is not None and self.requires_session:
            raise ValueError(f"{self.name}: an entity that requires sessions cannot forward")
        return self


class _Sendable(_Named):
    """What queues and topics have in common."""

    requires_duplicate_detection: bool = False
    duplicate_detection_history_time_window: timedelta = timedelta(minutes=10)
    max_size_in_megabytes: Annotated[int, Field(ge=1)] = 1024

    @property
    def duplicate_window(self) -> float | None:
        """Seconds in which a MessageId is accepted once; None where duplicates are not looked for."""
        if not self.requires_duplicate_detection:
            return None
        return self.duplicate_detection_history_time_window.total_seconds()

    @property
    def max_bytes(self) -> int:
        return self.max_size_in_megabytes * 1024 * 1024


class Queue(_Receivable, _Sendable):
    """Messages are sent to it and received from it."""


class Topic(_Sendable):
    default_message_time_to_live: timedelta = FOREVER


class Subscription(_Receivable):
    """`rule` (one) or `rules` (several, OR-ed); with neither, the match-all rule a new subscription has."""

    topic: str
    rule: Rule | None = None
    rules: tuple[Rule, ...] = ()
    # A correlation filter cannot fail, so there is nothing to dead-letter: accepted, without effect.
    dead_lettering_on_filter_evaluation_exceptions: bool = True

    @model_validator(mode="after")
    def _rules_are_given_once(self) -> Self:
        if self.rule is not None and self.rules:
            raise ValueError(f"{self.topic}/{self.name}: give rule or rules, not both")
        return self

    @property
    def effective_rules(self) -> tuple[Rule, ...]:
        return self.rules or (self.rule or Rule(name="$Default"),)


class Topology(_Model):
    topics: tuple[Topic, ...] = ()
    queues: tuple[Queue, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()

    @model_validator(mode="after")
    def _names_are_consistent(self) -> Self:
        senders = [entity.name.lower() for entity in (*self.topics, *self.queues)]
        paths = [f"{sub.topic}/{sub.name}".lower() for sub in self.subscriptions]
        if twice := [name for name, times in Counter([*senders, *paths]).items() if times > 1]:
            raise ValueError(f"named twice (case does not count): {twice}")
        topics = {topic.name.lower() for topic in self.topics}
        if orphans := [sub.name for sub in self.subscriptions if sub.topic.lower() not in topics]:
            raise ValueError(f"subscriptions of unknown topics: {orphans}")
        return self


def load(path: Path) -> Topology:
    """Raises `pydantic.ValidationError` that names the offending key, and OSError."""
    return Topology.model_validate_json(path.read_bytes())
