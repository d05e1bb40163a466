"""Price lists with fixed prices, price breaks and quantity rules, and the catalogs that they belong to."""
