"""The table of boards: every fact about a board that the build, the budget, the host and the docs need.

A board is a folder of sources, a compiler and a way to run. Adding one means adding an entry here and a folder under
firmware/boards/ that implements board.h.
"""

from __future__ import annotations

from dataclasses import dataclass

from host.console import UserError

KIB = 1024


@dataclass(frozen=True)
class Tool:
    """A program the project runs but does not contain; `packages` are its names in Debian and Ubuntu."""

    command: str
    packages: tuple[str, ...]
    elsewhere: str  # what to install on other systems


@dataclass(frozen=True)
class Compiler:
    """A C compiler with the flags that its targets share."""

    tool: Tool
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Budget:
    """Memory a firmware image may use; `of` names the chip whose limits these are."""

    of: str
    flash_bytes: int
    ram_bytes: int


@dataclass(frozen=True)
class Board:
    """One board. `run` starts it on this machine, with {firmware}, {model} and {python} filled in; standard input and
    output are its serial line. It is empty where the firmware runs on a chip.
    """

    name: str
    title: str
    engine: str
    sources: tuple[str, ...] = ()  # below firmware/boards/
    compiler: Compiler | None = None
    link_flags: tuple[str, ...] = ()  # {folder} is the folder of the first source
    defines: tuple[str, ...] = ()
    budget: Budget | None = None
    emulator: Tool | None = None
    run: tuple[str, ...] = ()


WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wconversion")

HOST_C = Compiler(
    Tool("cc", ("gcc", "libc6-dev"), "a C compiler (gcc or clang)"),
    ("-std=c11", "-O2", "-g", *WARNINGS),
)

