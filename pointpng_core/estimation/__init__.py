"""From embeddings to a verified pose: search, registration, verification, confidence."""
