"""Places for labels in a picture: beside their objects, off the others, inside the image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LABEL_POINTS = 12.5
_CHARACTER_PX, _LINE_PX, _PADDING_PX = 10.5, 22.0, 12.0
_GAP_PX = 6.0
_LABEL_WEIGHT, _OUTSIDE_WEIGHT = 20.0, 100.0
_STEP_PX = 2.0


def place_labels(outlines: Sequence[NDArray[np.float64]], texts: Sequence[str], width: int,
                 height: int) -> list[tuple[float, float]]:
    """Return label centres (x, y) in pixels, for objects that cover pixels (N, 2) each.

    Greedy, nearest objects (lowest in the image) first: of four sides the one that hides least.
    """
    places: list[tuple[float, float]] = [(0.0, 0.0)] * len(texts)
    taken: list[NDArray[np.float64]] = []
    for index in sorted(range(len(texts)), key=lambda i: -float(outlines[i][:, 1].max())):
        half = _half_size(texts[index])
        candidates = _sides(outlines[index], half)
        costs = [_cost(centre, half, outlines, taken, (width, height))
                 for centre in candidates]
        best = candidates[int(np.argmin(costs))]
        taken.append(np.concatenate([best - half, best + half]))
        places[index] = (float(best[0]), float(best[1]))
    return places


def nearest_free_place(centre: NDArray[np.float64], half: NDArray[np.float64],
                       taken: Sequence[NDArray[np.float64]], width: int, height: int
                       ) -> NDArray[np.float64]:
    """Return the centre (2,) nearest to the given one at which a label overlaps no other label.

    `half` (2,) is half of the label's size and `taken` the boxes (left, top, right, bottom) of
    the labels so far, all in pixels. The label stays inside the image; where there is no free
    place, only that is ensured.
    """
    inside = np.clip(centre, half, np.array([width, height]) - half)
    grid = np.stack(np.meshgrid(np.arange(half[0], width - half[0], _STEP_PX),
                                np.arange(half[1], height - half[1], _STEP_PX)), -1)
    candidates = np.concatenate([inside[None], grid.reshape(-1, 2)])
    free = np.ones(len(candidates), dtype=bool)
    for box in taken:
        free &= ((candidates + half <= box[:2]) | (candidates - half >= box[2:])).any(axis=1)
    distances = np.where(free, np.linalg.norm(candidates - inside, axis=1), np.inf)
    place: NDArray[np.float64] = candidates[int(np.argmin(distances))]
    return place


def _half_size(text: str) -> NDArray[np.float64]:
    lines = text.split('\n')
    return np.array([max(map(len, lines)) * _CHARACTER_PX + _PADDING_PX,
                     len(lines) * _LINE_PX + _PADDING_PX]) / 2


def _sides(pixels: NDArray[np.float64], half: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return positions above, right, left and below, the preferred ones first."""
    low, high = np.quantile(pixels, [0.01, 0.99], axis=0)
    x, y = np.median(pixels, axis=0)
    reach = half + _GAP_PX
    return [np.array([x, low[1] - reach[1]]), np.array([high[0] + reach[0], y]),
            np.array([low[0] - reach[0], y]), np.array([x, high[1] + reach[1]])]


def _cost(centre: NDArray[np.float64], half: NDArray[np.float64],
          outlines: Sequence[NDArray[np.float64]], taken: Sequence[NDArray[np.float64]],
          size: tuple[int, int]) -> float:
    """Return the cost: shares of objects hidden, overlaps with labels, parts outside."""
    low, high = centre - half, centre + half
    hidden = sum(float(((pixels >= low) & (pixels <= high)).all(axis=1).mean())
                 for pixels in outlines)
    overlap = sum(float(np.prod(np.clip(np.minimum(high, box[2:]) - np.maximum(low, box[:2]),
                                        0, None)) / np.prod(2 * half)) for box in taken)
    outside = float((np.clip(-low, 0, None) + np.clip(high - size, 0, None)).sum() > 0)
    return hidden + _LABEL_WEIGHT * overlap + _OUTSIDE_WEIGHT * outside