# The same sources with every access and every arithmetic step checked at run time.
HOST_C_CHECKED = Compiler(HOST_C.tool, (*HOST_C.flags, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"))

BARE_METAL_FLAGS = (
    *("-std=c11", "-O2", "-g", *WARNINGS),
    *("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"),
    *("-ffp-contract=off", "-nostartfiles"),
)

CORTEX_M4F_C = Compiler(
    Tool(
        "arm-none-eabi-gcc",
        ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
        "the Arm GNU toolchain for arm-none-eabi (Homebrew: `brew install --cask gcc-arm-embedded`)",
    ),
    (
        *("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "--specs=nano.specs"),
        *BARE_METAL_FLAGS,
    ),
)

RV32IMC_C = Compiler(
    Tool(
        "riscv64-unknown-elf-gcc",
        ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"),
        "a RISC-V GNU toolchain with picolibc",
    ),
    (
        *("-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32", "--specs=picolibc.specs"),
        *BARE_METAL_FLAGS,
    ),
)

LX106_C = Compiler(
    Tool(
        "xtensa-lx106-elf-gcc",
        ("gcc-xtensa-lx106", "picolibc-xtensa-lx106-elf"),
        "a GNU toolchain for Xtensa LX106 with picolibc",
    ),
    ("--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs", "-mlongcalls", *BARE_METAL_FLAGS),
)

QEMU_ARM = Tool("qemu-system-arm", ("qemu-system-arm",), "QEMU (Homebrew: `brew install qemu`)")
QEMU_XTENSA = Tool("qemu-system-xtensa", ("qemu-system-misc",), "QEMU (Homebrew: `brew install qemu`)")
QEMU_RISCV32 = Tool("qemu-system-riscv32", ("qemu-system-misc",), "QEMU (Homebrew: `brew install qemu`)")

ESP32_C3 = Budget("ESP32-C3", flash_bytes=4096 * KIB, ram_bytes=320 * KIB)
NANO_33_BLE_SENSE = Budget("Arduino Nano 33 BLE Sense", flash_bytes=983_040, ram_bytes=256 * KIB)

STACK_BYTES = 8 * KIB
BARE_METAL_LINK_FLAGS = (f"-Wl,--defsym=STACK_BYTES={STACK_BYTES}", "-T{folder}/memory.ld")
QEMU_FLAGS = ("-display", "none", "-monitor", "none", "-kernel", "{firmware}")


def _qemu_arm(name: str, title: str, link: str, *arguments: str) -> Board:
    return Board(
        name=name,
        title=title,
        engine="compiled",
        sources=("qemu/board.c", "qemu/startup.c", f"qemu/{link}"),
        compiler=CORTEX_M4F_C,
        link_flags=BARE_METAL_LINK_FLAGS,
        defines=(f'BOARD_NAME="{name}"', f"STACK_BYTES={STACK_BYTES}"),
        budget=NANO_33_BLE_SENSE,
        emulator=QEMU_ARM,
        run=(
            *("qemu-system-arm", "-M", "mps2-an386", *QEMU_FLAGS),
            *("-icount", "shift=6"),  # one instruction is 64 ns of emulated time: boards/qemu/board.c counts with that
            *("-semihosting-config", "enable=on,target=native"),
            *arguments,
        ),
    )


BOARDS = {
    board.name: board
    for board in (
        _qemu_arm(
            "qemu", "emulated Cortex-M4F, serial line over the debug channel", "link_semihosting.c", "-serial", "none"
        ),
        _qemu_arm("qemu-uart", "emulated Cortex-M4F, serial line over its UART", "link_uart.c", "-serial", "stdio"),
        Board(
            name="qemu-riscv32",
            title="emulated RV32IMC, the instruction set of the ESP32-C3",
            engine="compiled",
            sources=("qemu_riscv32/board.c",),
            compiler=RV32IMC_C,
            link_flags=BARE_METAL_LINK_FLAGS,
            defines=(
                *('BOARD_NAME="qemu-riscv32"', f"STACK_BYTES={STACK_BYTES}"),
                *("UART_16550_BASE=0x10000000u", "UART_16550_STRIDE=1u"),
            ),
            budget=ESP32_C3,
            emulator=QEMU_RISCV32,
            run=(
                *("qemu-system-riscv32", "-M", "virt", "-cpu", "lowrisc-ibex", "-bios", "none", *QEMU_FLAGS),
                *("-icount", "shift=0", "-serial", "stdio"),
            ),
        ),
        Board(
            name="qemu-xtensa",
            title="emulated Xtensa LX106, a relative of the ESP32's core",
            engine="compiled",
            sources=("qemu_xtensa/board.c", "qemu_xtensa/muldi3.c"),
            compiler=LX106_C,
            link_flags=BARE_METAL_LINK_FLAGS,
            defines=(
                *('BOARD_NAME="qemu-xtensa"', f"STACK_BYTES={STACK_BYTES}"),
                *("UART_16550_BASE=0x9D050020u", "UART_16550_STRIDE=4u"),
            ),
            emulator=QEMU_XTENSA,
            run=(
                *("qemu-system-xtensa", "-M", "lx60-nommu", "-cpu", "lx106", "-semihosting", *QEMU_FLAGS),
                *("-icount", "shift=6", "-serial", "stdio"),
            ),
        ),
        Board(
            name="host",
            title="the firmware as a process on this computer",
            engine="compiled",
            sources=("host/board.c",),
            compiler=HOST_C,
            defines=('BOARD_NAME="host"',),
            run=("{firmware}",),
        ),
        Board(
            name="host-checked",
            title="the same under AddressSanitizer and UndefinedBehaviorSanitizer",
            engine="compiled",
            sources=("host/board.c",),
            compiler=HOST_C_CHECKED,
            defines=('BOARD_NAME="host-checked"',),
            run=("{firmware}",),
        ),
        Board(
            name="interpreter",
            title="no firmware: Python's interpreter speaks the protocol",
            engine="interpreter",
            run=("{python}", "-m", "host.interpreter_device", "{model}"),
        ),
    )
}


def find_board(name: str) -> Board:
    """The board of that name. Raises UserError naming the known ones."""
    if name not in BOARDS:
        raise UserError(f"unknown board {name!r}; known: {', '.join(BOARDS)}")
    return BOARDS[name]
