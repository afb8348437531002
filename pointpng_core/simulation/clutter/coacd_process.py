"""One convex decomposition by CoACD, in a process of its own, which can be stopped.

    python -m pointpng_core.simulation.clutter.coacd_process IN.npz OUT.npz

IN has `vertices` (V, 3) and `faces` (F, 3), OUT gets `vertices` of all parts and their `counts`.
CoACD: Wei et al., Approximate Convex Decomposition for 3D Meshes with Collision-Aware Concavity
and Tree Search, SIGGRAPH 2022.
"""

import sys

import numpy as np

SETTINGS = {'threshold': 0.08, 'preprocess_resolution': 30, 'resolution': 500, 'mcts_nodes': 10,
            'mcts_iterations': 20, 'mcts_max_depth': 2, 'max_convex_hull': 48, 'seed': 0}
"""On a YCB mug, bowl and drill, finer settings gave no closer parts but took two to four times as
long: 4 to 30 s with these."""


def main() -> None:
    """Decompose the mesh of the first file into the second."""
    import coacd  # its library is loaded here, and never in the process that asks
    source, target = sys.argv[1:]
    coacd.set_log_level('off')
    with np.load(source, allow_pickle=False) as mesh:
        parts = coacd.run_coacd(coacd.Mesh(mesh['vertices'], mesh['faces']), **SETTINGS)
    np.savez(target, vertices=np.concatenate([vertices for vertices, _ in parts]),
             counts=np.array([len(vertices) for vertices, _ in parts]))


if __name__ == '__main__':
    main()
