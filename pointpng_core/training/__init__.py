"""Training of Point-PNG in two stages: masked autoencoding, then equivariant embeddings.

`trainer.train` is the entry point, `objectives` states the loss of each stage.
"""
