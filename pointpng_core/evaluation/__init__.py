"""Benchmarks: what a result is measured with, and what it is compared to."""
