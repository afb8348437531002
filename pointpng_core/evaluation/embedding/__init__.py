"""What an embedding knows: equivariance, classification, recognition, ablations."""
