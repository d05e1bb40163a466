"""How the buyer gets the goods, and what follows from it for warehouse, tax and mode of delivery."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import NotYetError, RefusedError
from shared.mapping.delivery import may_depend_on_method, needs_delivery_method, with_delivery
from shared.mapping.orders.allocation import Need, allocate_order
from shared.mapping.orders.plan import plan_sales_order
from shared.mapping.taxes.place import place_of_sale, ship_to
from shared.model import CurrencySide, DeliveryMethod, Item, Order, OrderRecord, OrderState, Place, Risk
from shared.rules import StoreRules
from tests.builders.sales import (
    EU,
    US,
    address,
    buyer,
    dollars,
    everything_from,
    items_of,
    line,
    order,
    shipping,
    tax,
    with_rules,
)

DENVER, AUSTIN = 72001001, 72002002
BILLED = address("US", "UT", street="12 Aspen Way", city="Provo", postal_code="84601")
WITHOUT_RULE = with_rules(
    US, orders={"delivery": {}}, shipping=tuple(rule.model_dump() for rule in US.shipping if rule.pick_up_at is None)
)
TEE = Item("TEE", color="Red", size="M")


def online(*lines, **other) -> Order:
    plain = {
        "store": "prairie",
        "taxes_included": False,
        "shipping_address": None,
        "billing_address": BILLED,
        "shipping": (shipping(dollars("0.00"), code="Store Austin"),),
    }
    return order(*(lines or (line(price=dollars("24.00")),)), **(plain | other))


def state(
    one: Order, method: DeliveryMethod | None = None, location: int | None = None, *, fetched: bool = True
) -> OrderState:
    return OrderState(
        order=one,
        refunds=(),
        transactions=() if fetched else None,
        risk=Risk.NONE,
        shipped={},
        delivery=method,
        assigned_location=location,
    )


def decided(read: OrderState, rules: StoreRules = US, known: OrderRecord | None = None, *, hours: float = 2) -> Order:
    return with_delivery(read, rules, known, now=read.order.created_at + timedelta(hours=hours))


def code_of(read: OrderState, rules: StoreRules) -> str:
    with pytest.raises(RefusedError) as refused:
        place_of_sale(decided(read, rules), rules)
    return refused.value.code.value


def test_goods_that_are_picked_up_leave_that_location_and_are_taxed_there():
    sale = decided(
        state(online(line(1, dollars("24.00"), taxes=[tax(dollars("1.98"), "0.0825")])), DeliveryMethod.PICK_UP, AUSTIN)
    )
    assert (ship_to(sale), place_of_sale(sale, US)) == (None, Place("US", "TX"))
    allocation = allocate_order(sale, [Need(1, TEE, 1)], [], US)
    assert [part.warehouse.id for part in allocation.parts[1]] == ["21"]
    planned = plan_sales_order(sale, US, customer_account="WEB-US", items=items_of(sale), allocation=allocation)
    assert "DeliveryAddressStreet" not in planned.header
    assert "IsDeliveryAddressOrderSpecific" not in planned.header
    assert planned.header["DefaultShippingWarehouseId"] == "21"
    assert planned.header["DeliveryModeCode"] == planned.lines[0].record["DeliveryModeCode"] == "10"


def test_pick_up_without_a_rule_is_parked_under_the_rules_name():
    read = state(online(), DeliveryMethod.PICK_UP, AUSTIN)
    with pytest.raises(RefusedError) as refused:
        decided(read, WITHOUT_RULE)
    assert refused.value.code == "PICK_UP_WITHOUT_RULE"
    assert "[orders.delivery.pick_up]" in refused.value.next_step
    assert decided(read).served_by == AUSTIN


def test_pick_up_of_a_part_or_at_several_locations_is_parked():
    with pytest.raises(RefusedError) as refused:
        decided(state(online(), DeliveryMethod.PICK_UP, None))
    assert refused.value.code == "PICK_UP_DIVIDED"


def test_pick_up_at_a_location_without_warehouse_names_the_location():
    assert code_of(state(online(), DeliveryMethod.PICK_UP, 99), US) == "LOCATION_WITHOUT_WAREHOUSE"


def test_pick_up_may_be_served_by_any_warehouse_by_rule():
    anywhere = with_rules(US, orders={"delivery": {"pick_up": {"at_location": False}}})
    sale = decided(state(online(), DeliveryMethod.PICK_UP, AUSTIN), anywhere)
    assert (sale.served_by, place_of_sale(sale, anywhere)) == (None, Place("US", "CO"))


def test_an_order_that_is_not_routed_yet_waits_a_little():
    with pytest.raises(NotYetError) as waits:
        decided(state(online()), WITHOUT_RULE, hours=0.1)
    assert waits.value.retry_after == timedelta(minutes=1)


def test_an_order_that_is_never_routed_is_no_parcel_to_the_billing_address():
    assert ship_to(online()) is None
    assert code_of(state(online()), WITHOUT_RULE) == "NO_ADDRESS"


def test_the_shipping_methods_rule_decides_where_there_are_no_fulfilment_orders():
    collected = online(shipping=(replace(shipping(dollars("0.00")), title="Mountain DC"),))
    sale = decided(state(collected, fetched=False), hours=0)
    assert (sale.delivery, sale.served_by) == (DeliveryMethod.PICK_UP, DENVER)
    to_an_address = replace(collected, shipping_address=BILLED)
    assert decided(state(to_an_address, fetched=False)).delivery is DeliveryMethod.SHIPPING


def test_only_goods_that_are_shipped_as_all_others_are_recorded_without_asking_shopify():
    parcel = online(shipping_address=BILLED)
    assert not may_depend_on_method(parcel, US)
    assert may_depend_on_method(online(), US)
    assert may_depend_on_method(replace(parcel, location_id=DENVER), US)
    local = with_rules(US, orders={"delivery": {"local": {"delivery_mode": "30"}}})
    assert may_depend_on_method(parcel, local)
    assert not may_depend_on_method(online(line(price=dollars("5"), requires_shipping=False)), US)


def test_a_parcel_needs_no_call_unless_a_rule_tells_methods_with_an_address_apart():
    parcel = state(online(shipping_address=BILLED), fetched=False)
    assert not needs_delivery_method(parcel, US)
    local = with_rules(US, orders={"delivery": {"local": {"delivery_mode": "30"}}})
    assert needs_delivery_method(parcel, local)
    assert needs_delivery_method(state(online(), fetched=False), US)
    assert not needs_delivery_method(state(online()), US)
    assert not needs_delivery_method(
        state(online(line(price=dollars("5"), requires_shipping=False)), fetched=False), US
    )
    assert not needs_delivery_method(state(online(), fetched=False), US, OrderRecord(CurrencySide.SHOP))


def test_a_local_delivery_has_its_own_mode_and_keeps_its_address():
    rules = with_rules(US, orders={"delivery": {"local": {"delivery_mode": "30"}}})
    sale = decided(state(online(shipping_address=BILLED), DeliveryMethod.LOCAL, AUSTIN), rules)
    assert (ship_to(sale), sale.served_by) == (BILLED, None)
    untaxed = plan_sales_order(
        sale, rules, customer_account="WEB-US", items=items_of(sale), allocation=everything_from(rules, sale)
    )
    assert untaxed.header["DeliveryModeCode"] == "30"


def test_what_was_decided_stays_when_a_webhook_or_another_location_comes():
    known = OrderRecord(CurrencySide.SHOP, delivery=DeliveryMethod.PICK_UP, served_by=AUSTIN)
    for read in (state(online(), fetched=False), state(online(), DeliveryMethod.PICK_UP, DENVER)):
        again = decided(read, WITHOUT_RULE, known, hours=0)
        assert (again.delivery, again.served_by) == (DeliveryMethod.PICK_UP, AUSTIN)
    moved = decided(state(online(shipping_address=BILLED), DeliveryMethod.SHIPPING, DENVER), US, known)
    assert (moved.delivery, moved.served_by) == (DeliveryMethod.SHIPPING, None)


def test_an_order_of_an_older_release_is_not_decided_anew():
    known = OrderRecord(CurrencySide.SHOP, place=Place("US", "UT"))
    again = decided(state(online(), DeliveryMethod.PICK_UP, AUSTIN), WITHOUT_RULE, known)
    assert (again.served_by, place_of_sale(again, WITHOUT_RULE, known)) == (None, Place("US", "UT"))


def test_an_order_that_an_older_release_sent_to_the_billing_address_stays_taxed_there():
    reconstructed = OrderRecord(CurrencySide.SHOP, is_reconstructed=True)
    sale = decided(state(online(), fetched=False), WITHOUT_RULE, reconstructed, hours=0)
    assert (ship_to(sale), place_of_sale(sale, WITHOUT_RULE, reconstructed)) == (None, Place("US", "UT"))


def test_downloads_are_taxed_at_the_billing_address():
    ebook = online(line(price=dollars("5"), requires_shipping=False))
    assert place_of_sale(decided(state(ebook), WITHOUT_RULE, hours=0), WITHOUT_RULE) == Place("US", "UT")


def test_a_draft_order_of_another_location_is_parked_with_the_keys_to_set():
    draft = order(line(), location_id=99001, shipping_address=None, billing_address=None)
    with pytest.raises(RefusedError) as refused:
        place_of_sale(draft, EU)
    assert refused.value.code == "LOCATION_WITHOUT_WAREHOUSE"
    assert "location = 99001" in refused.value.next_step
    assert "orders.address_without_shipping" in refused.value.next_step


def test_a_draft_order_of_another_location_is_booked_at_home_by_rule():
    at_home = with_rules(EU, orders={"address_without_shipping": "omit"})
    draft = order(line(), location_id=99001, shipping_address=None, billing_address=None)
    assert place_of_sale(draft, at_home) == Place("NL", "")
    assert allocate_order(draft, [Need(1, Item("TENT-2P"), 1)], [], at_home).preferred.id == EU.warehouses[0].id


def test_a_draft_order_can_be_booked_at_its_location_once_that_is_a_warehouse():
    shop = EU.warehouses[0].model_dump() | {"id": "SHOP", "location": 99001, "country": "DE"}
    advised = with_rules(EU, warehouses=(*(one.model_dump() for one in EU.warehouses), shop))
    draft = order(line(), location_id=99001, shipping_address=None, billing_address=None)
    assert place_of_sale(draft, advised) == Place("DE", "")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"street": "", "city": "", "postal_code": ""}, "street and city and postal code"),
        ({"street": ""}, "street"),
    ],
)
@pytest.mark.parametrize("rules", [EU, with_rules(EU, orders={"address_without_shipping": "omit"})])
def test_an_address_without_street_and_city_is_withheld_and_parked(given, missing, rules):
    sale = order(
        line(), shipping_address=address(name="", **given), buyer=buyer(first_name="", last_name="", email="", phone="")
    )
    with pytest.raises(RefusedError) as refused:
        place_of_sale(sale, rules)
    assert refused.value.code == "PERSONAL_DATA_WITHHELD"
    assert f"the delivery address's {missing} and the buyer's name" in refused.value.cause
    assert "protected customer data" in refused.value.next_step


def test_an_address_that_is_withheld_whole_is_not_taken_for_pick_up():
    at_home = with_rules(EU, orders={"address_without_shipping": "omit"})
    nobody = order(
        line(),
        shipping_address=None,
        billing_address=None,
        buyer=buyer(first_name="", last_name="", email="", phone=""),
    )
    assert code_of(state(nobody, fetched=False), at_home) == "PERSONAL_DATA_WITHHELD"


def test_an_address_with_a_city_or_a_postal_code_is_full():
    assert not address(city="").is_withheld
    assert not address(postal_code="").is_withheld


def test_a_local_delivery_may_be_served_and_taxed_at_its_location():
    rules = with_rules(US, orders={"delivery": {"local": {"at_location": True}}})
    sale = decided(state(online(shipping_address=BILLED), DeliveryMethod.LOCAL, AUSTIN), rules)
    allocation = allocate_order(sale, [Need(1, TEE, 1)], [], rules)
    assert (ship_to(sale), place_of_sale(sale, rules), allocation.preferred.id) == (BILLED, Place("US", "TX"), "21")
