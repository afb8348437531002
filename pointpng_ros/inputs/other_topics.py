"""Topics of a bag that are played as they were recorded, whatever their type: /tf, images."""

from collections.abc import Sequence
import importlib
import os
import re

from pointpng_core.errors import ConfigError, MissingDependencyError
from pointpng_core.io.bags.reader import CloudBag
from pointpng_ros.inputs.recorded_topics import RecordedTopic

_TYPE = re.compile(r'([a-z][a-z0-9_]*)/msg/([A-Z][A-Za-z0-9]*)')
_LATCHED = '/tf_static'


def other_topics(bag: CloudBag, names: Sequence[str], played: Sequence[str]
                 ) -> list[RecordedTopic]:
    """Return topics to play beside those `played`, byte for byte.

    Raises ConfigError for a topic that the bag has not and for ROS 1, whose bytes are others,
    MissingDependencyError where the package of a type is not installed.
    """
    if names and bag.path.suffix == '.bag':
        raise ConfigError(f'{bag.path} is a ROS 1 bag: --also plays topics of ROS 2 bags')
    return [RecordedTopic(name=name, message_type=_message_class(bag.type_of(name), name),
                          convert=bytes, published=name, raw=True,
                          latched=name.endswith(_LATCHED))
            for name in dict.fromkeys(names) if name not in played]


def _message_class(message_type: str, topic: str) -> type:
    found = _TYPE.fullmatch(message_type)
    if not found:
        raise ConfigError(f'{topic} has the type {message_type[:80]!r}, which is no message type')
    package, name = found.groups()
    try:
        module = importlib.import_module(f'{package}.msg')
        message_class: type = getattr(module, name)
    except (ImportError, AttributeError) as error:
        distribution = os.environ.get('ROS_DISTRO', 'jazzy')
        raise MissingDependencyError(
            f'--also {topic} needs the ROS package {package} ({error}): `sudo apt install '
            f'ros-{distribution}-{package.replace("_", "-")}`, or leave it out') from error
    return message_class
