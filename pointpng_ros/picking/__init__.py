"""Choosing a detected object to reach for: rules, and a node to derive one's own from."""
