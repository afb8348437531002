"""What poses are relative to: the modes of the parameter `reference`, drawn in docs/frames.md."""

from pointpng_core.errors import ConfigError
from pointpng_ros.parameters.node_config import NodeConfig

LIBRARY, FIRST_LOOK, PREVIOUS_FRAME, TOPIC = 'library', 'first_look', 'previous_frame', 'topic'


def reference_mode(config: NodeConfig) -> str:
    """Return the mode that the parameters ask for; ConfigError where they contradict another."""
    mode = config.reference
    if mode == 'auto':
        mode = LIBRARY if config.objects else FIRST_LOOK
    if mode == LIBRARY and not config.objects:
        raise ConfigError("reference = 'library' needs the folder of a library: set objects")
    if mode != LIBRARY and config.objects:
        raise ConfigError(f'reference = {config.reference!r} takes no library, but objects = '
                          f'{config.objects!r}: leave one of the two out')
    if mode == TOPIC and not config.reference_topic:
        raise ConfigError("reference = 'topic' needs the topic of the reference cloud: set "
                          'reference_topic')
    if mode != TOPIC and config.reference_topic:
        raise ConfigError(f'reference_topic = {config.reference_topic!r} is not used with '
                          f"reference = {config.reference!r}: set that to 'topic', or leave "
                          'reference_topic empty')
    return mode
