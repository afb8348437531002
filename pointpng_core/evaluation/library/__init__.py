"""Expected accuracy with the objects of a library."""
