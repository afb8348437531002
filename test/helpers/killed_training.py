"""A training run that a test kills and resumes.

    python -m helpers.killed_training RUN SOURCE
"""

from pathlib import Path
import sys

import torch

from helpers.training import tiny_config
from pointpng_core.training import trainer

if __name__ == '__main__':
    torch.set_num_threads(1)
    trainer.train(tiny_config(sys.argv[2], mae_steps=20, png_steps=60, checkpoint_every=1, keep=2),
                 Path(sys.argv[1]), resume=True)
