"""Classification heads on the features of an encoder."""

from torch import Tensor, nn


class LinearProbe(nn.Module):
    """A linear layer on features that are standardised by batch statistics."""

    def __init__(self, *, features: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(features, affine=False)
        self.linear = nn.Linear(features, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, classes) of features (B, F)."""
        logits: Tensor = self.linear(self.norm(features))
        return logits


class ClassifierHead(nn.Module):
    """The three-layer head with which Point-MAE is fine-tuned (arXiv 2203.06604, section 4)."""

    def __init__(self, *, features: int, classes: int, hidden: int = 256, dropout: float = 0.5
                 ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, classes))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, classes) of features (B, F)."""
        logits: Tensor = self.layers(features)
        return logits
