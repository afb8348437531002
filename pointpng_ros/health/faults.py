"""What a failed cloud is called in the log and the diagnostics, and what can be done about it."""

import sys


def described(error: Exception) -> str:
    """Return one line: what happened and, where that is known, the fix."""
    text = f'{type(error).__name__}: {error}'.split('\n')[0]
    if out_of_gpu_memory(error):
        return (f'GPU out of memory, its cached memory was given back ({text}). Fix: close what '
                'else uses the GPU, lower pipeline.max_objects or estimator.search.*, or set '
                'device to cpu')
    return text


def out_of_gpu_memory(error: Exception) -> bool:
    """Tell whether torch ran out of the memory of a GPU."""
    torch = sys.modules.get('torch')     # a node without it cannot have run out
    return torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)


def release_gpu_memory() -> None:
    """Give back what torch keeps for later; without a GPU nothing happens."""
    sys.modules['torch'].cuda.empty_cache()
