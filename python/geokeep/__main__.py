"""``python -m geokeep``: the program itself, with all its commands."""

import os
import subprocess
import sys

from ._command import environment, find
from ._errors import GeokeepError


def main() -> int:
    """Becomes the program, or waits for it where a process cannot become another one."""
    try:
        command = [str(find()), *sys.argv[1:]]
    except GeokeepError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if os.name == "nt":
        return subprocess.run(command, env=environment(), check=False).returncode
    os.execve(command[0], command, environment())


if __name__ == "__main__":
    sys.exit(main())
