"""How the processes of the app share the calls that F&O takes at once: each leases some of them, for seconds.

One row holds all leases. A process renews its own while it has calls to make, and decides by what the row says; its
ETag decides between two that renew at once. So no call costs a call to the table, and the leases of a process that dies
end by themselves.

A lease is in force until `until`, by the clock of whoever reads it. Its own process starts no more calls from
`LeaseTerms.margin` before that: enough for clocks that differ by seconds, and for a usual call to end. After `until`
only `kept` of its slots stay its own, until `kept_until`: those of calls that F&O may still execute, and at least one,
with which a process that cannot reach the table goes on.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import Any, Final

from shared.flows import ORDERS

FIRST: Final = ORDERS.name
"""The group of functions with the first claim."""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    length: timedelta = timedelta(seconds=15)
    """From a renewal to the end of the lease."""
    margin: timedelta = timedelta(seconds=5)
    """How long before its end a process starts no more calls. Longer than the clocks of two processes differ."""
    reserve: timedelta = timedelta(minutes=2)
    """How long after a renewal one slot at least stays with its process."""
    turn: timedelta = timedelta(seconds=10)
    """How long a process keeps its last slot while more processes want one than there are."""
    renewal: timedelta = timedelta(seconds=5)
    """Between two renewals."""
    poll: timedelta = timedelta(seconds=1)
    """How often a process looks for slots that others gave up, while its calls wait for them."""
    conflict: timedelta = timedelta(milliseconds=50)
    """How long at most a process waits before it decides again, after another one was faster."""
    patience: timedelta = timedelta(seconds=60)
    """How long a call waits for a slot. A flow is cut off after FLOW_TIME (shared/sync/deadline.py)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one group of functions of one process asks for."""

    group: str
    ceiling: int
    """The most calls at once of all processes together, as this one was told."""
    wanted: int
    """The most calls at once, under way or waiting, since the last renewal."""
    in_use: int
    """Slots that are not free, and so cannot be given up yet."""
    lasting: int
    """Those of them whose calls may outlast the lease."""
    lasting_until: datetime
    """When the last of these calls has ended in F&O at the latest."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What one group of functions of one process holds, or waits for."""

    group: str
    ceiling: int
    wanted: int
    slots: int
    until: datetime
    kept: int
    kept_until: datetime
    since: datetime
    """When it got its first slot or, while it has none, began to wait."""

    def held(self, now: datetime) -> int:
        """The slots that no other may have."""
        if now < self.until:
            return self.slots
        return self.kept if now < self.kept_until else 0


_COLUMNS: Final = tuple(each.name for each in fields(Lease))
_TIMES: Final = frozenset({"until", "kept_until", "since"})


@dataclass(frozen=True, slots=True)
class Leases:
    """All leases, by member: a group of functions in one process."""

    members: Mapping[str, Lease] = field(default_factory=dict)

    def renew(self, member: str, demand: Demand, now: datetime, terms: LeaseTerms) -> tuple[Leases, int]:
        """The leases with the member's renewed, or given back if it wants none; and how many calls it may have under
        way from now on: fewer than its slots, if more calls than that have to end first.

        Others never lose a slot that they hold, they see in `wanted` that they have to give up some. Where processes
        were told different ceilings the lowest one is kept.
        """
        others = {
            name: lease
            for name, lease in self.members.items()
            if name != member and (now < lease.until or lease.held(now))
        }
        if not demand.wanted and not demand.in_use:
            return Leases(others), 0
        known = self.members.get(member)
        mine = _renewed(known if known is not None and now < known.until else None, demand, now, terms)
        claiming = {name: lease for name, lease in others.items() if now < lease.until}
        ceiling = min([demand.ceiling, *(lease.ceiling for lease in claiming.values())])
        left_behind = sum(lease.held(now) for name, lease in others.items() if name not in claiming)
        fair = _fair_shares(claiming | {member: mine}, ceiling - left_behind, now - terms.turn)[member]
        free = ceiling - sum(lease.held(now) for lease in others.values())
        share = max(0, min(fair, free))
        return Leases(others | {member: _with_slots(mine, max(share, demand.in_use), demand, now)}), share


def write_leases(leases: Leases) -> str:
    """As JSON."""
    rows = {name: {column: getattr(lease, column) for column in _COLUMNS} for name, lease in leases.members.items()}
    return json.dumps(rows, default=datetime.isoformat)


def read_leases(text: str) -> Leases:
    """What `write_leases` of this or a newer release wrote."""
    rows = json.loads(text)
    return Leases(
        {name: Lease(**{column: _value(column, row[column]) for column in _COLUMNS}) for name, row in rows.items()}
    )


def _value(column: str, value: str | int) -> Any:
    return datetime.fromisoformat(str(value)) if column in _TIMES else value


def _renewed(known: Lease | None, demand: Demand, now: datetime, terms: LeaseTerms) -> Lease:
    return Lease(
        group=demand.group,
        ceiling=demand.ceiling,
        wanted=max(demand.wanted, demand.in_use),
        slots=known.slots if known else 0,
        until=now + terms.length,
        kept=0,
        kept_until=max(now + terms.reserve, demand.lasting_until + terms.margin),
        since=known.since if known else now,
    )


def _with_slots(lease: Lease, slots: int, demand: Demand, now: datetime) -> Lease:
    goes_on = bool(lease.slots) == bool(slots)
    kept = min(slots, max(1, demand.lasting))
    return replace(lease, slots=slots, kept=kept, since=lease.since if goes_on else now)


def _fair_shares(leases: Mapping[str, Lease], slots: int, turn_began: datetime) -> Counter[str]:
    """How many slots each member should have: every group one, then the first group what it wants, then the others in
    turn. Within a group its processes get them in turn. Where not all can have one, whoever has had its turn makes
    room for whoever has waited longest.
    """

    def by_turn(name: str) -> tuple[int, float, str]:
        """The same for every process that looks, so the name decides between equals."""
        lease = leases[name]
        since = lease.since.timestamp()
        if not lease.slots:
            return 1, since, name
        return (0, since, name) if lease.since > turn_began else (2, -since, name)

    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(leases, key=by_turn):
        groups[leases[name].group].append(name)
    claims = {group: _in_turn(leases, names) for group, names in groups.items()}
    order = list(claims)
    if slots > 1 and FIRST in claims:
        order.sort(key=lambda group: group != FIRST)
    one_each = [first_of for group in order if (first_of := next(claims[group], ""))]
    first = claims.pop(FIRST, iter(()))
    others = (name for names in zip_longest(*claims.values(), fillvalue="") for name in names if name)
    return Counter(list(chain(one_each, first, others))[: max(0, slots)])


def _in_turn(leases: Mapping[str, Lease], names: list[str]) -> Iterator[str]:
    """Each name as often as it wants slots: all a first time, then all a second time, and so on."""
    most = max(leases[name].wanted for name in names)
    return (name for nth in range(most) for name in names if leases[name].wanted > nth)
