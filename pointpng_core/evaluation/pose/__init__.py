"""Pose benchmarks, with baselines."""
