"""Search of one view among the rendered views of a reference.

Both views are embedded in their own view frame, z towards the camera: a view fixes the direction
to the camera, so that only the twist about it is left, a circle instead of all of SO(3).
"""

import roma
import torch
from torch import Tensor

from pointpng_core.protocols import Cope
from pointpng_core.search.peaks import distinct_peaks
from pointpng_core.so3 import twist_angles

CANDIDATES = 256
"""Best (view, twist) pairs among which distinct rotations are sought."""


def search_views(cope: Cope, z_views: Tensor, R_view_reference: Tensor, z_target: Tensor,
                 R_view_target: Tensor, *, count: int, apart_rad: float, twists: int
                 ) -> tuple[Tensor, Tensor, Tensor]:
    """Match targets (T, d) against all views (V, d) of a reference under all twists.

    R_view_reference (V, 3, 3) and R_view_target (T, 3, 3) are the view frames. Returns rotations
    R_target_reference (T, count, 3, 3), the view each came from and its score (T, count).
    """
    angles = twist_angles(twists).to(z_views)
    scores = cope.twist_scores(z_views, z_target, angles).flatten(1)  # (T, V * A)
    scores, flat = scores.topk(min(CANDIDATES, scores.shape[1]), dim=1)
    view = flat // twists
    axis = torch.stack((0 * angles, 0 * angles, angles), dim=-1)
    R_twist = roma.rotvec_to_rotmat(axis)[flat % twists]  # (T, K, 3, 3)
    R = R_view_target.transpose(-1, -2)[:, None] @ R_twist @ R_view_reference[view]
    index = distinct_peaks(R, scores, count, apart_rad)
    chosen = R.gather(1, index[..., None, None].expand(-1, -1, 3, 3))
    return chosen, view.gather(1, index), scores.gather(1, index)
