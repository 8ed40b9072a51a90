"""`python -m tinyproof.host.proof.checker folder`: exit status 0 proved, 1 partly, 2 refused."""

from __future__ import annotations

import sys
from pathlib import Path

from .findings import Refused
from .folder import check_folder

if __name__ == "__main__":
    try:
        verdict = check_folder(Path(sys.argv[1]))
    except Refused as refusal:
        print(f"Refused: {refusal}", file=sys.stderr)
        sys.exit(2)
    print(verdict.line)
    sys.exit(0 if verdict.proved else 1)
