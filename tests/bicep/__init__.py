"""Reads our Bicep files and works out what they would deploy, without a compiler and without a subscription."""
