"""Waiting for the flash of a chip: caches and prefetch on traces small enough to count by hand, and on a real image."""

from __future__ import annotations

import pytest

from tinyproof.boards import find_board
from tinyproof.firmware.build import build, image_path
from tinyproof.host.bench.chips import CHIPS, Cache, Chip, Port
from tinyproof.host.bench.cortex_m4 import decode
from tinyproof.host.bench.cycles import measure
from tinyproof.host.bench.flash import Flash, units
from tinyproof.host.samples import load_samples
from tinyproof.manifest import load_manifest

NOTHING = Port(read_bytes=4, wait_states=0)
TWO_LINES = Cache(lines=2, line_bytes=16, ways=2)
BOARD = find_board("qemu")


def waited_for_code(port: Port, *stretches) -> int:
    flash = Flash(Chip("test", 1_000_000, code=port, data=NOTHING))
    for stretch in stretches:
        flash.fetch(stretch)
    return flash.waited


def waited_for_data(port: Port, *reads) -> int:
    flash = Flash(Chip("test", 1_000_000, code=NOTHING, data=port))
    for address, size in reads:
        flash.read(address, size)
    return flash.waited


@pytest.mark.parametrize(
    "waited, fetched",
    [
        (10, [0, 1, 0, 1]),  # two reads fill a line
        (5, [0, 0, 0]),
        (20, [0, 2, 4, 0]),  # three lines take turns in two
        (15, [0, 2, 0, 4, 0]),  # the line used last stays
        (20, [0, 2, 0, 4, 2]),  # the other one went
        (15, [0, 1, 2, 0, 1]),
        (20, [0, 2, 4, 1]),  # line 0 is gone, with both of its units
    ],
)
def test_a_fetch_waits_for_what_no_line_holds(waited, fetched):
    port = Port(read_bytes=8, wait_states=5, cache=TWO_LINES)
    assert waited_for_code(port, [(unit, 1) for unit in fetched]) == waited


@pytest.mark.parametrize("waited, fetched", [(20, [0, 2, 4, 0]), (15, [0, 1, 2, 0, 1]), (15, [1, 2, 4, 1])])
def test_lines_of_a_set_do_not_take_the_place_of_another_set_s(waited, fetched):
    """Two sets of two: even units share one, odd ones the other."""
    port = Port(read_bytes=8, wait_states=5, cache=Cache(lines=4, line_bytes=8, ways=2))
    assert waited_for_code(port, [(unit, 1) for unit in fetched]) == waited


@pytest.mark.parametrize(
    "waited, stretches",
    [
        (5 + 2, [[(0, 3), (1, 1)]]),  # three of five cycles had passed
        (5 + 1, [[(0, 2)], [(0, 2)], [(1, 1)]]),  # ... four, in the same unit
        (5, [[(0, 9), (1, 1)]]),
        (5 + 5, [[(0, 9), (7, 1)]]),  # a jump to what was not read ahead
        (5 + 2 + 4, [[(0, 3), (1, 1), (2, 1)]]),
    ],
)
def test_prefetch_reads_the_next_unit_while_this_one_is_executed(waited, stretches):
    port = Port(read_bytes=8, wait_states=5, cache=TWO_LINES, prefetch=True)
    assert waited_for_code(port, *stretches) == waited


@pytest.mark.parametrize(
    "waited, reads",
    [
        (2, [(0, 4)]),
        (4, [(0, 1), (1, 1)]),  # without a cache every byte is a read
        (4, [(2, 4)]),  # across two words
    ],
)
def test_constants_without_a_cache_wait_every_time(waited, reads):
    assert waited_for_data(Port(read_bytes=4, wait_states=2), *reads) == waited


@pytest.mark.parametrize(
    "waited, reads",
    [
        (4, [(0, 4), (4, 4), (0, 4)]),
        (8, [(4, 4), (8, 4), (4, 4)]),
        (8, [(6, 4), (6, 4)]),
        (16, [(0, 4), (16, 4), (32, 4), (0, 4)]),
    ],
)
def test_constants_in_the_cache_do_not_wait(waited, reads):
    assert waited_for_data(Port(read_bytes=8, wait_states=4, cache=TWO_LINES), *reads) == waited


def test_an_instruction_across_two_units_counts_for_the_second():
    code = [decode(4, 2, "movs", "r0, #0"), decode(6, 4, "movw", "r1, #0"), decode(10, 2, "ldr", "r2, [r3]")]
    assert units(code, 8) == ((0, 1), (1, 3))


def test_the_lines_of_every_cache_are_whole_reads_and_its_sets_whole():
    assert len({chip.name for chip in CHIPS}) == len(CHIPS)
    for port in [port for chip in CHIPS for port in (chip.code, chip.data) if port.cache]:
        assert port.cache.line_bytes % port.read_bytes == 0
        assert port.cache.lines % port.cache.ways == 0


def test_an_inference_waits_for_every_weight_in_flash_and_computes_what_it_did(model):
    build(model, BOARD)
    manifest = load_manifest(model)
    x = load_samples(model, manifest, 1).inputs[0].tobytes()
    free = Chip("no waits", 1_000_000, code=Port(8, 0), data=NOTHING)
    words = Chip("a cycle a word", 1_000_000, code=Port(8, 0), data=Port(4, 1))
    plain = measure(image_path(model, BOARD), x, manifest.output_bytes)
    cost = measure(image_path(model, BOARD), x, manifest.output_bytes, (free, words, *CHIPS))
    assert (cost.output, cost.calls) == (plain.output, plain.calls)
    assert plain.waited == {}
    assert cost.waited["no waits"] == 0
    weight_words = manifest.compiled_for(BOARD.core).weight_bytes / 4
    assert weight_words < cost.waited["a cycle a word"] < cost.instructions
    for chip in CHIPS:
        assert 0 < cost.waited[chip.name] < cost.cycles
