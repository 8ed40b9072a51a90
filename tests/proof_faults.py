"""Faults in a certified model, one at a time: in its C, its certificate or its `.tflite`, sealed again so that every
hash is right. Each is a real one: with it some input gives another byte, or the C is undefined, or a claim is false.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Files = dict[str, bytes]
C = "c/core/model.c"
# Members that may be otherwise where nothing depends on them.
HARMLESS = {"dilation_h", "dilation_w", "stride_h", "stride_w", "rectifies", "offset"}


def sealed(files: Files, certificate: bytes) -> bytes:
    """The certificate with the hashes of these files."""
    claims = json.loads(certificate)
    claims["model_sha256"] = _sha256(files["model.tflite"])
    claims["cores"]["core"]["sources"] = [_sha256(files[f"c/core/{name}"]) for name in ("model.c", "model.h")]
    return json.dumps(claims).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def faults(files: Files, certificate: bytes, rng: np.random.Generator) -> Iterator[tuple[str, Files, bytes]]:
    """What each fault is, and the files and the certificate with it."""
    text = files[C].decode()
    for what, changed in (*in_tables(text, rng), *in_structs(text), *in_calls(text)):
        with_it = {**files, C: changed.encode()}
        yield what, with_it, sealed(with_it, certificate)
    for what, claims in in_claims(json.loads(certificate)):
        yield what, files, json.dumps(claims).encode()
    for what, model in in_tflite(files["model.tflite"], rng):
        with_it = {**files, "model.tflite": model}
        yield what, with_it, sealed(with_it, certificate)
    yield "a file changed after the proof", {**files, C: files[C] + b"\n"}, certificate


def in_tables(text: str, rng: np.random.Generator, each: int = 12) -> Iterator[tuple[str, str]]:
    """A number of each table up or down: a weight by one, a shift by one, an entry of a lookup; a multiplier by a lot
    and a bias by so much that some sum crosses an edge.
    """
    for table in re.finditer(r"static const int\d+_t (\w+)\[(\d+)\] = \{[^\n]*\n(.*?)\};", text, re.DOTALL):
        numbers = list(re.finditer(r"-?\d+", table[3]))
        for k in rng.choice(len(numbers), min(each, len(numbers)), replace=False):
            for by in changes(_scale_part(text, table[1], int(k)), int(numbers[k][0]), rng):
                start, end = (table.start(3) + place for place in numbers[k].span())
                yield f"{table[1]}[{k}] {by:+}", f"{text[:start]}{int(numbers[k][0]) + by}{text[end:]}"


def changes(part: int | None, value: int, rng: np.random.Generator) -> list[int]:
    """By how much a number of a table is changed; part: 0 a bias, 1 a multiplier, 2 an offset, 3 a shift, else None."""
    sign = int(rng.choice([-1, 1]))
    if part is not None:
        return [[4096 * sign], [-(value >> 6) - 1], [max(abs(value) >> 6, 1) * sign], [sign]][part]
    return [1 if value < 0 else -1] if abs(value) > 1 else [1]


def _scale_part(text: str, table: str, k: int) -> int | None:
    if not table.endswith("channels"):
        return None
    if f"conv2d_one_channel_params {table.removesuffix('_channels')} =" in text:
        return {1: 0, 6: 1, 7: 2}.get(k % 8)  # a shift lies in the word of a weight
    columns = 4 if "output" in table else 9 if table.startswith("conv2d") else 10
    part = k % columns - columns + 4
    return part if part >= 0 else None


def in_structs(text: str) -> Iterator[tuple[str, str]]:
    """Sizes, paddings, zero points and clamps by one."""
    for struct in re.finditer(r"static const \w+_params (\w+) = \{(.*?)\n\};", text, re.DOTALL):
        for member in re.finditer(r"\.(\w+) = (-?\d+)", struct[2]):
            if member[1] in HARMLESS:
                continue
            value = int(member[2])
            usual = -(abs(value) >> 4) if abs(value) > 2**16 else 1 if value <= 1 else -1
            by = {"y_min": 60, "y_max": -60}.get(member[1], usual)
            start, end = (struct.start(2) + place for place in member.span(2))
            yield f"{struct[1]}.{member[1]} {by:+}", f"{text[:start]}{value + by}{text[end:]}"


def in_calls(text: str) -> Iterator[tuple[str, str]]:
    """Buffers elsewhere, calls left out, swapped, with others' constants or kernels."""
    lines = text.splitlines()
    calls = [k for k, line in enumerate(lines) if re.match(r" +\w+_s8\(", line)]

    def with_lines(*changed: tuple[int, str]) -> str:
        return "\n".join(dict(changed).get(k, line) for k, line in enumerate(lines)) + "\n"

    for n, k in enumerate(calls):
        name, arguments = re.match(r" +(\w+)\((.*)\);", lines[k]).groups()
        places = arguments.split(", ")
        yield f"without call {n}", with_lines((k, ""))
        yield (
            f"call {n} by another kernel",
            with_lines((k, lines[k].replace(name, "dense_s8" if "2d" in name else "conv2d_s8"))),
        )
        for argument in range(len(places) - 1):
            moved = f"{places[argument]} + 1" if "+" not in places[argument] else _moved(places[argument], 4)
            if argument < 2:  # scratch may lie elsewhere
                others = [*places[:argument], moved, *places[argument + 1 :]]
                yield f"call {n}, argument {argument} moved", with_lines((k, f"{name}({', '.join(others)});"))
        if places[0] != places[1]:
            others = [places[1], places[0], *places[2:]]
            yield f"call {n} reads what it writes", with_lines((k, f"{name}({', '.join(others)});"))
        if len(places) == 4:
            others = [*places[:2], places[1], places[3]]
            yield f"call {n}, scratch on its input", with_lines((k, f"{name}({', '.join(others)});"))
        if n + 1 < len(calls):
            after = calls[n + 1]
            yield f"calls {n} and {n + 1} swapped", with_lines((k, lines[after]), (after, lines[k]))
            other = re.search(r"&\w+", lines[after])[0]
            yield f"call {n} with others' constants", with_lines((k, re.sub(r"&\w+", other, lines[k])))


