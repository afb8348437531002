"""Loading of named sources as sets of objects: find the reader, read, normalise, cache."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.bags.reader import find_bags
from pointpng_core.io.model_files import MODEL_SUFFIXES
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.training.data.bag_objects import read_bag_objects
from pointpng_core.training.data.cache import cached, source_sha256, source_state
from pointpng_core.training.data.folder_objects import read_folder_objects
from pointpng_core.training.data.hdf5_objects import HDF5_SUFFIXES, read_hdf5_objects
from pointpng_core.training.data.npz_objects import read_npz_objects
from pointpng_core.training.data.objects import (
    ObjectSet,
    Prepared,
    Progress,
    RawObjects,
    prepare_objects,
)
from pointpng_core.training.data.source_config import SourceConfig

SUPPORTED = ('.npz with `points`; .h5 (ModelNet40, ScanObjectNN); bags (.mcap, .db3, .bag); '
             'folders of these or of meshes and clouds; procedural[:COUNT]')


class Reader(Protocol):
    """Reads the objects of one kind of source."""

    def __call__(self, source: SourceConfig, *, seed: int, progress: Progress) -> RawObjects:
        """Return the objects of the configured split; raises FileError or ConfigError."""
        ...


def load_sources(sources: Sequence[SourceConfig], *, pool: int, seed: int,
                 cache_dir: Path | None = None,
                 progress: Progress | None = None,
                 report: Callable[[str], None] | None = None) -> list[ObjectSet]:
    """Return one set for each source, with `pool` points per object, reproducibly by the seed.

    `progress` is called with (done, total, description), `report` with one sentence about each
    loss of data. Raises FileError, ConfigError, or MissingDependencyError, naming the source.
    """
    if pool < 1:
        raise ConfigError(f'pool = {pool}: keep at least one point per object')
    if not sources:
        raise ConfigError(f'no data source is named; give one or more of: {SUPPORTED}')
    sets = [_load(source, pool=pool, seed=seed, cache_dir=cache_dir,
                  progress=progress or _no_progress) for source in sources]
    if report:
        for loss in [loss for objects in sets for loss in objects.provenance['losses']]:
            report(loss)
    return sets


def _load(source: SourceConfig, *, pool: int, seed: int, cache_dir: Path | None,
          progress: Progress) -> ObjectSet:
    path = Path(source.path)
    options = {key: value for key, value in source.to_mapping().items() if key != 'weight'}
    try:
        reader = _reader(source)
        depends = SegmenterConfig().to_mapping() if reader is read_bag_objects else None
        parts = (str(path.resolve()), source_state(path), options, pool, seed, depends)
        prepared = cached(cache_dir, parts, lambda: _prepare(
            source, reader, pool=pool, seed=seed, progress=progress))
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    provenance = {'path': source.path, 'options': source.to_mapping(), 'split': source.split,
                  'pool': pool, 'seed': seed}
    return prepared.as_set(name=path.stem, weight=source.weight, provenance=provenance)


def _prepare(source: SourceConfig, reader: Reader, *, pool: int, seed: int, progress: Progress
             ) -> Prepared:
    raw = reader(source, seed=seed, progress=progress)
    if not len(raw):
        raise FileError('; '.join([f'{source.path} has no object of split {source.split!r}',
                                   *raw.losses]))
    raw.facts['sha256'] = source_sha256(Path(source.path))
    return prepare_objects(raw, name=source.path, pool=pool, seed=seed, limit=source.limit,
                           progress=progress)


def _reader(source: SourceConfig) -> Reader:
    path = Path(source.path)
    if source.is_procedural:
        # Imports Open3D, which takes a second.
        from pointpng_core.training.data.procedural_objects import read_procedural_objects
        return read_procedural_objects
    if not path.exists():
        raise FileError(f'there is no data source {source.path}; supported: {SUPPORTED}')
    if find_bags(path):
        return read_bag_objects
    suffix = path.suffix.lower()
    if path.is_file() and suffix == '.npz':
        return read_npz_objects
    if suffix in HDF5_SUFFIXES or (path.is_dir() and any(
            file.suffix.lower() in HDF5_SUFFIXES for file in path.iterdir())):
        return read_hdf5_objects
    if path.is_dir() or suffix in MODEL_SUFFIXES:
        return read_folder_objects
    raise FileError(f'{source.path} is no data source that is read here; supported: {SUPPORTED}')


def _no_progress(done: int, total: int, description: str) -> None:
    """Report nothing."""
