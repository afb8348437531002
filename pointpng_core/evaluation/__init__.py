"""Benchmarks: the protocols, metrics and baselines by which results are judged."""
