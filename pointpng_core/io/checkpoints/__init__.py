"""Checkpoints: folders that are written atomically and verified by checksums.

    model.safetensors    the weights
    config.json          format, kind, version, and everything else needed to use the weights
    trainer.safetensors  the state of training (optional): optimiser state ...
    trainer.json         ... and counters
    SHA256SUMS           hashes of all of these; `sha256sum -c SHA256SUMS` checks them

They contain no code: no pickles.
"""

from pointpng_core.io.checkpoints.checkpoint import (
    FORMAT,
    Checkpoint,
    is_checkpoint,
    read_checkpoint,
    read_trainer_state,
    weights_sha256,
    write_checkpoint,
)
from pointpng_core.io.checkpoints.retention import (
    CHECKPOINTS,
    MODEL,
    clean_leftovers,
    latest_checkpoint,
    prune,
    step_folder,
)

__all__ = [
    'CHECKPOINTS', 'FORMAT', 'MODEL', 'Checkpoint', 'clean_leftovers', 'is_checkpoint',
    'latest_checkpoint', 'prune', 'read_checkpoint', 'read_trainer_state', 'step_folder',
    'weights_sha256', 'write_checkpoint',
]
