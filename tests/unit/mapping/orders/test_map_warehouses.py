from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.allocation import Need, _kilometres, allocate, needs, warehouses_for
from shared.mapping.taxes.place import place_of_sale, ship_to
from shared.model import Item, LineKind, OnHand
from tests.builders.sales import EU, US, address, euros, items_of, line, order, with_rules

TEE, HAT = Item("TEE", color="Red", size="M"), Item("HAT")
DENVER, SALT_LAKE, AUSTIN = "11", "12", "21"
NEAR_AUSTIN = address("US", "TX", latitude=30.5, longitude=-97.8)
NEAR_SALT_LAKE = address("US", "UT", latitude=40.7, longitude=-111.9)
SOMEWHERE = address("US", "ME")


HALVES = {"shares": ({"location": 72001001, "percent": 50}, {"location": 72002002, "percent": 50})}


def stock(warehouse: str, item: Item, available: str, open_issues: str = "0") -> OnHand:
    return OnHand(
        item=item,
        site="1",
        warehouse=warehouse,
        physical=Decimal(available),
        reserved=Decimal(0),
        available=Decimal(available),
        incoming=Decimal(0),
        open_issues=Decimal(open_issues),
    )


def ways(wanted, on_hand, rules=US, destination=SOMEWHERE, location=None) -> dict[int, list[tuple[str, int]]]:
    found = allocate(wanted, on_hand, rules, destination=destination, location_id=location)
    assert found.reasons
    return {line_id: [(part.warehouse.id, part.quantity) for part in parts] for line_id, parts in found.parts.items()}


def test_the_preferred_warehouse_ships_when_it_holds_everything():
    on_hand = [stock(DENVER, TEE, "5"), stock(SALT_LAKE, TEE, "5")]
    assert ways([Need(1, TEE, 5)], on_hand) == {1: [(DENVER, 5)]}


def test_a_warehouse_that_holds_everything_beats_a_preferred_one_that_does_not():
    on_hand = [stock(DENVER, TEE, "5"), stock(AUSTIN, TEE, "5"), stock(AUSTIN, HAT, "1")]
    assert ways([Need(1, TEE, 1), Need(2, HAT, 1)], on_hand) == {1: [(AUSTIN, 1)], 2: [(AUSTIN, 1)]}


def test_the_only_warehouse_that_may_ship_it_does_whatever_it_has():
    only = EU.model_copy(update={"warehouses": EU.warehouses[:1]})
    (house,) = only.warehouses
    found = allocate([Need(1, TEE, 5), Need(2, HAT, 1)], [], only, destination=address("NL"), location_id=None)
    assert [(part.quantity, part.warehouse) for parts in found.parts.values() for part in parts] == [
        (5, house),
        (1, house),
    ]
    assert (found.preferred, found.reasons) == (house, ("no other warehouse than AMS may ship it",))


def test_warehouses_for_an_order_are_those_that_ship_to_its_buyer():
    def ids(**delivery):
        return [each.id for each in warehouses_for(order(line(1, euros("5.00"), 1), **delivery), EU)]

    assert ids(shipping_address=address("DE")) == ["AMS", "HAM"]
    assert ids(shipping_address=address("NO")) == ["AMS"]


def test_the_nearest_of_several_ships():
    on_hand = [stock(warehouse, TEE, "5") for warehouse in (DENVER, SALT_LAKE, AUSTIN)]
    assert ways([Need(1, TEE, 1)], on_hand, destination=NEAR_AUSTIN) == {1: [(AUSTIN, 1)]}
    assert ways([Need(1, TEE, 1)], on_hand, destination=NEAR_SALT_LAKE) == {1: [(SALT_LAKE, 1)]}


def test_the_buyers_country_is_near_where_coordinates_are_unknown():
    on_hand = [stock("AMS", HAT, "5"), stock("HAM", HAT, "5")]
    assert ways([Need(1, HAT, 1)], on_hand, EU, address("DE")) == {1: [("HAM", 1)]}
    assert ways([Need(1, HAT, 1)], on_hand, EU, address("NL")) == {1: [("AMS", 1)]}


def test_a_warehouse_ships_only_to_its_countries():
    on_hand = [stock("HAM", HAT, "5")]
    assert ways([Need(1, HAT, 1)], on_hand, EU, address("JP")) == {1: [("AMS", 1)]}
    only_us = with_rules(US, warehouses=(US.warehouses[1].model_dump(),))
    with pytest.raises(RefusedError) as refused:
        ways([Need(1, HAT, 1)], on_hand, only_us, address("JP"))
    assert refused.value.code == "NO_WAREHOUSE"
    assert "No [[warehouses]] entry ships to JP." in refused.value.cause


