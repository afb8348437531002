"""Random images whose pixels are correlated over a distance: smooth bumps."""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_MARGIN = 5
"""In correlation lengths: opposite borders of the periodic image are independent then."""


def smooth_noise(shape: tuple[int, int], correlation_px: float, rng: np.random.Generator
                 ) -> NDArray[np.float32]:
    """Return normal noise (H, W) of unit variance with the correlation exp(-d / correlation_px).

    White noise is filtered in the frequency domain, by the root of the spectrum of a periodic
    image (circulant embedding: Dietrich and Newsam, SIAM J. Sci. Comput. 1997).
    """
    if not correlation_px:
        return rng.standard_normal(shape, dtype=np.float32)
    amplitude, period = _amplitude(shape, correlation_px)
    white = rng.standard_normal(period, dtype=np.float32)
    field = fft.irfft2(fft.rfft2(white) * amplitude, s=period)
    return np.ascontiguousarray(field[:shape[0], :shape[1]], dtype=np.float32)


@functools.lru_cache(maxsize=4)
def _amplitude(shape: tuple[int, int], correlation_px: float
               ) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return the factor of each frequency, and the size (rows, columns) of the periodic image."""
    margin = int(np.ceil(_MARGIN * correlation_px))
    period = (fft.next_fast_len(shape[0] + margin), fft.next_fast_len(shape[1] + margin))
    rows, columns = (np.minimum(np.arange(size), size - np.arange(size)) for size in period)
    correlation = np.exp(-np.hypot(rows[:, None], columns[None]) / correlation_px)
    spectrum = fft.rfft2(correlation).real
    return np.sqrt(np.maximum(spectrum, 0.0)).astype(np.float32), period
