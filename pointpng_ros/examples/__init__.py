"""Nodes to copy and change."""
