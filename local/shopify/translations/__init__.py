"""Texts of products, options and their values in the other languages of the shop."""
