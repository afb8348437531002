"""How often poses of a given confidence are right."""
