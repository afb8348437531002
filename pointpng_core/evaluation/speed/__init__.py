"""Time of inference and training, and memory."""
