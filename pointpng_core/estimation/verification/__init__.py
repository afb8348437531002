"""How well a pose explains what was measured."""
