"""Training of Point-PNG in two stages: masked autoencoding, then embeddings that turn.

`recipe.train` is the whole of it on one page.
"""
