"""Leases of F&O's slots as plain values: who gets how many, and when somebody else may have them."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from shared.d365.odata.leases import Demand, Leases, LeaseTerms, read_leases, write_leases
from shared.store.tables import TEXT_LIMIT

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TERMS = LeaseTerms()


class Shop:
    """Members that ask in turn. `name` is "group process"."""

    def __init__(self, ceiling=8):
        self.leases = Leases()
        self.now = START
        self.ceiling = ceiling

    def ask(self, name, wanted, *, in_use=0, lasting=0, lasting_until=None, ceiling=None):
        group = name.split()[0]
        ends = lasting_until or self.now
        demand = Demand(group, ceiling or self.ceiling, wanted, in_use, lasting, ends)
        self.leases, share = self.leases.renew(name, demand, self.now, TERMS)
        return share

    def wait(self, seconds):
        self.now += seconds * SECOND

    def held(self):
        return sum(lease.held(self.now) for lease in self.leases.members.values())


def test_a_lone_group_gets_all_that_it_wants():
    shop = Shop()
    assert shop.ask("stock a", 3) == 3
    assert shop.ask("stock a", 20) == 8


def test_a_lease_that_is_over_holds_nothing():
    shop = Shop()
    shop.ask("stock a", 3)
    assert shop.held() == 3
    shop.wait(86_400)
    assert shop.held() == 0


def test_orders_come_first_and_every_other_group_keeps_one():
    shop = Shop()
    for _ in range(3):
        shares = {name: shop.ask(name, 20) for name in ("stock a", "sweep a", "orders a")}
    assert shares == {"orders a": 6, "stock a": 1, "sweep a": 1}


def test_what_orders_do_not_want_is_shared_by_the_others():
    shop = Shop()
    for _ in range(3):
        shares = {name: shop.ask(name, wanted) for name, wanted in (("orders a", 2), ("stock a", 20), ("sweep a", 2))}
    assert shares == {"orders a": 2, "stock a": 4, "sweep a": 2}


def test_processes_of_one_group_share_evenly():
    shop = Shop()
    for _ in range(3):
        shares = {
            name: shop.ask(name, wanted) for name, wanted in (("orders a", 20), ("orders b", 20), ("orders c", 1))
        }
    assert sorted(shares.values()) == [1, 3, 4]


def test_a_newcomer_gets_slots_only_when_the_others_calls_have_ended():
    shop = Shop()
    shop.ask("orders a", 8)
    assert shop.ask("orders b", 4) == 0
    assert shop.ask("orders a", 8, in_use=8) == 4
    assert (shop.ask("orders b", 4), shop.held()) == (0, 8)
    shop.ask("orders a", 8, in_use=5)
    assert (shop.ask("orders b", 4), shop.held()) == (3, 8)
    shop.ask("orders a", 8, in_use=4)
    assert (shop.ask("orders b", 4), shop.held()) == (4, 8)


def test_who_wants_nothing_gives_all_back():
    shop = Shop()
    shop.ask("orders a", 8)
    shop.ask("orders a", 0)
    assert shop.leases == Leases()


def test_the_slots_of_a_process_that_died_are_free_after_its_lease_but_one():
    shop = Shop()
    shop.ask("orders dead", 8, in_use=8)
    shop.wait(14)
    assert shop.ask("orders b", 8) == 0
    shop.wait(1)
    assert shop.ask("orders b", 8) == 7
    shop.wait(104)
    assert shop.ask("orders b", 8) == 7
    shop.wait(1)
    assert shop.ask("orders b", 8) == 8


def test_slots_of_calls_that_may_last_stay_taken_until_fo_has_ended_them():
    shop = Shop()
    shop.ask("orders dead", 8, in_use=8, lasting=3, lasting_until=START + 240 * SECOND)
    shop.wait(244)  # clocks differ
    assert shop.ask("orders b", 8) == 5
    shop.wait(1)
    assert shop.ask("orders b", 8) == 8


def test_of_two_ceilings_the_lower_one_is_kept_until_its_lease_has_ended():
    shop = Shop()
    shop.ask("orders old", 16, ceiling=16)
    assert shop.ask("orders new", 16, ceiling=8) == 0
    assert shop.ask("orders old", 16, ceiling=16) == 4
    assert shop.ask("orders new", 16, ceiling=8) == 4
    assert shop.ask("orders old", 16, ceiling=16) == 4
    shop.ask("orders new", 0, ceiling=8)
    assert shop.ask("orders old", 16, ceiling=16) == 16


@pytest.mark.parametrize(
    ("ceiling", "names"),
    [
        (3, [f"orders {number}" for number in range(10)]),
        (1, ["orders a", "stock a", "sweep a"]),
        (2, ["orders a", "orders b", "stock a", "sweep a"]),
        (8, [f"{group} {number}" for group in ("orders", "stock") for number in range(9)]),
    ],
)
def test_where_there_are_too_few_slots_everyone_has_a_turn(ceiling, names):
    shop = Shop(ceiling)
    seconds = Counter()
    for _ in range(300):
        for name in names:
            seconds[name] += shop.ask(name, 5) > 0
        assert shop.held() <= ceiling
        shop.wait(1)
    assert min(seconds[name] for name in names) >= 25


def test_slots_are_not_handed_round_while_everyone_has_one():
    shop = Shop(4)
    for _ in range(3):
        for name in ("orders a", "orders b", "stock a"):
            shop.ask(name, 5)
    known = {name: lease.slots for name, lease in shop.leases.members.items()}
    for _ in range(60):
        shop.wait(1)
        assert {name: shop.ask(name, 5) for name in ("orders a", "orders b", "stock a")} == known


def test_a_process_that_waited_for_a_slot_and_died_leaves_nothing():
    shop = Shop(1)
    shop.ask("orders a", 1)
    shop.ask("orders dead", 1)
    shop.wait(15)
    shop.ask("orders b", 1)
    assert set(shop.leases.members) == {"orders a", "orders b"}


def test_the_leases_of_a_hundred_processes_fit_into_a_column():
    shop = Shop()
    for number in range(100):
        shop.now += timedelta(microseconds=1)
        shop.ask(f"orders {number:012d}", 20)
    assert len(write_leases(shop.leases)) < TEXT_LIMIT


def test_leases_are_stored_as_text_and_columns_of_a_newer_release_are_no_trouble():
    shop = Shop()
    shop.ask("orders a", 8, in_use=2, lasting=2, lasting_until=START + 240 * SECOND)
    shop.ask("stock a", 1)
    text = write_leases(shop.leases)
    assert read_leases(text) == shop.leases
    newer = {name: row | {"weight": 3} for name, row in json.loads(text).items()}
    assert read_leases(json.dumps(newer)) == shop.leases
