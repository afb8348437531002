"""Load and soak tests of the node, measured against the simulator's truth."""
