"""The features of the pixels of which a pose's confidence is made."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.pixels.evidence import PixelEvidence

RARELY, LARGEST_CONTRADICTION = 0.003, 0.3
"""Shares of contradicted pixels between which the logarithm counts: .1 % of the pixels of nearly
all true poses are contradicted, and 5 % of most wrong ones."""
NOISE_RMS, WORST_RMS = 0.75, 1.75
"""In sigmas: of what lies within 3 sigma of a true surface, and of what lies there by chance."""
FEWEST_PX, MOST_PX = 30.0, 3000.0
WORST_CONTINUED = 0.5
EVEN_LEAD, LARGEST_LEAD = 100.0, 1500.0
"""Differences of support between which the logarithm of a lead counts: where the systematic errors
of a hundred pixels end, and where nothing is in doubt. As differences, not shares of the support,
they let through more of the right poses at 1 % wrong in clutter of a realistic camera (.54 for .51
and .63 for .59), and about as many in other clutter (.89 for .90, .67 for .70, .92 for .92)."""


def pixel_features(evidence: PixelEvidence, margin: NDArray[np.float64],
                   lead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features (H, len(PIXEL_FEATURES)) in [0, 1]; a larger one is always better.

    `margin` and `lead` (H,) are by how much log-likelihood a pose is better supported than the
    best other pose of its reference, and than the best other reference; infinite without one.
    """
    found, contradicted, rms, found_px, continued, dropped = (
        values.double().cpu().numpy() for values in (
            evidence.found, evidence.contradicted, evidence.rms_sigmas, evidence.found_px,
            evidence.continued, evidence.dropped))
    columns = (
        found,
        1 - np.log1p(contradicted / RARELY) / np.log1p(LARGEST_CONTRADICTION / RARELY),
        (WORST_RMS - rms) / (WORST_RMS - NOISE_RMS),
        np.log(np.maximum(found_px, 1.0) / FEWEST_PX) / np.log(MOST_PX / FEWEST_PX),
        1 - continued / WORST_CONTINUED, dropped,
        0.5 + 0.5 * _on_scale(margin), 0.5 + 0.5 * _on_scale(lead))
    features: NDArray[np.float64] = np.clip(np.nan_to_num(np.stack(columns, axis=1)), 0.0, 1.0)
    return features


def _on_scale(lead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return leads (H,) of either sign on a logarithmic scale, 1 for LARGEST_LEAD."""
    scale: NDArray[np.float64] = np.sign(lead) * np.log1p(np.abs(lead) / EVEN_LEAD) / np.log1p(
        LARGEST_LEAD / EVEN_LEAD)
    return scale
