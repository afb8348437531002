"""Which poses are worth verifying: the search of every observation against every reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pointpng_core.config import Config, option
from pointpng_core.embedding.protocols import Cope, Encoder
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.search.gradient import GradientSearch
from pointpng_core.estimation.search.so3_grid import RotationSearch
from pointpng_core.estimation.search.view_matching import search_views
from pointpng_core.geometry.so3 import in_plane_angles
from pointpng_core.reference.reference import Reference


@dataclass(frozen=True, kw_only=True)
class SearchConfig(Config):
    """The global search in embedding space."""

    rotations: int = option(3072, help='Rotations of the exhaustive grid on SO(3).',
                            low=64, high=200000)
    in_plane_rotations: int = option(36, help='Angles tried about the viewing direction.', low=8, high=720)
    sample: int = option(256, help='Points of a view that are embedded.', low=32, high=8192)
    whole_sample: int = option(1024, help='Points of a whole surface that are embedded.',
                               low=32, high=65536)
    hypotheses: int = option(36, help='Poses verified per view, for one reference.',
                             low=1, high=512)
    whole_hypotheses: int = option(12, help='The same of a whole surface, which fixes more.',
                                   low=1, high=512)
    part_starts: int = option(128, help='Rotations from which surfaces with a part missing are '
                                        'registered, for each reference.', low=16, high=4096)
    more_per_reference: int = option(4, help='Further poses for each further reference.',
                                     low=1, high=512)
    apart_rad: float = option(0.3, help='Least distance between the poses of one reference.',
                              unit='rad', low=0.01, high=3.0)
    refine_steps: int = option(0, help='Ascent steps on each peak of the exhaustive search.',
                               low=0, high=20)
    method: str = option('exhaustive', help='How whole surfaces are searched: every rotation '
                                            'of the grid, or descent from random starts.',
                         choices=('exhaustive', 'gradient'))
    starts: int = option(64, help='Gradient search: random rotations it starts from.',
                         low=1, high=100000)
    gradient_steps: int = option(20, help='Gradient search: steps from each start.',
                                 low=1, high=1000)
    step_rad: float = option(0.15, help='Gradient search: length of a step.', unit='rad',
                             low=1e-4, high=1.0)


class PoseSearch:
    """Proposes poses; one for each kind of observation, whole or a single view."""

    def __init__(self, *, encoder: Encoder, cope: Cope, config: SearchConfig,
                 device: torch.device) -> None:
        self._encoder, self._cope, self._config, self._device = encoder, cope, config, device
        self._rotations: RotationSearch | GradientSearch | None = None
        self._in_plane_banks: WeakKeyDictionary[Reference, Any] = WeakKeyDictionary()

    def propose(self, observations: Observations, references: Sequence[Reference], *,
                single_view: bool) -> tuple[Hypotheses, Tensor]:
        """Return the most promising hypotheses, equally many per observation and in its order.

        Also returns their scores (O, H), cosines in embedding space, best first.
        """
        search = self._match_views if single_view else self._match_whole
        R, t, scores = search(observations, references)  # (O, references, count, ...)
        owner = torch.arange(len(references), device=self._device)
        owner = owner[:, None].expand(scores.shape[1:]).flatten()
        budget = self._config.hypotheses + self._config.more_per_reference * (len(references) - 1)
        scores, index = scores.flatten(1).topk(min(budget, len(owner)), dim=1)
        rows = torch.arange(len(observations), device=self._device)[:, None]
        hypotheses = Hypotheses(observation=rows.expand_as(index).flatten(),
                                reference=owner[index].flatten(),
                                R=R.flatten(1, 2)[rows, index].flatten(0, 1),
                                t=t.flatten(1, 2)[rows, index].flatten(0, 1))
        return hypotheses, scores

    def _match_views(self, observations: Observations, references: Sequence[Reference]
                     ) -> tuple[Tensor, Tensor, Tensor]:
        config = self._config
        turned = observations.points[:, :config.sample] @ observations.R_view.transpose(1, 2)
        matches = search_views(
            self._cope, [reference.views for reference in references],
            [self._in_plane_bank(reference) for reference in references],
            self._encoder.encode_at(turned, self._diameters(references)), observations.R_view,
            count=config.hypotheses, apart_rad=config.apart_rad, in_plane_rotations=config.in_plane_rotations)
        # The visible centroids are laid on each other.
        return matches.R_target_reference.transpose(-1, -2), matches.centroids, matches.scores

    def _match_whole(self, observations: Observations, references: Sequence[Reference]
                     ) -> tuple[Tensor, Tensor, Tensor]:
        config = self._config
        points = observations.points[:, :config.whole_sample]
        z = self._encoder.encode_at(points, self._diameters(references))  # (R, O, d)
        whole = torch.stack([reference.embedding for reference in references])
        R, scores = self._rotation_search().peaks(
            whole[:, None].expand_as(z).flatten(0, 1), z.flatten(0, 1),
            count=config.whole_hypotheses, apart_rad=config.apart_rad,
            refine_steps=config.refine_steps)
        R = R.transpose(-1, -2).unflatten(0, z.shape[:2]).transpose(0, 1)
        scores = scores.unflatten(0, z.shape[:2]).transpose(0, 1)
        return R, R.new_zeros(*scores.shape, 3), scores

    def _in_plane_bank(self, reference: Reference) -> Any:
        if reference not in self._in_plane_banks:
            z = reference.views.embeddings
            angles = in_plane_angles(self._config.in_plane_rotations).to(z)
            self._in_plane_banks[reference] = self._cope.in_plane_bank(z, angles)
        return self._in_plane_banks[reference]

    def _diameters(self, references: Sequence[Reference]) -> Tensor:
        return torch.tensor([reference.diameter_m for reference in references],
                            dtype=torch.float32, device=self._device)

    def _rotation_search(self) -> RotationSearch | GradientSearch:
        # The bank takes a second to fill, and a node that only sees views never needs it.
        if self._rotations is None:
            self._rotations = self._make_rotation_search()
        return self._rotations

    def _make_rotation_search(self) -> RotationSearch | GradientSearch:
        config = self._config
        if config.method == 'gradient':
            return GradientSearch(self._cope, starts=config.starts, steps=config.gradient_steps,
                                  step_rad=config.step_rad, device=self._device)
        return RotationSearch(self._cope, rotations=config.rotations, device=self._device)
