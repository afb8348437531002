"""From a topic to the newest cloud."""
