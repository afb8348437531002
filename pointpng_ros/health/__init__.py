"""Diagnostics, statistics, and what keeps a node alive: signals, optional packages."""
