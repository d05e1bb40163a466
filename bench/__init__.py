"""Figures of the connector, measured on this machine: `make bench`."""
