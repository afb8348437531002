"""Retrieval by rotation invariants: the norms of an embedding, by degree and copy.

An observation is compared with the rendered views of every reference (or its full surface), in the
unit of that reference, so that size counts as well as shape. There is no search over rotations:
one matrix product per reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.config import Config, option
from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.devices import torch_device
from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.observation_kind import Viewpoint, may_be_single_view
from pointpng_core.estimation.observations import Observations, prepare_observations
from pointpng_core.reference.reference import Reference


@dataclass(frozen=True, kw_only=True)
class RecognitionConfig(Config):
    """How references are distinguished by their embeddings."""

    sample: int = option(512, help='Points of an observation that are embedded; as many as of a '
                                   'rendered view, for norms depend on the number.',
                         low=32, high=8192)
    least_similarity: float = option(0.98, help='Similarity below which an object is unknown.',
                                     low=-1.0, high=1.0)


class Recogniser:
    """Ranks references by their similarity to an observation, for one steerable model."""

    def __init__(self, model: EmbeddingModel, *, config: RecognitionConfig | None = None,
                 device: torch.device | str = 'cpu', viewpoint: str = Viewpoint.AUTO) -> None:
        """Prepare; `viewpoint` is that of EstimatorConfig, or a Viewpoint.

        Raises ConfigError for a model whose embeddings have no invariant norms.
        """
        if not isinstance(model.cope, WignerCope):
            raise ConfigError(f'model {model.name}: its embeddings do not rotate by degrees, so '
                              'they have no norms to recognise by; use training_free or a '
                              'steerable model')
        self.config = config or RecognitionConfig()
        self._encoder, self._cope = model.encoder, model.cope
        self._device = torch_device(str(device))
        self._viewpoint = Viewpoint.of(viewpoint)
        self._norms: WeakKeyDictionary[Reference, tuple[Tensor, Tensor]] = WeakKeyDictionary()

    def rank(self, observation: NDArray[np.floating], references: Sequence[Reference]
             ) -> list[tuple[str, float]]:
        """Return the names of references and their similarity in [-1, 1], most similar first.

        observation (N, 3): a view of a camera at the origin, or a full surface around it. Raises
        CloudError, ConfigError.
        """
        similarity = self.similarities([observation], references)[0]
        order = np.argsort(-similarity, kind='stable')
        return [(references[index].name, float(similarity[index])) for index in order]

    def recognise(self, observation: NDArray[np.floating], references: Sequence[Reference]
                  ) -> str | None:
        """Return the name of the most similar reference, None for an unknown object."""
        name, similarity = self.rank(observation, references)[0]
        return name if similarity >= self.config.least_similarity else None

    def shortlist(self, observations: Sequence[NDArray[np.floating]],
                  references: Sequence[Reference], count: int) -> list[list[Reference]]:
        """Return for each observation its `count` most similar references, the best first."""
        order = np.argsort(-self.similarities(observations, references), axis=1, kind='stable')
        return [[references[index] for index in row[:count]] for row in order]

    @torch.inference_mode()
    def similarities(self, observations: Sequence[NDArray[np.floating]],
                     references: Sequence[Reference]) -> NDArray[np.float64]:
        """Return (O, R): cosines of norms, of the most similar view of each reference."""
        if not references:
            raise ConfigError('no references: give at least one to search for')
        batch = prepare_observations(observations, sample=self.config.sample, device=self._device)
        norms = self._observed(batch, references)  # (R, O, F)
        views = torch.tensor([may_be_single_view(cloud, self._viewpoint)
                              for cloud in batch.clouds], device=norms.device)
        found = []
        for row, reference in zip(norms, references):
            of_views, of_surface = self._known(reference)
            found.append(torch.where(views, (row @ of_views.T).amax(dim=1), row @ of_surface))
        return torch.stack(found, dim=1).double().cpu().numpy()

    def _observed(self, batch: Observations, references: Sequence[Reference]) -> Tensor:
        """Return the norms of all observations in the unit of each reference, (R, O, F)."""
        diameters = torch.tensor([reference.diameter_m for reference in references],
                                 dtype=torch.float32, device=self._device)
        return self._invariants(self._encoder.encode_at(batch.points, diameters))

    def _known(self, reference: Reference) -> tuple[Tensor, Tensor]:
        """Return the norms of a reference's whole views (V, F) and of its full surface (F,).

        Half a view resembles a whole view of something smaller: size would count less.
        """
        if reference not in self._norms:
            self._norms[reference] = (self._invariants(reference.views.whole_embeddings),
                                      self._invariants(reference.embedding))
        return self._norms[reference]

    def _invariants(self, z: Tensor) -> Tensor:
        """Return the norms by degree and copy (..., F) of embeddings (..., d), of unit length."""
        return normalize(torch.cat([block.norm(dim=-1) for block in self._cope.split(z)], dim=-1),
                         dim=-1)
