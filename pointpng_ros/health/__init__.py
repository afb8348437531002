"""Diagnostics, errors, and what keeps a node alive."""
