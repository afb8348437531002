"""Registration on the points: from a hypothesis to a pose that lies on the surface."""