def test_a_sale_over_the_counter_takes_stock_of_its_location():
    on_hand = [stock(DENVER, TEE, "5"), stock(AUSTIN, TEE, "0")]
    assert ways([Need(1, TEE, 1)], on_hand, destination=None, location=72002002) == {1: [(AUSTIN, 1)]}
    with pytest.raises(RefusedError) as refused:
        ways([Need(1, TEE, 1)], on_hand, destination=None, location=1)
    assert refused.value.code == "LOCATION_WITHOUT_WAREHOUSE"


def test_an_order_is_split_by_lines_only_if_the_rules_allow():
    wanted = [Need(1, TEE, 5), Need(2, HAT, 1)]
    on_hand = [stock(DENVER, TEE, "5"), stock(AUSTIN, HAT, "1")]
    assert ways(wanted, on_hand) == {1: [(DENVER, 5)], 2: [(AUSTIN, 1)]}
    whole = with_rules(US, allocation={"split": False})
    assert ways(wanted, on_hand, whole) == {1: [(DENVER, 5)], 2: [(DENVER, 1)]}


def test_an_order_that_may_not_be_split_goes_where_most_of_it_is():
    wanted = [Need(1, TEE, 5), Need(2, HAT, 1), Need(3, Item("MUG"), 1)]
    on_hand = [stock(AUSTIN, TEE, "5"), stock(AUSTIN, HAT, "1"), stock(DENVER, Item("MUG"), "1")]
    whole = with_rules(US, allocation={"split": False})
    assert ways(wanted, on_hand, whole) == {each: [(AUSTIN, quantity)] for each, quantity in ((1, 5), (2, 1), (3, 1))}


def test_a_line_is_divided_only_if_the_rules_allow_that_too():
    wanted, on_hand = [Need(1, TEE, 5)], [stock(DENVER, TEE, "3"), stock(AUSTIN, TEE, "2.9")]
    assert ways(wanted, on_hand) == {1: [(DENVER, 5)]}
    rules = with_rules(US, allocation={"split_lines": True})
    assert ways(wanted, on_hand, rules) == {1: [(DENVER, 3), (AUSTIN, 2)]}


def test_what_is_nowhere_in_stock_waits_at_the_preferred_warehouse():
    rules = with_rules(US, allocation={"split_lines": True})
    assert ways([Need(1, TEE, 9)], [stock(AUSTIN, TEE, "2")], rules) == {1: [(DENVER, 7), (AUSTIN, 2)]}
    assert ways([Need(1, TEE, 9)], [], rules) == {1: [(DENVER, 9)]}
    assert ways([Need(1, TEE, 9)], []) == {1: [(DENVER, 9)]}


def test_two_lines_of_an_item_do_not_use_the_same_pieces():
    wanted, on_hand = [Need(1, TEE, 3), Need(2, TEE, 3)], [stock(DENVER, TEE, "4"), stock(AUSTIN, TEE, "4")]
    assert ways(wanted, on_hand) == {1: [(DENVER, 3)], 2: [(AUSTIN, 3)]}


def test_stock_that_open_orders_want_is_not_promised_again():
    on_hand = [stock(DENVER, TEE, "5", open_issues="3"), stock(AUSTIN, TEE, "5")]
    assert ways([Need(1, TEE, 5)], on_hand) == {1: [(AUSTIN, 5)]}


def test_dimensions_are_different_stock():
    assert ways([Need(1, TEE, 1)], [stock(DENVER, TEE._replace(size="L"), "5"), stock(AUSTIN, TEE, "1")]) == {
        1: [(AUSTIN, 1)]
    }


def test_an_order_without_goods_still_has_a_warehouse_for_its_header():
    found = allocate([], [], EU, destination=None, location_id=None)
    assert (found.preferred.id, found.parts) == ("AMS", {})


def test_only_goods_to_ship_need_stock():
    sale = order(line(1), line(2, requires_shipping=False), line(3, kind=LineKind.GIFT_CARD))
    assert [need.line_id for need in needs(sale, items_of(sale))] == [1]


def test_goods_over_the_counter_have_no_delivery_and_are_taxed_at_the_location():
    sale = order(line(), location_id=72002002, shipping_address=None, billing_address=address("US", "CO"))
    assert ship_to(sale) is None
    assert place_of_sale(sale, US) == ("US", "TX")


def test_goods_ordered_at_a_counter_are_taxed_where_they_are_delivered():
    sale = order(line(), location_id=72002002, shipping_address=address("US", "CO"))
    assert place_of_sale(sale, US) == ("US", "CO")


