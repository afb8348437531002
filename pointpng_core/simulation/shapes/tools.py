"""Tools and parts: cordless drill, mounting bracket, hammer; z up, resting on z = 0."""

import numpy as np

from pointpng_core.simulation.shapes.primitives import box, cylinder, extrude, lathe, tube
from pointpng_core.simulation.shapes.solids import Floats, Solid

Z_TO_X = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
Z_TO_Y = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])


def drill() -> Solid:
    """A cordless drill 195 mm high, standing on its battery, chuck to +x, belt clip on +y."""
    battery = box((-0.055, -0.036, 0), (0.045, 0.036, 0.048), rounding_m=0.006)
    grip = tube([(-0.012, 0, 0.045), (-0.024, 0, 0.160)], [0.021, 0.019])
    motor = lathe([(0, -0.085), (0.022, -0.085), (0.029, -0.075), (0.029, 0.055),
                   (0.023, 0.080), (0.018, 0.081), (0.020, 0.090), (0.019, 0.105),
                   (0.009, 0.128), (0.0045, 0.128), (0.0045, 0.165), (0, 0.165)])
    trigger = box((-0.010, -0.008, 0.105), (0.016, 0.008, 0.138), rounding_m=0.004)
    clip = box((-0.050, 0.030, 0.036), (0.000, 0.044, 0.058), rounding_m=0.003)
    handle = battery.blended(grip, radius_m=0.012) | trigger | clip
    return handle.blended(motor.moved(_pose(Z_TO_X, (0, 0, 0.165))), radius_m=0.010)


def bracket() -> Solid:
    """An L bracket: legs of 130 and 85 mm, a gusset on one side, three unlike holes."""
    foot = box((0, -0.032, 0), (0.130, 0.032, 0.010))
    leg = box((0, -0.032, 0), (0.010, 0.032, 0.085))
    gusset = extrude([(0.005, 0.005), (0.075, 0.005), (0.005, 0.060)], low_m=0, high_m=0.010)
    upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    plates = foot | leg | gusset.moved(_pose(upright, (0, -0.020, 0)))
    small = cylinder(0.007, -0.01, 0.02).moved(_pose(np.eye(3), (0.112, -0.014, 0)))
    large = cylinder(0.013, -0.01, 0.02).moved(_pose(np.eye(3), (0.090, 0.010, 0)))
    high = cylinder(0.010, -0.01, 0.02).moved(_pose(Z_TO_X, (0, 0.010, 0.060)))
    return plates - small - large - high


def hammer() -> Solid:
    """A claw hammer 235 mm long, lying on its side: handle along x, face to +y, claw to -y."""
    height_m = 0.017
    handle = tube([(0.014, 0, height_m), (0.080, 0, height_m), (0.210, 0, height_m)],
                  [0.014, 0.016, 0.011])
    face = lathe([(0, -0.02), (0.013, -0.02), (0.012, 0.030), (0.0165, 0.036), (0.0165, 0.052),
                  (0.0145, 0.054), (0, 0.054)])
    claw = tube([(0.215, -0.005, height_m), (0.210, -0.035, height_m), (0.192, -0.062, height_m)],
                [0.0165, 0.012, 0.006])
    head = face.moved(_pose(Z_TO_Y, (0.215, 0, height_m))) | claw
    return handle.blended(head, radius_m=0.006)


def _pose(R_target_source: Floats, t_m: tuple[float, float, float]) -> Floats:
    T_target_source = np.eye(4)
    T_target_source[:3, :3] = R_target_source
    T_target_source[:3, 3] = t_m
    return T_target_source
