"""Mutated depth images, CameraInfo and masks: a cloud or CloudError, never anything else."""

import array
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import numpy as np

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.depth_cloud import decode_depth_cloud

NUMBERS = st.one_of(st.integers(-2, 64), st.integers(-2**80, 2**80), st.just(2**32 - 1), st.none(),
                    st.floats(), st.text(max_size=3), st.booleans())
DATA = st.one_of(st.binary(max_size=60), st.none(), st.text(max_size=5), st.integers(),
                 st.just(np.zeros((4, 6))), st.just(array.array('d', [1.0] * 3)))
MATRICES = st.one_of(st.lists(st.one_of(st.floats(), st.integers(-2**1100, 2**1100)),
                              max_size=13), NUMBERS)
TEXTS = st.one_of(st.sampled_from(['16UC1', '32FC1', '8UC1', 'rgb8', 'plumb_bob', 'equidistant',
                                   'rational_polynomial']), NUMBERS, st.just([]))
VALUES = {'data': DATA, 'encoding': TEXTS, 'distortion_model': TEXTS, 'd': MATRICES,
          'k': MATRICES, 'p': MATRICES, 'roi': NUMBERS}


def messages():
    """Depth image, CameraInfo and mask of 2 x 3 pixels."""
    depth, mask = (SimpleNamespace(height=2, width=3, encoding=encoding, is_bigendian=0,
                                   step=3 * size, data=bytes(range(1, 1 + 6 * size)))
                   for encoding, size in (('16UC1', 2), ('8UC1', 1)))
    region = SimpleNamespace(width=0, height=0, x_offset=0, y_offset=0)
    info = SimpleNamespace(width=3, height=2, d=[0.1] * 5, distortion_model='plumb_bob',
                           k=[5.0, 0, 1, 0, 5, 1, 0, 0, 1],
                           p=[5.0, 0, 1, 0, 0, 5, 1, 0, 0, 0, 1, 0], binning_x=0, binning_y=0,
                           roi=region)
    return [depth, info, mask, region]


@st.composite
def mutations(draw):
    """Which message, which attribute of it, and its new value; '' removes the attribute."""
    part = draw(st.integers(0, 3))
    name = draw(st.sampled_from(sorted(vars(messages()[part]))))
    return part, name, draw(st.one_of(st.just(''), VALUES.get(name, NUMBERS)))


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(mutations(), min_size=1, max_size=4), rectified=st.booleans())
def test_mutated_messages_give_a_cloud_or_cloud_error_only(changes, rectified):
    parts = messages()
    for part, name, value in changes:
        if isinstance(value, str) and not value:
            vars(parts[part]).pop(name, None)
        else:
            setattr(parts[part], name, value)
    try:
        with np.errstate(all='ignore'):
            cloud = decode_depth_cloud(*parts[:3], rectified=rectified)
    except CloudError:
        return
    assert cloud.points.shape == (6, 3)
    assert cloud.image_shape == (2, 3)
    assert 0 < cloud.finite_share <= 1
