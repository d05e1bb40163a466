"""Products, their options and variants: what they show, how they are changed, and what staff do with them."""
