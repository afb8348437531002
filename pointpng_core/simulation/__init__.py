"""A simulated depth camera over a table with moving objects: clouds with ground-truth poses."""
