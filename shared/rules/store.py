"""All rules of one store: config/stores/<key>.toml, typed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator, model_validator

from shared.flows import FLOWS, Flow
from shared.model import CurrencySide
from shared.rules.base import Country, Currency, Rules
from shared.rules.sections.captures import CaptureRules
from shared.rules.sections.changes import ChangeRules
from shared.rules.sections.customers import CustomerRules
from shared.rules.sections.dimensions import DimensionRule, dimension_mistakes
from shared.rules.sections.holds import HoldRules
from shared.rules.sections.order_status import MISTAKEN_TAGS, GivenUpRules, OrderStatusRules
from shared.rules.sections.orders import OrderRules, ShippingRule
from shared.rules.sections.payments import PaymentRules
from shared.rules.sections.prices import PriceRules
from shared.rules.sections.products import ProductRules
from shared.rules.sections.refunds import UNTAXED, RefundAccounts, RefundRules
from shared.rules.sections.shipments import ShipmentRules
from shared.rules.sections.stock import StockRules
from shared.rules.sections.sweep import SweepRules
from shared.rules.sections.taxes import TaxPolicy, TaxRule, unreachable
from shared.rules.sections.warehouses import AllocationRules, Warehouse
from shared.rules.sections.write_back import WriteBackRules, without_our_tag
from shared.rules.tenant import Tenant

Master = Literal["shopify", "fo"]


class Masters(Rules):
    orders: Master = Field(default="shopify", description="Which system decides what an order is.")
    stock: Master = Field(default="fo", description="Which system decides the sellable stock.")
    refunds: Master = Field(
        default="shopify",
        description="Which system decides refunds and returns. With `fo`, Shopify's are only recorded in the journal.",
    )
    payments: Master = Field(default="shopify", description="Which system decides what was paid.")
    products: Master = Field(default="fo", description="Which system decides what is sold, and how it is described.")
    prices: Master = Field(default="fo", description="Which system decides the prices of the shop.")


class Flows(Rules):
    orders: bool = Field(default=False, description="Orders from Shopify to F&O.")
    stock: bool = Field(default=False, description="Sellable stock from F&O to Shopify.")
    write_back: bool = Field(default=False, description="F&O's order number to the order in Shopify.")
    shipments: bool = Field(default=False, description="Packing slips from F&O to fulfilments in Shopify.")
    products: bool = Field(default=False, description="Products and their variants from F&O to Shopify.")
    prices: bool = Field(default=False, description="Prices and price lists from F&O to Shopify.")


class StoreRules(Rules):
    key: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,30}$",
        description="Name of the store: the name of this file, and part of the webhooks' address and of every "
        "reference in F&O. It must never change.",
    )
    shop_domain: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        description="The shop's permanent domain.",
    )
    api_version: str = Field(
        default="2026-10",
        pattern=r"^20\d\d-(01|04|07|10)$",
        description="Version of Shopify's Admin API and webhooks.",
    )
    company: str = Field(pattern=r"^[a-z0-9]{1,4}$", description="F&O legal entity (dataAreaId), lower-case.")
    time_zone: str = Field(description="IANA name of the time zone that decides the date of an order in F&O.")
    country: Country = Field(
        description="The store's country: where a sale without delivery is taxed.",
    )
    province: str = Field(default="", description="State or province of the store, ISO 3166-2 without the country.")
    currency_side: CurrencySide = Field(
        default=CurrencySide.SHOP,
        strict=False,
        description="Which amounts are booked: those in the shop's currency (`shop`) or in the buyer's "
        "(`presentment`).",
    )
    currencies: tuple[Currency, ...] = Field(
        min_length=1, description="Currencies that are booked. F&O must have exchange rates for them."
    )
    masters: Masters = Field(default=Masters(), description="Which system is the master of which data.")
    flows: Flows = Field(
        default=Flows(), description="Which flows are on. A flow never writes to the master of its data."
    )
    orders: OrderRules = Field(description="How an order becomes a sales order.")
    customers: CustomerRules = Field(description="Which F&O customer an order is booked on.")
    warehouses: tuple[Warehouse, ...] = Field(
        min_length=1, description="Warehouses and their Shopify locations, in order of preference."
    )
    allocation: AllocationRules = Field(
        default=AllocationRules(), description="Whether an order may ship from several warehouses."
    )
    shipping: tuple[ShippingRule, ...] = Field(default=(), description="Mode of delivery of each shipping method.")
    taxes: tuple[TaxRule, ...] = Field(
        default=(),
        description="F&O's tax groups for Shopify's taxes. Required unless [tax] books Shopify's tax as lines, or "
        "leaves tax to an engine outside F&O.",
    )
    tax: TaxPolicy = Field(
        default=TaxPolicy(),
        validate_default=True,
        description="What becomes of a difference between both systems' tax.",
    )
    changes: ChangeRules = Field(default=ChangeRules(), description="What becomes of a change once F&O has the order.")
    payments: PaymentRules | None = Field(
        default=None, description="How payments are booked. Without this table none is."
    )
    refunds: RefundRules | None = Field(
        default=None, description="How refunds are credited. Without this table none is."
    )
    stock: StockRules = Field(
        default=StockRules(), validate_default=True, description="How sellable stock is computed."
    )
    prices: PriceRules | None = Field(
        default=None,
        validate_default=True,
        description="How F&O's prices become those of the shop. Required for the flow prices.",
    )
    write_back: WriteBackRules = Field(
        default=WriteBackRules(), description="What the order in Shopify shows about its sales order."
    )
    dimensions: tuple[DimensionRule, ...] = Field(
        default=(), description="Financial dimensions of what is booked, for each dimension the first rule that fits."
    )
    products: ProductRules = Field(
        default=ProductRules(),
        validate_default=True,
        description="Which products of F&O stand in the shop, and what is set of them.",
    )
    shipments: ShipmentRules = Field(
        default=ShipmentRules(), description="How goods that left F&O's warehouses are shown in Shopify."
    )
    captures: CaptureRules = Field(
        default=CaptureRules(), description="Which authorised money is captured for what F&O invoiced."
    )
    holds: HoldRules = Field(default=HoldRules(), description="Which holds of an order are copied to the other system.")
    order_status: OrderStatusRules = Field(
        default=OrderStatusRules(), description="What the order in Shopify shows of F&O's status of it."
    )
    given_up: GivenUpRules = Field(
        default=GivenUpRules(), description="What becomes of units that F&O gave up and Shopify still has open."
    )
    sweep: SweepRules = Field(
        default=SweepRules(), description="How missed webhooks and differences between both systems are looked for."
    )
    tenant: Tenant = Field(
        default=Tenant(),
        validate_default=True,
        description="How F&O behaves in the store's company: from config/tenants, never from the store's file.",
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def runs(self, flow: Flow) -> bool:
        """Whether the store's switch of the flow is on."""
        is_on: bool = getattr(self.flows, flow.switch)
        return is_on

    def without_own_tags(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The order's tags without those that the app wrote, which are no change of the order."""
        shown = self.order_status.tags.all
        others = without_our_tag(tags, self.write_back)
        return tuple(tag for tag in others if tag.strip().casefold() not in shown)

    @property
    def rounding_booked_with(self) -> Literal["order", "payment"] | None:
        """Where F&O gets cash rounding: a line of the sales order, or a line of the payment journal. None: no rule."""
        if self.orders.rounding_item is not None:
            return "order"
        return "payment" if self.payments is not None and self.payments.rounding_account is not None else None

    @property
    def tells_when_picked(self) -> bool:
        """Whether F&O is to be asked what is picked: the store has orders that the buyer picks up."""
        rules = (self.orders.delivery.pick_up, *(rule for rule in self.shipping if rule.pick_up_at is not None))
        return self.shipments.pick_up == "picked" and any(rule is not None for rule in rules)

    @property
    def pick_up_modes(self) -> frozenset[str] | None:
        """F&O's modes of delivery that an order has which the buyer picks up; None if it may have any."""
        rule = self.orders.delivery.pick_up
        if rule is not None and rule.delivery_mode is None:
            return None
        modes = {each.delivery_mode for each in self.shipping if each.pick_up_at is not None}
        return frozenset(modes if rule is None or rule.delivery_mode is None else modes | {rule.delivery_mode})

    @property
    def numbers_orders(self) -> bool:
        """Whether the app numbers sales orders. Otherwise F&O does."""
        return self.orders.number == "own" and self.tenant.order_number == "kept"

    @property
    def numbers_customers(self) -> bool:
        """Whether the app numbers customers. Otherwise F&O does."""
        return self.tenant.customer_account == "kept"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not an IANA time zone (Europe/Amsterdam, America/Denver, ...)") from error
        return name

    @field_validator("currencies")
    @classmethod
    def _each_once(cls, currencies: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(currencies)) < len(currencies):
            raise ValueError("a currency is named twice")
        return currencies

    @field_validator("flows")
    @classmethod
    def _fits_the_masters(cls, flows: Flows, info: ValidationInfo) -> Flows:
        masters = info.data.get("masters")
        if masters is None:  # its own mistakes are reported already
            return flows
        mistakes = [
            f"{flow.switch} = true would write to '{flow.direction}', "
            f"but [masters] says that {flow.master} is true there"
            for flow in FLOWS
            if getattr(flows, flow.switch) and flow.master and getattr(masters, flow.master) == flow.direction
        ]
        if flows.stock and not flows.orders:
            # Only the orders flow records which orders F&O has, whatever else may bring orders to F&O.
            mistakes.append(
                "stock = true needs orders = true: goods that Shopify has sold are held back until the orders flow has "
                "booked the order in F&O; without it the figures would fall with every sale and never rise"
            )
        if flows.write_back and not flows.orders:
            mistakes.append("write_back = true needs orders = true: only the orders flow knows F&O's numbers")
        if flows.shipments and not flows.orders:
            mistakes.append("shipments = true needs orders = true: only the orders flow knows F&O's lines")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return flows

    @field_validator("captures")
    @classmethod
    def _found_by_the_shipments(cls, captures: CaptureRules, info: ValidationInfo) -> CaptureRules:
        flows: Flows | None = info.data.get("flows")
        if captures.is_on and flows is not None and not flows.shipments:
            raise ValueError(
                'on = "invoiced" needs shipments = true in [flows]: the runs of the shipments find what F&O invoiced'
            )
        return captures

    @field_validator("warehouses")
    @classmethod
    def _one_entry_each(cls, warehouses: tuple[Warehouse, ...]) -> tuple[Warehouse, ...]:
        mistakes = []
        known: dict[str, Warehouse] = {}
        behind: set[tuple[str, int]] = set()
        for warehouse in warehouses:
            first = known.setdefault(warehouse.id, warehouse)
            if (warehouse.id, warehouse.location) in behind:
                mistakes.append(f"warehouse {warehouse.id} is listed twice for location {warehouse.location}")
            elif first.model_dump(exclude={"location"}) != warehouse.model_dump(exclude={"location"}):
                mistakes.append(
                    f"warehouse {warehouse.id} is listed twice: only location may differ between its entries"
                )
            behind.add((warehouse.id, warehouse.location))
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return warehouses

    @field_validator("taxes")
    @classmethod
    def _each_reachable(cls, taxes: tuple[TaxRule, ...]) -> tuple[TaxRule, ...]:
        mistakes = unreachable(taxes)
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return taxes

    @field_validator("tax")
    @classmethod
    def _groups_for_taxes(cls, tax: TaxPolicy, info: ValidationInfo) -> TaxPolicy:
        taxes = info.data.get("taxes")
        if tax.verify == "external":
            if taxes:
                raise ValueError("verify = 'external': remove [[taxes]], since no order gets tax groups of the app")
        elif taxes == () and tax.policy != "service_line":
            raise ValueError("without a [[taxes]] rule no line would have tax groups")
        return tax

    @field_validator("payments")
    @classmethod
    def _payments_fit(cls, payments: PaymentRules | None, info: ValidationInfo) -> PaymentRules | None:
        if payments is None:
            return None
        masters, orders = info.data.get("masters"), info.data.get("orders")
        mistakes = []
        if masters and masters.payments == "fo":
            mistakes.append("would be written to 'fo', but F&O is the master of payments ([masters])")
        if orders and orders.rounding_item and payments.rounding_account:
            mistakes.append("rounding_account: orders.rounding_item books cash rounding already; keep one of the two")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return payments

    @field_validator("products")
    @classmethod
    def _products_fit(cls, products: ProductRules, info: ValidationInfo) -> ProductRules:
        flows: Flows | None = info.data.get("flows")
        orders: OrderRules | None = info.data.get("orders")
        if flows is None or orders is None or not flows.products:
            return products
        mistakes = []
        if not products.approved.is_said:
            mistakes.append(
                "approved: products = true in [flows] needs to know which products are sold: lifecycle_states, "
                "category, attribute, assortments, or every_product = true"
            )
        if orders.product_identity == "item":
            mistakes.append(
                'products = true in [flows] needs orders.product_identity = "variant": the SKU of a variant is its '
                "product variant number, that of a product without variants its item number, and orders find both"
            )
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return products

    @field_validator("holds")
    @classmethod
    def _holds_fit(cls, holds: HoldRules, info: ValidationInfo) -> HoldRules:
        """Where F&O is the master of orders, the flow is off."""
        flows: Flows | None = info.data.get("flows")
        if flows is not None and not flows.shipments and (holds.to_shopify or holds.from_shopify):
            raise ValueError("holds are copied by the flow shipments, which is off: set shipments = true in [flows]")
        return holds

    @field_validator("refunds")
    @classmethod
    def _untaxed_apart(cls, refunds: RefundRules | None, info: ValidationInfo) -> RefundRules | None:
        tax: TaxPolicy | None = info.data.get("tax")
        if refunds is not None and tax is not None and tax.verify == "external":
            without = [key for key in UNTAXED if (one := getattr(refunds.accounts, key)) and not one.sales_tax_group]
            if without:
                raise ValueError(
                    "\n".join(
                        f"accounts.{key}: needs sales_tax_group and item_tax_group with tax.verify = 'external', or "
                        "the engine may tax what Shopify does not"
                        for key in without
                    )
                )
        return refunds

    @field_validator("stock", mode="before")
    @classmethod
    def _has_no_go_live(cls, stock: Any) -> Any:
        if isinstance(stock, dict) and "orders_from" in stock:
            raise ValueError(
                "orders_from: this key does not exist any more; remove it, and write the day of the go-live in "
                "[orders], without a time and without quotes: first_day = 2026-11-02"
            )
        return stock

    @field_validator("stock")
    @classmethod
    def _fits_the_warehouses(cls, stock: StockRules, info: ValidationInfo) -> StockRules:
        served = [(warehouse.id, warehouse.location) for warehouse in info.data.get("warehouses", ())]
        # Without warehouses, their own mistakes are reported already.
        if served and (mistakes := stock.mistakes(served)):
            raise ValueError("\n".join(mistakes))
        return stock

    @field_validator("prices")
    @classmethod
    def _are_booked(cls, prices: PriceRules | None, info: ValidationInfo) -> PriceRules | None:
        flows: Flows | None = info.data.get("flows")
        if flows is None or not flows.prices:
            return prices
        if prices is None:
            raise ValueError("is missing: flows.prices needs the rules of prices (docs/prices.md)")
        booked = info.data.get("currencies", ())
        if info.data.get("currency_side") is CurrencySide.SHOP and booked and prices.currency not in booked:
            raise ValueError(
                f"currency: {prices.currency} is not among currencies, so that no order at these prices could be booked"
            )
        return prices

    @field_validator("tenant")
    @classmethod
    def _takes_the_dimensions(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        mistakes = dimension_mistakes(
            info.data.get("dimensions", ()),
            segments=tenant.dimension_format,
            required=tenant.required_dimensions,
            company=info.data.get("company", ""),
        )
        if mistakes and "dimensions" in info.data:  # without them, their own mistakes are reported already
            raise ValueError("\n".join(mistakes))
        return tenant

    @field_validator("tenant")
    @classmethod
    def _takes_cancellations(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        changes: ChangeRules | None = info.data.get("changes")
        if changes is not None and changes.cancellation == "zero_remaining" and tenant.zero_quantity == "refused":
            raise ValueError(
                'zero_quantity = "refused": F&O takes no quantity of 0, so changes.cancellation = "zero_remaining" '
                'cannot cancel anything; set it to "delete_lines"'
            )
        return tenant

    @field_validator("tenant")
    @classmethod
    def _tells_stock_by_status(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        stock: StockRules | None = info.data.get("stock")
        if stock is not None and stock.statuses and tenant.on_hand_by_status == "no":
            raise ValueError(
                'on_hand_by_status = "no": stock.statuses needs F&O to tell stock by inventory status in this company, '
                "where no warehouse has one; remove stock.statuses"
            )
        return tenant

    @field_validator("tenant")
    @classmethod
    def _shows_packing_slips(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        flows: Flows | None = info.data.get("flows")
        is_hidden = tenant.packing_slips == "no" and tenant.shipments_entity is None
        if flows is not None and flows.shipments and is_hidden:
            raise ValueError(
                'packing_slips = "no": flows.shipments needs F&O\'s packing slips, which the app does not see in this '
                "company; grant the sets of docs/permissions.md, name an entity of your own as shipments_entity "
                "(docs/fo-setup.md), or switch the flow off"
            )
        return tenant

    @field_validator("tenant")
    @classmethod
    def _shows_holds(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        holds: HoldRules | None = info.data.get("holds")
        if holds is not None and holds.to_shopify and not tenant.stamps_orders:
            raise ValueError(
                "holds.credit and holds.staff need SysModifiedDateTime of SalesTableBiEntities, by which F&O does not "
                "search in this company (order_stamps, slip_search); remove them"
            )
        return tenant

    @field_validator("tenant")
    @classmethod
    def _shows_picking_lists(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        shipments: ShipmentRules | None = info.data.get("shipments")
        flows: Flows | None = info.data.get("flows")
        orders: OrderRules | None = info.data.get("orders")
        collects = orders is not None and orders.delivery.pick_up is not None
        asks = flows is not None and flows.shipments and shipments is not None and shipments.pick_up == "picked"
        if collects and asks and not tenant.stamps_orders and tenant.warehouse_management == "no":
            raise ValueError(
                'shipments.pick_up = "picked" needs SysModifiedDateTime of SalesTableBiEntities, by which F&O does not '
                'search in this company (order_stamps, slip_search); write "packing_slip" or "never"'
            )
        return tenant

    @field_validator("tenant")
    @classmethod
    def _takes_credits(cls, tenant: Tenant, info: ValidationInfo) -> Tenant:
        refunds: RefundRules | None = info.data.get("refunds")
        if refunds is None or tenant.invoice_account != "main_only":
            return tenant
        accounts = {key: getattr(refunds.accounts, key) for key in RefundAccounts.model_fields}
        mistakes = [
            f'invoice_account = "main_only": refunds.accounts.{key} is {account.main_account}, and F&O takes a main '
            "account alone on a free text invoice line: remove its dimensions, and give them by [[dimensions]]"
            for key, account in accounts.items()
            if account is not None and tenant.account_delimiter in account.main_account
        ]
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return tenant

    @field_validator("write_back")
    @classmethod
    def _is_not_the_hold_tag(cls, write_back: WriteBackRules, info: ValidationInfo) -> WriteBackRules:
        orders: OrderRules | None = info.data.get("orders")
        if orders is not None and orders.hold_tag is not None and write_back.is_own(orders.hold_tag):
            raise ValueError("tag: must not match orders.hold_tag, by which staff hold an order")
        return write_back

    @field_validator("order_status")
    @classmethod
    def _has_tags_of_its_own(cls, order_status: OrderStatusRules, info: ValidationInfo) -> OrderStatusRules:
        orders: OrderRules | None = info.data.get("orders")
        write_back: WriteBackRules | None = info.data.get("write_back")
        tags = order_status.tags.all
        is_hold_tag = orders is not None and (orders.hold_tag or "").casefold() in tags
        if is_hold_tag or (write_back is not None and any(map(write_back.is_own, tags))):
            raise ValueError(MISTAKEN_TAGS)
        return order_status

    @model_validator(mode="after")
    def _fits_the_tenant(self) -> Self:
        mistakes = []
        if self.orders.number == "own" and self.tenant.order_number in {"replaced", "refused"}:
            mistakes.append(
                f'orders.number: "own" is not possible, since order_number is "{self.tenant.order_number}" for company '
                f'{self.company} in config/tenants; write "sequence", or "group" with number_group'
            )
        if self.customers.strategy == "per_consumer" and self.customers.id_field is None and not self.numbers_customers:
            mistakes.append(
                "customers.id_field: is missing: name a text field of CustomersV3 that nothing else writes, by which a "
                "customer is found again, since config/tenants does not say that F&O keeps a given account "
                f'(customer_account = "kept") in company {self.company}'
            )
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self
