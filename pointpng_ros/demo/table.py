"""The live view: a table where there is a terminal, a line a second where there is none."""

from collections.abc import Sequence
import math
import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pointpng_core.cli.output import markup, say_on
from pointpng_ros.demo.frame_log import Refusal
from pointpng_ros.demo.scoring import FrameScore, ObjectPose, ObjectScore
from pointpng_ros.demo.summary import Summary, summarise

_STYLES = {'posed': 'green', 'inaccurate': 'yellow', 'mistaken': 'red', 'missed': 'red'}
_LINE_PERIOD_S = 1.0
EXTRA = 'no object'
"""Outcome of a pose where there is none, or one that another pose shows already."""


class LiveView:
    """Shows the newest frame while the context is open."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._line_due_s = 0.0

    def __enter__(self) -> 'LiveView':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def show(self, title: str, rows: Table, line: str) -> None:
        """Show a table under its title, or without a terminal, once a second, its line of text."""
        if self._live:
            self._live.start()                      # does nothing when it has been started
            rows.title = markup(title)
            self._live.update(rows, refresh=True)
        elif time.monotonic() >= self._line_due_s:
            self._line_due_s = time.monotonic() + _LINE_PERIOD_S
            say_on(self._console, f'{title} | {line}')


def score_table(score: FrameScore, end_to_end_ms: float) -> Table:
    """Return one row for each object in view, and for every further published pose."""
    table = _table('object', 'label', 'rotation error', 'translation error', 'ms', 'result')
    for row in _sorted(score):
        style = _STYLES[row.outcome]
        table.add_row(markup(_name(row, score)), markup(row.detected_as or '-'),
                      number(row.rotation_error_deg, '°'),
                      number(row.translation_error_mm, ' mm'), number(end_to_end_ms, '', 0),
                      f'[{style}]{row.outcome}[/]')
    for label in score.extra:
        table.add_row('-', markup(label), '-', '-', number(end_to_end_ms, '', 0),
                      f'[red]{EXTRA}[/]')
    return table


def score_line(score: FrameScore) -> str:
    """Return all objects in view and every further published pose in one line."""
    words = [f'{_name(row, score)} {_errors_or_outcome(row)}' for row in _sorted(score)]
    return ', '.join([*words, *(f'{label} {EXTRA}' for label in score.extra)])


def pose_table(detections: Sequence[ObjectPose], end_to_end_ms: float,
               refused: Sequence[Refusal] = ()) -> Table:
    """Return one row for each detection of a recording, which has no truth.

    Segments without an accepted pose stand below: what they were taken for, and why not.
    """
    table = _table('object', 'label', 'x', 'y', 'z', 'ms', *(['not accepted'] if refused else []))
    for found in detections:
        position = (number(value, ' m', 3) for value in found.T_camera_object[:3, 3])
        table.add_row(markup(found.frame), markup(found.label), *position,
                      number(end_to_end_ms, '', 0))
    for each in refused:
        place = (number(value, ' m', 3) for value in each.centre_m)
        table.add_row('-', '-', *place, number(end_to_end_ms, '', 0), markup(each.text))
        table.columns[-1].no_wrap = False
    return table


def summary_table(summary: Summary) -> Table:
    """Return the figures of each object over the whole run, and of all together."""
    table = _table('object', 'in view', 'posed', 'missed', 'published', 'wrong', 'rotation',
                   'translation')
    table.caption = 'errors: median / 95th percentile, of the objects in view'
    rows = list(summary['objects'])
    if summary['extra_detections']:
        rows.append(_extra_row(summary['extra_detections']))
    for row in [*rows, {'object': 'all', **summary}]:
        table.add_row(
            markup(row['object']), str(row['objects_in_view']), percent(row['posed_share']),
            *(str(row[key]) for key in ('missed', 'published', 'wrong')),
            _pair(row['rotation_error_median_deg'], row['rotation_error_p95_deg'], '°'),
            _pair(row['translation_error_median_mm'], row['translation_error_p95_mm'], ' mm'),
            style='bold' if row['object'] == 'all' else None)
    return table


def error_words(row: ObjectScore) -> str:
    """Return both errors of an object."""
    return f'{number(row.rotation_error_deg, "°")}  {number(row.translation_error_mm, " mm")}'


def number(value: float | None, unit: str, digits: int = 1) -> str:
    """Return a number with its unit, a dash for none or NaN."""
    return '-' if value is None or math.isnan(value) else f'{value:.{digits}f}{unit}'


def percent(share: float | None) -> str:
    """Return a share in per cent, a dash for none."""
    return '-' if share is None else f'{100 * share:.1f} %'


def _table(*columns: str) -> Table:
    table = Table(padding=(0, 1) if len(columns) < 7 else 0)
    for position, column in enumerate(columns):
        table.add_column(column, justify='left' if position == 0 else 'right', no_wrap=True)
    return table


def _sorted(score: FrameScore) -> list[ObjectScore]:
    return sorted((*score.objects, *score.hidden), key=lambda row: row.frame)


def _name(row: ObjectScore, score: FrameScore) -> str:
    return f'({row.frame})' if row in score.hidden else row.frame


def _errors_or_outcome(row: ObjectScore) -> str:
    return error_words(row) if row.detected_as == row.label else row.outcome


def _extra_row(count: int) -> Summary:
    """Return the figures of the poses where no object is."""
    return {'object': EXTRA, **summarise([], [], seconds=0.0, pass_share=0.0),
            'published': count, 'wrong': count}


def _pair(middle: float | None, high: float | None, unit: str) -> str:
    return f'{number(middle, "")} / {number(high, unit)}'
