"""The C compilers and emulators that boards are built with and run in: what they are called and what is passed to them.

Whether they are there is `toolchain.py`'s concern.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinyproof.environment import run_module


@dataclass(frozen=True)
class Tool:
    """A program the project runs but does not contain; `packages` are its names in Debian and Ubuntu.

    One with a `module` is a Python package instead, of this project's extra `portable`: no root, any operating system.
    Where that is a `program` in its folder, it begins without a Python before it, which takes as long as a small file.
    One that `runs_in_node` is a package of npm's registry (node_packages.py), for which the same holds.
    """

    command: str
    packages: tuple[str, ...] = ()
    elsewhere: str = ""  # what to install on other systems
    module: str = ""
    program: str = ""
    runs_in_node: bool = False

    @property
    def argv(self) -> list[str]:
        """The words that start it."""
        if not self.module:
            return [self.command]
        program = _program_of(self.module, self.program) if self.program else None
        return [*([program] if program else run_module(self.module)), *self.command.split()[1:]]


@cache
def _program_of(module: str, program: str) -> str | None:
    found = importlib.util.find_spec(module)
    return shutil.which(program, path=str(Path(found.origin).parent)) if found and found.origin else None


@dataclass(frozen=True)
class Compiler:
    """A C compiler with the flags that its targets share; `headers` is a folder below firmware/ with what it lacks."""

    tool: Tool
    flags: tuple[str, ...]
    headers: str = ""


WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wconversion")

HOST_C = Compiler(
    Tool("cc", ("gcc", "g++", "libc6-dev"), "a C compiler (gcc or clang)"),
    ("-std=c11", "-O2", "-g", *WARNINGS),
)

# The same sources with every access and every arithmetic step checked at run time, which takes libraries that the
# compiler from PyPI does not have.
HOST_C_CHECKED = Compiler(HOST_C.tool, (*HOST_C.flags, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"))

BARE_METAL_FLAGS = (
    *("-std=c11", "-O2", "-g", *WARNINGS),
    *("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"),
    "-ffp-contract=off",
    # What some toolchains do unasked: a table of addresses that nobody fills, and a call of a C library's alarm.
    *("-fno-pic", "-fno-stack-protector"),
)

ARM_GCC = Tool(
    "arm-none-eabi-gcc",
    ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
    "the Arm GNU toolchain for arm-none-eabi (Homebrew: `brew install --cask gcc-arm-embedded`)",
)


def _arm_gcc(cpu: str, fpu: str) -> Compiler:
    core = (f"-mcpu={cpu}", "-mthumb", f"-mfpu={fpu}", "-mfloat-abi=hard")
    return Compiler(ARM_GCC, (*core, "--specs=nano.specs", "-nostartfiles", *BARE_METAL_FLAGS))


CORTEX_M4F_C = _arm_gcc("cortex-m4", "fpv4-sp-d16")
CORTEX_M33_C = _arm_gcc("cortex-m33", "fpv5-sp-d16")
CORTEX_M7_C = _arm_gcc("cortex-m7", "fpv5-d16")
CORTEX_M55_C = _arm_gcc("cortex-m55", "auto")
CORTEX_M0PLUS_C = Compiler(
    ARM_GCC,
    ("-mcpu=cortex-m0plus", "-mthumb", "--specs=nano.specs", "-nostartfiles", *BARE_METAL_FLAGS),
)

RV32IMC_C = Compiler(
    Tool(
        "riscv64-unknown-elf-gcc",
        ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"),
        "a RISC-V GNU toolchain with picolibc",
    ),
    (
        *("-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32", "--specs=picolibc.specs", "-nostartfiles"),
        *BARE_METAL_FLAGS,
    ),
)

LX106_C = Compiler(
    Tool(
        "xtensa-lx106-elf-gcc",
        ("gcc-xtensa-lx106", "picolibc-xtensa-lx106-elf"),
        "a GNU toolchain for Xtensa LX106 with picolibc",
    ),
    ("--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs", "-mlongcalls", "-nostartfiles", *BARE_METAL_FLAGS),
)

ZIG = Tool("ziglang cc", module="ziglang", program="zig")


def _zig_arm(cpu: str) -> Compiler:
    core = ("-target", "thumb-freestanding-eabihf", f"-mcpu={cpu}", "-Wl,-e,reset")
    return Compiler(ZIG, (*core, *BARE_METAL_FLAGS), headers="freestanding")


ZIG_CORTEX_M4F_C = _zig_arm("cortex_m4+vfp4d16sp")
ZIG_CORTEX_M33_C = _zig_arm("cortex_m33+dsp")
ZIG_CORTEX_M7_C = _zig_arm("cortex_m7+fp_armv8d16")
ZIG_CORTEX_M55_C = _zig_arm("cortex_m55+mve")
ZIG_CORTEX_M0PLUS_C = Compiler(
    ZIG,
    (
        *("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0plus", "-Wl,-e,reset", "-fomit-frame-pointer"),
        *BARE_METAL_FLAGS,
    ),
    headers="freestanding",
)
ZIG_RV32IMC_C = Compiler(
    ZIG,
    ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c", "-Wl,-e,reset", *BARE_METAL_FLAGS),
    headers="freestanding",
)
# Of Linux for any glibc since 2012, which is linked as it runs: zig has the names that are in it, and nothing to
# compile but a few files. Its headers are the newest. Not for the CPU of this computer alone.
ZIG_GLIBC = ("-target", f"{platform.machine()}-linux-gnu.2.17") if sys.platform == "linux" else ()
ZIG_HOST_C = Compiler(ZIG, (*ZIG_GLIBC, "-mcpu=baseline", *HOST_C.flags))
ZIG_LIBRARY = Compiler(ZIG, ("-std=c11", "-O2", "-shared", "-fPIC", *WARNINGS))
# For browsers. A copy is an instruction of theirs, and no function of a C library.
ZIG_WASM_C = Compiler(
    ZIG,
    (
        *("-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory+simd128", "-std=c11", "-O3", *WARNINGS),
        *("-Dmemcpy=__builtin_memcpy", "-Dmemset=__builtin_memset", "-Dmemmove=__builtin_memmove"),
        *("-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all"),
    ),
    headers="freestanding",
)

CHROMIUM = Tool("chromium", ("chromium",), "Chromium")  # shows pages in tests, and for the pictures of the docs
UNICORN = Tool("unicorn", module="unicorn")
RP2040JS = Tool("rp2040js", runs_in_node=True)
QEMU_ARM = Tool("qemu-system-arm", ("qemu-system-arm",), "QEMU (Homebrew: `brew install qemu`)")
QEMU_XTENSA = Tool("qemu-system-xtensa", ("qemu-system-misc",), "QEMU (Homebrew: `brew install qemu`)")
QEMU_RISCV32 = Tool("qemu-system-riscv32", ("qemu-system-misc",), "QEMU (Homebrew: `brew install qemu`)")
