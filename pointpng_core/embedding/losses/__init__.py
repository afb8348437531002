"""The losses of Point-PNG, one function each (arXiv 2409.15832; sections 1 and 2 of the method).

    L = L_align + beta * L_cope + (1 - beta) * L_unif

z are unit embeddings; an anchor is a = Theta_g z / |Theta_g z|, a pseudo-negative the same for
another rotation. All distances are squared and divided by the temperature tau. Everything is
computed in float32, whatever the precision of the embeddings.
"""

from pointpng_core.embedding.losses.alignment import align_loss
from pointpng_core.embedding.losses.chamfer import chamfer_loss
from pointpng_core.embedding.losses.info_nce import PairTerms, ordered_pairs, pair_terms
from pointpng_core.embedding.losses.point_png import LossParts, point_png_loss
from pointpng_core.embedding.losses.pseudo_negatives import pseudo_negative_loss
from pointpng_core.embedding.losses.uniformity import uniformity_loss

__all__ = ['LossParts', 'PairTerms', 'align_loss', 'chamfer_loss', 'ordered_pairs', 'pair_terms',
           'point_png_loss', 'pseudo_negative_loss', 'uniformity_loss']
