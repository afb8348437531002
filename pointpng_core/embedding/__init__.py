"""From a cloud to its embedding, and from an embedding to the one under a rotation."""
