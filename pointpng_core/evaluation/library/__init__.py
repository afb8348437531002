"""What accuracy to expect of the objects of a library."""
