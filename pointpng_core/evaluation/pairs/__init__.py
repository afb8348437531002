"""Pairs for relative poses: files of them, and making them for validation."""
