"""From a cloud message to what is published of it."""
