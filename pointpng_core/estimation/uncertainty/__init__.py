"""Covariance, observability and ambiguity of a pose."""
