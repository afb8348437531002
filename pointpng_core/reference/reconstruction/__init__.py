"""A mesh from many clouds of one object that rotates on a table, or that the camera circles."""
