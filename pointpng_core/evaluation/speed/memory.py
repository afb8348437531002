"""How much memory a process really holds."""

import os
from pathlib import Path


def resident_mb(pid: int | str = 'self') -> float:
    """Return the resident memory of a process in MB (10^6 bytes).

    Raises OSError when it is gone, or where there is no /proc.
    """
    pages = int(Path(f'/proc/{pid}/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6
