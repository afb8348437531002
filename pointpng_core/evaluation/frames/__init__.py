"""Benchmarks of whole frames in BOP layout: what is found, what is false, what is lost where."""
