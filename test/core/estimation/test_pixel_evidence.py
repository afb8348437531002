"""What pixels say about poses: true, wrong and hidden ones, and flat ones in large planes."""

from helpers.objects import boxes, pose
from helpers.pixels import (
    SIGMA_M,
    WALL_M,
    dense,
    evidence_of,
    placed,
    view_of,
)
from helpers.tracking import perturbed
import numpy as np
import pytest
from scipy.stats import norm
import torch

from pointpng_core.estimation.confidence import PIXEL_FEATURES
from pointpng_core.estimation.pixels import PixelEvidence, PixelJudge
from pointpng_core.estimation.pixels.evidence import BASE_M, GAIN, SIGMAS
from pointpng_core.estimation.pixels.features import pixel_features
from pointpng_core.simulation.rendering import Rectangle
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('mug', 'drill', 'box', 'bracket')
PLATE = boxes(((-0.08, -0.06, 0.0), (0.08, 0.06, 0.01)))
FACING = pose(t=(0.01, -0.01, 0.6))
"""Where the plate is seen frontally: its nearer side is at z = 0."""


@pytest.fixture(scope='module')
def references():
    return {name: dense(make_object(name).mesh, name) for name in NAMES} | {
        'plate': dense(PLATE, 'plate')}


@pytest.fixture(scope='module')
def judge(references):
    return PixelJudge(list(references.values()))


@pytest.mark.parametrize('noise_m', [0.0, SIGMA_M], ids=['ideal', 'noisy'])
@pytest.mark.parametrize('name', NAMES)
def test_a_true_pose_is_found_and_ends_at_its_silhouette(judge, name, noise_m):
    for seed in (1, 2, 3):
        T = placed(seed)
        view = view_of((make_object(name).mesh, T), noise_m=noise_m, seed=seed)
        seen = evidence_of(judge, view, (name, T))
        assert seen.found > 0.95
        assert seen.contradicted < 0.005
        assert seen.occluded < 0.03
        assert seen.rms_sigmas < (0.7 if noise_m == 0 else 1.15)
        assert seen.continued < 0.01
        assert seen.dropped > 0.98
        assert seen.support > 0.4 * GAIN * seen.found_px


@pytest.mark.parametrize('factor', [0.0, 0.5, 1.0, 2.0])
def test_deviations_are_those_of_a_truncated_normal_distribution(judge, factor):
    """A frontal plate, the noise of which is `factor` times what the view expects."""
    view = view_of((PLATE, FACING), noise_m=factor * SIGMA_M)
    seen = evidence_of(judge, view, ('plate', FACING))
    if factor == 0:
        assert seen.rms_sigmas < 0.01
        return
    limit = (SIGMAS + BASE_M / SIGMA_M) / factor
    inside = 2 * norm.cdf(limit) - 1
    assert seen.rms_sigmas.item() == pytest.approx(
        factor * np.sqrt(1 - 2 * limit * norm.pdf(limit) / inside), rel=0.05)
    assert seen.found.item() == pytest.approx(inside, abs=0.015)
    assert seen.occluded.item() == pytest.approx((1 - inside) / 2, abs=0.015)


@pytest.mark.parametrize('share', [0.25, 0.5, 0.75])
def test_what_an_occluder_hides_is_occluded_not_contradicted(judge, share):
    low = -0.08 + 0.16 * share
    screen = boxes(((-0.5, -0.5, -0.1), (low, 0.5, -0.09)))
    view = view_of((PLATE, FACING), (screen, FACING), noise_m=SIGMA_M)
    seen = evidence_of(judge, view, ('plate', FACING))
    # The screen is nearer, so that it hides a little more or less than its share.
    hidden = (low + 0.08 + (FACING[0, 3] + low) * (0.6 / 0.5 - 1)) / 0.16
    assert seen.occluded.item() == pytest.approx(hidden, abs=0.05)
    assert seen.found.item() == pytest.approx(1 - hidden, abs=0.05)
    assert seen.contradicted < 0.01


@pytest.mark.parametrize('name', NAMES)
def test_the_wall_behind_contradicts_an_object_that_is_not_there(judge, name):
    T = placed(1)
    seen = evidence_of(judge, view_of(), (name, T))
    assert seen.contradicted > 0.97
    assert seen.found == seen.found_px == 0
    assert seen.support < 0


def test_an_object_behind_the_wall_is_hidden(judge):
    seen = evidence_of(judge, view_of(), ('box', placed(1, (0.0, 0.0, WALL_M + 0.3))))
    assert seen.occluded > 0.999
    assert seen.contradicted == seen.found == seen.support == 0


def test_a_plate_in_a_larger_plane_is_continued(judge):
    """It would be found, but for what lies beside it; at the edge of a table, only on one side."""
    edge = FACING @ pose(t=(0.2 - 0.08, 0.0, 0.0))
    table = (Rectangle(half_x_m=0.2, half_y_m=0.2),)
    seen = evidence_of(judge, view_of(rectangles=table, T_camera_world=FACING, noise_m=SIGMA_M),
                       ('plate', FACING), ('plate', edge))
    assert (seen.found > 0.98).all()
    assert seen.continued[0] > 0.9
    assert seen.dropped[0] < 0.05
    assert seen.dropped[1].item() == pytest.approx(0.12 / (2 * 0.12 + 2 * 0.16), abs=0.06)


