"""From many clouds of one object that turns, or is looked at from around, to one surface."""
