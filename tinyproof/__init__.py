"""The common floor: what training, host, firmware and export share, and nothing of what they do.

Errors and terminal, options of command lines, HTML pages, the protocol, the table of boards and compilers, and the
files that pass between stages. The storeys are packages in here; imports run one way, from each only to those on its
right: `training` -> `host` -> `firmware` -> `export` -> the floor.
"""

from pathlib import Path

# In the repository the storeys lie beside this folder, in an installed copy within it.
_repository = Path(__file__).parent.parent
if (_repository / "pyproject.toml").is_file():
    __path__.append(str(_repository))
