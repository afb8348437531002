"""The outcome of the choice of supports: every plane, what it is taken for, and why."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from pointpng_core.segmentation.patch_evidence import PatchEvidence
from pointpng_core.segmentation.plane_detection import Plane
from pointpng_core.segmentation.plane_patch import PlanePatch


class Role(str, Enum):
    """What a plane is taken for."""

    SUPPORT = 'support'
    BACKGROUND = 'background'
    FACE = 'face'
    """Of an object, or an accidental plane through several objects."""


class SupportKind(str, Enum):
    """The outcome of the choice."""

    ONE = 'one'
    SEVERAL = 'several'
    EMPTY = 'empty'
    """A surface on which nothing stands."""
    NONE = 'none'


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A visible plane, what it is taken for, and in `reason` why, in words."""

    patch: PlanePatch
    evidence: PatchEvidence
    role: Role
    reason: str


@dataclass(frozen=True, kw_only=True)
class SupportChoice:
    """The planes of a cloud: the supports first, the main one before all; and why, in words."""

    kind: SupportKind
    reason: str
    candidates: tuple[Candidate, ...]

    @property
    def supports(self) -> tuple[PlanePatch, ...]:
        """Return the surfaces on which objects stand, the main one first."""
        return self._with(Role.SUPPORT)

    @property
    def backgrounds(self) -> tuple[PlanePatch, ...]:
        """Return walls, floors and other planes too large for an object."""
        return self._with(Role.BACKGROUND)

    @property
    def plane(self) -> Plane | None:
        """Return the plane of the main support, None without one."""
        return self.supports[0].plane if self.supports else None

    def moved(self, T: np.ndarray) -> 'SupportChoice':
        """Return the choice with its planes moved by T (4, 4)."""
        return replace(self, candidates=tuple(replace(each, patch=each.patch.moved(T))
                                              for each in self.candidates))

    def _with(self, role: Role) -> tuple[PlanePatch, ...]:
        return tuple(each.patch for each in self.candidates if each.role is role)
