"""Fitting a calibration to poses that are known to be right or wrong."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.confidence.logistic import Weights

RIDGE = 0.1
"""Penalty of the squared weights, against the sum over all poses: typical weights are about 3, and
no weight grows without bound when the poses are separable."""
LARGEST_WEIGHT = 100.0
LEAST_CASES = 8
Fitted = TypeVar('Fitted', bound=Weights)


def fit_weights(features: NDArray[np.float64], right: NDArray[np.bool_],
                kind: type[Fitted]) -> Fitted:
    """Return the weights of highest likelihood for poses with features (N, F), right or not (N,).

    `kind` is the class of weights, which names the features.

    Logistic regression with a small ridge and no weight below zero: the objective is convex, so
    L-BFGS-B finds its one minimum. Raises ConfigError for too few poses, or poses of one kind.
    """
    if len(right) < LEAST_CASES or right.all() or not right.any():
        raise ConfigError(f'{int(right.sum())} right and {int((~right).sum())} wrong poses: a '
                          f'calibration needs at least {LEAST_CASES}, and some of either kind')
    names, signs = kind.names(), np.where(right, 1.0, -1.0)
    design = np.column_stack((np.ones(len(right)), features))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (design @ weights)
        ridge = RIDGE / len(right) * weights
        ridge[0] = 0.0
        value = np.logaddexp(0.0, -margins).mean() + 0.5 * float(ridge @ weights)
        slope = -signs * np.exp(-np.logaddexp(0.0, margins))
        return value, design.T @ slope / len(signs) + ridge
    bounds = [(-LARGEST_WEIGHT * len(names), LARGEST_WEIGHT),
              *len(names) * [(0.0, LARGEST_WEIGHT)]]
    fitted = minimize(loss, np.zeros(len(names) + 1), jac=True, method='L-BFGS-B',
                      bounds=bounds, options={'maxiter': 2000, 'ftol': 1e-14, 'gtol': 1e-9}).x
    values = [round(float(value), 6) for value in fitted]
    return kind(intercept=values[0], **dict(zip(names, values[1:])))
