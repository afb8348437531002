"""A mug whose handle is hidden: its place is known, its rotation is not, and both are said."""

from helpers.tracking import T_CAMERA_WORLD, shoot, standing
import numpy as np
import pytest

from pointpng_core.geometry.rigid_motion import inverse, point_sigma_m, transform
from pointpng_core.simulation.shapes.catalogue import make_object

MUG = make_object('mug').mesh.vertices
AXIS, HANDLE = np.array([0.0, 0.0, 0.04]), MUG[np.argmax(np.linalg.norm(MUG[:, :2], axis=1))]


@pytest.fixture
def hidden(make_pipeline):
    """Poorly constrained detections, each with the true pose; every frame is a first one."""
    pipeline, found = make_pipeline('mug', enabled=False), []
    for step in range(8, 22, 2):
        placed = standing('mug', 0.0, 0.05, -24 + 3 * step)
        found += [(each, T_CAMERA_WORLD @ placed[1])
                  for each in pipeline.process(shoot([placed], step)).poorly_constrained]
    assert len(found) >= 2
    return found


def sigma_m(found, point):
    """How exactly a point of the object is known."""
    arm_m = found.estimate.T_observation_reference[:3, :3] @ point
    return point_sigma_m(found.covariance(), arm_m)


def test_its_axis_is_known_and_its_handle_is_not_and_its_box_holds_it(hidden):
    for found, T_true in hidden:
        assert not found.well_constrained
        assert sigma_m(found, AXIS) < 0.01
        assert sigma_m(found, HANDLE) > 0.05
        local = transform(inverse(found.estimate.T_observation_reference) @ T_true, MUG)
        centre_m, size_m = found.box
        assert (np.abs(local - centre_m) < size_m / 2 + 0.004).all()
        assert (size_m < 2.2 * found.reference.box[1]).all()


def test_moved_it_has_the_same_box(hidden):
    found = hidden[0][0]
    T = np.eye(4)
    T[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    T[:3, 3] = (1, 2, 3)
    for own, other in zip(found.box, found.moved(T).box):
        np.testing.assert_allclose(own, other, atol=2e-3)
    assert not found.moved(T).well_constrained


def test_a_mug_with_a_visible_handle_has_the_box_of_its_mesh(make_pipeline):
    found, = make_pipeline('mug').process(shoot([standing('mug', 0.0, 0.05, -24)], 0)).detections
    assert found.well_constrained
    for own, whole in zip(found.box, found.reference.box):
        np.testing.assert_array_equal(own, whole)
    assert sigma_m(found, HANDLE) < 0.02
