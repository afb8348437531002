"""Making relative-pose pairs for validation."""
