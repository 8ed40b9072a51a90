"""Shared parts: compiled pieces of C, and the demo's model, which `make test` trains and exports beforehand."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import portalocker
import pytest
from fork_server import ForkServer, conversions_from, devices_from, run_forked
from kernel_library import KERNELS, KernelLibrary, kernel_sources
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.advice import BY_MAKE
from tinyproof.boards import BOARDS
from tinyproof.claim import OWNER
from tinyproof.export.conversion import process
from tinyproof.firmware.build import build
from tinyproof.host import ports
from tinyproof.host.device import Device
from tinyproof.host.pace import Patience
from tinyproof.host.validate import Plan, validate
from tinyproof.installing import MissingTools
from tinyproof.manifest import TFLITE_FILE, load_manifest, save_manifest
from tinyproof.toolchain import taken_compiler

ROOT = Path(__file__).parent.parent
FIRMWARE = ROOT / "firmware"
DEMO_MODEL = ROOT / "build" / "digits_small"
CC = taken_compiler(BOARDS["host"]).tool.argv  # a C compiler of this machine, or the one from PyPI
SANITIZERS = (
    f"-fsanitize={'address,undefined' if CC == ['cc'] else 'undefined'}",  # the one from PyPI has no library for more
    "-fno-sanitize-recover=all",
)
# Commands find our modules compiled from the second on, as a user's do: a third of what a short one takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for name in [name for name in os.environ if name.startswith(("MAKE", "MFLAGS"))]:
    del os.environ[name]  # a `make` that a test calls is not part of the one that runs the tests
os.environ.pop(OWNER, None)  # a run of its own in every test, not the `make` that runs them
os.environ[BY_MAKE] = "1"  # messages speak of make, as to most who read them; tests of the others take it away
CONVERSIONS = ForkServer("conversions", dict(os.environ))
COMMANDS = ForkServer("commands", dict(os.environ), CONVERSIONS.place)
# The last two: npm's registry may be out of reach where PyPI is not, and 0.9 GB are too much for some tests.
MAY_SKIP = ("TINYPROOF_DATA names no folder", "no copy of scipy's ascent here", " needs rp2040js: ", "needs frama-c: ")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wconversion")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """A test whose board has no compiler or no emulator on this machine is skipped."""
    return (yield from skipped_without_tools())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """As above."""
    return (yield from skipped_without_tools())


def skipped_without_tools():
    try:
        return (yield)
    except MissingTools as missing:
        pytest.skip(missing.message)


def pytest_sessionfinish(session):
    """Where every tool is to be there, as on the machine that checks each change, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    reasons = [str(report.longrepr[2]) for report in skipped]
    unstated = [reason for reason in reasons if not any(stated in reason for stated in MAY_SKIP)]
    if "TINYPROOF_NO_SKIPS" in os.environ and unstated:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("\nskipped where no test may be:", red=True)
        for report in skipped:
            reporter.write_line(f"{report.nodeid}: {report.longrepr[2]}")


def without_vendor(folder, board):
    """The C files of a folder for the vendor's tools that need none of the vendor's headers."""
    own = {Path(source).name for source in board.sources}
    return [path for path in sorted(folder.glob("*.c")) if path.name not in own]


@pytest.fixture
def bus(monkeypatch):
    """The ports of this computer: a list that a test changes while the code under test looks."""
    plugged: list[ListPortInfo] = []
    monkeypatch.setattr(ports.list_ports, "comports", lambda: list(plugged))
    return plugged


@pytest.fixture(scope="session")
def compile_shared(tmp_path_factory):
    """(name, C sources, include folders, more flags) -> the loaded shared library, with UndefinedBehaviorSanitizer.

    Built once for all the processes that run tests.
    """
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def compile_(name: str, sources: list[Path], includes: list[Path], *more: str) -> ctypes.CDLL:
        flags = [
            "-std=c11",
            "-O1",
            "-g",
            "-shared",
            "-fPIC",
            *WARNINGS,
            "-fsanitize=undefined",
            "-fno-sanitize-recover=all",
            *more,
        ]
        command = [*CC, *flags, *(f"-I{folder}" for folder in includes), *map(str, sources)]
        full_name = f"{name}_{hashlib.sha256(' '.join(command).encode()).hexdigest()[:12]}"
        library = folder / f"{full_name}.so"
        with portalocker.Lock(folder / f"{full_name}.lock", timeout=250):
            if not library.exists():
                made = own / f"{full_name}.so"
                subprocess.run([*command, "-o", str(made)], check=True)
                made.rename(library)
        return ctypes.CDLL(str(library))

    return compile_


