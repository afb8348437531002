"""The CSV file of estimates that the BOP toolkit and the BOP server judge.

Format: https://bop.felk.cvut.cz/challenges/bop-challenge-2020, "6D pose results": one line per
estimate, rotations row by row, translations in millimetres, seconds for the whole image.
"""

from collections.abc import Iterable
from dataclasses import dataclass
import math
from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.bop.poses import checked_rotation, pose_numbers
from pointpng_core.io.files import atomic_write_text, read_within
from pointpng_core.io.limits import MAX_RESULTS_BYTES
from pointpng_core.io.units import MM_PER_M

HEADER = 'scene_id,im_id,obj_id,score,R,t,time'
UNKNOWN_TIME_S = -1.0
_NAME_PART = re.compile(r'[A-Za-z0-9-]+')
_WORD = re.compile(r'[A-Za-z0-9]+')


@dataclass(frozen=True, kw_only=True, eq=False)
class BopResult:
    """One estimate: a pose (4, 4) in metres and its confidence.

    `time_s` is that of the whole image, equal for all its estimates; UNKNOWN_TIME_S if not known.
    """

    scene_id: int
    image_id: int
    object_id: int
    score: float
    T_camera_object: NDArray[np.float64]
    time_s: float = UNKNOWN_TIME_S


def results_name(method: str, dataset: str, split: str) -> str:
    """Return METHOD_DATASET-SPLIT.csv, from which the toolkit learns what the file is about.

    Underscores of a split such as test_primesense become hyphens. Raises ConfigError for other
    characters than letters and digits, and hyphens in the method and the split.
    """
    parts = {'method': method, 'dataset': dataset, 'split': split.replace('_', '-')}
    for what, part in parts.items():
        if not (_WORD if what == 'dataset' else _NAME_PART).fullmatch(part):
            raise ConfigError(f'{what} {part!r}: the name of a BOP results file is METHOD_DATASET-'
                              'SPLIT.csv; use letters and digits')
    return f'{method}_{dataset}-{parts["split"]}.csv'


def write_results(path: Path, results: Iterable[BopResult]) -> None:
    """Write estimates in one step; raises FileError."""
    atomic_write_text(path, '\n'.join([HEADER, *map(_line, results)]) + '\n')


def read_results(path: Path) -> list[BopResult]:
    """Return the estimates of a results file; raises FileError, naming the line."""
    try:
        lines = read_within(path, MAX_RESULTS_BYTES).decode('utf-8').splitlines()
    except (OSError, ValueError) as error:        # what is no text, or no path
        raise FileError(f'cannot read {path}: {error}') from error
    if not lines or lines[0].strip() != HEADER:
        raise FileError(f'{path} is no BOP results file: its first line must be {HEADER}')
    return [_result(f'{path}, line {row}', line)
            for row, line in enumerate(lines[1:], start=2) if line.strip()]


def _line(result: BopResult) -> str:
    R, t_mm = pose_numbers(result.T_camera_object)
    return (f'{result.scene_id},{result.image_id},{result.object_id},{float(result.score)!r},'
            f'{" ".join(map(repr, R))},{" ".join(map(repr, t_mm))},{float(result.time_s)!r}')


def _result(where: str, line: str) -> BopResult:
    words = line.split(',')
    if len(words) != 7:
        raise FileError(f'{where}: {len(words)} values; expected {HEADER}')
    try:
        scene_id, image_id, object_id = map(int, words[:3])
        score, time_s = float(words[3]), float(words[6])
        R = np.array([float(word) for word in words[4].split()]).reshape(3, 3)
        t_mm = np.array([float(word) for word in words[5].split()]).reshape(3)
    except ValueError as error:
        raise FileError(f'{where}: {error}; expected {HEADER} with 9 numbers for R and 3 for t'
                        ) from error
    if not (np.isfinite(R).all() and np.isfinite(t_mm).all() and math.isfinite(score)
            and math.isfinite(time_s)):
        raise FileError(f'{where}: every number must be finite')
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = checked_rotation(f'{where}: R', R), t_mm / MM_PER_M
    return BopResult(scene_id=scene_id, image_id=image_id, object_id=object_id, score=score,
                     T_camera_object=T, time_s=time_s)
