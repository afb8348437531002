"""Which rotations map a surface onto itself."""
