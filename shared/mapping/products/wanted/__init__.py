"""From F&O's rows and the store's rules to the product that should stand in the shop: pure, no I/O."""
