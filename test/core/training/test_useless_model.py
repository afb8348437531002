"""A useless model is saved with a warning in its card; a good one, or one unmeasured, without."""

import json
import math
from types import SimpleNamespace

import pytest

from pointpng_core.io import checkpoints
from pointpng_core.training.monitors import doubt_about
from pointpng_core.training.run_state import RunState


@pytest.mark.parametrize(('pose_deg', 'ae', 'words'), [
    (160.0, -0.01, ['160 degrees off in the median and its AE is -0.010']),
    (90.1, 0.3, ['90 degrees off']), (20.0, -0.2, ['AE is -0.200']),
    (math.nan, 0.1, ['nan degrees']), (90.0, 0.0, []), (None, None, [])])
def test_a_model_is_doubted_by_its_last_validation(pose_deg, ae, words):
    text = doubt_about({'val_pose_median_deg': pose_deg, 'val_ae': ae})
    assert bool(text) == bool(words)
    assert all(word in text for word in words)
    assert doubt_about({}) == ''


def test_the_card_of_a_saved_model_has_the_warning(monkeypatch):
    cards = []
    monkeypatch.setattr(checkpoints, 'write_checkpoint',
                        lambda folder, *, config, **tensors: cards.append(config))
    for pose_deg in (160.0, 3.0):
        mapping = SimpleNamespace(to_mapping=dict, model=SimpleNamespace(to_mapping=dict))
        state = SimpleNamespace(step=1, stage='png', config=mapping, weights=dict,
                                metrics={'val_pose_median_deg': pose_deg, 'val_ae': 0.2})
        RunState.save(state, 'model', [], resumable=False)
    assert '160 degrees off' in json.dumps(cards[0]['warning'])
    assert 'warning' not in cards[1]
