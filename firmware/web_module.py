"""A model as a WebAssembly module: the compiled engine with plain kernels and those with vectors, one call an op.

So the output of every op can be seen, dead channels among them.

The compiler is the one from PyPI. The module imports nothing; `firmware/web/module.c` is what it exports.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tinyproof import advice
from tinyproof.compilers import ZIG, ZIG_WASM_C
from tinyproof.console import UserError
from tinyproof.cores import WEB
from tinyproof.export import c_text
from tinyproof.export.emit_model import emit_model_c, emit_model_h, segments
from tinyproof.export.lower import lower
from tinyproof.export.program import Program
from tinyproof.export.tflite_reader import read_graph
from tinyproof.firmware.build import FIRMWARE, kernel_folders, require_own_sources
from tinyproof.installing import MissingTools
from tinyproof.manifest import C_FOLDER, TFLITE_FILE, load_manifest
from tinyproof.toolchain import works

SHARED = ("golden_vectors.c", "model_settings.c")  # of the export, for every core alike
CORE = ("sha256.c", "self_test.c")


@dataclass(frozen=True, eq=False)
class WebModule:
    """The module, the program it runs, and the SHA-256 over the constants that it computes with."""

    wasm: bytes
    program: Program
    constants_sha256: str


def build_web_module(model: Path) -> WebModule:
    """Compile the model exported to the folder `model`.

    UserError where it was not exported here or the compiled engine does not run it; MissingTools without the compiler.
    """
    manifest = load_manifest(model)
    if manifest.compiled_refusal:
        raise UserError(manifest.compiled_refusal)
    require_own_sources(model)
    if not works(ZIG_WASM_C):
        tools = advice.command("tools", board="unicorn")
        raise MissingTools(f"a page needs {ZIG.command}: run `pip install {ZIG.module}`, or `{tools}`")
    content = (model / TFLITE_FILE).read_bytes()
    program = lower(read_graph(content, str(model / TFLITE_FILE)), keep_dead=True).call_by_call(WEB)
    origin = c_text.provenance(manifest.model_sha256, manifest.tool)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "model.c").write_text(emit_model_c(program, origin), encoding="utf-8")
        (scratch / "model.h").write_text(emit_model_h(program, origin), encoding="utf-8")
        _compile(model, scratch, tensor_bytes(program))
        wasm = (scratch / "module.wasm").read_bytes()
    constants = b"".join(table.flash_bytes for _, table in segments(program))
    return WebModule(wasm, program, hashlib.sha256(constants).hexdigest())


def tensor_bytes(program: Program) -> int:
    """Bytes of all that the watcher of an inference sees: the inputs and every tensor that is whole."""
    return sum(x.size for x in program.inputs) + sum(step.y.size for step in program.steps if step.finishes_y)


def _compile(model: Path, scratch: Path, kept_bytes: int) -> None:
    generated = model / C_FOLDER
    includes = [
        *(scratch, generated, FIRMWARE / "core", FIRMWARE / "engine", FIRMWARE / ZIG_WASM_C.headers),
        *kernel_folders(WEB),
    ]
    sources = [
        scratch / "model.c",
        FIRMWARE / "web" / "module.c",
        FIRMWARE / "engine" / "compiled" / "engine.c",
        *(FIRMWARE / "core" / name for name in CORE),
        *(generated / name for name in SHARED),
        *sorted(path for folder in kernel_folders(WEB) for path in folder.glob("*.c")),
    ]
    command = [
        *(*ZIG_WASM_C.tool.argv, *ZIG_WASM_C.flags, f"-DMODEL_TENSOR_BYTES={kept_bytes}"),
        *(f"-I{folder}" for folder in includes),
        *map(str, sources),
        *("-o", str(scratch / "module.wasm")),
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise UserError(f"{ZIG_WASM_C.tool.command} failed for the page:\n{result.stderr.strip()[-3000:]}")
