"""Small recordings of tables, and what the tests of `pointpng frames` compare."""

import json

from pointpng_core.evaluation.recordings.result_file import TIMES
from pointpng_core.evaluation.recordings.settings import FrameSettings
from pointpng_core.io.bags.writer import write_bag
from pointpng_core.simulation.sample_files import CAMERA, write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig

NAMES = ('drill', 'can')
TOPIC = '/camera/points'


def write_recording(path, *, clouds, seed=0, topic=TOPIC):
    """Write a bag of a table with both objects; its clouds are those of the seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    simulator = DepthSimulator(TabletopWorld(NAMES, config=WorldConfig(seed=seed)), camera=CAMERA)
    write_bag(path, (simulator.frame(index, rate_hz=5.0).points for index in range(clouds)),
              topic=topic, frame_id='camera', rate_hz=5.0)


def make_settings(folder, **options):
    """Write the library and return settings with it; references are cached beside it."""
    if not (folder / 'objects').exists():
        write_catalogue(folder / 'objects', NAMES)
    return FrameSettings(objects=folder / 'objects', cache_dir=folder / 'cache', **options)


def without_times(folder):
    """Return {name: text} of all files of results, but for what is measured in time."""
    texts = {}
    for path in sorted(folder.rglob('*.jsonl')):
        records = [json.loads(line) for line in path.read_text().splitlines()]
        texts[path.relative_to(folder).as_posix()] = '\n'.join(json.dumps(
            {key: value for key, value in record.items() if key not in TIMES})
            for record in records)
    return texts
