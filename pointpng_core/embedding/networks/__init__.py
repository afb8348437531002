"""The networks of Point-PNG, in plain PyTorch.

Shapes: B clouds, N points, G patches of K points each, C width of a token, d size of an embedding.
"""
