"""Which poses of a frame are accepted, and in words why the others are not."""

from collections.abc import Sequence
from dataclasses import dataclass

from pointpng_core.segmentation import Segment
from pointpng_core.tracking.frame_result import Rejection
from pointpng_core.tracking.measurement import Measurement

NO_POSE = 'no pose was found'
DUPLICATE = 'another pose explains the same points better'


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """The thresholds of accepted poses."""

    min_confidence: float
    min_score: float
    """Of objects that are new."""
    tracked_min_confidence: float
    """Of poses that come from the object's previous pose."""

    def refusal(self, measurement: Measurement) -> str:
        """Return why a pose is not accepted, with the threshold; empty where it is."""
        estimate = measurement.estimate
        if estimate is None:
            return NO_POSE
        name, least = (('tracking.min_confidence', self.tracked_min_confidence)
                       if measurement.tracked else ('min_confidence', self.min_confidence))
        reasons = []
        if measurement.track is None and estimate.score < self.min_score:
            reasons.append(_below('score', estimate.score, 'min_score', self.min_score))
        if not estimate.confidence >= least:
            reasons.append(_below('confidence', estimate.confidence, name, least))
        return ', '.join(reasons)

    def accepted(self, measurements: Sequence[Measurement]) -> list[Measurement]:
        """Return the measurements whose poses are accepted, best score first."""
        return sorted((each for each in measurements if not self.refusal(each)),
                      key=lambda each: -each.score)

    def rejected(self, measurements: Sequence[Measurement]) -> tuple[Rejection, ...]:
        """Return the other measurements, best score first."""
        left = [(each, self.refusal(each)) for each in measurements]
        return tuple(_rejection(each, reason)
                     for each, reason in sorted(left, key=lambda pair: -pair[0].score) if reason)


def set_aside(duplicates: Sequence[Measurement], segments: Sequence[Segment],
              posed: Sequence[Segment]) -> tuple[Rejection, ...]:
    """Return the duplicates, and the segments that were not among the largest, which are posed."""
    reason = f'not posed: smaller than the {len(posed)} (max_objects) largest segments'
    small = [each for each in segments if not any(each is other for other in posed)]
    return (*(_rejection(each, DUPLICATE) for each in duplicates),
            *(Rejection(segment=each, estimate=None, reason=reason) for each in small))


def _rejection(measurement: Measurement, reason: str) -> Rejection:
    return Rejection(segment=measurement.segment, estimate=measurement.estimate, reason=reason)


def _below(what: str, value: float, name: str, least: float) -> str:
    """Return the words with enough digits that the value reads below its threshold."""
    digits = next((digits for digits in (2, 3, 4) if round(value, digits) < least), 6)
    return f'{what} {value:.{digits}f} below {name} {least:g}'
