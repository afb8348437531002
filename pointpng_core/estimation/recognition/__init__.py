"""Recognition: labels from the embedding, without a search for the pose."""

from pointpng_core.estimation.recognition.classifier import ObjectClassifier
from pointpng_core.estimation.recognition.retrieval import Recogniser, RecognitionConfig

__all__ = ['ObjectClassifier', 'Recogniser', 'RecognitionConfig']
