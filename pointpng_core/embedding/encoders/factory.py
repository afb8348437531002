"""Networks as encoders."""

from pointpng_core.embedding.encoders.network import LearnedEncoder
from pointpng_core.embedding.encoders.steerable import SteerableEncoder
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.embedding.networks.steerable import SteerablePng


def encoder_of(network: Network) -> LearnedEncoder | SteerableEncoder:
    """Return the encoder that runs a network."""
    if isinstance(network, SteerablePng):
        return SteerableEncoder(network)
    return LearnedEncoder(network)
