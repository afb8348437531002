"""One depth image with what belongs to it, as it goes to the worker."""

from dataclasses import dataclass

from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthFrame:
    """A depth image, its CameraInfo, and its mask where there is one."""

    image: Image
    camera_info: CameraInfo
    mask: Image | None
    rectified: bool
    """Whether the image is rectified: then P of the CameraInfo holds, else K and D."""

    @property
    def header(self) -> Header:
        """Return the header of the image: stamp and optical frame of all that comes of it."""
        return self.image.header
