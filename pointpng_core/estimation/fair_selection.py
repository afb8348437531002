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
    owner = reference.gather(1, order)
    among_own = torch.nn.functional.one_hot(owner).cumsum(1).gather(2, owner[..., None])[..., 0]
    reserved = among_own <= places
    reserved &= reserved.cumsum(1) <= references * places
    columns = torch.arange(scores.shape[1], device=scores.device)
    first = torch.where(reserved, columns, columns + len(columns)).argsort(dim=1)
    return order.gather(1, first[:, :count].sort(dim=1).values)
