"""Bulk operations: a query over everything, or one mutation with many variables, in the background."""
