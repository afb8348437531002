"""Stamps of messages, which may be any numbers: `rclpy.time.Time` refuses those before 1970."""

from typing import Any

from rclpy.time import Time

from pointpng_core.errors import CloudError

_S_IN_NS = 10**9


def stamp_ns(stamp: Any) -> int:
    """Return a stamp in nanoseconds, negative before 1970."""
    return int(stamp.sec) * _S_IN_NS + int(stamp.nanosec)


def time_of(stamp: Any) -> Time:
    """Return a stamp as a time of rclpy; raises CloudError for one that is none."""
    if stamp.sec < 0 or stamp.nanosec >= _S_IN_NS:
        raise CloudError(f'the stamp is {stamp.sec} s and {stamp.nanosec} ns: seconds must not be '
                         'negative, nor nanoseconds a second or more; check the clock of the '
                         'camera driver')
    return Time.from_msg(stamp)
