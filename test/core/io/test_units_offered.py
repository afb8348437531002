"""The units that the error about an impossible extent offers, tried one by one."""

import re

import numpy as np
import pytest

from pointpng_core.errors import CloudError, FileError
from pointpng_core.io.model_files import EXTENT_RANGE_M, check_extent, check_metres
from pointpng_core.io.units import UNIT_M


def rod(extent_m):
    return np.array([[0, 0, 0], [extent_m, 0, 0]])


def passes(extent_m):
    low, high = EXTENT_RANGE_M
    return low <= extent_m <= high


@pytest.mark.parametrize('extent_m', [12.0, 127.0, 500.0, 5000.0])
def test_offered_are_the_units_in_which_it_fits(extent_m):
    with pytest.raises(CloudError) as caught:
        check_metres('view', rod(extent_m))
    offered = set(re.findall(r"'(\w+)'", str(caught.value)))
    assert offered == {unit for unit, metres in UNIT_M.items() if passes(extent_m * metres)}
    with pytest.raises(FileError) as caught:
        check_extent('file', rod(extent_m), 'm')
    assert set(re.search(r'is its unit (.*?)\?', str(caught.value))[1].split(' or ')) == offered


def test_none_is_offered_where_none_fits():
    with pytest.raises(CloudError, match=r'is it the right model\?$'):
        check_metres('view', rod(5e4))
    with pytest.raises(CloudError, match=r"in metres already.*unit='m'"):
        check_metres('view', rod(1e-4))
