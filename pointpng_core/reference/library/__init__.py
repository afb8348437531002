"""Setting up an object: into the library, its symmetry, its picture, a self-test, from a bag."""
