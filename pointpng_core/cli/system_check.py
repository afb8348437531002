"""`python -m pointpng_core.cli.system_check`: 0 when the system has what the wheels load.

With `--apt-packages`, prints the missing packages' names only, for scripts.
"""

import sys

from pointpng_core.cli.output import say
from pointpng_core.io.system_libraries import APT_PACKAGES, explain_missing, missing_libraries


def main(arguments: list[str]) -> int:
    """Print what is missing and return the exit code."""
    if arguments == ['--apt-packages']:
        say(' '.join(APT_PACKAGES[name] for name in missing_libraries() if name in APT_PACKAGES))
        return 0
    message = explain_missing()
    if message:
        say(f'pointpng: error: {message}', error=True)
    return 1 if message else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
