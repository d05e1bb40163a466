"""Prices as F&O finds them: trade agreements, line discounts and base prices."""
