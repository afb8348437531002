"""Poses that are worth registering: every observation searched against every reference."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Cope, Encoder
from pointpng_core.estimation.config import SearchConfig
from pointpng_core.estimation.fair_selection import best_with_places
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.search.gradient import GradientSearch
from pointpng_core.estimation.search.so3_grid import RotationSearch
from pointpng_core.estimation.search.view_matching import search_views
from pointpng_core.geometry.so3 import in_plane_angles, rotation_grid
from pointpng_core.reference.reference import Reference

PROPOSED_PLACES = 2
"""Poses of each reference among those that are proposed, whatever the others score."""


class PoseSearch:
    """Proposes poses of single views, full surfaces and partial surfaces."""

    def __init__(self, *, encoder: Encoder, cope: Cope, config: SearchConfig,
                 device: torch.device) -> None:
        self._encoder, self._cope, self._config, self._device = encoder, cope, config, device
        self._rotations: RotationSearch | GradientSearch | None = None
        self._in_plane_banks: WeakKeyDictionary[Reference, Any] = WeakKeyDictionary()

    def prepared(self, reference: Reference) -> Reference:
        """Return the reference, once what the search of its views needs has been computed."""
        self._in_plane_bank(reference)
        return reference

    def match_views(self, observations: Observations, references: Sequence[Reference]
                    ) -> tuple[Hypotheses, Tensor]:
        """Return the hypotheses (O, K) of the rendered views most similar to single views.

        Also returns their scores (O, K), cosines in embedding space, best first.
        """
        config = self._config
        in_view_frame = observations.points[:, :config.sample] @ observations.R_view.transpose(
            1, 2)
        matches = search_views(
            self._cope, [reference.views for reference in references],
            [self._in_plane_bank(reference) for reference in references],
            self._encoder.encode_at(in_view_frame, self._diameters(references)),
            observations.R_view, count=config.hypotheses, apart_rad=config.apart_rad,
            in_plane_rotations=config.in_plane_rotations)
        # The visible centroids are laid on each other.
        return self._best(matches.R_target_reference.transpose(-1, -2), matches.centroids,
                          matches.scores)

    def match_surfaces(self, observations: Observations, references: Sequence[Reference]
                       ) -> tuple[Hypotheses, Tensor]:
        """Return the hypotheses (O, K) under which full surfaces are most similar.

        Also returns their scores (O, K), cosines in embedding space, best first.
        """
        config = self._config
        points = observations.points[:, :config.full_surface_sample]
        z = self._encoder.encode_at(points, self._diameters(references))  # (R, O, d)
        z_reference = torch.stack([reference.embedding for reference in references])
        R, scores = self._rotation_search().peaks(
            z_reference[:, None].expand_as(z).flatten(0, 1), z.flatten(0, 1),
            count=config.full_surface_hypotheses, apart_rad=config.apart_rad,
            refine_steps=config.refine_steps)
        R = R.transpose(-1, -2).unflatten(0, z.shape[:2]).transpose(0, 1)
        scores = scores.unflatten(0, z.shape[:2]).transpose(0, 1)
        return self._best(R, R.new_zeros(*scores.shape, 3), scores)

    def uniform(self, observations: Observations, references: Sequence[Reference]) -> Hypotheses:
        """Return hypotheses (O, K) of rotations evenly over SO(3), of each reference."""
        return uniform_hypotheses(observations, references=len(references),
                                  count=self._config.partial_surface_starts)

    def _best(self, R: Tensor, t: Tensor, scores: Tensor) -> tuple[Hypotheses, Tensor]:
        """Return the best hypotheses (O, K) of R (O, references, count, 3, 3), t and scores."""
        references, count = scores.shape[1:]
        owner = torch.arange(references, device=self._device)
        owner = owner[:, None].expand(references, count).flatten()
        budget = self._config.hypotheses + self._config.more_per_reference * (references - 1)
        scores = scores.flatten(1)
        index = best_with_places(scores, owner.expand_as(scores), budget, references=references,
                                 places=PROPOSED_PLACES)
        scores = scores.gather(1, index)
        rows = torch.arange(len(scores), device=self._device)[:, None]
        hypotheses = Hypotheses(observation=rows.expand_as(index).flatten(),
                                reference=owner[index].flatten(),
                                R_reference_observation=R.flatten(1, 2)[rows, index].flatten(0, 1),
                                t_reference_observation=t.flatten(1, 2)[rows, index].flatten(0, 1),
                                shape=(index.shape[0], index.shape[1]))
        return hypotheses, scores

    @torch.inference_mode()
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


def uniform_hypotheses(observations: Observations, *, references: int, count: int) -> Hypotheses:
    """Return `count` rotations, evenly over SO(3), of each of so many references.

    Their shape is (O, references * count); centroids lie on the references' centres.
    """
    device = observations.points.device
    R = rotation_grid(count).to(device)
    owners = torch.arange(len(observations), device=device)
    models = torch.arange(references, device=device)
    triples = torch.cartesian_prod(owners, models, torch.arange(count, device=device))
    return Hypotheses(observation=triples[:, 0], reference=triples[:, 1],
                      R_reference_observation=R[triples[:, 2]],
                      t_reference_observation=R.new_zeros(len(triples), 3),
                      shape=(len(observations), references * count))
