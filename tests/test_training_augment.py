"""Augmentation: what changes, what never does, and that the same lot gives the same images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.training.augment import AUGMENTATIONS, Augmentation, augment


def noise(count: int = 40, height: int = 12, width: int = 9, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, height, width, channels), np.uint8)


def lot(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None)  # machines may be busy
@given(
    st.sampled_from(sorted(AUGMENTATIONS)),
    st.integers(1, 6),
    st.integers(1, 14),
    st.integers(1, 14),
    st.sampled_from([1, 3]),
)
def test_images_keep_their_shape_and_the_same_seed_gives_the_same_ones(
    name: str, count: int, height: int, width: int, channels: int
) -> None:
    images = noise(count, height, width, channels)
    before = images.copy()
    changed = augment(images, AUGMENTATIONS[name], True, lot())
    assert changed.dtype == np.uint8 and changed.shape == images.shape
    assert np.array_equal(changed, augment(images, AUGMENTATIONS[name], True, lot()))
    assert np.array_equal(images, before)


def test_nothing_asked_changes_nothing() -> None:
    assert np.array_equal(augment(noise(), AUGMENTATIONS["none"], True, lot()), noise())


@pytest.mark.parametrize("mirror", [True, False])
def test_an_image_is_flipped_only_where_the_data_set_allows_it(mirror: bool) -> None:
    images = noise()
    changed = augment(images, Augmentation(flip=True), mirror, lot())
    flipped = np.array([np.array_equal(new, old[:, ::-1]) for new, old in zip(changed, images, strict=True)])
    same = np.array([np.array_equal(new, old) for new, old in zip(changed, images, strict=True)])
    assert (flipped | same).all()
    assert flipped.any() == mirror


def test_a_shift_moves_whole_pixels_and_repeats_the_edge() -> None:
    ramp = np.tile(np.arange(20, dtype=np.uint8) * 10, (50, 20, 1))[..., np.newaxis]
    changed = augment(ramp, Augmentation(shift=0.1), False, lot())
    rows = {tuple(int(v) for v in image[0, :, 0]) for image in changed}
    expected = {tuple(int(np.clip(x + by, 0, 19)) * 10 for x in range(20)) for by in range(-2, 3)}
    assert rows == expected


def test_a_warp_by_nothing_is_the_image_itself() -> None:
    images = noise(channels=3)
    assert np.array_equal(augment(images, Augmentation(rotation=1e-9), True, lot()), images)


def test_a_rotated_disc_stays_where_it_is() -> None:
    y, x = np.mgrid[:31, :31] - 15
    disc = np.where(y**2 + x**2 < 100, 200, 30).astype(np.uint8)
    changed = augment(np.repeat(disc[np.newaxis, ..., np.newaxis], 9, 0), Augmentation(rotation=20), False, lot())
    inner, outer = y**2 + x**2 < 64, y**2 + x**2 > 144
    assert (changed[:, inner] == 200).all() and (changed[:, outer] == 30).all()


def test_erasing_fills_one_rectangle_of_at_most_a_third() -> None:
    flat = np.full((200, 20, 20, 1), 77, np.uint8)
    changed = augment(flat, Augmentation(erase=1.0), False, lot())
    share = (changed != 77).mean(axis=(1, 2, 3))
    assert share.mean() > 0 and share.max() < 0.4


def test_contrast_changes_light_and_keeps_order() -> None:
    ramp = np.arange(0, 250, 10, dtype=np.uint8).reshape(1, 5, 5, 1).repeat(20, 0)
    changed = augment(ramp, Augmentation(contrast=0.3), False, lot()).reshape(20, 25).astype(int)
    assert (np.diff(changed, axis=1) >= 0).all()
    assert len({tuple(row) for row in changed}) == 20


def test_a_roaming_object_keeps_its_pixels_and_lies_anywhere_on_one_colour() -> None:
    white = np.full((200, 20, 20, 3), 250, np.uint8)
    how = Augmentation(zoom=0.6, roam=True, plain=1.0)
    changed = augment(white, how, False, lot())
    kept = (changed == 250).all(axis=3)
    for image, inside in zip(changed, kept, strict=True):
        assert len(np.unique(image[~inside].reshape(-1, 3), axis=0)) <= 1  # what is beyond the edge
    small = kept[kept.mean(axis=(1, 2)) < 0.5]
    assert len(small) > 20  # a half of the side is a quarter of the area
    middles = np.array([np.argwhere(inside).mean(axis=0) for inside in small])
    assert middles.min() < 7 and middles.max() > 12  # 9.5 is the middle


def test_a_tint_changes_channels_by_themselves() -> None:
    grey = np.full((50, 4, 4, 3), 120, np.uint8)
    changed = augment(grey, Augmentation(tint=0.2), False, lot())
    assert (changed == changed[:, :1, :1]).all() and len(np.unique(changed[:, 0, 0], axis=0)) > 40
    assert np.abs(changed.astype(int) - 120).max() <= 24
