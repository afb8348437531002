"""What is it? Labels from the embedding, before any pose is sought."""

from pointpng_core.recognition.classifier import ObjectClassifier
from pointpng_core.recognition.recogniser import Recogniser, RecognitionConfig

__all__ = ['ObjectClassifier', 'Recogniser', 'RecognitionConfig']
