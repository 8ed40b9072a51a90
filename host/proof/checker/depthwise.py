"""The packed kernel for depthwise convolutions (lemma "pairs")."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arithmetic import Ints, ints
from .findings import require
from .kernels import PRODUCT, SUM, Linear, rounded_up
from .params import Geometry, Params


def depthwise_packed(p: Params) -> Linear:
    """The loops for 3 x 3 windows with strides of 1 or 2, or the one for any window."""
    g = p.window("window")
    if p.number("run_count") > 0:
        return _in_runs(p, g)
    one = p.flag("alternates")
    stride = 1 if one else 2
    steps = (g.k_h, g.k_w, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w)
    maps = p.number("maps_h"), p.number("maps_w")
    require(min(maps) > 0 and (maps == (1, 1) or one), f"{p.where}: not for this kernel")
    columns = -(-g.y_w // maps[1])
    row_words = ((columns if one else max(columns, 4)) - 1) * stride + 3
    wanted = {
        "run_count": 0, "words": 6, "pairs": 2, "pair_step": 2, "row_words": row_words,
        "phases": 1, "x_row": maps[0] * g.x_w * g.x_c, "x_step": maps[1] * g.x_c,
        "y_row": maps[0] * g.y_w * g.y_c, "y_step": maps[1] * g.y_c,
    }  # fmt: skip
    rows, moves = p.number("rows"), p.number("moves")
    right = steps == (3, 3, stride, stride, *maps) and g.y_c % g.x_c == 0 and rows > 0 and rows % 2 == 0
    require(right and all(p.number(k) == v for k, v in wanted.items()), f"{p.where}: not for this kernel")
    table = p.table("channels", 4, g.y_c, 10)
    low = (table[:, :6] + 2**15) % 2**16 - 2**15
    high = table[:, :6] >> 16
    (first, third), (second, last) = (np.split(each, 2, axis=1) for each in (low, high))
    if one:  # rows 0 and 1, then 1 and 2
        require(bool(np.all(third == second)), f"{p.where}: its middle row is there with two values")
        third = last
    else:  # rows 0 and 1, then 2 and nothing
        require(not np.any(last), f"{p.where}: weights beyond the window")
    weights = np.stack([first, second, third], axis=1)[..., None]
    sees = ints(np.arange(g.y_c)) // (g.y_c // g.x_c)
    pair_rows = ((rows - 1) // 2 if one else rows - 1) + 2
    in_place = _every_map_moves_on(g, maps, rows, moves, pair_rows, 2, p.where) if moves else False
    clamp, x_zero = p.clamp, p.byte("x_zero_point")
    scratch = 4 * 4 * pair_rows * row_words
    return Linear(
        g,
        None,
        weights,
        table[:, 6],
        x_zero,
        clamp,
        table[:, 7:],
        (PRODUCT, SUM),
        scratch,
        0 if moves or maps != (1, 1) else rows,
        sees,
        in_place=in_place,
    )


def _in_runs(p: Params, g: Geometry) -> Linear:
    """Any window: the words of a plane that an output sees, run by run, and where each of their halves lies in x."""
    names = ("maps_h", "maps_w", "run_count", "words", "rows", "moves", "pairs", "pair_step", "row_words")
    maps_h, maps_w, run_count, words, rows, moves, pairs, pair_step, row_words = map(p.number, names)
    one = p.flag("alternates")
    # A map is the image of every so many rows or columns: within it there is no dilation.
    right = all(
        count == 1 or (count == dilation and stride == 1)
        for count, dilation, stride in ((maps_h, g.dilation_h, g.stride_h), (maps_w, g.dilation_w, g.stride_w))
    )
    wanted = {
        "phases": g.stride_w, "x_row": maps_h * g.x_w * g.x_c, "x_step": maps_w * g.x_c,
        "y_row": maps_h * g.y_w * g.y_c, "y_step": maps_w * g.y_c,
    }  # fmt: skip
    right = right and all(p.number(k) == v for k, v in wanted.items()) and g.y_c % g.x_c == 0
    right = right and rows > 0 and rows % 2 == 0 and min(pairs, pair_step) > 0 and words > 0
    right = right and row_words > 0 and row_words % g.stride_w == 0 and (one or g.stride_h % pair_step == 0)
    dilation = 1 if maps_h > 1 else g.dilation_h, 1 if maps_w > 1 else g.dilation_w
    if one:
        right = right and (g.stride_h, pair_step, dilation[0], words % 2) == (1, 2, 1, 0)
    require(right, f"{p.where}: not for this kernel")
    stream, split = p.stream("channels", 4), (words + 4) * g.y_c
    require(stream.size == split + 2 * run_count, f"{p.where}: other runs than it says")
    table, runs = stream[:split].reshape(g.y_c, words + 4), stream[split:].reshape(run_count, 2)
    places = _places(runs, p.where)
    line, column = np.divmod(places, row_words)
    phase, step = np.divmod(column, row_words // g.stride_w)
    reach = max(-(-g.y_w // maps_w), 4)  # the loop takes four outputs at a time
    fits = line.max() < pairs and (step.max() + reach) * g.stride_w <= row_words
    sets = 2 if one else 1
    require(bool(fits) and places.size * sets == words, f"{p.where}: its runs leave the scratch")
    tap_column = step * g.stride_w + phase
    found = []
    for odd in range(sets):  # an odd row of y begins with the lower half of a pair
        halves = table[:, odd * places.size : (odd + 1) * places.size]
        low = (halves + 2**15) % 2**16 - 2**15
        below = (0, low, line * pair_step - odd), (dilation[0], halves >> 16, line * pair_step - odd)
        taps = np.zeros((g.y_c, g.k_h, g.k_w), np.int64)
        for further, values, first in below:
            _lay_taps(taps, values, (first + further, tap_column), dilation, p.where)
        found.append(taps)
    require(bool(np.all(found[0] == found[-1])), f"{p.where}: odd rows see another window")
    pair_rows = ((rows - 1) // 2 if one else (rows - 1) * g.stride_h // pair_step) + pairs
    in_place = moves > 0 and _every_map_moves_on(g, (maps_h, maps_w), rows, moves, pair_rows, pair_step, p.where)
    band = 0 if moves or (maps_h, maps_w) != (1, 1) else rows
    return Linear(
        g, None, found[0][..., None], table[:, words], p.byte("x_zero_point"), p.clamp, table[:, words + 1 :],
        (PRODUCT, SUM), 16 * pair_rows * row_words, band, ints(np.arange(g.y_c)) // (g.y_c // g.x_c), in_place=in_place,
    )  # fmt: skip


def _places(runs: Ints, where: str) -> Ints:
    """Which words from the first one on the loop sees, in its order."""
    starts, lengths = runs.T
    right = starts.min() >= 0 and not np.any(starts % 4) and lengths.min() >= 1 and lengths.max() <= 8
    require(bool(right), f"{where}: a run that the loop does not take")
    return np.concatenate([start // 4 + np.arange(length) for start, length in runs.tolist()])


def _lay_taps(taps: Ints, values: Ints, at: tuple[Ints, Ints], dilation: tuple[int, int], where: str) -> None:
    """Put values (y_c, n), which stand for pixels (row, column) from the first that a window sees, into its taps
    (y_c, k_h, k_w); what is zero may lie anywhere.
    """
    used = np.flatnonzero(np.any(values, axis=0))
    row, column = (each[used] for each in at)
    inside = (row >= 0) & (row % dilation[0] == 0) & (column % dilation[1] == 0)
    row, column = row // dilation[0], column // dilation[1]
    inside &= (row < taps.shape[1]) & (column < taps.shape[2])
    require(bool(np.all(inside)), f"{where}: weights beyond the window")
    alone = np.unique(row * taps.shape[2] + column).size == row.size and not np.any(taps[:, row, column])
    require(alone, f"{where}: a tap is there twice")
    taps[:, row, column] = values[:, used]


def _every_map_moves_on(
    g: Geometry, maps: tuple[int, int], rows: int, moves: int, pair_rows: int, pair_step: int, where: str
) -> bool:
    """Lemma "in place" for each map, whose pixels of y take the places of its own of x."""
    alone = maps == (1, 1)
    stays = g.pad_h % maps[0] == g.pad_w % maps[1] == 0 and g.x_w == g.y_w and g.y_h <= g.x_h
    require(alone or stays, f"{where}: in x's place its images would overwrite each other")
    pad_h, x_w, y_w = g.pad_h // maps[0], -(-g.x_w // maps[1]), -(-g.y_w // maps[1])
    y_h = -(-g.y_h // maps[0])  # of the first map: no other has more
    one_map = replace(g, pad_h=pad_h, x_w=x_w, y_w=y_w, y_h=y_h)
    return _moves_on(one_map, rows, moves, pair_rows, pair_step, where)


def _moves_on(g: Geometry, rows: int, moves: int, pair_rows: int, pair_step: int, where: str) -> bool:
    """Lemma "in place": four channels of `rows` rows of y take the place of the same channels of x only after every
    later band has what it sees of them in the scratch: the pairs that it keeps, and rows of x further down.
    """
    kept = pair_rows - moves
    starts = range(rows, g.y_h, rows)
    first = [i * g.stride_h - g.pad_h + kept * pair_step for i in starts]  # that later bands still read
    written = [i * g.y_w for i in starts]
    clear = all(most <= max(row, 0) * g.x_w for most, row in zip(written, first, strict=True))
    follows = pair_step * moves == rows * g.stride_h and kept >= 0
    require(g.x_c == g.y_c and clear and follows, f"{where}: in x's place it would overwrite what it still reads")
    return True


def depthwise_lines(p: Params) -> Linear:
    """Along one axis: the pairs of pixels side by side that outputs at even and at odd places see, or every output."""
    g = p.window("window")
    down = g.k_w == 1
    x, y, k, stride, maps, pad = _along(g, down)
    others = _along(g, not down)
    run_count, pairs, columns = p.number("run_count"), p.number("pairs"), p.number("columns")
    sets = 2 if stride == 1 else 1
    right = others[2] == 1 and others[5] == 0 and (others[1] - 1) * others[3] < others[0] and g.y_c % g.x_c == 0
    right = right and stride in (1, 2) and (maps == 1 or stride == 1) and min(pairs, columns) > 0
    require(right and (run_count > 0) == (stride == 2), f"{p.where}: not for this kernel")
    stream, width = p.stream("channels", 4), sets * pairs + 4
    require(stream.size == g.y_c * width + 2 * run_count, f"{p.where}: other runs than it says")
    table, runs = stream[: g.y_c * width].reshape(g.y_c, width), stream[g.y_c * width :].reshape(run_count, 2)
    if run_count > 0:
        places = _places(runs, p.where)
        require(bool(np.array_equal(places, np.arange(pairs))), f"{p.where}: its runs are not its pairs in their order")
    words = table[:, : sets * pairs].reshape(g.y_c, pairs, sets)
    halves = np.stack([(words + 2**15) % 2**16 - 2**15, words >> 16], axis=2).reshape(g.y_c, 2 * pairs, sets)
    found = []
    for odd in range(sets):  # an output at an odd place begins with the upper half of a pair
        taps = np.zeros((g.y_c, max(k, 2 * pairs) + 1), np.int64)
        taps[:, : 2 * pairs - odd] = halves[:, odd:, odd]
        require(not np.any(halves[:, :odd, odd]) and not np.any(taps[:, k:]), f"{p.where}: weights beyond the window")
        found.append(taps[:, :k])
    require(bool(np.all(found[0] == found[-1])), f"{p.where}: odd places see another window")
    longest = -(-y // maps)
    most = min(columns, longest)  # of the outputs that one plane is for
    scratch = 16 * ((3 * -(-most // 6) if stride == 1 else max(most, 4)) + pairs - 1)
    whole = columns >= longest  # lemma "in place": four channels of a line are laid out before y takes their places
    stays = g.x_c == g.y_c and y <= x and pad % maps == 0
    in_place = whole and stays and (g.x_w == g.y_w or (not down and (maps == 1 or g.y_h == 1)))
    apart = in_place or maps > 1 or (down and g.x_w > 1)
    return Linear(
        g, None, found[0].reshape(g.y_c, g.k_h, g.k_w, 1), table[:, -4], p.byte("x_zero_point"), p.clamp, table[:, -3:],
        (PRODUCT, SUM), scratch, 0, ints(np.arange(g.y_c)) // (g.y_c // g.x_c),
        pixels=0 if apart else min(columns, y), in_place=in_place,
    )  # fmt: skip


def _along(g: Geometry, down: bool) -> tuple[int, int, int, int, int, int]:
    """Pixels of x, of y and of the window along one axis, stride, dilation, padding before."""
    if down:
        return g.x_h, g.y_h, g.k_h, g.stride_h, g.dilation_h, g.pad_h
    return g.x_w, g.y_w, g.k_w, g.stride_w, g.dilation_w, g.pad_w


def depthwise_taps(p: Params) -> Linear:
    """Four channels at a time from x as it lies; the last four may be those before them again."""
    g, pairs = p.window("window"), p.number("pairs")
    require(g.x_c >= 4 and g.y_c % g.x_c == 0 and pairs == -(-g.k_h * g.k_w // 2), f"{p.where}: not for this kernel")
    each, quads, taps = g.y_c // g.x_c, -(-g.x_c // 4), g.k_h * g.k_w
    table = p.table("channels", 4, each, quads, 16 + 4 * pairs)
    starts = np.minimum(4 * np.arange(quads), g.x_c - 4)
    places = (starts[:, None] + np.arange(4)) * each + np.arange(each)[:, None, None]  # (each, quads, 4): of y
    bias, words, scales = np.split(table, [4, 4 + 4 * pairs], axis=2)
    words = words.reshape(each, quads, pairs, 4).swapaxes(2, 3)
    low = (words + 2**15) % 2**16 - 2**15
    filled = np.stack([low, words >> 16], axis=-1).reshape(each, quads, 4, 2 * pairs)
    require(not np.any(filled[..., taps:]), f"{p.where}: weights beyond the window")
    rows = np.concatenate([bias[..., None], filled[..., :taps], scales.reshape(each, quads, 4, 3)], axis=3)
    by_channel = np.zeros((g.y_c, 4 + taps), np.int64)
    by_channel[places] = rows
    require(bool(np.all(by_channel[places] == rows)), f"{p.where}: a channel is there twice with other numbers")
    sees = ints(np.arange(g.y_c)) // each
    weights = by_channel[:, 1 : 1 + taps].reshape(g.y_c, g.k_h, g.k_w, 1)
    scratch, x_zero = 16 * pairs + rounded_up(g.x_c), p.byte("x_zero_point")
    scale = by_channel[:, 1 + taps :]
    found = Linear(g, None, weights, by_channel[:, 0], x_zero, p.clamp, scale, (PRODUCT, SUM), scratch, 1, sees)
    return replace(found, pixels=1 if each == 1 else 0)
