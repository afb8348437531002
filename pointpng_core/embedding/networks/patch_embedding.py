"""From patches of points to tokens: a mini-PointNet, and the position of a patch."""

from torch import Tensor, nn


class PatchTokens(nn.Module):
    """Mini-PointNet of Point-MAE (3-128-256, max, 512-512-C at C = 384), without batch statistics.

    Layer normalisation of the token instead keeps a cloud's tokens its own.
    """

    def __init__(self, *, width: int) -> None:
        super().__init__()
        inner = 2 * width // 3
        self.local = nn.Sequential(nn.Linear(3, inner // 2), nn.ReLU(),
                                   nn.Linear(inner // 2, inner))
        # One layer on [max | local], in two parts: that of the maximum is the same for all points.
        self.from_local = nn.Linear(inner, 2 * inner)
        self.from_whole = nn.Linear(inner, 2 * inner, bias=False)
        self.joint = nn.Sequential(nn.ReLU(), nn.Linear(2 * inner, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, patches: Tensor) -> Tensor:
        """Return tokens (B, G, C) of patches (B, G, K, 3)."""
        local = self.local(patches)  # (B, G, K, inner)
        whole = self.from_whole(local.amax(dim=2))  # (B, G, 2 inner)
        joint: Tensor = self.joint(self.from_local(local) + whole[:, :, None])  # (B, G, K, C)
        tokens: Tensor = self.norm(joint.amax(dim=2))
        return tokens


def position_network(width: int) -> nn.Module:
    """Return the network from patch centres (..., 3) to position codes (..., C)."""
    return nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
