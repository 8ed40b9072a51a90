"""Channels left out whose bytes no output depends on: because they are always the same, or because nobody reads them.

A trained network has filters that training has switched off. What a constant channel adds to the sums of the next layer
goes into that layer's bias, as far as it adds the same everywhere: where a window leaves the image, the zero point
stands in its place. Then the channel goes, with its filter, its weights in the next layer and its memory, through all
ops that compute it channel by channel. Every other byte stays as it is. Inputs and outputs of the model stay whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.channel_groups import ChannelGroups
from tinyproof.export.graph import Graph
from tinyproof.export.intervals import intervals
from tinyproof.export.mixers import MIXING, Mixer, find_mixers
from tinyproof.export.ops import macs_of
from tinyproof.export.ops.kind import Call
from tinyproof.export.rewriting import rewritten

FOURS = 4  # in which kernels compute channels: fewer cost the same, or a slower kernel
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Reduced:
    """A graph without its dead channels.

    `kept`: of each tensor that lost some, which indexes along its last axis are left. `sizes`: of each image that lost
    pixels (export/unread_pixels.py), how many rows and columns are left. `filters`, `pixels` and `macs`: how many
    filters, pixels of all images together, and multiply-accumulates of an inference it takes less.
    """

    graph: Graph
    kept: dict[int, NDArray[np.intp]]
    filters: int
    macs: int
    sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    pixels: int = 0

    @property
    def line(self) -> str:
        """What was left out, in a line; '' where nothing was."""
        if not self.kept and not self.sizes:
            return ""
        counts = [(self.filters, "channel"), (self.pixels, "pixel"), (self.macs, "multiply-accumulate")]
        parts = [f"{count:,} {what}{'' if count == 1 else 's'}" for count, what in counts if count]
        return f"left out as dead, which changes no byte: {', '.join(parts)}"

    def rest_of(self, tensor: int, values: NDArray[Any]) -> NDArray[Any]:
        """What is left of a tensor's values (..., channels), of an image (1, H, W, channels)."""
        if tensor in self.sizes:
            rows, columns = self.sizes[tensor]
            values = values[:, :rows, :columns]
        return values[..., self.kept[tensor]] if tensor in self.kept else values


def whole(graph: Graph) -> Reduced:
    """A graph with all its channels."""
    return Reduced(graph, {}, 0, 0)


def without_dead_channels(graph: Graph, calls_of: Mapping[int, tuple[Call, ...]]) -> Reduced:
    """The graph reduced; the same one where nothing is constant. `calls_of`: the plain calls of each op's index."""
    found = intervals(graph, calls_of)
    mixers = find_mixers(graph, calls_of, found)
    groups = ChannelGroups(graph)
    constant = np.ones(groups.group.size, np.bool_)
    for index in found:
        constant[groups.of(index)[~found[index].constant]] = False  # of a group, at its place
    left_out = _left_out(groups, mixers, constant)[groups.group]
    changed = sorted({int(index) for index in groups.tensor_of[left_out]})
    kept = {index: np.flatnonzero(~left_out[groups.places(index)]) for index in changed}
    if not kept and not any(mixer.changed for mixer in mixers.values()):
        return whole(graph)
    rest = rewritten(graph, mixers, kept)
    filters = sum(
        graph.tensors[y].shape[-1] - len(kept[y]) for mixer in mixers.values() for y in mixer.op.outputs if y in kept
    )
    return Reduced(rest, kept, filters, macs_of(graph, graph.ops) - macs_of(rest, rest.ops))


def _left_out(groups: ChannelGroups, mixers: Mapping[int, Mixer], constant: Flags) -> Flags:
    """Which groups go, at their places: the ones that nobody needs, less some that fill up fours."""
    needed = groups.fixed.copy()
    while True:
        _spread(groups, mixers, needed)
        filling = _filling(groups, needed, constant)
        if not filling:
            return np.asarray(~needed, np.bool_)
        needed[filling] = True


def _spread(groups: ChannelGroups, mixers: Mapping[int, Mixer], needed: Flags) -> None:
    """Add to the needed groups what is needed for them, until nothing is missing."""
    count = -1
    while count != np.count_nonzero(needed):
        count = int(np.count_nonzero(needed))
        for mixer in list(mixers.values())[::-1]:
            if mixer.op.name in MIXING and mixer.taps.shape[1]:
                reads = mixer.reads(needed[groups.of(mixer.op.outputs[0])])
                needed[groups.of(mixer.op.inputs[0])[reads]] = True


def _filling(groups: ChannelGroups, needed: Flags, constant: Flags) -> list[int]:
    """Groups to keep all the same, so that tensors have channels in fours; never is a tensor left without any.

    Groups with the same number of channels in the same tensors can stand for each other.
    """
    members: dict[int, Counter[int]] = defaultdict(Counter)
    for place in np.flatnonzero(~needed[groups.group]):
        members[int(groups.group[place])][int(groups.tensor_of[place])] += 1
    alike: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for group, tensors in members.items():
        alike[tuple(sorted(tensors.items()))].append(group)
    left = {index: groups.places(index).size for index in np.unique(groups.tensor_of).tolist()}
    filling: list[int] = []
    for sizes, same in sorted(alike.items()):
        count = _count_to_drop(len(same), [(left[index], each) for index, each in sizes])
        for index, each in sizes:
            left[index] -= count * each
        filling += sorted(same, key=lambda group: (constant[group], group))[count:]
    return filling


def _count_to_drop(most: int, tensors: list[tuple[int, int]]) -> int:
    """How many of `most` groups go, given (channels left, channels of one group) for each of their tensors."""
    counts = [count for count in range(most, 0, -1) if all(left - count * each > 0 for left, each in tensors)]
    for count in counts:
        if all((left - count * each) % FOURS == 0 for left, each in tensors):
            return count
    for count in counts:
        if all((left - count * each) % FOURS == 0 for left, each in tensors if left % FOURS == 0):
            return count
    return 0
