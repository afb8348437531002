"""Surfaces for tests of what is outside: closed, one-sided, in parts."""

import numpy as np
import trimesh

from pointpng_core.geometry.meshes import TriangleMesh


def of(vertices, faces):
    return TriangleMesh(vertices=np.asarray(vertices, np.float32), faces=np.asarray(faces))


def reversed_(mesh):
    return of(mesh.vertices, mesh.faces[:, ::-1])


def joined(*meshes):
    start = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return of(np.concatenate([mesh.vertices for mesh in meshes]),
              np.concatenate([mesh.faces + at for mesh, at in zip(meshes, start)]))


def ball(radius=0.05, centre=(0.0, 0, 0)):
    made = trimesh.creation.icosphere(subdivisions=2, radius=radius)
    return of(made.vertices + centre, made.faces)


def signed_volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def strip(half_turns, steps=60, across=4):
    """A band around the z axis that is turned about itself: one-sided for odd half turns."""
    angle = np.repeat(np.linspace(0, 2 * np.pi, steps, endpoint=False), across)
    at = np.tile(np.linspace(-0.015, 0.015, across), steps)
    radius = 0.05 + at * np.cos(half_turns * angle / 2)
    vertices = np.column_stack((radius * np.cos(angle), radius * np.sin(angle),
                                at * np.sin(half_turns * angle / 2)))
    faces = []
    for step in range(steps):
        for k in range(across - 1):
            here = [step * across + k, step * across + k + 1]
            after = [here[0] + across, here[1] + across]
            if step == steps - 1:
                after = [k, k + 1] if half_turns % 2 == 0 else [across - 1 - k, across - 2 - k]
            faces += [[here[0], here[1], after[1]], [here[0], after[1], after[0]]]
    return of(vertices, faces)


def klein_bottle(steps=40, around=16):
    """A closed surface with one side: a figure of eight that makes half a turn on its way."""
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, steps, endpoint=False),
                       np.linspace(0, 2 * np.pi, around, endpoint=False), indexing='ij')
    radius = 0.06 + 0.02 * (np.cos(u / 2) * np.sin(v) - np.sin(u / 2) * np.sin(2 * v))
    z = 0.02 * (np.sin(u / 2) * np.sin(v) + np.cos(u / 2) * np.sin(2 * v))
    faces = []
    for i in range(steps):
        for k in range(around):
            here = [i * around + k, i * around + (k + 1) % around]
            after = [here[0] + around, here[1] + around] if i < steps - 1 else \
                [-k % around, -(k + 1) % around]
            faces += [[here[0], here[1], after[1]], [here[0], after[1], after[0]]]
    return of(np.column_stack([(radius * np.cos(u)).ravel(), (radius * np.sin(u)).ravel(),
                               z.ravel()]), faces)
