"""docs/adding.md is true: one of each is added to a scratch copy, in as many places as the page says, and works.

An addition is a list of edits: a file, and the text that is put before a line of it, or a new file whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import pytest
from conftest import ROOT

Edit = tuple[str, str, str]  # a file, the line before which the text goes ("": a new file), and the text

OP: list[Edit] = [
    (
        "export/ops/zeros_like.py",
        "",
        """
from dataclasses import dataclass
from typing import ClassVar

from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing


@dataclass(frozen=True, eq=False)
class ZerosLikeParams(Params):
    c_type: ClassVar[str] = "zeros_like_params"

    count: int


def fold(graph, op):
    return ZerosLikeParams(graph.tensors[op.outputs[0]].size)


KERNEL = Kernel("zeros_like")
ZEROS_LIKE = OpKind("zeros_like", "ZEROS_LIKE", 0, parse_nothing, one_call(KERNEL, fold), no_macs)
""",
    ),
    ("export/op_table.py", "REVERSE_V2, BROADCAST_TO | `copy_s8` |", "ZEROS_LIKE | `zeros_like_s8` |"),
    ("export/op_table.py", "REVERSE_V2 3, BROADCAST_TO 3", "ZEROS_LIKE 1,"),
    (
        "firmware/kernels/zeros_like_s8.c",
        "",
        """
#include "kernels.h"

void zeros_like_s8(int8_t *y, const int8_t *x, const zeros_like_params *p) {
    (void)x;
    for (int32_t i = 0; i < p->count; i++) y[i] = 0;
}
""",
    ),
    (
        "firmware/kernels/kernels.h",
        "#ifdef __cplusplus\n}",
        """typedef struct {
    int32_t count;
} zeros_like_params;

// y = 0
void zeros_like_s8(int8_t *y, const int8_t *x, const zeros_like_params *p);
""",
    ),
]
FAST_KERNEL: list[Edit] = [
    (
        "export/ops/maximum_packed.py",
        "",
        """
from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.extremum import ElementwiseParams
from tinyproof.export.ops.kind import Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP


@dataclass(frozen=True, eq=False)
class MaximumPackedParams(Params):
    c_type: ClassVar[str] = "maximum_packed_params"

    count: int


def fit(call, pool, optimize):
    if call.kernel.name != "maximum" or not isinstance(call.params, ElementwiseParams):
        return None
    count = int(call.params.loops.table[:, 0].prod())
    if call.params.loops.table.tolist() != [[count, 1, 1]]:
        return None
    return replace(call, kernel=KERNEL, params=MaximumPackedParams(count))


KERNEL = Kernel("maximum_packed", leads=lambda params: (0, 0), folder=DSP)
FAST = Fast(KERNEL, fit)
""",
    ),
    (
        "firmware/kernels/dsp/maximum_packed_s8.c",
        "",
        """
#include "dsp_kernels.h"

void maximum_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const maximum_packed_params *p) {
    for (int32_t i = 0; i < p->count; i++) y[i] = a[i] > b[i] ? a[i] : b[i];
}
""",
    ),
    (
        "firmware/kernels/dsp/dsp_kernels.h",
        "#ifdef __cplusplus\n}",
        """typedef struct {
    int32_t count;
} maximum_packed_params;

// y = maximum_s8(a, b) for count elements each
void maximum_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const maximum_packed_params *p);
""",
    ),
]
BOARD: list[Edit] = [
    ("firmware/boards/mine/board.c", "", (ROOT / "firmware/boards/host/board.c").read_text()),
    (
        "tinyproof/boards.py",
        '        Board(\n            name="nano33ble",',
        """        Board(
            name="mine",
            title="A board of mine",
            engine="compiled",
            core=CORTEX_M4F,
            sources=("mine/board.c",),
            compilers=(HOST_C,),
            defines=('BOARD_NAME="mine"',),
            run=("{firmware}",),
        ),
""",
    ),
]
DATA_SET: list[Edit] = [
    (
        "training/public_sets.py",
        '        PublicSet(\n            "cifar10",',
        '        PublicSet("my_set", "My set", (8, 8, 1), ("left", "right"), mirror=False),\n',
    ),
    ("docs/training.md", "| a folder | one", "| `my_set` | mine |\n"),
]
MESSAGE: list[Edit] = [
    (
        "tinyproof/protocol.py",
        "MESSAGES: tuple[type[Message], ...] = (\n",
        '''@dataclass(frozen=True)
class Twice(Message):
    """Twice a number, please."""

    ID = 0x06
    TO_DEVICE = True
    number: int = wire("u32", "the number")


@dataclass(frozen=True)
class TwiceReply(Message):
    """Twice a number."""

    ID = 0x86
    TO_DEVICE = False
    number: int = wire("u32", "twice the number")


''',
    ),
    ("tinyproof/protocol.py", "    *(Hello, Infer,", "    *(Twice, TwiceReply),\n"),
    (
        "firmware/core/app.c",
        "static void answer(void) {",
        """static void answer_twice(uint16_t sequence) {
    const twice *request = (const void *)frame_payload(&receiver);
    const twice_reply reply = {.number = 2 * request->number};
    twice_reply_send(sequence, &reply);
}

