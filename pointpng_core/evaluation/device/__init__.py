"""What a borrowed CUDA machine without a network is used for: checks, measurements, training.

`tools/gpu_session.py` runs it from the source tree; docs/gpu.md tells how.
"""
