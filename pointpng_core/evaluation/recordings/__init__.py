"""Poses in many recordings: one file of results for each, by local processes or a Ray cluster."""
