"""The memory plan: no two live buffers overlap, everything is in bounds and aligned, and the arena is small."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.export.memory_plan import ALIGNMENT, IN_PLACE, Lifetime, MemoryPlan, plan_memory


@st.composite
def lifetimes(draw: st.DrawFn) -> Lifetime:
    first = draw(st.integers(0, 8))
    return Lifetime(draw(st.integers(1, 5000)), first, first + draw(st.integers(0, 5)))


def aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(lifetimes(), max_size=12))
def test_live_buffers_never_overlap_and_lie_within_the_arena(buffers):
    plan = plan_memory(buffers)
    assert len(plan.offsets) == len(buffers)
    for buffer, offset in zip(buffers, plan.offsets, strict=True):
        assert offset >= 0 and offset % ALIGNMENT == 0
        assert offset + buffer.size <= plan.arena_bytes
    for (a, a_start), (b, b_start) in combinations(zip(buffers, plan.offsets, strict=True), 2):
        if a.first <= b.last and b.first <= a.last:
            assert a_start + a.size <= b_start or b_start + b.size <= a_start


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=20))
def test_a_chain_needs_no_more_than_its_largest_neighbours(sizes):
    chain = [Lifetime(size, step, step + 1) for step, size in enumerate(sizes)]
    pairs = [aligned(a) + aligned(b) for a, b in zip(sizes, sizes[1:], strict=False)]
    assert plan_memory(chain).arena_bytes == max([*pairs, aligned(sizes[0])])


def test_an_order_that_no_rule_of_thumb_finds_is_found():
    buffers = [Lifetime(4, 0, 1), Lifetime(12, 1, 2), Lifetime(8, 2, 4), Lifetime(4, 0, 3), Lifetime(8, 4, 5)]
    assert plan_memory(buffers).arena_bytes == 24


def test_no_buffers_need_no_arena():
    assert plan_memory([]).arena_bytes == 0


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 400) | st.just(IN_PLACE)), min_size=1, max_size=9),
    st.integers(0, 2),
)
def test_what_may_overwrite_its_input_begins_far_enough_before_it_or_does_not_overlap(steps, scratch_at):
    chain = [
        Lifetime(size, step, step + 1, over=((step - 1, min(lead, size)),) if step else ())
        for step, (size, lead) in enumerate(steps)
    ]
    buffers = [*chain, Lifetime(500, scratch_at, scratch_at)]
    plan = plan_memory(buffers)
    spans = [(at, at + buffer.size) for at, buffer in zip(plan.offsets, buffers, strict=True)]
    assert plan.arena_bytes >= max(end for _, end in spans) and all(start % ALIGNMENT == 0 for start, _ in spans)
    for a, b in combinations(range(len(buffers)), 2):
        apart = spans[a][1] <= spans[b][0] or spans[b][1] <= spans[a][0]
        lead = dict(buffers[b].over).get(a)
        ahead = lead not in (None, IN_PLACE) and spans[b][0] + lead <= spans[a][0]
        in_place = lead == IN_PLACE and spans[b][0] == spans[a][0]
        assert apart or ahead or in_place or not buffers[a].overlaps(buffers[b])
    without = [Lifetime(buffer.size, buffer.first, buffer.last) for buffer in buffers]
    if len(buffers) <= 6:
        assert plan.arena_bytes <= plan_memory(without).arena_bytes


def test_a_chain_computed_in_place_takes_the_memory_of_its_largest_buffer():
    sizes = [400, 400, 120, 120, 60]
    chain = [
        Lifetime(size, step, step + 1, over=((step - 1, IN_PLACE),) if step else ()) for step, size in enumerate(sizes)
    ]
    assert plan_memory(chain) == MemoryPlan((0,) * len(sizes), 400)
