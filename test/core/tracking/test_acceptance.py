"""Every segment says what it was taken for, and why that is refused: one story for all places."""

from types import SimpleNamespace

import numpy as np
import pytest

from pointpng_core.cli.frames import readable
from pointpng_core.segmentation import Segment
from pointpng_core.tracking.acceptance import DUPLICATE, NO_POSE, Acceptance, set_aside
from pointpng_core.tracking.frame_result import FrameResult, Rejection
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.refusal_words import in_words

RULES = Acceptance(min_confidence=0.65, min_score=0.55, tracked_min_confidence=0.3)


def segment(x=0.0, points=4):
    return Segment(points=np.full((points, 3), [x, 0.25, 1.0], np.float32),
                   indices=np.arange(points))


def estimate(confidence=0.9, score=0.9):
    return SimpleNamespace(name='mug', confidence=confidence, score=score)


def measured(confidence=0.9, score=0.9, **options):
    return Measurement(segment=segment(), estimate=estimate(confidence, score), **options)


@pytest.mark.parametrize(('measurement', 'reason'), [
    (measured(), ''), (measured(0.65, 0.55), ''),
    (measured(0.41), 'confidence 0.41 below min_confidence 0.65'),
    (measured(0.6499), 'confidence 0.6499 below min_confidence 0.65'),
    (measured(0.9, 0.3), 'score 0.30 below min_score 0.55'),
    (measured(0.1, 0.2), 'score 0.20 below min_score 0.55, '
                         'confidence 0.10 below min_confidence 0.65'),
    (measured(0.1, 0.2, track=object(), tracked=True),
     'confidence 0.10 below tracking.min_confidence 0.3'),
    (measured(0.4, 0.2, track=object(), tracked=True), ''),
    (measured(float('nan')), 'confidence nan below min_confidence 0.65'),
    (Measurement(segment=segment()), NO_POSE)])
def test_a_refusal_names_the_value_and_its_threshold(measurement, reason):
    assert RULES.refusal(measurement) == reason
    assert (RULES.accepted([measurement]) == [measurement]) == (not reason)
    assert [each.reason for each in RULES.rejected([measurement])] == [reason] * bool(reason)


def test_duplicates_and_segments_beyond_the_largest_are_named():
    small, large = segment(points=2), segment(points=9)
    twin, left = set_aside([measured()], [small, large], [large])
    assert (twin.reason, twin.estimate.name) == (DUPLICATE, 'mug')
    assert left.segment is small
    assert left.reason == 'not posed: smaller than the 1 (max_objects) largest segments'


def frame_result():
    poor = SimpleNamespace(segment=segment(1.0), estimate=estimate())
    return FrameResult(
        detections=(), poorly_constrained=(poor,),
        rejected=RULES.rejected([measured(0.41), Measurement(segment=segment())]),
        set_aside=(Rejection(segment=segment(2.0), estimate=estimate(), reason=DUPLICATE),),
        scene=None, stage_ms={})


def test_a_result_names_all_segments_without_an_accepted_pose():
    entries = [each.entry() for each in frame_result().not_accepted]
    assert [(each['label'], each['confidence'], each['centre_m'][0]) for each in entries] == [
        ('mug', 0.9, 1.0), ('mug', 0.41, 0.0), (None, None, 0.0), ('mug', 0.9, 2.0)]
    assert entries[1] == {'label': 'mug', 'confidence': 0.41, 'score': 0.9, 'points': 4,
                          'centre_m': [0.0, 0.25, 1.0],
                          'reason': 'confidence 0.41 below min_confidence 0.65'}
    assert in_words(entries)[1:3] == [
        'mug? (0.41) at 0.000 0.250 1.000: confidence 0.41 below min_confidence 0.65',
        f'unknown at 0.000 0.250 1.000: {NO_POSE}']


def test_the_line_of_a_frame_is_followed_by_those_of_its_segments():
    entries = [each.entry() for each in frame_result().not_accepted]
    lines = readable({'stamp_ns': 2_000_000_000, 'refused': None, 'objects': [],
                      'not_accepted': entries}).split('\n')
    assert lines == ['2.000 s  no object', *(f'    {line}' for line in in_words(entries))]
