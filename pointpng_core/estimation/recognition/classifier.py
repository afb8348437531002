"""Classes of objects, by the classifier that a checkpoint holds beside its network.

classifier = ObjectClassifier('steerable')
label, probability = classifier.rank(points)[0]
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.embedding.devices import torch_device
from pointpng_core.embedding.encoders.learned import encoder_of
from pointpng_core.embedding.model_zoo import model_folder
from pointpng_core.errors import CloudError
from pointpng_core.estimation.observations import LEAST_POINTS
from pointpng_core.estimation.recognition.classifier_files import load_classifier
from pointpng_core.geometry.clouds import centred, diameter_m, random_points, require_points

SAMPLE = 1024
"""Points of a cloud at most: as many as classifiers of any-sized clouds are trained on."""


class ObjectClassifier:
    """Tells the class of a cloud; one instance serves any number."""

    def __init__(self, model: str | Path, *, device: str = 'cpu') -> None:
        """Load a model by name or folder; raises ConfigError or FileError, also without a head."""
        self._device = torch_device(device)
        stored = load_classifier(model_folder(model))
        self.labels = stored.labels
        self._encoder = encoder_of(stored.network.to(self._device))
        self._head = stored.head.to(self._device)

    @torch.inference_mode()
    def rank(self, points: NDArray[np.floating]) -> list[tuple[str, float]]:
        """Return all classes with their probabilities for points (N, 3), likeliest first.

        The cloud may be in any unit and place. Raises CloudError.
        """
        local, _ = centred(require_points(points, least=LEAST_POINTS, what='object'))
        size = diameter_m(local)
        if not size > 0:
            raise CloudError(f'object: all {len(local)} points lie in one place; a surface is '
                             'needed')
        few = random_points((local / size).astype(np.float32), min(SAMPLE, len(local)))
        cloud = torch.from_numpy(few).to(self._device)
        shares = self._head(self._encoder.features(cloud[None])).softmax(dim=1)[0]
        order = shares.argsort(descending=True).tolist()
        return [(self.labels[index], float(shares[index])) for index in order]

    def classify(self, points: NDArray[np.floating], *, least_probability: float = 0.0
                 ) -> str | None:
        """Return the likeliest class, None where it is less likely than asked for."""
        label, probability = self.rank(points)[0]
        return label if probability >= least_probability else None
