"""TFLM's fixed-point functions, step by step: what it computes for every byte, the export computes once for a table.

The steps and their rounding are those of gemmlowp (fixedpoint/fixedpoint.h). Values are integers; one with n fraction
bits stands for value / 2^n. The first three functions take int64 arrays too, with products below 2^63.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = TypeVar("Integers", int, NDArray[np.int64])
ONE = 2**31 - 1  # the real number one with 31 fraction bits, as near as it gets
# exp(-2^k) with 31 fraction bits, for the bits of the argument from 1/4 up to 16.
EXP_OF_BITS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
EXP_OF_MINUS_ONE_EIGHTH = 1895147668
SQRT_HALF = 1518500250
ONE_THIRD = 715827883
FORTY_EIGHT_SEVENTEENTHS = 1515870810  # with 29 fraction bits
MINUS_THIRTY_TWO_SEVENTEENTHS = -1010580540


def multiply_high(a: Integers, b: int | Integers, bits: int = 31) -> Integers:
    """a * b / 2^bits to nearest, halves upwards; as in `requantize.h`."""
    return (a * b + (1 << bits - 1)) >> bits


def divide_by_power_of_two(a: Integers, shift: int | Integers) -> Integers:
    """a / 2^shift to nearest, halves away from zero; as in `requantize.h`."""
    return (a + (1 << shift >> 1) - (a < 0) * (shift > 0)) >> shift


def requantize(value: Integers, multiplier: int | Integers, shift: int | Integers) -> Integers:
    """value * multiplier * 2^(shift - 31), rounded twice; as in `requantize.h`. One shift for all, or one for each.

    >>> requantize(np.array([5, -5, 427]), 2**30, 0).tolist()
    [3, -2, 214]
    """
    left, right = shift * (shift > 0), -shift * (shift < 0)
    return divide_by_power_of_two(multiply_high(value << left, multiplier), right)


def saturate(value: int, bits: int = 32) -> int:
    """The nearest signed integer of `bits` bits."""
    return min(max(value, -(1 << bits - 1)), (1 << bits - 1) - 1)


def exp(argument: int, integer_bits: int) -> int:
    """exp with 31 fraction bits, of an argument that has 31 - integer_bits of them, in [-2^integer_bits, 0].

    A Taylor polynomial of fourth order around -1/8 for the part in [-1/4, 0), times a constant for each higher bit.
    """
    if argument == 0:
        return ONE
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    in_quarter = (argument & (quarter - 1)) - quarter
    x = (in_quarter << integer_bits) + (1 << 28)  # in_quarter + 1/8, with 31 fraction bits
    x2 = multiply_high(x, x)
    x3 = multiply_high(x2, x)
    x4_over_4 = divide_by_power_of_two(multiply_high(x2, x2), 2)
    tail = divide_by_power_of_two(multiply_high(x4_over_4 + x3, ONE_THIRD) + x2, 1)
    result = EXP_OF_MINUS_ONE_EIGHTH + multiply_high(EXP_OF_MINUS_ONE_EIGHTH, x + tail)
    for bit, factor in EXP_OF_BITS.items():
        if bit < integer_bits and (in_quarter - argument) & (1 << (fraction_bits + bit)):
            result = multiply_high(result, factor)
    return result


def _reciprocal_of_half_one_plus(x: int) -> int:
    """2 / (1 + x) with 29 fraction bits, for x in [0, 1] with 31 of them: three Newton-Raphson steps."""
    half_denominator = (x + ONE + 1) >> 1
    result = FORTY_EIGHT_SEVENTEENTHS + multiply_high(half_denominator, MINUS_THIRTY_TWO_SEVENTEENTHS)
    for _ in range(3):
        missing = (1 << 29) - multiply_high(half_denominator, result)
        result += saturate(multiply_high(result, missing) << 2)
    return result


def logistic(argument: int, integer_bits: int) -> int:
    """1 / (1 + exp(-argument)) with 31 fraction bits; the argument has 31 - integer_bits of them."""
    if argument == 0:
        return 1 << 30
    positive = saturate(_reciprocal_of_half_one_plus(exp(-abs(argument), integer_bits)) << 1)
    return positive if argument > 0 else ONE - positive


def tanh(argument: int, integer_bits: int) -> int:
    """tanh with 31 fraction bits; the argument has 31 - integer_bits of them."""
    if argument == 0:
        return 0
    reciprocal = _reciprocal_of_half_one_plus(exp(-abs(argument), integer_bits + 1))  # of twice the argument
    positive = saturate((reciprocal - (1 << 29)) << 2)
    return positive if argument > 0 else -positive


def inverse_sqrt(value: int) -> tuple[int, int]:
    """(multiplier, shift) of 1 / sqrt(value) as for `requantize`, value in [0, 2^31); 0 counts as 1.

    Five Newton-Raphson steps with 28 fraction bits, from 1 (`GetInvSqrtQuantizedMultiplierExp`).
    """
    if value <= 1:
        return ONE, 0
    right = 11
    while value >= 1 << 29:
        value, right = value // 4, right + 1
    pairs = (31 - value.bit_length()) // 2 - 1
    right -= pairs
    value <<= 2 * pairs
    half, x = divide_by_power_of_two(value >> 1, 1), 1 << 28
    for _ in range(5):
        cube = saturate(multiply_high(multiply_high(x, x), x) << 6)
        x = saturate((multiply_high(3 << 27, x) - multiply_high(half, cube)) << 3)
    x = multiply_high(x, SQRT_HALF)
    return x << max(-right, 0), -max(right, 0)
