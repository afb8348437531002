"""Networks as encoders."""

from pointpng_core.embedding.learned import LearnedEncoder
from pointpng_core.embedding.steerable import SteerableEncoder
from pointpng_core.models.factory import Network
from pointpng_core.models.steerable import SteerablePng


def encoder_of(network: Network) -> LearnedEncoder | SteerableEncoder:
    """Return the encoder that runs a network."""
    if isinstance(network, SteerablePng):
        return SteerableEncoder(network)
    return LearnedEncoder(network)