def test_a_download_without_address_is_taxed_at_home_and_goods_are_refused():
    nowhere = {"shipping_address": None, "billing_address": None}
    assert place_of_sale(order(line(requires_shipping=False), **nowhere), EU) == ("NL", "")
    with pytest.raises(RefusedError) as refused:
        place_of_sale(order(line(), **nowhere), EU)
    assert refused.value.code == "NO_ADDRESS"
    pick_up = with_rules(EU, orders={"address_without_shipping": "omit"})
    assert place_of_sale(order(line(), **nowhere), pick_up) == ("NL", "")


def test_a_warehouse_that_promised_too_much_gives_nothing():
    rules = with_rules(US, allocation={"split_lines": True})
    on_hand = [stock(SALT_LAKE, TEE, "1", open_issues="3"), stock(AUSTIN, TEE, "2")]
    assert ways([Need(1, TEE, 3)], on_hand, rules) == {1: [(DENVER, 1), (AUSTIN, 2)]}


def test_a_warehouse_behind_two_locations_has_its_stock_once():
    twice = (*US.model_dump()["warehouses"], US.warehouses[2].model_dump() | {"location": 72001001})
    rules = with_rules(US, allocation={"split_lines": True}, warehouses=twice, stock=HALVES)
    on_hand = [stock(DENVER, TEE, "1"), stock(AUSTIN, TEE, "3")]
    assert ways([Need(1, TEE, 9)], on_hand, rules) == {1: [(DENVER, 6), (AUSTIN, 3)]}


CITIES = {
    "Denver": (39.7392, -104.9903),
    "Sydney": (-33.8688, 151.2093),
    "Quito": (-0.1807, -78.4678),
    "Amsterdam": (52.3676, 4.9041),
    "Hamburg": (53.5511, 9.9937),
    "Tromso": (69.6492, 18.9553),
    "Suva": (-18.1416, 178.4419),
    "Apia": (-13.8333, -171.7667),
}


@pytest.mark.parametrize(
    ("start", "end", "kilometres"),
    [  # great-circle distances, computed with the spherical law of cosines and R = 6371 km
        ("Amsterdam", "Hamburg", 365.3),
        ("Denver", "Sydney", 13406.7),
        ("Quito", "Amsterdam", 9574.1),
        ("Tromso", "Quito", 10312.7),
        ("Suva", "Apia", 1150.7),
        ("Denver", "Denver", 0.0),
    ],
)
def test_distances_follow_the_surface_of_the_earth(start, end, kilometres):
    there, back = (_kilometres(CITIES[one], CITIES[other]) for one, other in ((start, end), (end, start)))
    assert there == pytest.approx(kilometres, abs=0.1)
    assert back == pytest.approx(there)


def test_where_the_coordinates_of_one_warehouse_are_unknown_none_is_near():
    rows = US.model_dump()["warehouses"]
    rules = with_rules(US, warehouses=(*rows[:2], rows[2] | {"latitude": None, "longitude": None}))
    on_hand = [stock(warehouse, TEE, "5") for warehouse in (DENVER, SALT_LAKE, AUSTIN)]
    assert ways([Need(1, TEE, 1)], on_hand, rules, destination=NEAR_SALT_LAKE) == {1: [(DENVER, 1)]}


@pytest.mark.parametrize("there", [{}, {"latitude": 30.5}, {"longitude": -97.8}])
def test_an_address_without_both_coordinates_is_near_none(there):
    on_hand = [stock(warehouse, TEE, "5") for warehouse in (DENVER, SALT_LAKE, AUSTIN)]
    assert ways([Need(1, TEE, 1)], on_hand, destination=address("US", "TX", **there)) == {1: [(DENVER, 1)]}


def test_a_sale_over_the_counter_of_a_location_without_warehouse_takes_stock_of_any():
    """Where the rules book such orders at home."""
    rules = with_rules(US, orders={"address_without_shipping": "omit"})
    on_hand = [stock(DENVER, TEE, "0"), stock(AUSTIN, TEE, "5")]
    assert ways([Need(1, TEE, 1)], on_hand, rules, destination=None, location=1) == {1: [(AUSTIN, 1)]}
    assert ways([Need(1, TEE, 1)], on_hand, rules, destination=None, location=72001001) == {1: [(DENVER, 1)]}
    counter = order(line(), location_id=1, shipping_address=None, billing_address=None)
    assert place_of_sale(counter, rules) == (rules.country, rules.province)


def test_a_sale_over_the_counter_of_a_location_without_warehouse_is_refused_with_the_location():
    counter = order(line(), location_id=1, shipping_address=None, billing_address=None)
    with pytest.raises(RefusedError) as refused:
        place_of_sale(counter, US)
    assert (refused.value.code, refused.value.details["location"]) == ("LOCATION_WITHOUT_WAREHOUSE", "1")
