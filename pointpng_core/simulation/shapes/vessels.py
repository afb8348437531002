"""Vessels and packages: mug, bottle, can, bowl, carton, spray bottle; z up, standing on z = 0."""

import numpy as np

from pointpng_core.simulation.shapes.primitives import arc, box, cylinder, extrude, lathe, tube
from pointpng_core.simulation.shapes.solids import Solid

CAN_HEIGHT_M = 0.11
CARTON_HEIGHT_M = 0.15


def mug() -> Solid:
    """A mug 95 mm high with a handle towards +x; its cavity is open."""
    body = lathe([(0, 0), (0.035, 0), (0.038, 0.003), (0.041, 0.095), (0, 0.095)])
    cavity = lathe([(0, 0.007), (0.033, 0.007), (0.0365, 0.096), (0, 0.096)])
    ear = [(0.036 + 0.034 * float(np.cos(a)), 0.0, 0.049 + 0.030 * float(np.sin(a)))
           for a in np.radians(np.linspace(-90, 90, 13))]
    return body.blended(tube(ear, 0.006), radius_m=0.004) - cavity


def bottle() -> Solid:
    """A bottle 215 mm high with a narrow neck and a cap."""
    shoulder = arc((0.008, 0.125), 0.026, 0, 70)
    return lathe([(0, 0), (0.030, 0), (0.034, 0.005), (0.034, 0.120), *shoulder,
                  (0.0135, 0.160), (0.0125, 0.192), (0.0165, 0.192), (0.0165, 0.213),
                  (0.0145, 0.215), (0, 0.215)])


def can() -> Solid:
    """A food can 110 mm high: rims and a bead, top and bottom alike."""
    half = [(0, 0.003), (0.0325, 0.003), (0.0325, 0), (0.0355, 0), (0.0355, 0.004),
            (0.034, 0.005), (0.034, 0.050), (0.0325, 0.052)]
    return lathe(half + [(r, CAN_HEIGHT_M - z) for r, z in reversed(half)])


def bowl() -> Solid:
    """A bowl 60 mm high and 150 mm wide, with a foot."""
    outside = arc((0, 0.075), 0.075, -65, -11)
    inside = arc((0, 0.075), 0.070, -12, -65)
    return lathe([(0, 0), (0.030, 0), (0.031, 0.006), *outside, *inside, (0, 0.0118)])


def carton() -> Solid:
    """A carton of 64 x 110 x 150 mm."""
    return box((-0.032, -0.055, 0), (0.032, 0.055, CARTON_HEIGHT_M))


def spray_bottle() -> Solid:
    """A spray bottle 228 mm high: flat body, neck, pistol head with nozzle and trigger to +x."""
    corners = [((0.020, 0.008), 0), ((-0.020, 0.008), 90), ((-0.020, -0.008), 180),
               ((0.020, -0.008), 270)]
    outline = [point for centre, start in corners
               for point in arc(centre, 0.022, start, start + 90)]
    body = extrude(outline, low_m=0, high_m=0.145, rounding_m=0.008)
    neck = lathe([(0, 0.13), (0.026, 0.13), (0.015, 0.175), (0.017, 0.176), (0.017, 0.196),
                  (0, 0.196)])
    head = box((-0.040, -0.013, 0.194), (0.046, 0.013, 0.228), rounding_m=0.006)
    nozzle = cylinder(0.008, 0.044, 0.058).moved(_towards_x(0.218))
    trigger = tube([(0.032, 0, 0.197), (0.040, 0, 0.180), (0.052, 0, 0.158)],
                   [0.007, 0.006, 0.005])
    return body.blended(neck, radius_m=0.012) | head | nozzle | trigger


def _towards_x(height_m: float) -> np.ndarray:
    """Carry the z axis to +x, at a height."""
    return np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, height_m], [0, 0, 0, 1]])
