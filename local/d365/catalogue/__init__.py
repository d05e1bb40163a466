"""F&O's products: what they are, what a company releases of them, and what the entity sets show of both."""
