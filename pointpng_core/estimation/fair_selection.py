"""The best hypotheses of each observation, with a place for each of several references.

Of a ball, all poses fit alike: those of one reference that fits a little better would fill all
places, and the ball that fits exactly once it is refined would not be among them.
"""

import torch
from torch import Tensor


def best_with_places(scores: Tensor, reference: Tensor, count: int, *, references: int,
                     places: int = 1) -> Tensor:
    """Return the index (O, min(count, K)) of hypotheses with scores (O, K), best first.

    `reference` (O, K) holds whose they are. The `places` best of each of the `references` best
    references are among them, as far as `count` goes; the best others take what is left.
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    columns = torch.arange(scores.shape[1], device=scores.device)
    reserved = _place_among_own(reference.gather(1, order), columns) < places
    reserved &= reserved.cumsum(1) <= references * places
    first = torch.where(reserved, columns, columns + len(columns)).argsort(dim=1)
    return order.gather(1, first[:, :count].sort(dim=1).values)


def _place_among_own(owner: Tensor, columns: Tensor) -> Tensor:
    """Return how many columns before each of (O, K) have the same owner."""
    owner, by_owner = owner.sort(dim=1, stable=True)
    begins = torch.ones_like(owner, dtype=torch.bool)
    begins[:, 1:] = owner[:, 1:] != owner[:, :-1]
    start = torch.where(begins, columns, 0).cummax(dim=1).values
    return torch.empty_like(owner).scatter_(1, by_owner, columns - start)
