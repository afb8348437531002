"""The networks of Point-PNG and of its steerable variant.

Shapes: B clouds, N points, G patches of K points each, C width of a token, d size of an embedding.
"""
