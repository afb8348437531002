"""Networks by configuration."""

from pointpng_core.embedding.networks.config import STEERABLE, ModelConfig
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.steerable import SteerablePng

Network = PointPng | SteerablePng


def make_network(config: ModelConfig) -> Network:
    """Return a new network of the configured encoder, with random weights."""
    return SteerablePng(config) if config.encoder == STEERABLE else PointPng(config)