""",
    ),
    (
        "firmware/core/app.c",
        "        case MESSAGE_SET_BAUD:",
        "        case MESSAGE_TWICE:\n            answer_twice(sequence);\n            break;\n",
    ),
    (
        "host/device.py",
        "    def trace(self, data: bytes)",
        """    def twice(self, number: int) -> int:
        from tinyproof.protocol import Twice, TwiceReply

        return self.exchange.ask(Twice(number), TwiceReply).number

""",
    ),
]

MODEL = """
from pathlib import Path

from tinyproof.export.tflite_writer import ModelBuilder

b = ModelBuilder()
x, zeros, y = (b.tensor((1, 64), 0.1, 0) for _ in range(3))
b.op("ZEROS_LIKE", [x], [zeros])
b.op("MAXIMUM", [x, zeros], [y])
Path("mine.tflite").write_bytes(b.build([x], [y]))
"""


def add(copy: Path, edits: list[Edit], places: int) -> None:
    """Make the edits, which are to be in no more files than that."""
    assert len({file for file, _, _ in edits}) <= places
    for file, before, text in edits:
        path = copy / file
        path.parent.mkdir(exist_ok=True)
        if before:
            head, marker, tail = path.read_text().rpartition(before)
            assert marker, f"{file} has no line {before!r}"
            text = head + text.rstrip("\n") + "\n" + marker + tail
        path.write_text(text.lstrip("\n"))


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """The project with one more of each, and what runs there: (folder, arguments of python) -> the finished process."""
    copy = tmp_path_factory.mktemp("larger") / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info"))
    add(copy, OP, 4)
    add(copy, FAST_KERNEL, 3)
    add(copy, BOARD, 3)
    add(copy, DATA_SET, 2)
    add(copy, MESSAGE, 3)
    subprocess.run([sys.executable, "tests/installed.py", "build/installed"], cwd=copy, check=True)

    def run(*arguments: str) -> str:
        paths = os.pathsep.join(map(str, (copy / "build/installed", copy / "tests")))
        environment = {**os.environ, "PYTHONPATH": paths, "TINYPROOF_DATA": str(copy / "data")}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "tinyproof", "docs")
    return copy, run


def test_what_was_added_stands_in_the_docs_and_keeps_the_house_in_order(larger):
    copy, run = larger
    assert "`mine`" in (copy / "README.md").read_text()
    assert "zeros_like_s8" in (copy / "docs/compiled-engine.md").read_text()
    assert "Twice a number" in (copy / "docs/protocol.md").read_text()
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_house.py", "-k", "not one_purpose")


@needs.golden
def test_an_op_a_kernel_and_a_board_that_were_added_give_the_golden_s_bytes(larger):
    copy, run = larger
    (copy / "make_model.py").write_text(MODEL)
    run("make_model.py")
    run("-m", "tinyproof", "emit", "--tflite", "mine.tflite", "--board", "mine")
    programs = [program.read_text() for program in (copy / "build/mine/c").rglob("model.c")]
    assert all("zeros_like_s8(" in text for text in programs) and any("maximum_packed_s8(" in text for text in programs)
    run("-m", "tinyproof", "build", "--model", "mine", "--board", "mine")
    assert "EQUAL" in run("-m", "tinyproof", "validate", "--model", "mine", "--board", "mine")
    asked = "from devices import running\nwith running(Path('build/mine'), 'mine') as d: d.hello(); print(d.twice(21))"
    assert run("-c", f"from pathlib import Path\n{asked}").strip() == "42"


def test_a_data_set_that_was_added_is_loaded(larger):
    copy, run = larger
    (copy / "data").mkdir()
    images, labels = np.arange(40 * 64).reshape(40, 8, 8).astype(np.uint8), np.arange(40) % 2
    np.savez(copy / "data/my_set.npz", x_train=images, y_train=labels, x_test=images[:4] + 1, y_test=labels[:4])
    load = "from tinyproof.training.datasets import load_dataset as load; print(load('my_set').class_names)"
    assert "left" in run("-c", load)
