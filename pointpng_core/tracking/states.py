"""What is known of every object after a frame: posed, out of sight for now, or to be found."""

from collections.abc import Sequence
from dataclasses import dataclass

from pointpng_core.reference.reference import Reference
from pointpng_core.tracking.tracks import ObjectTracks, Track

TRACKING, UNDETERMINED = 'tracking', 'undetermined'
LOST, SEARCHING = 'lost', 'searching'


@dataclass(frozen=True, kw_only=True)
class ObjectState:
    """One object, or a reference that no object is followed of."""

    label: str
    index: int | None
    """The object's own; None while the reference is searched for."""
    state: str
    """TRACKING: posed in this frame. UNDETERMINED: followed, but its pose is not accepted, for
    what would tell how it is turned is hidden. LOST: posed before, not in this frame; it keeps its
    index while it may return. SEARCHING: nothing is followed; every new segment is tried."""
    confidence: float = 0.0
    """Of the last accepted pose, in [0, 1]."""
    age: int = 0
    """Frames in which it was posed."""
    missed: int = 0
    """Frames since it was last posed."""

    @property
    def name(self) -> str:
        """Return LABEL_INDEX as the child frame, or the label alone."""
        return self.label if self.index is None else f'{self.label}_{self.index}'


def object_states(tracks: ObjectTracks, references: Sequence[Reference]
                  ) -> tuple[ObjectState, ...]:
    """Return the objects of every reference by index, in the order of the references."""
    states: list[ObjectState] = []
    for reference in references:
        followed = [thing for thing in tracks.objects if thing.label == reference.name]
        states += [_state(thing) for thing in sorted(followed, key=lambda thing: thing.index)]
        if not followed:
            states.append(ObjectState(label=reference.name, index=None, state=SEARCHING))
    return tuple(states)


def _state(thing: Track) -> ObjectState:
    seen = TRACKING if thing.determined else UNDETERMINED
    return ObjectState(label=thing.label, index=thing.index, state=LOST if thing.missed else seen,
                       confidence=thing.estimate.confidence, age=thing.age, missed=thing.missed)
