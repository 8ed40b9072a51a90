"""`make prove-kernels`: for small layers of every kernel, that its C does nothing undefined, whatever the input.

    python tests/prove_kernels.py                                 every kernel
    python tests/prove_kernels.py --count 20 conv2d_packed        up to 20 calls of one

Frama-C's Eva runs the C on sets of values: every byte of an input and of scratch may be any byte, parameters and tables
are those of a call that the export makes (kernel_cases.py), the output is uninitialized, and each array is as large as
the call may touch. Eva follows every path and reports each operation that it cannot show to be defined: an access
outside these arrays, a write to an input or a table, a read of what nobody wrote, an overflow, a shift out of range, a
division by zero, pointers that may not be compared. When the call ends every byte of the output has to be written.

Exit status 0 where all is shown but what is left to others by name, 1 where more is not shown, 2 without Frama-C.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from kernel_cases import KernelCall, calls_of
from kernel_library import KERNELS as FOLDERS
from kernel_library import kernel_sources

from tinyproof.export.constants import Constants, operand_name
from tinyproof.export.emit_model import constant_parts
from tinyproof.export.layout import Place
from tinyproof.export.ops import KERNELS

FRAMA_C = "frama-c"
PACKAGE = "frama-c-base"  # 0.9 GB with what it needs, so that no test asks for it
# What Frama-C does not know. It knows no alignment of tables, and shows nothing about it.
PRELUDE_FILE = "prelude.h"
PRELUDE = """#include <string.h>
#include <stdint.h>
#define SIMD_PLAIN
#define MODULAR int64_t
#define _Alignas(bytes)
#define __builtin_assume_aligned(pointer, bytes) (pointer)
#define __builtin_memcpy memcpy
#define __builtin_memset memset
"""
# Loops are followed step by step; where a path forks on an input it is joined again at once. That a pointer outlives
# what it points to is no fault by itself: using it would be reported.
EVA = (
    *("-eva-min-loop-unroll", "1000"),
    *("-eva-plevel", "100000"),
    *("-eva-warn-key", "locals-escaping=inactive"),
)
CALLS = 3  # of a kernel
NOT_DONE = "Eva was not done"
SECONDS = 900  # for the calls of a kernel

# What Eva cannot show, for it keeps no relation between two values: of a kernel the reports with some of these
# words, and what holds instead.
RELATIONS = "tests under sanitizers hold what follows from a largest class or from Newton's method"
LEFT_TO_OTHERS = {
    "softmax": (("valid_read(p->exp + d)", "signed overflow"), RELATIONS),
    "log_softmax": (("valid_read(p->exp + d)", "signed overflow"), RELATIONS),
    "l2_normalization": (("signed overflow",), RELATIONS),
    "conv2d_halves": (
        ("acc + channel->bias",),
        "certificates show, model by model, that the sum of the first of two filters fits 32 bits with its bias",
    ),
}


@dataclass(frozen=True)
class Finding:
    """What is known of some calls of a kernel: reports, as "file:line: what", that leave something open, and those that
    are left to others, with what holds instead.
    """

    open: tuple[str, ...]
    left: Mapping[str, str]
    seconds: float  # of a processor


def harness(call: KernelCall, name: str) -> str:
    """C with a function `name` that makes the call on memory of its own."""
    step, constants = call.step, Constants(call.program)
    arguments, outside = ["y"], []
    for k, buffer in enumerate(step.buffers[1:], 1):
        if buffer.place is Place.CONSTANT:
            arguments.append(operand_name(buffer.offset))
        else:  # what nobody defines may hold anything
            kind = "const int8_t" if k <= len(step.xs) else "int8_t"
            arguments.append(f"{name}_memory_{k}")
            outside.append(f"extern {kind} {arguments[-1]}[{buffer.size_bytes}];\n")
    size = step.buffers[0].size_bytes
    alone = [each for each in call.program.steps if each.y is step.y] == [step]  # else others write the rest of y
    claim = f"\\initialized(y + (0 .. {size - 1}))" if alone else "\\true"
    function = f"""void {name}(void) {{
    int8_t y[{size}];
    {step.kernel.name}_s8({", ".join(arguments)}, &{constants.structs[step.name]});
    //@ assert returned: {claim};
}}
"""
    return "\n".join([*constant_parts(call.program, constants), *outside, function])


def compile_all(folder: Path) -> None:
    """An object file of each of the kernels' sources."""
    (folder / PRELUDE_FILE).write_text(PRELUDE)
    includes = [f"-I{path}" for path in FOLDERS]
    command = ["gcc", "-w", "-c", "-include", PRELUDE_FILE, *includes, *map(str, kernel_sources())]
    subprocess.run(command, cwd=folder, check=True)


