"""The losses of Point-PNG (arXiv 2409.15832) and of retrieval.

z are unit embeddings. Everything is computed in float32, whatever the precision of the embeddings.
"""

from pointpng_core.embedding.losses.point_png import (
    LossParts,
    PairTerms,
    align_loss,
    ordered_pairs,
    pair_terms,
    point_png_loss,
    pseudo_negative_loss,
    uniformity_loss,
)

__all__ = ['LossParts', 'PairTerms', 'align_loss', 'ordered_pairs', 'pair_terms',
           'point_png_loss', 'pseudo_negative_loss', 'uniformity_loss']
