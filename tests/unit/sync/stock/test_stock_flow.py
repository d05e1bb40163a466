"""What a run of the stock flow decides about single figures, and what it reports."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from shared.errors import RefusedError
from shared.mapping.stock.figures import FigureOutcome
from shared.model import LevelId
from shared.rules import Flows, StockRules
from shared.sync.stock.figures import UNCERTAIN, ShownFigures
from shared.sync.stock.report import explained
from tests.builders.stock_world import FakeAdmin, World

RULES = StockRules(settle_seconds=30, catalogue_minutes=60)


def opened(units=5, **other):
    """One SKU at one location, whose figure is set."""
    world = World(stock=other.pop("rules", RULES), **other)
    for place in world.locations:
        world.receive(place, units)
    world.push().finish()
    world.time += 120
    return world


def run(world, after=0):
    world.time += after
    return world.push().finish()


def outcomes(report):
    return list(report.outcomes.elements())


def test_a_figure_that_did_not_change_costs_no_reading_of_it():
    world = opened()
    report = run(world)
    assert (outcomes(report), report.changed, report.halted, report.busy) == ([FigureOutcome.UNCHANGED], 0, "", False)
    assert (report.shopify_calls, report.fo_calls) == (3, 1)  # changed levels, new orders, changed ones; on-hand


def test_a_figure_is_lowered_and_raised_and_reported_with_what_it_was():
    world = opened(5)
    world.receive(1, -2)
    (lowered,) = run(world).figures
    assert (lowered.outcome, lowered.before, lowered.after, lowered.is_changed) == (FigureOutcome.LOWERED, 5, 3, True)
    world.receive(1, 4)
    (raised,) = run(world, after=60).figures
    assert (raised.outcome, raised.before, raised.after) == (FigureOutcome.RAISED, 3, 7)
    assert world.available == {1: 7}


def test_what_is_not_sold_any_more_shows_nothing_anywhere_until_it_is_sold_again():
    world = opened(5, locations=(1, 2))
    world.withhold()
    assert [(figure.outcome, figure.after) for figure in run(world).figures] == [(FigureOutcome.LOWERED, 0)] * 2
    assert world.available == {1: 0, 2: 0}
    world.receive(1, 3)
    assert run(world, after=60).changed == 0
    world.withhold(is_sold=True)
    run(world, after=60)
    assert world.available == {1: 8, 2: 5}


def test_what_is_not_sold_any_more_shows_nothing_while_the_flow_of_products_is_off():
    world = opened(5)
    world.rules.flows = Flows(stock=True, products=False)
    world.withhold()
    assert run(world).figures[0].after == 0


def test_what_is_not_sold_any_more_shows_nothing_if_f_and_o_has_no_stock_record_or_no_item_of_it():
    world = opened(5)
    world.fo_has_rows = False
    world.withhold()
    assert run(world).figures[0].after == 0
    world = opened(5)
    world.withhold()
    world.fo_has_items = False
    report = run(world, after=3600)
    assert ([figure.after for figure in report.figures], report.problems) == ([0], ())


def test_a_figure_that_shopify_has_just_changed_is_not_raised_yet():
    world = opened(5)
    order = world.sell(1, 1)
    world.book(order, 1)
    world.link(order)
    world.receive(1, 4)
    world.time += 29
    assert outcomes(run(world)) == [FigureOutcome.SETTLING]
    assert outcomes(run(world, after=2)) == [FigureOutcome.RAISED]
    assert world.available == {1: 8}


def test_stock_of_another_status_is_not_offered():
    world = opened(5, rules=replace_rules(statuses=("Available",)))
    assert world.available == {1: 5}
    world.blocked = {"AMS": 3}
    assert outcomes(run(world)) == [FigureOutcome.LOWERED]
    assert world.available == {1: 2}


# ---- the other figures of an item


READ_ONE_AND_SET = 7  # changed levels, two searches of orders, the figure, both again, the call that sets it


@pytest.mark.parametrize("units", [-2, 2])
def test_a_changed_figure_is_read_alone_while_the_items_others_are_as_they_were_set(units):
    world = opened(5, locations=(1, 2))
    world.receive(1, units)
    report = run(world, after=60)
    assert (report.changed, report.unchanged, report.shopify_calls) == (1, 1, READ_ONE_AND_SET)
    assert world.available == {1: 5 + units, 2: 5}


def test_before_a_figure_rises_another_one_that_has_to_fall_is_read_and_lowered():
    world = opened(5, locations=(1, 2))
    world.receive(1, 1)
    push = world.push()
    push.step_until("StockLevels")
    world.receive(2, -3)
    push.step_until("StockSet")
    assert world.available == {1: 5, 2: 5}
    report = push.finish()
    assert world.available == {1: 6, 2: 2}
    assert (report.changed, report.unchanged) == (2, 0)


def test_a_figure_falls_at_once_whatever_the_items_others_are():
    world = opened(5, locations=(1, 2))
    world.receive(1, -1)
    push = world.push()
    push.step_until("StockLevels")
    world.receive(2, -3)
    report = push.finish()
    assert (report.changed, report.shopify_calls, world.available) == (1, READ_ONE_AND_SET, {1: 4, 2: 5})
    assert run(world, after=60).changed == 1
    assert world.available == {1: 4, 2: 2}


def test_a_figure_without_a_row_holds_up_no_other():
    world = World(stock=RULES, locations=(1, 2))
    world.receive(1, 5)
    world.rows_without = {2}
    run(world)
    world.receive(1, 1)
    assert (run(world, after=60).changed, world.available) == (1, {1: 6, 2: 0})


# ---- freeze


def backlog(world, orders):
    for _ in range(orders):
        assert world.sell(1, 1)


@pytest.mark.parametrize(("orders", "frozen"), [(2, False), (3, True)])
def test_while_too_many_orders_wait_no_figure_rises(orders, frozen):
    world = opened(10, rules=replace_rules(freeze_backlog=2))
    backlog(world, orders)
    world.receive(1, 5)
    report = run(world, after=60)
    assert (report.frozen, report.backlog) == (frozen, orders)
    assert outcomes(report) == [FigureOutcome.FROZEN if frozen else FigureOutcome.RAISED]
    assert world.available == {1: 10 - orders if frozen else 15 - orders}


def test_while_too_many_orders_wait_figures_fall():
    world = opened(10, rules=replace_rules(freeze_backlog=2))
    backlog(world, 3)
    world.receive(1, -4)
    report = run(world, after=60)
    assert (report.frozen, outcomes(report)) == (True, [FigureOutcome.LOWERED])
    assert world.available == {1: 3}


def test_a_frozen_figure_is_asked_for_once_and_raised_when_the_backlog_is_gone():
    world = opened(10, rules=replace_rules(freeze_backlog=2))
    backlog(world, 3)
    world.receive(1, 5)
    calls = [run(world, after=60).shopify_calls for _ in range(3)]
    assert calls[1] == calls[2] < calls[0]
    for order in world.orders:
        world.book(order, 1)
        world.link(order)
    report = run(world, after=60)
    assert (outcomes(report), world.available) == ([FigureOutcome.RAISED], {1: 12})


def replace_rules(**changes):
    return RULES.model_copy(update=changes)


# ---- what cannot be set


GONE, NOT_TRACKED, NOT_STOCKED = None, {"tracked": False}, {"tracked": True, "inventoryLevel": None}


@pytest.mark.parametrize(
    ("shown", "outcome", "problems"),
    [
        (GONE, FigureOutcome.GONE, []),
        (NOT_TRACKED, FigureOutcome.NOT_TRACKED, []),
        (NOT_STOCKED, FigureOutcome.NOT_STOCKED, ["STOCK_NOT_STOCKED"]),
    ],
)
def test_a_level_that_shopify_does_not_have_is_reported_once(shown, outcome, problems):
    world = World(stock=RULES)
    world.receive(1, 5)
    world.absent[101] = shown
    report = run(world)
    assert (outcomes(report), [each.code for each in report.problems]) == ([outcome], problems)
    assert (report.changed, report.figures[0].after) == (0, None)
    again = run(world, after=60)
    assert (outcomes(again), again.problems) == ([FigureOutcome.UNCHANGED], ())


def test_an_item_without_stock_need_not_be_stocked():
    world = World(stock=RULES)
    world.absent[101] = NOT_STOCKED
    report = run(world)
    assert (outcomes(report), report.problems) == ([FigureOutcome.NOT_STOCKED], ())


def test_a_figure_that_shopify_refuses_is_reported_and_not_tried_again_until_it_changes():
    world = opened(5)
    world.refused = {101}
    world.receive(1, 1)
    report = run(world)
    assert outcomes(report) == [FigureOutcome.REFUSED]
    (problem,) = report.problems
    assert problem.code == "STOCK_REFUSED"
    assert (problem.details["quantity"], problem.details["message"]) == ("6", "It is locked.")
    again = run(world, after=60)
    assert (outcomes(again), again.problems) == ([FigureOutcome.REFUSED], ())
    world.receive(1, 1)
    assert [each.code for each in run(world, after=60).problems] == ["STOCK_REFUSED"]
    world.refused = set()
    world.receive(1, 1)
    assert outcomes(run(world, after=60)) == [FigureOutcome.RAISED]
    assert world.available == {1: 8}


def test_a_refused_figure_is_tried_again_when_the_assortment_is_read_again():
    world = opened(5)
    world.refused = {101}
    world.receive(1, 1)
    for _ in range(2):
        assert outcomes(run(world, after=60)) == [FigureOutcome.REFUSED]
    world.refused = set()
    assert outcomes(run(world, after=3700)) == [FigureOutcome.RAISED]


def test_an_item_whose_figure_could_not_be_lowered_in_one_place_is_raised_in_none():
    world = opened(5, locations=(1, 2))
    world.refused = {101}
    world.receive(1, -3)
    assert [each.code for each in run(world).problems] == ["STOCK_REFUSED"]
    world.refused = set()
    world.receive(2, 4)
    report = run(world, after=60)
    assert sorted(outcomes(report)) == sorted([FigureOutcome.REFUSED, FigureOutcome.WITHHELD])
    assert world.available == {1: 5, 2: 5}


def test_a_figure_that_keeps_changing_is_left_for_the_next_run_after_three_readings():
    world = opened(9)
    world.receive(1, -1)
    push = world.push()
    for _ in range(3):
        push.step_until("StockSet")
        assert world.sell(1, 1)
    report = push.finish()
    assert outcomes(report) == [FigureOutcome.STALE]
    assert [each.code for each in report.problems] == ["STOCK_STALE"]
    assert world.available == {1: 6}


def test_without_a_row_in_fo_the_figure_is_left_alone():
    world = opened(5)
    world.fo_has_rows = False
    for _ in range(3):
        assert (outcomes(run(world)), world.available) == ([FigureOutcome.NO_ROW], {1: 5})


def test_a_row_that_disappears_while_figures_are_read_leaves_the_figure_alone():
    world = opened(5)
    world.receive(1, -1)
    push = world.push()
    push.step_until("StockLevel")
    world.fo_has_rows = False
    assert outcomes(push.finish()) == [FigureOutcome.NO_ROW]
    assert world.available == {1: 5}


# ---- a run that ends early, and comparisons


def large():
    """A store with four waves of figures, all of which are to be compared with Shopify."""
    world = opened(5, skus=3001)
    world.time = 24 * 3600
    return world


def run_slowly(world, *, seconds, cut_off_after=3600):
    """A run in which each reading of 250 figures takes so long; None if it was cut off."""
    push, began = world.push(), world.time
    while not push.done:
        push.step()
        if FakeAdmin.about_to == "StockLevels":
            world.time += seconds
        if world.time >= began + cut_off_after:
            push.coroutine.close()
            FakeAdmin.about_to = ""
            return None
    return push.report


def test_runs_that_are_cut_off_get_further_each_time():
    world = large()
    reports, left = [], []
    for _ in range(3):
        reports.append(run_slowly(world, seconds=6, cut_off_after=40))
        left.append(len(uncertain(world)))
        world.time += 200
    assert left == [2001, 1001, 0]
    assert reports[:2] == [None, None]
    assert run(world).outcomes == {FigureOutcome.UNCHANGED: 3001}


@pytest.mark.parametrize(("seconds", "looked_at"), [(15, 3000), (17, 2000)])
def test_no_wave_begins_that_would_end_after_the_limit(seconds, looked_at):
    world = large()
    report = run_slowly(world, seconds=seconds)
    assert (report.halted, len(report.figures)) == ("time limit reached", looked_at)
    assert len(uncertain(world)) == 3001 - looked_at


def test_one_wave_is_worked_off_however_long_the_survey_took_and_the_next_run_goes_on():
    world = opened(5, skus=1001)
    world.receive(1, 1)
    push = world.push()
    push.step_until("StockOrders")
    push.go_on(4)  # to the end of the second search
    world.time += 195
    report = push.finish()
    assert (report.halted, len(report.figures), world.available) == ("time limit reached", 1000, {1: 6})
    report = run(world, after=200)
    assert (report.halted, report.outcomes) == ("", {FigureOutcome.EQUAL: 1, FigureOutcome.UNCHANGED: 1000})


def test_another_figure_of_the_item_is_stored_as_uncertain_before_it_is_read_and_set():
    world = opened(5, locations=(1, 2))
    world.receive(1, 1)
    push = world.push()
    push.step_until("StockLevels")
    world.receive(2, -3)
    assert uncertain(world) == [LevelId(101, 1)]
    push.step()
    push.step_until("StockLevels")
    assert uncertain(world) == [LevelId(101, 1), LevelId(101, 2)]
    push.finish()
    assert (uncertain(world), world.available) == ([], {1: 6, 2: 2})


@pytest.mark.parametrize(("hours", "outcome"), [(23, FigureOutcome.UNCHANGED), (24, FigureOutcome.EQUAL)])
def test_every_figure_is_compared_once_a_day(hours, outcome):
    world = opened(5)
    world.time = 0
    assert outcomes(run(world, after=hours * 3600)) == [outcome]


def test_figures_that_are_no_longer_sold_are_forgotten():
    world = opened(5, skus=2)
    assert stored_items(world) == [101, 102]
    del world.skus_now[102]
    run(world, after=3700)
    assert stored_items(world) == [101]


def stored(world):
    return ShownFigures.from_stored(json.loads(world.documents["stock/nordlys/figures"])["packed"])


def stored_items(world):
    return list(stored(world).items)


def uncertain(world):
    """The figures that the next run reads in Shopify."""
    figures = stored(world)
    levels = [LevelId(item, location) for item in figures.items for location in figures.locations]
    return [level for level in levels if figures.basis(level) == UNCERTAIN]


def test_another_run_that_holds_the_lease_makes_this_one_do_nothing():
    world = opened(5)
    world.receive(1, 1)
    first = world.push()
    first.step_until("StockSet")
    report = world.push().finish()
    assert (report.busy, report.figures, report.shopify_calls) == (True, (), 0)
    first.finish()
    assert world.available == {1: 6}


def test_a_lease_that_an_older_release_took_is_respected():
    world = opened(5)
    world.documents = {
        "stock/nordlys/figures": json.dumps(
            {"run": "x", "figures": {"101:1": [5, "5,0,0,0;0"]}, "turn_until": "2026-11-23T08:04:00+00:00"}
        )
    }
    world.versions = Counter(world.documents.keys())
    assert run(world).busy
    world.receive(1, 1)
    report = run(world, after=180)
    assert (outcomes(report), world.available) == ([FigureOutcome.RAISED], {1: 6})


@pytest.mark.parametrize(("seconds", "times"), [(0, 2), (3, 3), (6, 5)])
def test_figures_are_stored_at_both_ends_of_a_run_and_between_waves_every_twenty_seconds(seconds, times):
    world = large()
    before = world.versions["stock/nordlys/figures"], world.versions["stock/nordlys/lease"]
    run_slowly(world, seconds=seconds)
    after = world.versions["stock/nordlys/figures"], world.versions["stock/nordlys/lease"]
    assert (after[0] - before[0], after[1] - before[1]) == (times, 5)


def test_a_run_that_finds_nothing_changed_stores_no_figures():
    world = opened(5)
    run(world)
    before = world.versions["stock/nordlys/figures"]
    assert run(world).outcomes == {FigureOutcome.UNCHANGED: 1}
    assert world.versions["stock/nordlys/figures"] == before


def test_a_run_that_lost_the_race_for_the_figures_keeps_no_lease():
    world = opened(5)
    world.receive(1, 1)
    push = world.push()
    push.step_until("StockOrders")
    world.versions["stock/nordlys/figures"] += 1
    push.finish()
    assert "written by another run" in str(push.failed)
    assert run(world).changed == 1


# ---- the report as a document


def test_the_report_explains_every_figure():
    world = opened(5)
    order = world.sell(1, 2)
    assert order
    world.receive(1, 3)
    world.receive(1, -4)
    report = replace(
        run(world, after=60), problems=(RefusedError("STOCK_STALE", sku="TENT-101P", location=1),), halted="because"
    )
    document = json.loads(json.dumps(explained(report)))
    assert (document["store"], document["run"], document["halted"]) == ("nordlys", report.run, "because")
    assert (document["backlog"], document["frozen"]) == (1, False)
    assert document["figures"] == [
        {
            "sku": world.skus_now[101],
            "location": 1,
            "warehouses": {"AMS": {"available": "4", "incoming": "0", "open_issues": "0", "safety": "0"}},
            "available_to_promise": "4",
            "sold_unknown_to_fo": 2,
            "before": 3,
            "after": 2,
            "outcome": FigureOutcome.LOWERED.value,
        }
    ]
    (problem,) = document["problems"]
    assert problem.keys() == {"code", "cause", "next_step"}
    assert report.outcomes == {FigureOutcome.LOWERED: 1}
