"""A device such as a GPU beside the CPU: agreement stage by stage, and speed."""
