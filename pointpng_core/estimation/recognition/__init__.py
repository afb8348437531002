"""What is it? Labels from the embedding, before any pose is sought."""

from pointpng_core.estimation.recognition.classifier import ObjectClassifier
from pointpng_core.estimation.recognition.retrieval import Recogniser, RecognitionConfig

__all__ = ['ObjectClassifier', 'Recogniser', 'RecognitionConfig']
