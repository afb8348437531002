"""Hypotheses near known poses, for the tests of registration and verification."""

import numpy as np
from scipy.spatial.transform import Rotation
import torch

from helpers.objects import pose, random_rotation_matrix, whole
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import prepare_observations


def hypothesis(R=None, t=(0.0, 0, 0), *, observation=0, reference=0):
    """One hypothesis at R_reference_observation and t_reference_observation."""
    R = np.eye(3) if R is None else R
    return Hypotheses(observation=torch.tensor([observation]), reference=torch.tensor([reference]),
                      R_reference_observation=torch.from_numpy(np.array(R)).float()[None],
                      t_reference_observation=torch.tensor([t], dtype=torch.float32))


def error(hypotheses, R, t):
    """Degrees and metres between hypotheses and a pose."""
    R_found = hypotheses.R_reference_observation.double().numpy()
    rotated = [np.degrees(Rotation.from_matrix(each.T @ R).magnitude()) for each in R_found]
    t_found = hypotheses.t_reference_observation.double().numpy()
    return np.array(rotated), np.linalg.norm(t_found - t, axis=1)


def perturbed(R, t, degrees, shift_m, seed):
    """A pose rotated and shifted by given amounts in random directions."""
    rng = np.random.default_rng(seed)
    axis, way = rng.normal(size=(2, 3))
    rotation = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis))
    return rotation.as_matrix() @ R, t + shift_m * way / np.linalg.norm(way)


def observed_drill(reference):
    """An observation of a full drill, prepared, and the true R, t of x_reference = R x + t."""
    drill = reference('drill')
    T = pose(random_rotation_matrix(11), (0.2, -0.1, 0.9))
    cloud = (whole('drill', 3000, seed=5) @ T[:3, :3].T + T[:3, 3]).astype(np.float32)
    prepared = prepare_observations([cloud], sample=1024, device=torch.device('cpu'))
    R = T[:3, :3].T
    return drill, prepared, R, R @ (prepared.centroids[0] - T[:3, 3]) - drill.centre
