"""From the files of a model's folder to a verdict: every call of every core, one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .arithmetic import Ints, ints
from .by_rows import l2_normalization, log_softmax, softmax
from .c_source import Call, Pointer, Source, parse
from .convolutions import check_convolution
from .dense import DENSE
from .depthwise import depthwise_lines, depthwise_packed, depthwise_taps
from .elementwise import lookup, of_two
from .few import FEW
from .findings import Follows, NotCovered, Refused, Unproved, causes, require
from .golden import Golden
from .kernels import CONVOLUTIONS
from .lstm import check_lstm
from .matrices import batch_matmul, batch_matmul_packed
from .memory import Memory
from .other_cores import OTHER_CORES
from .others import copy, extremum, fill, mean, pooling, resize_bilinear, resize_nearest
from .params import Params
from .parts import part_of
from .tflite_model import Op, read_model
from .transposed import TRANSPOSED, transposed
from .views import Task
from .winograd import WINOGRAD

FORMAT = 1
DEPTHWISE = {
    "depthwise_conv1d_packed_s8": ("depthwise_conv1d_packed_params", depthwise_lines),
    "depthwise_conv2d_packed_s8": ("depthwise_conv2d_packed_params", depthwise_packed),
    "depthwise_conv2d_taps_s8": ("depthwise_conv2d_taps_params", depthwise_taps),
}
LINEAR = CONVOLUTIONS | DENSE | FEW | WINOGRAD | DEPTHWISE | OTHER_CORES
OTHERS = {
    "max_pool2d_s8": ("pool2d_params", pooling),
    "max_pool2d_packed_s8": ("pool2d_params", pooling),
    "average_pool2d_s8": ("pool2d_params", pooling),
    "average_pool2d_packed_s8": ("pool2d_params", pooling),
    **{f"{name}_s8": (f"{name}_params", of_two) for name in ("add", "add_packed", "mul", "mul_packed")},
    "add_helium_s8": ("add_packed_params", of_two),
    **dict.fromkeys(("maximum_s8", "minimum_s8"), ("elementwise_params", of_two)),
    **dict.fromkeys(("mean_s8", "mean_packed_s8"), ("mean_params", mean)),
    **{
        f"{name}_s8": (f"{name}_params", of_two)
        for name in ("prelu", "squared_difference", "squared_difference_packed")
    },
    **dict.fromkeys(TRANSPOSED, ("transpose_conv2d_packed_params", transposed)),
    "reduce_extremum_s8": ("reduce_extremum_params", extremum),
    "lookup_s8": ("lookup_params", lookup),
    "resize_bilinear_s8": ("resize_bilinear_params", resize_bilinear),
    "batch_matmul_s8": ("batch_matmul_params", batch_matmul),
    "batch_matmul_packed_s8": ("batch_matmul_packed_params", batch_matmul_packed),
    **{f"{name}_s8": (f"{name}_params", check_lstm) for name in ("lstm", "lstm_packed")},
    "softmax_s8": ("softmax_params", softmax),
    "log_softmax_s8": ("log_softmax_params", log_softmax),
    "l2_normalization_s8": ("l2_normalization_params", l2_normalization),
}
MOVES = {
    "copy_s8": ("copy_params", copy),
    "fill_s8": ("fill_params", fill),
    "resize_nearest_s8": ("resize_nearest_params", resize_nearest),
}


@dataclass(frozen=True)
class Verdict:
    """What was found: `unproved` names call by call what no lemma covers, core by core where they differ."""

    certificate_sha256: str
    model_sha256: str
    unproved: tuple[Unproved, ...]
    calls: int
    kernels: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """Whether all of it was proved."""
        return not self.unproved

    @property
    def line(self) -> str:
        """In a line."""
        name = f"certificate {self.certificate_sha256[:8]}"
        if self.proved:
            return f"Proved for every input ({name})"
        return f"Partly proved ({name}): {causes(self.unproved)}"


def check(files: Mapping[str, bytes], certificate: bytes, only: str = "") -> Verdict:
    """The verdict on a folder's files: `model.tflite`, and for each core `c/<core>/model.c` and `model.h`, or for one.

    Refused where the certificate is damaged or of other files, or where something is not as it has it.
    """
    try:
        return _check(files, certificate, only)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise Refused(f"numbers that do not fit each other: {error}") from None


def _check(files: Mapping[str, bytes], certificate: bytes, only: str) -> Verdict:
    claims = _claims(certificate)
    require("model.tflite" in files, "there is no model.tflite")
    require(claims["model_sha256"] == _sha256(files["model.tflite"]), "the certificate is of another model.tflite")
    cores = {name.split("/")[1] for name in files if name.startswith("c/")}
    require(cores == set(claims["cores"]) and bool(cores), "the certificate is of other cores")
    golden = _golden(files["model.tflite"])
    unproved: dict[Unproved, None] = {}
    calls, known, kernels = 0, set(), set()
    require(not only or only in cores, f"the certificate is not of {only}")
    for core in [only] if only else sorted(cores):
        sources = [files.get(f"c/{core}/{name}", b"") for name in ("model.c", "model.h")]
        of_core = claims["cores"][core]
        right = of_core.get("sources") == [_sha256(each) for each in sources]
        require(right, f"the certificate is of other C sources of {core}")
        key = (*sources, json.dumps(of_core))
        if key in known:
            continue
        known.add(key)
        source = parse(*(_text(each) for each in sources))
        found = _Core(golden, source, of_core.get("calls"), core).unproved()
        unproved |= dict.fromkeys(found)
        calls += len(source.calls)
        kernels |= {call.kernel for call in source.calls}
    return Verdict(_sha256(certificate), claims["model_sha256"], tuple(unproved), calls, tuple(sorted(kernels)))


@lru_cache(maxsize=1)
def _golden(content: bytes) -> Golden:
    return Golden(read_model(content))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _text(content: bytes) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("the C sources hold other characters than the export writes") from None


def _claims(certificate: bytes) -> dict[str, Any]:
    try:
        claims = json.loads(certificate)
    except (ValueError, RecursionError):
        raise Refused("certificate.json is damaged") from None
    right = isinstance(claims, dict) and claims.get("format") == FORMAT and isinstance(claims.get("cores"), dict)
    right = right and all(isinstance(each, dict) for each in claims["cores"].values())
    require(right, "certificate.json is not of this version")
    return dict(claims)


class _Core:
    """The calls of one core, on its memory."""

    def __init__(self, golden: Golden, source: Source, claims: Any, name: str) -> None:
        right = isinstance(claims, list) and len(claims) == len(source.calls)
        require(right and all(isinstance(each, dict) for each in claims), f"{name}: claims of other calls")
        self._golden, self._source, self._claims, self._name = golden, source, claims, name
        ends = golden.model.inputs, golden.model.outputs
        self._inputs, self._outputs = (
            np.concatenate([golden.labels[index].reshape(-1) for index in side]) for side in ends
        )
        made = {k for claim in claims for k in (claim.get("ops") or [])}
        self._has_unmade = not made.issuperset(golden.uncovered)
        self._memory = Memory(source, self._inputs, self._outputs.size)

    def unproved(self) -> list[Unproved]:
        """Go through all calls; what no lemma covers is assumed, and named."""
        found = []
        for place, (call, claim) in enumerate(zip(self._source.calls, self._claims, strict=True)):
            where = f"{self._name}, call {place} {call.kernel}"
            if call.kernel in MOVES:
                kind, check_move = MOVES[call.kernel]
                check_move(self._memory, where, call.pointers, Params.of(self._source, call.struct, kind, where))
                continue
            task = self._task(claim, call.kernel, where)
            try:
                self._check(task, call)
            except NotCovered as reason:
                root = reason.op if isinstance(reason, Follows) else ""
                found.append(Unproved(task.ops[0].where, call.kernel, str(reason), root))
                self._assume(task, call, claim)
        made = self._memory.read(Pointer("output", 0), self._outputs.size, self._name)
        loose = [self._golden.loose[index] for index in self._golden.model.outputs if index in self._golden.loose]
        if not np.array_equal(made, self._outputs):
            require(bool(loose) and self._has_unmade, f"{self._name}: its output is not the model's")
            root, why = loose[0]
            found.append(Unproved("the output", "", why, root))
        return found

    def _task(self, claim: dict[str, Any], kernel: str, where: str) -> Task:
        model, ops = self._golden.model, claim.get("ops")
        numbers = isinstance(ops, list) and all(type(k) is int and 0 <= k < len(model.ops) for k in ops)
        require(numbers and bool(ops) and type(claim.get("row")) is int, f"{where}: a claim that says nothing")
        chain: tuple[Op, ...] = tuple(model.ops[k] for k in claim["ops"])
        require(claim["row"] >= 0, f"{where}: a row below 0")
        last = model.tensors[chain[-1].outputs[0]].shape[-1]
        channels = self._channels(claim.get("channels"), last, where)
        columns = claim.get("columns")
        require(
            columns is None or (type(columns) is int and columns > 0), f"{where}: columns that the op does not have"
        )
        return Task(kernel, chain, claim["row"], columns, channels, f"{where}, {chain[0].where}")

    @staticmethod
    def _channels(claimed: Any, count: int, where: str) -> Ints:
        if claimed is None:
            return ints(np.arange(count))
        right = isinstance(claimed, list) and all(type(k) is int and 0 <= k < count for k in claimed)
        require(right and bool(claimed), f"{where}: channels that the op does not have")
        return ints(claimed)

    def _check(self, task: Task, call: Call) -> None:
        """Where a call is refused that reads what no lemma speaks of, the reason may be that: its range, for a sum of
        products, or that it has no call of its own and may be bytes of another tensor.
        """
        loose = self._golden.loose
        try:
            self._check_by_lemma(task, call)
        except Refused:
            reads = [loose[x] for op in task.ops for x in op.inputs if x in loose]
            sums = call.kernel in (*LINEAR, *TRANSPOSED) and task.ops[0].index in self._golden.convolutions
            if reads and (sums or self._has_unmade):
                raise Follows(*reads[0]) from None
            raise

    def _check_by_lemma(self, task: Task, call: Call) -> None:
        if call.kernel in LINEAR:
            kind, read = LINEAR[call.kernel]
            linear = read(Params.of(self._source, call.struct, kind, task.where))
            check_convolution(self._golden, self._memory, task, call.pointers, linear)
        elif call.kernel in OTHERS:
            kind, other = OTHERS[call.kernel]
            p = Params.of(self._source, call.struct, kind, task.where)
            other(self._golden, self._memory, task, call.pointers, p)
        else:
            raise NotCovered("no lemma for this kernel")

    def _assume(self, task: Task, call: Call, claim: dict[str, Any]) -> None:
        """That the call writes its tensor's rows where it says, and nothing else."""
        rows: Any = claim.get("rows")
        require(type(rows) is int and rows > 0 and bool(call.pointers), f"{task.where}: a claim that says nothing")
        y = task.ops[-1].outputs[0]
        labels = part_of(self._golden, task, y, self._golden.labels[y], rows)
        self._memory.write(call.pointers[0], labels, task.where)
