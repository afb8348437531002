"""Datasets in the BOP layout: https://bop.felk.cvut.cz.

    dataset     a dataset's objects, and the frames of a split
    frames      one frame: camera, images, true poses
    scenes      the JSON files of a scene
    objects     meshes and models_info.json
    symmetries  symmetries of an object
    targets     which objects the BOP19 evaluation asks for
    results     the CSV file that the BOP toolkit judges
    writer      writes datasets
    layout      names of folders, files and JSON keys, for writers too
    json_files, images, poses    what the others share

Everything is in metres here and in millimetres on disk. What cannot be read raises FileError.
"""

from pointpng_core.io.bop.dataset import BopDataset
from pointpng_core.io.bop.frames import BopFrame, BopInstance
from pointpng_core.io.bop.objects import BopObject
from pointpng_core.io.bop.results import BopResult, read_results, results_name, write_results
from pointpng_core.io.bop.symmetries import BopSymmetries
from pointpng_core.io.bop.targets import BopTarget

__all__ = ['BopDataset', 'BopFrame', 'BopInstance', 'BopObject', 'BopResult', 'BopSymmetries',
           'BopTarget', 'read_results', 'results_name', 'write_results']
