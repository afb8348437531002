"""Scenes of objects dropped by physics: on tables, in bins, on shelves, with their ground truth.

    objects        what is dropped: meshes with their convex parts
    convex_parts   the convex parts of a mesh, cached; coacd_process makes them
    scenery        the boxes that do not move: tables, bins, shelves
    kinds          the five kinds of scenes: what is dropped where, and from where it is seen
    physics        rigid bodies that fall until they rest (MuJoCo)
    cameras        camera poses
    rendering      depth images, masks of all objects and shares that are visible
    scenes         all of it together: numbered frames that depend on the seed alone
    dataset        scenes written in the BOP layout; overview draws them

MuJoCo and coacd come with the extra `sim` and are imported only where they are used.
"""
