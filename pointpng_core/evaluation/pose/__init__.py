"""Pose benchmarks beside baselines."""
