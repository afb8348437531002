"""The limits of what is read from outside, in one place: nothing larger is unpacked or allocated.

Declared sizes are compared with them before anything is unpacked, and what is unpacked is counted,
since a file may declare what it likes. The limits of YAML are in `pointpng_core.config`.
"""

MIB, GIB = 1 << 20, 1 << 30

MAX_MESSAGE_POINTS = 8_000_000
"""Points of a PointCloud2 and pixels of an Image, unless the parameter `max_points` says else."""
MAX_MESSAGE_BYTES = 512 * MIB
"""A message of a bag and a chunk of messages, unpacked: 8 million points of 64 bytes."""
MAX_BAG_FILE_BYTES = 64 * GIB
"""A bag file that was compressed as a whole, unpacked into a temporary file."""
MAX_BAG_MESSAGES = 50_000_000
"""Messages of a bag whose times are listed before they are read: 8 bytes each, twice."""
MAX_BAG_TOPICS = 10_000
MAX_METADATA_BYTES = 4 * MIB
"""metadata.yaml of a bag; one of 10,000 topics has 3 MB."""

MAX_MODEL_BYTES = 2 * GIB
"""A mesh or a cloud in ply, stl or pcd; they take up to 13 times as much memory."""
MAX_TEXT_MODEL_BYTES = 512 * MIB
"""A mesh in obj or off, of up to 10 million triangles."""
MAX_PCD_POINTS, MAX_PCD_FIELDS = 100_000_000, 1000
"""What a PCD file may declare."""

MAX_PIXELS = 1 << 26
"""Pixels of an image file."""
MAX_PIXELS_A_BYTE, FREE_PIXELS = 8300, 1 << 22
"""Beyond the first 4 million pixels: deflate packs 1032 bytes into one, of eight pixels each."""
MAX_JSON_BYTES = 256 * MIB
"""The largest scene_gt.json of the BOP page, of 17,000 images, has 60 MB."""
MAX_JSON_VALUES = 20_000_000
"""Values of a JSON file: small ones take thirty times their bytes in memory."""
MAX_RESULTS_BYTES = 256 * MIB
"""A CSV file of BOP results; one of 50,000 poses has 10 MB."""
MAX_LIST_BYTES = MIB
"""Text files that list names, such as shape_names.txt beside a data set."""

MAX_ARRAY_BYTES = 8 * GIB
"""Arrays of one .npz or HDF5 file together, unpacked."""
MAX_ARRAY_RATIO, FREE_ARRAY_BYTES = 100, 256 * MIB
"""Beyond the first 256 MB, arrays may not grow more than a hundredfold when they are unpacked:
those of points shrink by two to ten."""
MAX_MEMBERS = 1_000_000
"""Arrays in an .npz file: two for each mesh."""


def allowed_array_bytes(stored_bytes: int) -> int:
    """Return the bytes that the arrays of a file of this size may have when they are unpacked."""
    return min(MAX_ARRAY_BYTES, max(FREE_ARRAY_BYTES, MAX_ARRAY_RATIO * stored_bytes))
