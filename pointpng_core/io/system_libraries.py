"""Shared libraries of the system that Open3D and torch load, and how to install the missing ones.

Standard library only: it runs before anything else can be imported.
"""

import ctypes
from importlib import metadata

APT_PACKAGES = {
    'libGL.so.1': 'libgl1',
    'libX11.so.6': 'libx11-6',
    'libgomp.so.1': 'libgomp1',
    'libstdc++.so.6': 'libstdc++6',
    'libudev.so.1': 'libudev1',
}
_OPEN3D_FROM_0_20 = {'libusb-1.0.so.0': 'libusb-1.0-0'}


def missing_libraries() -> list[str]:
    """Return the names of the shared libraries that this machine should have and has not."""
    return [name for name in _needed() if not _loads(name)]


def install_line(libraries: list[str]) -> str:
    """Return the apt command that installs some of the needed libraries."""
    packages = [_needed()[name] for name in libraries]
    return f'sudo apt-get update && sudo apt-get install -y {" ".join(packages)}'


def explain_missing() -> str:
    """Return a sentence that names missing libraries and the fix, or an empty string."""
    missing = missing_libraries()
    if not missing:
        return ''
    return (f'system libraries are missing: {", ".join(missing)}; '
            f'on Debian and Ubuntu: {install_line(missing)}')


def _needed() -> dict[str, str]:
    try:
        major, minor = metadata.version('open3d').split('.')[:2]
        newer = (int(major), int(minor)) >= (0, 20)
    except (metadata.PackageNotFoundError, ValueError):
        newer = False
    return APT_PACKAGES | (_OPEN3D_FROM_0_20 if newer else {})


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
