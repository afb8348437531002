"""Evaluation of embeddings: equivariance, classification, recognition, ablation of the loss."""
