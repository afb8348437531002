"""Adding objects to an object library: checks of the model, the copy, the entry."""
