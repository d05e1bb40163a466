"""What whoever looks after the connector calls: `python -m shared.operator`."""
