"""Makes what both suites share (`bags`) importable from either."""
