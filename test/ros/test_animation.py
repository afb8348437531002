"""The moving picture of the demo: which frames it keeps, and what it writes."""

import numpy as np
from PIL import Image
import pytest

from pointpng_core.simulation.sample_files import catalogue_library
from pointpng_ros.demo import animation, point_renderer
from pointpng_ros.demo.animation import Animation, _Labels
from pointpng_ros.demo.label_placement import nearest_free_place
from pointpng_ros.demo.picture import PictureObject
from pointpng_ros.demo.scoring import ObjectPose

pytestmark = pytest.mark.ros
MUG = catalogue_library(['mug'])[0]


def frame(x_m):
    """Points (N, 3) of a mug before a wall, and the object found in them."""
    T = np.eye(4)
    T[:3, 3] = [x_m, 0, 0.7]
    mug = (MUG.points[::8] + T[:3, 3]).astype(np.float32)
    across = np.stack(np.meshgrid(np.linspace(-0.3, 0.3, 60), np.linspace(-0.2, 0.2, 40)), -1)
    wall = np.insert(across.reshape(-1, 2), 2, 0.8, axis=1).astype(np.float32)
    pose = ObjectPose(label='mug', frame='mug_0', T_camera_object=T)
    return np.concatenate([mug, wall]), [PictureObject(pose=pose, segment=mug)]


def test_frames_are_kept_at_an_interval_and_up_to_a_number():
    kept = Animation()
    for index in range(2 * animation.MAX_FRAMES):
        time_s = 1.01 * index * animation.INTERVAL_S
        if kept.wants(time_s):
            assert not index or not kept.wants(time_s - 0.5 * animation.INTERVAL_S)
            kept.add(time_s, *frame(0.0))
    assert not kept.wants(1e9)


def test_the_film_plays_forwards_and_backwards_for_ever(tmp_path):
    film = Animation()
    for index in range(3):
        film.add(0.4 * index, *frame(0.05 * index))
    assert film.save(tmp_path / 'film.webp', {'mug': MUG.model}) == 4
    with Image.open(tmp_path / 'film.webp') as image:
        assert image.size == (animation.WIDTH_PX, animation.HEIGHT_PX + animation.CAPTION_PX)
        assert image.n_frames == 4
        assert image.info['loop'] == 0
        pictures = []
        for index in range(4):
            image.seek(index)
            pictures.append(np.asarray(image.convert('RGB'), dtype=np.float32))
            assert image.info['duration'] == pytest.approx(400 / animation.SPEED, abs=1)
    assert np.abs(pictures[1] - pictures[3]).mean() < np.abs(pictures[1] - pictures[0]).mean() / 2


def test_without_a_detection_there_is_no_film(tmp_path):
    film = Animation()
    film.add(0.0, frame(0.0)[0], [])
    assert film.save(tmp_path / 'film.webp', {}) == 0
    assert not (tmp_path / 'film.webp').exists()


def overlaps(box, other):
    return bool((box[:2] < other[2:]).all() and (other[:2] < box[2:]).all())


@pytest.mark.parametrize('gap_m', [0.0, 0.01, 0.03])
def test_labels_of_close_objects_never_overlap(gap_m):
    view = point_renderer.fitted_view(np.eye(4), frame(0.0)[0], width=animation.WIDTH_PX,
                                      height=animation.HEIGHT_PX)
    labels, spray_m = _Labels(), np.linspace(-0.2, 0.2, 21)
    for step, x_m in enumerate(spray_m):
        objects = []
        for name, place_m in (('spray', x_m), ('bottle', gap_m), ('can', gap_m)):
            T = np.eye(4)
            T[:3, 3] = [place_m, 0, 0.7]
            pose = ObjectPose(label=name, frame=f'{name}_0', T_camera_object=T)
            objects.append(PictureObject(pose=pose, segment=np.zeros((0, 3), dtype=np.float32)))
        boxes = labels.boxes(view, objects[::-1] if step % 2 else objects)
        assert all((box[:2] >= 0).all() and (box[2:] <= [animation.WIDTH_PX,
                                                         animation.HEIGHT_PX]).all()
                   for box in boxes)
        assert not any(overlaps(boxes[i], boxes[j]) for i in range(3) for j in range(i))


def test_a_label_without_a_free_place_stays_inside_the_image():
    everywhere = [np.array([0.0, 0.0, 100.0, 50.0])]
    place = nearest_free_place(np.array([-5.0, 20.0]), np.array([10.0, 5.0]), everywhere, 100, 50)
    np.testing.assert_allclose(place, [10, 20])
