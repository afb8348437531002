"""Procedural object models: solids as distance functions, meshed into closed surfaces."""
