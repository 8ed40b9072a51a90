"""The processor cores that the compiled engine has kernels for. A board has one of them; the export chooses for it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Core:
    """One kind of core. Its generated C lies in a folder of this name.

    `kernels` are the folders below firmware/kernels with what it has beside the plain kernels. `prices` names the core
    whose counted cycles stand for it where the export compares kernels; without them the first one that fits is taken,
    and no layer is computed in bands. `unit`: or instructions, where nobody models cycles.
    """

    name: str
    title: str
    kernels: tuple[str, ...]
    prices: str
    unit: str = "cycles"


CORTEX_M4F = Core("cortex-m4f", "Cortex-M4F and its kin: two 16-bit multiplications at a time", ("dsp",), "cortex-m4f")
PORTABLE = Core("portable", "any 32-bit core, in plain C", ("dsp",), "cortex-m4f")
CORTEX_M0PLUS = Core(
    "cortex-m0plus",
    "Cortex-M0 and M0+: products of 32 bits, few registers",
    ("dsp", "planes", "halves"),
    "cortex-m0plus",
    unit="instructions",
)
RV32IMC = Core(
    "rv32imc",
    "RV32IMC, as in the ESP32-C3: products one at a time",
    ("dsp", "planes", "fours"),
    "rv32imc",
    unit="instructions",
)
CORTEX_M55 = Core(
    "cortex-m55",
    "Cortex-M55: sixteen 8-bit multiplications at a time",
    ("dsp", "helium"),
    "cortex-m55",
    unit="instructions",
)
SIMD = Core("simd", "computers and browsers: the vectors of their processors", ("dsp", "simd"), prices="")
WEB = replace(SIMD, name="web", kernels=("simd",))  # whose calls are the ops one by one
PLAIN = Core("plain", "the plain kernels alone, which the others are held against", (), "cortex-m4f")

CORES = {core.name: core for core in (CORTEX_M4F, PORTABLE, CORTEX_M55, CORTEX_M0PLUS, RV32IMC, SIMD)}
