"""Which segment belongs to which track."""

from helpers.objects import pose, view
from helpers.tracking import started_tracks, visible
import numpy as np

from pointpng_core.segmentation import Segment
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.tracking.association import associate, surface_share
from pointpng_core.tracking.config import TrackingConfig


def segment(points):
    return Segment(points=points, indices=np.arange(len(points)))


def test_each_track_gets_the_segment_on_its_expected_surface(reference):
    T, points = visible('drill')
    T_other = pose(T[:3, :3], (0.3, -0.03, 0.6))
    other = view(make_object('drill').mesh, T_other)
    first, second = tracks = tuple(started_tracks(reference, TrackingConfig(),
                                                  ('drill', T_other), ('drill', T)))
    small = segment(points[::40])
    found = associate([segment(points), small, segment(other), segment(other + 2)], tracks,
                      association_gate=0.15)
    assert found == [second, None, first, None]
    assert associate([segment(points)], tracks, association_gate=0.001) == [None]
    assert associate([], tracks, association_gate=0.15) == []
    assert associate([segment(points)], [], association_gate=0.15) == [None]
    assert surface_share(points, T, reference('drill')) > 0.95
    assert surface_share(points + 0.1, T, reference('drill')) < 0.3
