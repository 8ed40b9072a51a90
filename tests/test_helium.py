"""The kernels for Helium on an emulated Cortex-M55, by both compilers: plain C stands for them in the other tests."""

from __future__ import annotations

import needs
import pytest
from layers import inputs_for

from tinyproof.boards import find_board
from tinyproof.cores import CORTEX_M55
from tinyproof.export.cost import modelled_cycles
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.golden import Golden
from tinyproof.firmware.build import build
from tinyproof.host.bench.calibrate import random_layers
from tinyproof.host.connection import connect
from tinyproof.host.device import mean_count
from tinyproof.toolchain import with_compiler


@needs.golden
@pytest.mark.parametrize("compiler", ["system", "zig"])
def test_vectors_give_the_bytes_of_tflm(compiler, tmp_path):
    content = random_layers(5, side_by_side=True)
    export = export_model(content, "layers", "layers", (), None)
    write_export(tmp_path, content, export)
    board = with_compiler(find_board("qemu-m55"), compiler)
    build(tmp_path, board)
    inputs = [x.tobytes() for x in inputs_for((export.manifest.input_bytes,), 5)]
    with connect(tmp_path, board, None) as device:
        hello = device.hello()
        answers = list(device.infer(inputs, hello))
    golden = Golden(content)
    assert [answer.output for answer in answers] == [golden.run_bytes(x) for x in inputs]
    program = export.programs[CORTEX_M55.name]
    assert {"conv2d_helium", "depthwise_conv2d_helium", "add_helium"} < {step.kernel.name for step in program.steps}
    assert abs(modelled_cycles(program, CORTEX_M55) / mean_count(answers, hello) - 1) < 0.1
