"""Segments without an accepted pose in words, for every place where a person reads of them."""

from collections.abc import Mapping, Sequence
from typing import Any


def in_words(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each `Rejection.entry`: what it was taken for, where, and why not."""
    return [f'{taken_for(entry)} at ' + ' '.join(f'{value:.3f}' for value in entry['centre_m'])
            + f': {entry["reason"]}' for entry in entries]


def taken_for(entry: Mapping[str, Any]) -> str:
    """Return what a segment was taken for with a question mark, and the confidence of that."""
    if entry['label'] is None:
        return 'unknown'
    return f'{entry["label"]}? ({entry["confidence"]:.2f})'
