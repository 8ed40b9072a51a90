"""The common floor: what several storeys need, and nothing of what they do. Imports no storey.

The storeys are packages in here; each imports those after it: `training`, `host`, `firmware`, `export`, this floor.
"""

from pathlib import Path

# In the repository the storeys lie beside this folder, in an installed copy within it.
_repository = Path(__file__).parent.parent
if (_repository / "pyproject.toml").is_file():
    __path__.append(str(_repository))