def _moved(place: str, by: int) -> str:
    base, offset = place.split(" + ")
    return f"{base} + {int(offset) + by}"


def in_claims(certificate: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """False claims, and damaged ones."""
    calls = certificate["cores"]["core"]["calls"]
    for n, claim in enumerate(calls):
        for name, value in (("ops", [claim["ops"][0] + 1]), ("ops", []), ("row", 1), ("row", -1), ("channels", [0])):
            changed = [*calls[:n], {**claim, name: value}, *calls[n + 1 :]]
            yield f"claim {n}: {name} {value}", _with_calls(certificate, changed)
        yield f"no claim {n}", _with_calls(certificate, [*calls[:n], *calls[n + 1 :]])
    yield "no claims", _with_calls(certificate, None)
    yield "another core", {**certificate, "cores": {"other": certificate["cores"]["core"]}}
    yield "no core", {**certificate, "cores": {}}
    yield "another model", {**certificate, "model_sha256": "0" * 64}
    yield "another version", {**certificate, "format": 0}
    yield "a list", [certificate]


def _with_calls(certificate: dict[str, Any], calls: Any) -> dict[str, Any]:
    return {**certificate, "cores": {"core": {**certificate["cores"]["core"], "calls": calls}}}


def in_tflite(content: bytes, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Constants and scales of the model by one, or by a hundredth."""
    model = schema.ModelT.InitFromPackedBuf(content)
    graph = model.subgraphs[0]
    for index, tensor in enumerate(graph.tensors):
        buffer = model.buffers[tensor.buffer]
        if buffer.data is not None and len(buffer.data):
            if tensor.quantization is None or tensor.quantization.scale is None:
                continue  # the shape that a RESHAPE is given twice
            width = 1 if tensor.type == schema.TensorType.INT8 else 4
            at = width * int(rng.integers(len(buffer.data) // width)) + (width > 1)  # of a bias by 256
            before = buffer.data[at]
            buffer.data = np.array(buffer.data, np.uint8)
            buffer.data[at] = before ^ 3
            yield f"constant {index}, byte {at}", _packed(model)
            buffer.data[at] = before
        elif tensor.quantization is not None and tensor.quantization.scale is not None and index not in graph.outputs:
            scale = tensor.quantization.scale
            tensor.quantization.scale = [1.01 * float(each) for each in scale]
            yield f"scale of {index}", _packed(model)
            tensor.quantization.scale = scale


def _packed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