@pytest.fixture(scope="session")
def kernels(compile_shared) -> KernelLibrary:
    """Every kernel of every core."""
    return KernelLibrary(compile_shared("kernels", kernel_sources(), KERNELS))


@pytest.fixture(scope="session", autouse=True)
def conversions():
    """On Linux conversions begin where TensorFlow is loaded, except those of `own_conversions`, and devices that are
    modules of ours where those are."""
    own = process.start
    conversions_from(CONVERSIONS.place, CONVERSIONS.begin)
    devices_from(COMMANDS.place, COMMANDS.begin)
    yield own
    COMMANDS.close()
    CONVERSIONS.close()


@pytest.fixture
def own_conversions(conversions, monkeypatch):
    """Conversions begin as in the tool."""
    monkeypatch.setattr(process, "start", conversions)


def tinyproof(
    *words: object, cwd: Path = ROOT, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The finished process of `tinyproof words...`, text captured; on Linux it begins where its modules are loaded."""
    COMMANDS.begin()
    if words[:1] in (("export",), ("quantize",)):
        CONVERSIONS.begin()
    return run_forked(COMMANDS.place, list(map(str, words)), cwd, {**os.environ, **environment}, timeout)


@pytest.fixture
def model(tmp_path) -> Path:
    """A copy of the demo's exported model folder that a test may change."""
    assert (DEMO_MODEL / "model.json").is_file(), "the demo's model is missing: run `make test`, or `make export` once"
    copy = tmp_path / DEMO_MODEL.name
    # The export alone: no firmware that was built from it, nothing that a validation left.
    built = ["expected.npz", "journal*", "report.json", *BOARDS]
    shutil.copytree(DEMO_MODEL, copy, ignore=shutil.ignore_patterns(*built))
    return copy


def first_on_path(folder: Path) -> str:
    """PYTHONPATH with which the modules in the folder run instead of ours; those of PYTHONPATH itself do not."""
    place = folder / "first"
    place.mkdir()
    (place / "sitecustomize.py").write_text(f"import sys; sys.path.insert(0, {str(folder)!r})")
    return str(place)


def become_another_model(model: Path) -> None:
    """The same network with another sha256, as if exported anew: what was built before is of another model then."""
    path = model / TFLITE_FILE
    path.write_bytes(path.read_bytes() + bytes(4))  # behind its end
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    save_manifest(model, replace(load_manifest(model), model_sha256=sha256))


@pytest.fixture
def command():
    """`tinyproof` above."""
    return tinyproof


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The demo's model with the firmware of the board `host`, what Python answers, and the hash of a clean run."""
    folder = tmp_path_factory.mktemp("built") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("journal*", "report.*", *BOARDS))
    build(folder, BOARDS["host"])
    return folder, validate(Plan(folder, BOARDS["host"])).run_sha256


@pytest.fixture
def built_model(built, tmp_path):
    """A copy of `built` that a test may change."""
    folder = tmp_path / built[0].name
    shutil.copytree(built[0], folder, ignore=shutil.ignore_patterns("journal*"))
    return folder


@pytest.fixture
def clean_sha256(built):
    """The hash of a clean run of `built_model`."""
    return built[1]


@pytest.fixture
def soon_silent(monkeypatch):
    """A device that does not answer is taken for lost after one second, not 25."""
    monkeypatch.setattr(
        "tinyproof.host.connection.Device", lambda transport: Device(transport, Patience(silence_s=1.0))
    )


@pytest.fixture
def in_root(monkeypatch):
    """The test runs in the project's root."""
    monkeypatch.chdir(ROOT)