def sources_of(kernel: str, objects: Path) -> list[Path]:
    """The C files that define the kernel and what it calls. `objects`: from `compile_all`."""
    defined, wanted = {}, {}
    for source in kernel_sources():
        with (objects / f"{source.stem}.o").open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            symbols = [s for s in table.iter_symbols() if s["st_info"]["bind"] == "STB_GLOBAL"]
        wanted[source] = {s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF"}
        defined.update({s.name: source for s in symbols if s["st_shndx"] != "SHN_UNDEF"})
    found: list[Path] = []
    names = {f"{kernel}_s8"}
    while names:
        source = defined.get(names.pop())
        if source is not None and source not in found:
            found.append(source)
            names |= wanted[source]
    return found


def prove(
    calls: Sequence[KernelCall], sources: Iterable[Path], folder: Path, includes: Iterable[Path] = tuple(FOLDERS)
) -> Finding:
    """What Eva makes of calls of a kernel, whose C is `sources`. What it reads and what it says stay in `folder`."""
    (folder / PRELUDE_FILE).write_text(PRELUDE)
    files = []
    for k, call in enumerate(calls):
        files.append(folder / f"call_{k}.c")
        files[-1].write_text(harness(call, f"call_{k}"))
    searched = " ".join(f"-I{path}" for path in includes)
    runs = [word for k in range(len(calls)) for word in ("-then", "-eva", "-main", f"call_{k}")][1:]
    command = [
        *(FRAMA_C, "-machdep", "gcc_x86_64", f"-cpp-extra-args={searched} -include {folder / PRELUDE_FILE}"),
        *(*map(str, [*files, *sources]), *EVA, *runs),
    ]
    start = _processor_seconds()
    with (folder / "log").open("w") as log:
        try:
            subprocess.run(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return Finding((f"{NOT_DONE} in {SECONDS} s",), {}, _processor_seconds() - start)
    reports = list(_reports((folder / "log").read_text(), len(calls)))
    left = {report: why for report in reports if (why := _left(report, calls[0].step.kernel.name))}
    return Finding(tuple(report for report in reports if report not in left), left, _processor_seconds() - start)


def _processor_seconds() -> float:
    """What the processes took that this one started and saw the end of."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reports(text: str, calls: int) -> Iterator[str]:
    """What Eva reports, each once; and whatever else keeps its answer from being a proof."""
    found = re.findall(r"^\[[\w:-]+\] (\S+):(\d+): Warning: *\n?(.*\n(?:  .*\n)*)", text, re.M)
    yield from dict.fromkeys(f"{Path(file).name}:{line}: {' '.join(what.split())}" for file, line, what in found)
    summaries = text.split("ANALYSIS SUMMARY")[1:]
    quiet = [each for each in summaries if "No errors or warnings raised during the analysis" in each]
    alarms = [int(n) for n in re.findall(r"^  (\d+) alarms? generated by the analysis", text, re.M)]
    if not len(quiet) == len(alarms) == calls or (sum(alarms) > 0 and not found):
        yield f"{NOT_DONE}, or with warnings: {' '.join(text.split())[-400:]}"
    if len(re.findall(r"^    Assertions +1 valid +0 unknown +0 invalid +1 total", text, re.M)) != calls:
        yield "an output is not written whole, or a call does not return"


def _left(report: str, kernel: str) -> str | None:
    """What holds instead, or None."""
    words, why = LEFT_TO_OTHERS.get(kernel, ((), ""))
    return why if any(each in report for each in words) and NOT_DONE not in report else None


def _spread(calls: Sequence[KernelCall], count: int) -> list[KernelCall]:
    """As many of them as that, from all over the list."""
    return [calls[k * len(calls) // count] for k in range(count)] if len(calls) > count else list(calls)


def main(names: Sequence[str], count: int, keep: Path | None) -> int:
    """Go through calls of these kernels, of all where there are none; a line for each. Returns the exit status."""
    if unknown := sorted(set(names) - set(KERNELS)):
        print(f"Error: there is no kernel {unknown[0]}; those that are: {', '.join(sorted(KERNELS))}", file=sys.stderr)
        return 2
    if shutil.which(FRAMA_C) is None:
        install = f"sudo apt-get install --no-install-recommends {PACKAGE}"
        print(f"Error: prove-kernels needs {FRAMA_C}: on Debian or Ubuntu run `{install}` (0.9 GB)", file=sys.stderr)
        return 2
    missed = total = 0
    left: Counter[str] = Counter()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        compile_all(Path(scratch))
        print(f"{'kernel':26} calls  alarms  seconds  shapes")
        for name in names or sorted(KERNELS):
            calls = _spread(list(calls_of(name)), count)
            folder = (keep or Path(scratch)) / name
            folder.mkdir(parents=True)
            if not calls:
                print(f"Error: {name}: tests/kernel_cases.py has no layer that calls it: add one", file=sys.stderr)
                return 2
            finding = prove(calls, sources_of(name, Path(scratch)), folder)
            total += len(calls)
            missed += bool(finding.open)
            left.update(set(finding.left.values()))
            alarms = f"{len(finding.open)}+{len(finding.left)}" if finding.left else str(len(finding.open))
            shapes = ", ".join(dict.fromkeys(call.shapes for call in calls))
            print(f"{name:26} {len(calls):5}  {alarms:>6}  {finding.seconds:7.1f}  {shapes}", flush=True)
            for report in finding.open:
                print(f"    {report}", flush=True)
    print(f"{len(names or KERNELS)} kernels, {total} calls, {time.perf_counter() - start:.0f} s: ", end="")
    good = f"nothing undefined, whatever the input{', but for what is left to others' if left else ''}"
    print(f"{missed} with something that is not shown" if missed else good)
    for why, kernels in left.items():
        print(f"left to others (the second number), of {kernels} kernel{'s' * (kernels > 1)}: {why}")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernel", nargs="*", help="names as in export/ops; all of them if none is given")
    parser.add_argument("--count", type=int, default=CALLS, help="of the calls of each kernel")
    parser.add_argument("--keep", type=Path, help="a new folder for the C that Eva reads and what it says")
    given = parser.parse_args()
    if given.count < 1:
        parser.error(f"--count {given.count}: give at least 1")
    sys.exit(main(given.kernel, given.count, given.keep and given.keep.resolve()))
