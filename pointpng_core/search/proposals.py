"""Which poses are worth verifying: the search of every observation against every reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.config import Config, option
from pointpng_core.observation import Observations
from pointpng_core.protocols import Cope, Encoder
from pointpng_core.reference.reference import Reference
from pointpng_core.registration.hypotheses import Hypotheses
from pointpng_core.search.exhaustive import RotationSearch
from pointpng_core.search.views import search_views


@dataclass(frozen=True, kw_only=True)
class SearchConfig(Config):
    """The global search in embedding space."""

    rotations: int = option(8192, help='Rotations of the exhaustive grid on SO(3).',
                            low=64, high=200000)
    twists: int = option(72, help='Angles tried about the viewing direction.', low=8, high=720)
    sample: int = option(512, help='Points of an observation that are embedded.',
                         low=32, high=8192)
    hypotheses: int = option(24, help='Poses verified per observation, for one reference.',
                             low=1, high=512)
    more_per_reference: int = option(4, help='Further poses for each further reference.',
                                     low=1, high=512)
    apart_rad: float = option(0.3, help='Least distance between the poses of one reference.',
                              unit='rad', low=0.01, high=3.0)
    refine_steps: int = option(2, help='Ascent steps on each peak of the exhaustive search.',
                               low=0, high=20)


class PoseSearch:
    """Proposes poses; one for each kind of observation, whole or a single view."""

    def __init__(self, *, encoder: Encoder, cope: Cope, config: SearchConfig,
                 device: torch.device) -> None:
        self._encoder, self._cope, self._config, self._device = encoder, cope, config, device
        self._rotations: RotationSearch | None = None

    def propose(self, observations: Observations, references: Sequence[Reference], *,
                single_view: bool) -> tuple[Hypotheses, Tensor]:
        """Return the most promising hypotheses, equally many per observation and in its order.

        Also returns their scores (O, H), cosines in embedding space, best first.
        """
        search = self._match_views if single_view else self._match_whole
        found = [search(observations, reference) for reference in references]
        R, t, scores = (torch.cat(parts, dim=1) for parts in zip(*found))  # (O, refs * count, ...)
        owner = torch.arange(len(references), device=self._device)
        owner = owner.repeat_interleave(scores.shape[1] // len(references))
        budget = self._config.hypotheses + self._config.more_per_reference * (len(references) - 1)
        scores, index = scores.topk(min(budget, scores.shape[1]), dim=1)
        rows = torch.arange(len(observations), device=self._device)[:, None]
        hypotheses = Hypotheses(observation=rows.expand_as(index).flatten(),
                                reference=owner[index].flatten(),
                                R=R[rows, index].flatten(0, 1), t=t[rows, index].flatten(0, 1))
        return hypotheses, scores

    def _match_views(self, observations: Observations, reference: Reference
                     ) -> tuple[Tensor, Tensor, Tensor]:
        turned = observations.points[:, :self._config.sample] @ observations.R_view.transpose(1, 2)
        R, view, scores = search_views(
            self._cope, reference.views.embeddings, reference.views.R_view_reference,
            self._encoder.encode(turned / reference.diameter_m), observations.R_view,
            count=self._config.hypotheses, apart_rad=self._config.apart_rad,
            twists=self._config.twists)
        # The visible centroids are laid on each other.
        return R.transpose(-1, -2), reference.views.centroids[view], scores

    def _match_whole(self, observations: Observations, reference: Reference
                     ) -> tuple[Tensor, Tensor, Tensor]:
        z = self._encoder.encode(observations.points / reference.diameter_m)
        R, scores = self._rotation_search().peaks(
            reference.embedding.expand_as(z), z, count=self._config.hypotheses,
            apart_rad=self._config.apart_rad, refine_steps=self._config.refine_steps)
        return R.transpose(-1, -2), R.new_zeros(*scores.shape, 3), scores

    def _rotation_search(self) -> RotationSearch:
        # The bank takes a second to fill, and a node that only sees views never needs it.
        if self._rotations is None:
            self._rotations = RotationSearch(self._cope, rotations=self._config.rotations,
                                             device=self._device)
        return self._rotations
