"""From hypotheses to a verified pose."""