def test_a_plate_on_the_corner_of_a_table_drops_at_two_sides(judge):
    corner = FACING @ pose(t=(-0.12, -0.14, 0.0))
    table = (Rectangle(half_x_m=0.2, half_y_m=0.2),)
    view = view_of(rectangles=table, T_camera_world=FACING)
    seen = evidence_of(judge, view, ('plate', FACING), ('plate', corner))
    assert seen.dropped[0] < 0.02
    assert 0.3 < seen.dropped[1] < 0.7
    assert seen.continued[1].item() == pytest.approx(1 - seen.dropped[1].item(), abs=0.02)


@pytest.mark.parametrize('name', ['mug', 'drill', 'box', 'bracket'])
def test_support_falls_as_a_pose_moves_away(judge, references, name):
    T = placed(2)
    view = view_of((make_object(name).mesh, T), noise_m=SIGMA_M)
    for seed in range(4):
        seen = evidence_of(judge, view, *[
            (name, perturbed(T, 200 * step, step, references[name], seed))
            for step in (0.0, 0.006, 0.02, 0.1)])
        assert (seen.support.diff() < 0).all()
        assert seen.support[-1] < 0.5 * seen.support[0]


def test_support_does_not_depend_on_order_or_batches(judge):
    T = placed(1)
    view = view_of((make_object('drill').mesh, T), noise_m=SIGMA_M)
    poses = [(NAMES[seed % 4], placed(seed, (0.04, -0.02, 0.55 + 0.01 * seed)))
             for seed in range(35)] + [('drill', T)]
    order = np.random.default_rng(0).permutation(len(poses))
    whole = evidence_of(judge, view, *poses)
    mixed = evidence_of(judge, view, *[poses[row] for row in order])
    for name, value in vars(whole).items():
        torch.testing.assert_close(getattr(mixed, name), value[torch.from_numpy(order)],
                                   rtol=1e-4, atol=1e-4)
        alone = getattr(evidence_of(judge, view, poses[-1]), name)
        torch.testing.assert_close(alone, value[-1:], rtol=1e-4, atol=1e-4)


def test_fewer_points_rank_poses_as_all_do(judge, references):
    T = placed(2)
    view = view_of((make_object('drill').mesh, T), noise_m=SIGMA_M)
    near = judge.posed(8 * ['drill'], [perturbed(T, 2.0 * row, 0.001 * row, references['drill'],
                                                 row) for row in range(8)])
    few, all_points = judge.support(near, view), judge.evidence(near, view).support
    assert few.argmax() == all_points.argmax() == 0
    assert np.corrcoef(few, all_points)[0, 1] > 0.99


# --- features --------------------------------------------------------------------------------


MIDDLE = {'found': 0.5, 'contradicted': 0.05, 'rms_sigmas': 1.2, 'found_px': 400.0,
          'continued': 0.2, 'dropped': 0.5}
BETTER = {'found': 1, 'contradicted': -1, 'rms_sigmas': -1, 'found_px': 1, 'continued': -1,
          'dropped': 1}


def evidence(count, **values):
    """Evidence for so many poses, that of MIDDLE but for some values."""
    return PixelEvidence(
        **{name: torch.tensor(values.get(name, count * [value]))
           for name, value in MIDDLE.items()},
        occluded=torch.zeros(count), outside=torch.zeros(count), support=torch.zeros(count))


@pytest.mark.parametrize(('name', 'way'), BETTER.items())
def test_better_evidence_raises_one_feature_and_lowers_none(name, way):
    both = evidence(2, **{name: [MIDDLE[name], MIDDLE[name] * (1 + 0.2 * way)]})
    change = np.diff(pixel_features(both, np.zeros(2), np.zeros(2)), axis=0)[0]
    assert (change > 0).sum() == 1
    assert (change >= 0).all()


def test_leads_on_others_raise_their_features_up_to_a_limit():
    leads, zeros = np.array([-2000.0, -50.0, 0.0, 50.0, np.inf]), np.zeros(5)
    for column, both in (('pixel_margin', (leads, zeros)), ('pixel_lead', (zeros, leads))):
        features = pixel_features(evidence(5), *both)
        own = features[:, PIXEL_FEATURES.index(column)]
        assert (np.diff(own) > 0).all()
        assert (own[0], own[2], own[-1]) == (0.0, 0.5, 1.0)
        assert (np.delete(features, PIXEL_FEATURES.index(column), axis=1) == np.delete(
            features[0], PIXEL_FEATURES.index(column))).all()


def test_features_lie_in_the_unit_interval_whatever_comes():
    wild = [0.0, 0.5, 1e9, float('inf'), float('nan')]
    features = pixel_features(evidence(len(wild), **dict.fromkeys(MIDDLE, wild)), np.array(wild),
                              np.array(wild[::-1]))
    assert features.shape == (len(wild), len(PIXEL_FEATURES))
    assert ((features >= 0) & (features <= 1)).all()
