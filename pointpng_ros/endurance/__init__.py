"""How the node bears load and time, measured against the simulator's truth."""
