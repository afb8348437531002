"""The benchmark of `pointpng frames`: its figures, from the command to the documented JSON."""

import json
import re

import pytest

from pointpng_core.cli import main as cli
from pointpng_core.cli.evaluate import frames_speed


@pytest.mark.long
def test_from_command_to_table_and_documented_json(tmp_path, capsys):
    words = ['--bags', '2', '--clouds', '1', '--workers', '0', '2']
    assert cli.main(['evaluate', 'frames-speed', *words,
                     '--json', str(tmp_path / 'speed.json')]) == 0
    result, printed = json.loads((tmp_path / 'speed.json').read_text()), capsys.readouterr().out
    named = set(re.findall(r'"(\w+)"', frames_speed.__doc__))
    assert set(result) <= named
    assert (result['bags'], result['clouds']) == (2, 2)
    alone, pool = result['runs']
    assert set(alone) == set(pool) <= named
    assert (alone['workers'], alone['ratio'], pool['workers']) == (0, 1.0, 2)
    for run in (alone, pool):
        assert run['clouds_per_s'] * run['work_s'] == pytest.approx(2)
        assert run['parent_ms'] == pytest.approx(1e3 * run['parent_share'] * run['work_s'] / 2)
    # The parent does all the work without a pool, and hardly any with one.
    assert pool['parent_ms'] < 0.5 * alone['parent_ms']
    assert printed.startswith('processes')
