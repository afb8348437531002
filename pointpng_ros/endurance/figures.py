"""The figures of a run, which of its bounds they break, and the table that shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from pointpng_core.cli.output import markup
from pointpng_ros.demo.summary import Summary, quantile, summarise
from pointpng_ros.demo.table import number, percent
from pointpng_ros.endurance.resource_usage import ResourceUsage, growth
from pointpng_ros.endurance.settings import EnduranceConfig
from pointpng_ros.endurance.tally import Tally

SHORTEST_FOR_GROWTH = 120     # samples, one a second


@dataclass(kw_only=True)
class Observations:
    """What was recorded beside the scores; `diagnostics` holds the node's figures over time."""

    scenes: int = 0
    seconds: float = 0.0
    usage: list[ResourceUsage] = field(default_factory=list)
    diagnostics: list[Mapping[str, str]] = field(default_factory=list)


def conclude(tally: Tally, seen: Observations, config: EnduranceConfig) -> Summary:
    """Return all figures; keys are stable, null where there is no data.

    Those of `demo.summary.summarise`, and: scenes; end_to_end_ms_p99, _max; poses; false_share, of
    the poses; swaps; swap_share, of the objects found; received, dropped, refused, failed,
    tracking_share, from the node's diagnostics; memory_mb, handles, threads, each [after the
    warm-up, at the end]; memory_growth, a share, and handle_growth, null in runs of less than two
    minutes; broken: the bounds that are broken, in words; passed: none is.
    """
    figures = {**summarise(tally.frames, tally.ages_ms, seconds=seen.seconds,
                           pass_share=config.min_posed_share),
               'scenes': seen.scenes, 'poses': tally.poses,
               'end_to_end_ms_p99': quantile(tally.ages_ms, 0.99),
               'end_to_end_ms_max': quantile(tally.ages_ms, 1.0),
               'false_share': _share(tally.false, tally.poses), 'swaps': tally.swaps,
               'swap_share': _share(tally.swaps, tally.poses),
               **_of_node(seen.diagnostics), **_of_process(seen.usage)}
    broken = broken_bounds(figures, config)
    return {**figures, 'broken': broken, 'passed': not broken}


def broken_bounds(figures: Summary, config: EnduranceConfig) -> list[str]:
    """Return what is out of bounds; null figures are, except growth in a short run."""
    low = {'posed_share': config.min_posed_share, 'label_accuracy': config.min_label_share}
    high = {'false_share': config.max_false_share, 'swap_share': config.max_swap_share,
            'end_to_end_ms_p99': config.max_age_ms, 'failed': 0}
    growing = {'memory_growth': config.max_memory_growth,
               'handle_growth': config.max_handle_growth}
    broken = [f'{key} = {figures[key]}, at least {bound:g} is asked' for key, bound in low.items()
              if figures[key] is None or figures[key] < bound]
    broken += [f'{key} = {figures[key]}, at most {bound:g} is allowed'
               for key, bound in high.items() if figures[key] is None or figures[key] > bound]
    return broken + [f'{key} = {figures[key]}, at most {bound:g} is allowed'
                     for key, bound in growing.items()
                     if figures[key] is not None and figures[key] > bound]


def figure_table(figures: Summary) -> Table:
    """Return the main figures in two columns."""
    table = Table('figure', 'value')
    for name, value in _rows(figures):
        table.add_row(markup(name), markup(value))
    return table


def _rows(figures: Summary) -> list[tuple[str, str]]:
    ages = ' / '.join(number(figures[f'end_to_end_ms_{key}'], '', 0)
                      for key in ('p50', 'p95', 'p99', 'max'))
    return [('clouds processed', f'{figures["frames"]} in {figures["scenes"]} scenes, '
                                 f'{figures["frames_per_second"]:.1f} a second'),
            ('clouds received / dropped', f'{figures["received"]} / {figures["dropped"]}'),
            ('clouds refused / failed', f'{figures["refused"]} / {figures["failed"]}'),
            ('age of poses, p50 / p95 / p99 / max', f'{ages} ms'),
            ('poses from tracking', percent(figures['tracking_share'])),
            ('objects in view posed', f'{percent(figures["posed_share"])} of '
                                      f'{figures["objects_in_view"]}'),
            ('labels right', percent(figures['label_accuracy'])),
            ('false poses', f'{percent(figures["false_share"])} of {figures["poses"]}'),
            ('changes of identity', f'{figures["swaps"]} in {figures["poses"]} poses'),
            ('memory', _from_to(figures['memory_mb'], ' MB')),
            ('handles', _from_to(figures['handles'], '')),
            ('threads', _from_to(figures['threads'], ''))]


def _of_node(diagnostics: Sequence[Mapping[str, str]]) -> Summary:
    last = diagnostics[-1] if diagnostics else {}
    tracked = sum(float(values['tracked_per_frame']) for values in diagnostics)
    objects = sum(int(values['objects']) for values in diagnostics)
    return {'received': int(last.get('received', 0)), 'dropped': int(last.get('dropped', 0)),
            'refused': int(last.get('refused', 0)), 'failed': int(last.get('failed', 0)),
            'tracking_share': _share(tracked, objects)}


def _of_process(usage: Sequence[ResourceUsage]) -> Summary:
    memory = growth([sample.memory_mb for sample in usage])
    handles = growth([sample.handles for sample in usage])
    long_enough = len(usage) >= SHORTEST_FOR_GROWTH
    return {'memory_mb': memory, 'handles': handles,
            'threads': growth([sample.threads for sample in usage]),
            'memory_growth': memory[1] / memory[0] - 1 if long_enough else None,
            'handle_growth': handles[1] - handles[0] if long_enough else None}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _from_to(pair: tuple[float, float], unit: str) -> str:
    return ' to '.join(f'{value:.0f}' for value in pair) + unit
