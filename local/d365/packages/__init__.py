"""Data management: entities exported as packages."""
