"""The best hypotheses with places for many references, against a loop that picks one by one."""

import numpy as np
import pytest
import torch

from pointpng_core.estimation.fair_selection import best_with_places


def picked(scores, owners, count, *, references, places):
    """The columns of one observation, by picking: first the reserved ones, then the best."""
    order = sorted(range(len(scores)), key=lambda column: -scores[column])
    names = list(dict.fromkeys(owners[column] for column in order))
    taken: list[int] = []
    for name in names:
        taken += [column for column in order if owners[column] == name][:places]
    reserved = sorted(taken, key=order.index)[:references * places]
    others = [column for column in order if column not in reserved]
    chosen = (reserved + others)[:count]
    return sorted(chosen, key=order.index)


@pytest.mark.parametrize(('count', 'references', 'places'), [
    (8, 1, 1), (8, 3, 1), (8, 5, 2), (3, 5, 1), (40, 5, 1), (12, 50, 1)])
def test_as_picked_one_by_one(count, references, places):
    rng = np.random.default_rng(count)
    scores, owners = rng.normal(size=(6, 30)), rng.integers(0, 5, size=(6, 30))
    found = best_with_places(torch.from_numpy(scores), torch.from_numpy(owners), count,
                             references=references, places=places)
    assert found.tolist() == [picked(row, names, count, references=references, places=places)
                              for row, names in zip(scores, owners)]


def test_a_reference_that_fits_a_little_better_does_not_fill_all_places():
    scores, owners = torch.tensor([[0.9, 0.8, 0.7, 0.6, 0.5]]), torch.tensor([[0, 0, 0, 1, 2]])
    assert best_with_places(scores, owners, 3, references=1).tolist() == [[0, 1, 2]]
    assert best_with_places(scores, owners, 3, references=2).tolist() == [[0, 1, 3]]
    assert best_with_places(scores, owners, 3, references=3).tolist() == [[0, 3, 4]]
