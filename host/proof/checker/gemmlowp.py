"""gemmlowp's functions of a fixed-point number (fixedpoint/fixedpoint.h), which TensorFlow Lite Micro's tables hold."""

from __future__ import annotations

from .arithmetic import INT32_MAX, divide_by_pot, high_mul

# exp(-2^k) with 31 fraction bits, k from -2 to 4
_EXP = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def saturate(value: int) -> int:
    """The nearest int32."""
    return min(max(value, -(2**31)), INT32_MAX)


def exp_on_negative(argument: int, integer_bits: int = 5) -> int:
    """`exp_on_negative_values`: the argument has 31 - integer_bits fraction bits, the result 31."""
    if argument == 0:
        return INT32_MAX
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    mod = (argument & (quarter - 1)) - quarter
    remainder = mod - argument
    x = (mod << integer_bits) + (1 << 28)
    x2 = high_mul(x, x)
    x3, x4 = high_mul(x2, x), high_mul(x2, x2)
    inner = high_mul(divide_by_pot(x4, 2) + x3, 715827883) + x2
    result = 1895147668 + high_mul(1895147668, x + divide_by_pot(inner, 1))
    for k, factor in enumerate(_EXP):
        if k - 2 < integer_bits and remainder & (1 << (fraction_bits - 2 + k)):
            result = high_mul(result, factor)
    return int(result)


def _two_over_one_plus(x: int) -> int:
    """2 / (1 + x) with 29 fraction bits, x in [0, 1] with 31: three steps of Newton and Raphson."""
    half = (x + INT32_MAX + 1) >> 1
    value = 1515870810 + high_mul(half, -1010580540)
    for _ in range(3):
        value += saturate(high_mul(value, (1 << 29) - high_mul(half, value)) << 2)
    return int(value)


def logistic(argument: int) -> int:
    """`logistic`: 27 fraction bits in, 31 out."""
    if argument == 0:
        return 1 << 30
    positive = saturate(_two_over_one_plus(exp_on_negative(-abs(argument), 4)) << 1)
    return positive if argument > 0 else INT32_MAX - positive


def tanh(argument: int) -> int:
    """`tanh`: 27 fraction bits in, 31 out."""
    if argument == 0:
        return 0
    positive = saturate((_two_over_one_plus(exp_on_negative(-abs(argument), 5)) - (1 << 29)) << 2)
    return positive if argument > 0 else -positive


def inverse_sqrt(value: int) -> tuple[int, int]:
    """`GetInvSqrtQuantizedMultiplierExp`: multiplier and left shift of 1 / sqrt(value), value below 2^31; 0 is as 1."""
    if value <= 1:
        return INT32_MAX, 0
    right = 11
    while value >= 1 << 29:
        value, right = value // 4, right + 1
    while value < 1 << 27:
        value, right = value * 4, right - 1
    half, root = divide_by_pot(value >> 1, 1), 1 << 28
    for _ in range(5):
        cube = saturate(int(high_mul(high_mul(root, root), root)) << 6)
        root = saturate(int(high_mul(3 << 27, root) - high_mul(half, cube)) << 3)
    root = high_mul(root, 1518500250)  # sqrt(1/2)
    return int(root) << max(-right, 0), -max(right, 0)
