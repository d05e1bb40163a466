"""A strict stand-in for Shopify: Admin GraphQL, storefront, webhooks. See README.md."""

from local.shopify.server import RunningShopify, run_shopify

__all__ = ["RunningShopify", "run_shopify"]
