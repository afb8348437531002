"""Optional packages: part of a full ROS 2 installation, but not of PyPI's ROS wheels."""

from dataclasses import dataclass
import importlib
import os
from pathlib import Path
import sys
from types import ModuleType

from pointpng_core.errors import MissingDependencyError

PACKAGE = 'pointpng_ros'


@dataclass(frozen=True, kw_only=True)
class OptionalPackage:
    """A Python package of a full ROS 2 installation."""

    module: str
    apt_suffix: str
    purpose: str

    @property
    def apt_line(self) -> str:
        """Return the command that installs it on Ubuntu, for the sourced distribution."""
        distribution = os.environ.get('ROS_DISTRO', 'jazzy')
        return f'sudo apt install ros-{distribution}-{self.apt_suffix}'


_PACKAGES = {package.module: package for package in (
    OptionalPackage(module='tf2_ros', apt_suffix='tf2-ros-py',
                    purpose='transform look-ups and broadcasts'),
    OptionalPackage(module='vision_msgs', apt_suffix='vision-msgs',
                    purpose='Detection3DArray messages'),
    OptionalPackage(module='sensor_msgs_py', apt_suffix='sensor-msgs-py',
                    purpose='the reference PointCloud2 codec'),
    OptionalPackage(module='tf_transformations', apt_suffix='tf-transformations',
                    purpose='the reference quaternion conversions'),
    OptionalPackage(module='launch', apt_suffix='launch', purpose='launch files'),
    OptionalPackage(module='launch_ros', apt_suffix='launch-ros', purpose='launch files'),
)}


def require(module: str, *, asked_by: str) -> ModuleType:
    """Import an optional package; raises MissingDependencyError that names who asked and the fix.

    `module` may be a submodule ('vision_msgs.msg'); `asked_by` is the parameter or command.
    """
    package = _PACKAGES[module.partition('.')[0]]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f'{asked_by} needs the ROS package {package.module} ({package.purpose}), which is not '
            f'installed here ({error}). It comes with a ROS 2 installation, not from PyPI: '
            f'`{package.apt_line}` and source its setup.bash, or leave {asked_by} out') from error


def share_directory() -> Path:
    """Return the folder that holds the package's config/ and launch/.

    Tried in this order: the ament index, the environment's own prefix (PyPI wheels leave
    AMENT_PREFIX_PATH unset), the source tree. Raises MissingDependencyError when none has it.
    """
    candidates = [*_ament_share(), Path(sys.prefix) / 'share' / PACKAGE,
                  Path(__file__).resolve().parents[2]]
    for candidate in candidates:
        if (candidate / 'config').is_dir():
            return candidate
    raise MissingDependencyError(f'no config folder of {PACKAGE} in '
                                 f'{", ".join(map(str, candidates))}: install the package again')


def _ament_share() -> list[Path]:
    try:
        from ament_index_python.packages import get_package_share_directory
        return [Path(get_package_share_directory(PACKAGE))]
    except (ImportError, LookupError, OSError):      # OSError: AMENT_PREFIX_PATH is not set
        return []
