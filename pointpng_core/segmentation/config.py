"""Thresholds of the scene segmentation, with their units."""

from dataclasses import dataclass

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig(Config):
    """What counts as table, as an object on it, and as two objects that touch.

    The trade-off between splitting objects that touch and keeping together one with a concave
    shape: raise `min_crease_deg`, `min_part_area_m2` and `min_contact_m` to split less, lower them
    to split more. Gaps are seen when they are wider than about 1.5 `link_distance_m`; a smaller
    one with smaller voxels sees narrower gaps, in more time.
    """

    voxel_size_m: float = option(
        0.006, unit='m', low=0.001, high=0.05,
        help='Edge of the voxels that the points above the table are gathered in.')
    max_range_m: float = option(
        3.0, unit='m', low=0.1, high=20.0, help='Points farther from the camera are ignored.')
    noise_per_m2: float = option(
        0.0025, unit='m/m^2', low=0.0, high=0.05,
        help='Depth noise at 1 m; added to the tolerances, times the squared distance.')

    plane_tolerance_m: float = option(
        0.005, unit='m', low=0.0005, high=0.05,
        help='Points within this distance (plus noise) of a plane belong to it.')
    min_plane_share: float = option(
        0.08, low=0.01, high=1.0, help='Share of the points that a table has at least.')
    min_table_area_m2: float = option(
        0.05, unit='m^2', low=0.0, high=10.0, help='Visible area that a table has at least.')
    table_margin_m: float = option(
        0.03, unit='m', low=0.0, high=1.0,
        help='Points this far outside the outline of the table are still looked at.')
    table_inset_m: float = option(
        0.01, unit='m', low=0.0, high=1.0,
        help='At least half of a segment lies this far inside the outline of the table.')
    min_height_m: float = option(
        0.006, unit='m', low=0.0, high=0.2,
        help='Points lower than this (plus noise) above the table belong to the table.')
    max_height_m: float = option(
        0.6, unit='m', low=0.02, high=5.0, help='Points higher above the table are ignored.')

    link_distance_m: float = option(
        0.009, unit='m', low=0.001, high=0.2,
        help='Voxels closer than this belong together, unless a crease lies between them.')
    link_per_m: float = option(
        0.0075, unit='m/m', low=0.0, high=0.1,
        help='The same per metre from the camera, where pixels lie farther apart.')
    min_segment_points: int = option(
        60, low=1, help='Points that a segment has at least.')
    min_segment_size_m: float = option(
        0.02, unit='m', low=0.0, high=1.0, help='Longest extent that a segment has at least.')
    max_segment_size_m: float = option(
        0.6, unit='m', low=0.02, high=10.0, help='Longest extent that a segment may have.')

    split: bool = option(True, help='Split objects that touch where the surface is concave.')
    crease_radius_m: float = option(
        0.02, unit='m', low=0.005, high=0.2,
        help='Radius in which the surface is judged convex, flat or concave.')
    min_crease_deg: float = option(
        45.0, unit='deg', low=5.0, high=170.0,
        help='Concave bends sharper than this separate parts (0 = flat).')
    min_part_area_m2: float = option(
        0.005, unit='m^2', low=0.0, high=1.0,
        help='Visible area from which on a part may be an object of its own.')
    min_contact_m: float = option(
        0.08, unit='m', low=0.0, high=1.0,
        help='Parts off the table that meet along a shorter crease are one object.')
    min_step_m: float = option(
        0.02, unit='m', low=0.0, high=1.0,
        help='Parts lower than this are one with what rises from them.')
    ground_gap_m: float = option(
        0.015, unit='m', low=0.0, high=1.0,
        help='Parts that come this close (plus noise) to the table stand on it.')
    bridge_m: float = option(
        0.03, unit='m', low=0.0, high=0.5,
        help='Small pieces off the table belong to the part closer than this (0 = none).')
