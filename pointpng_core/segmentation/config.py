"""Options of the segmentation, with their units."""

from dataclasses import dataclass

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig(Config):
    """Thresholds for the table, the objects on it, and the splitting of objects that touch.

    There is a trade-off between splitting objects that touch and keeping a concave object whole:
    raise `min_crease_deg`, `min_part_area_m2` and `min_contact_m` to split less, lower them to
    split more. Gaps are detected when they are wider than about 1.5 `link_distance_m`; a smaller
    value with smaller voxels detects narrower gaps and takes more time.

    The options of bends and jumps are those of cuts in the image of an organised cloud: of what no
    pose explains, or with `method` 'image' of everything.
    """

    voxel_size_m: float = option(
        0.006, unit='m', low=0.001, high=0.05,
        help='Edge length of the voxels for the points above the table.')
    max_range_m: float = option(
        3.0, unit='m', low=0.1, high=20.0, help='Points farther from the camera are ignored.')
    noise_sigmas: float = option(
        1.2, low=0.0, high=20.0,
        help='Standard deviations of the depth noise that are added to the tolerances.')

    plane_tolerance_m: float = option(
        0.005, unit='m', low=0.0005, high=0.05,
        help='Points within this distance (plus noise) of a plane belong to it.')
    min_plane_share: float = option(
        0.08, low=0.01, high=1.0,
        help='Least share of the points that lie on a support, or of those on no larger plane.')
    min_table_area_m2: float = option(
        0.03, unit='m^2', low=0.0, high=10.0, help='Least visible area of a support.')
    table_margin_m: float = option(
        0.03, unit='m', low=0.0, high=1.0,
        help='Points this far outside the outline of the table are still used.')
    table_inset_m: float = option(
        0.01, unit='m', low=0.0, high=1.0,
        help='At least half of a segment must lie this far inside the outline of the table.')
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
    method: str = option(
        'voxels', choices=('voxels', 'image'),
        help='How organised clouds are cut first: voxels keeps objects whole that stand apart, '
             'and only what no pose explains is then cut in the image; image cuts everything '
             'between pixels, and may cut off thin parts such as handles. Other clouds are always '
             'cut by voxels.')
    bend_span_rad: float = option(
        0.007, unit='rad', low=0.0005, high=0.1,
        help='Organised clouds: distance on either side over which a bend is measured, as an '
             'angle of view: 4 pixels of a camera with a focal length of 575, fewer with a '
             'shorter one. Longer ones than 600 count as 600: such images were scaled up.')
    min_bend_m: float = option(
        0.0025, unit='m', low=0.0, high=0.1,
        help='Organised clouds: concave bends deeper than this (plus noise) separate parts.')
    bend_sigmas: float = option(
        2.4, low=0.0, high=20.0,
        help='Standard deviations of the smoothed depth noise that are added to it.')
    jump_m: float = option(
        0.008, unit='m', low=0.0, high=0.5,
        help='Organised clouds: jumps in depth between neighbouring pixels that separate parts; '
             'it grows with the distance beyond 0.6 m.')
    min_segment_points: int = option(
        60, low=1, help='Least number of points of a segment.')
    min_segment_size_m: float = option(
        0.02, unit='m', low=0.0, high=1.0, help='Smallest allowed longest extent of a segment.')
    max_segment_size_m: float = option(
        0.6, unit='m', low=0.02, high=10.0, help='Largest allowed longest extent of a segment.')

    split: bool = option(
        True, help='Split objects that touch where the surface is concave; and cut in the image '
                   'what no pose explains.')
    crease_radius_m: float = option(
        0.02, unit='m', low=0.005, high=0.2,
        help='Radius in which the surface is classified as convex, flat or concave.')
    min_crease_deg: float = option(
        45.0, unit='deg', low=5.0, high=170.0,
        help='Concave bends sharper than this separate parts (0 = flat).')
    min_part_area_m2: float = option(
        0.005, unit='m^2', low=0.0, high=1.0,
        help='Least visible area of a part that may be an object of its own.')
    min_contact_m: float = option(
        0.08, unit='m', low=0.0, high=1.0,
        help='Parts off the table that meet along a shorter crease are one object.')
    min_step_m: float = option(
        0.02, unit='m', low=0.0, high=1.0,
        help='Parts lower than this belong to the part that rises from them.')
    ground_gap_m: float = option(
        0.015, unit='m', low=0.0, high=1.0,
        help='Parts that come this close (plus noise) to the table stand on it.')
    bridge_m: float = option(
        0.03, unit='m', low=0.0, high=0.5,
        help='Small pieces off the table belong to the nearest part closer than this (0 = none).')
