"""Nearest points of a reference's surface."""
