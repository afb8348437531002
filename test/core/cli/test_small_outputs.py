"""What small commands print: tables where a person reads, curves that show single points."""

import json

from pointpng_core.cli import main as cli
from pointpng_core.cli.evaluate import scene
from pointpng_core.training import learning_curves
from pointpng_core.training.schedule import PNG

METHOD = {'recall': 0.9, 'mean_iou': 0.85, 'segments': 12, 'false_segments': 3,
          'false_share': 0.25, 'ms_median': 20.04, 'ms_p95': 31.0}
SCENE = {'frames': 5, 'objects': 10, 'iou': 0.5,
         'methods': {'pointpng': METHOD, 'ransac_dbscan': {**METHOD, 'recall': 0.5}},
         'stage_ms': {'total': 20.0}, 'time_ratio': 0.25}


def test_the_segmentation_of_a_scene_is_a_table_with_a_row_for_each_method():
    first, header, ours, baseline, last = scene.readable(SCENE).split('\n')
    assert first == '5 frames, 10 labelled objects, found from an IoU of 0.50'
    assert header.split()[:3] == ['recall', 'mean', 'IoU']
    assert ours.split() == ['pointpng', '0.900', '0.850', '12', '3', '0.250', '20.0', '31.0']
    assert baseline.split()[:2] == ['ransac_dbscan', '0.500']
    assert len(header) == len(ours) == len(baseline)
    assert last.endswith('0.25')


def test_the_help_of_objects_names_every_subcommand(capsys):
    from pointpng_core.cli import objects
    assert cli.main([]) == 0
    line = capsys.readouterr().out
    assert all(name in objects.HELP and name in line for name in objects.KINDS)


def test_curves_of_a_short_run_show_their_points(tmp_path, monkeypatch):
    drawn = []
    import matplotlib.axes
    plot = matplotlib.axes.Axes.plot
    monkeypatch.setattr(matplotlib.axes.Axes, 'plot', lambda axis, *values, **style: (
        drawn.append((len(values[0]), style['marker'])), plot(axis, *values, **style))[1])
    for count, marker in ((1, 'o'), (learning_curves.FEW + 1, None)):
        records = [{'stage': PNG, 'step': step, 'loss': 1.0} for step in range(count)]
        (tmp_path / 'metrics.jsonl').write_text(
            ''.join(json.dumps(record) + '\n' for record in records))
        learning_curves.plot_curves(tmp_path)
        assert drawn.pop() == (count, marker)
    assert (tmp_path / learning_curves.CURVES_FILE).read_bytes().startswith(b'\x89PNG')
