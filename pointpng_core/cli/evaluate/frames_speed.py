"""`pointpng evaluate frames-speed`: clouds per second of `pointpng frames` by several processes.

JSON: {"cores", "bags", "clouds", "objects", "runs": [{"workers", "clouds_per_s", "ratio",
"start_s", "work_s", "parent_share", "parent_ms"}]}. "clouds" counts those of all bags, each of
640x480 points. "workers" 0 is a loop in the command's own process, without a pool. "ratio"
compares "clouds_per_s" with that of the first run. "start_s" is the time until the first worker
has loaded library and model, "work_s" that from then to the end. Of the CPU time of the parent in
"work_s", "parent_share" is the share of one core, "parent_ms" the milliseconds for each cloud.
"""

import argparse
from typing import Any

from pointpng_core.cli.options import from_zero, limit_threads, positive, report_progress
from pointpng_core.cli.output import number, table

HELP = 'speed of `pointpng frames` over many recordings, by number of processes'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--bags', metavar='N', type=positive, default=4,
                        help='simulated recordings (default: 4)')
    parser.add_argument('--clouds', metavar='N', type=positive, default=40,
                        help='clouds of each (default: 40)')
    parser.add_argument('--workers', metavar='N', type=from_zero, nargs='+', default=[0, 1, 2],
                        help='numbers of processes, 0 for none (default: 0 1 2)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; raises PointPngError."""
    limit_threads(1)
    from pointpng_core.evaluation.speed.recordings import bench_recordings
    return bench_recordings(bags=options.bags, clouds=options.clouds, workers=options.workers,
                            report=report_progress)


def readable(result: dict[str, Any]) -> str:
    """Return a row for each number of processes."""
    rows = [[str(run['workers'] or 'none'), number(run['clouds_per_s']), number(run['ratio']),
             number(run['start_s'], 1), f'{100 * run["parent_share"]:.1f} %',
             number(run['parent_ms'])]
            for run in result['runs']]
    about = (f'{result["bags"]} recordings, {result["clouds"]} clouds of 640x480, '
             f'{result["objects"]} objects, {result["cores"]} cores; a loop without a pool uses '
             'the parent itself')
    header = ['processes', 'clouds/s', 'ratio', 'start s', 'CPU of the parent', 'ms per cloud']
    return f'{table(header, rows)}\n{about}'
