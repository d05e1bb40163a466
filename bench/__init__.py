"""Figures of the connector, measured on this machine: `make bench`."""

from shared.command_line import explain_missing_packages

explain_missing_packages()
