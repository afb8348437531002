"""Results of one recording as Parquet, for pandas, Polars, DuckDB and Spark.

A row for each object of each frame; a frame without any has one row whose label is null. Columns
are the keys of the JSON lines; T_camera_object is the matrix (4, 4) by rows, 16 numbers. Measured
times are left out, so that the file is the same whoever wrote it. Header and summary stand in the
metadata of the schema, under the key `pointpng`.
"""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any

from pointpng_core.errors import FileError
from pointpng_core.evaluation.recordings.result_file import (
    FRAME,
    HEADER,
    SUMMARY,
    TIMES,
    read_records,
)
from pointpng_core.io.files import atomic_write

SUFFIX = '.parquet'
METADATA = b'pointpng'
OF_OBJECT = ('label', 'index', 'T_camera_object', 'confidence', 'score', 'ambiguous', 'tracked')


def parquet_path(results: Path) -> Path:
    """Return the Parquet file that belongs to a file of JSON lines."""
    return results.with_suffix(SUFFIX)


def write_parquet(results: Path) -> None:
    """Write the Parquet file of a file of JSON lines.

    Raises FileError, and ModuleNotFoundError without pyarrow.
    """
    import pyarrow
    from pyarrow import parquet
    records = list(read_records(results))
    about = {record['record']: {key: value for key, value in record.items() if key not in TIMES}
             for record in records if record['record'] in (HEADER, SUMMARY)}
    schema = _schema().with_metadata({METADATA: json.dumps(about).encode()})
    rows = [row for record in records if record['record'] == FRAME for row in _rows(record)]
    table = pyarrow.Table.from_pylist(rows, schema=schema)
    path = parquet_path(results)
    try:
        with atomic_write(path) as whole:
            parquet.write_table(table, whole, compression='zstd')
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def _schema() -> Any:
    import pyarrow
    types = {'stamp_ns': pyarrow.int64(), 'frame_id': pyarrow.string(),
             'refused': pyarrow.string(), 'label': pyarrow.string(), 'index': pyarrow.int32(),
             'T_camera_object': pyarrow.list_(pyarrow.float64(), 16),
             'confidence': pyarrow.float64(), 'score': pyarrow.float64(),
             'ambiguous': pyarrow.bool_(), 'tracked': pyarrow.bool_()}
    return pyarrow.schema(types.items())


def _rows(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    facts = {key: frame[key] for key in ('stamp_ns', 'frame_id', 'refused')}
    for found in frame['objects'] or [dict.fromkeys(OF_OBJECT)]:
        matrix = found['T_camera_object']
        yield {**facts, **found,
               'T_camera_object': None if matrix is None else [x for row in matrix for x in row]}
