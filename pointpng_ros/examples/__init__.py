"""Nodes to start one's own from."""
