"""Builds the core's pipeline from the node's configs: threads, device, library, references."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import torch

from pointpng_core.config import Config
from pointpng_core.estimator import EstimatorConfig, PoseEstimator
from pointpng_core.io.object_library import load_library
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.reference import Reference
from pointpng_core.segmentation import SegmenterConfig
from pointpng_ros.parameters.node_config import NodeConfig


class PipelineFactory:
    """Holds the estimator; makes pipelines for changing parameters and references.

    `configs` by parameter prefix, as `declare_parameters` gives them; `report` receives lines
    about slow work. Raises ConfigError for a device or model that is not there, FileError for a
    model that cannot be used.
    """

    def __init__(self, configs: dict[str, Config], report: Callable[[str], None]) -> None:
        self._node = cast(NodeConfig, configs[''])
        self._report = report
        if self._node.threads:
            torch.set_num_threads(self._node.threads)
        cache_dir = Path(self._node.cache_dir).expanduser() if self._node.cache_dir else None
        self._estimator = PoseEstimator(
            config=cast(EstimatorConfig, configs['estimator.']),
            device=self._node.device,
            cache_dir=cache_dir,
            model=self._node.model)

    def inference(self) -> AbstractContextManager[object]:
        """Return a new `torch.inference_mode`, which applies to the thread that enters it."""
        return torch.inference_mode()

    def library(self) -> list[Reference] | None:
        """Return a reference for every object of the library, None without a library.

        Raises LibraryError; reports every object, for preparing one takes seconds when it is new.
        """
        if not self._node.objects:
            return None
        models = load_library(Path(self._node.objects).expanduser())
        references = []
        for number, model in enumerate(models, start=1):
            self._report(f'preparing reference {model.name!r} ({number}/{len(models)})')
            references.append(self._estimator.reference_from_model(
                model.model, name=model.name, symmetry=model.symmetry))
        return references

    def pipeline_maker(self, configs: dict[str, Config]
                       ) -> Callable[[list[Reference]], FramePipeline]:
        """Return a function from references to a pipeline with these parameters."""
        def make(references: list[Reference]) -> FramePipeline:
            return FramePipeline(
                estimator=self._estimator, references=references,
                segmenter=cast(SegmenterConfig, configs['segmenter.']),
                config=cast(PipelineConfig, configs['pipeline.']))
        return make
