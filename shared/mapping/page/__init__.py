"""docs/mapping.md: what becomes of each field of a Shopify order, as tables that tests hold against the code."""
