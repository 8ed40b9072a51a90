"""The layers of a Keras network as its user knows them: nested ones unfolded, each with what it takes.

Found by calling the network once, which sees nested models, subclasses and single operations (`x / 255.0`) alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyproof.backend import load_keras


class Enough(Exception):
    """Ends a call of the network once what was asked for is known."""


@dataclass(frozen=True, eq=False)
class Call:
    """One layer or operation that the network called: `number` counts from 1 in the order of the calls."""

    number: int
    layer: Any
    arguments: tuple[Any, ...]

    @property
    def place(self) -> str:
        """For messages: `layer 'gru' (GRU, number 4 of the network)`."""
        return describe(self.layer, self.number)


def describe(layer: Any, number: int) -> str:
    """A layer in the user's words."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    kind = type(layer).__name__ + ("" if activation == "linear" else f" with activation {activation}")
    what = "layer" if isinstance(layer, load_keras().Layer) else "operation"
    return f"{what} '{layer.name}' ({kind}, number {number} of the network)"


def parts(network: Any) -> list[Any]:
    """Every layer of the network and of the models within it, but no model and no input, and the operations of
    `keras.ops` between them: in the order of the summary.
    """
    keras = load_keras()
    found: dict[int, Any] = {}
    for part in getattr(network, "operations", None) or network.layers:
        if isinstance(part, keras.Model):
            found.update((id(each), each) for each in parts(part))
        elif not isinstance(part, keras.layers.InputLayer):
            found[id(part)] = part
    return list(found.values())


def leaves(network: Any) -> list[Any]:
    """The layers among its parts."""
    keras = load_keras()
    return [part for part in parts(network) if isinstance(part, keras.Layer)]


@contextmanager
def _watched(layers: list[Any], see: Callable[[Any, tuple[Any, ...]], None]) -> Iterator[None]:
    """While the context lasts, `see` is told of every call of the layers before it is made."""

    def wrapped(layer: Any) -> Callable[..., Any]:
        original = layer.call

        def call(*arguments: Any, **named: Any) -> Any:
            see(layer, arguments)
            return original(*arguments, **named)

        return call

    own = {id(layer): vars(layer)["call"] for layer in layers if "call" in vars(layer)}
    for layer in layers:
        object.__setattr__(layer, "call", wrapped(layer))
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")
            if id(layer) in own:
                object.__setattr__(layer, "call", own[id(layer)])


def calls(network: Any, x: Any) -> list[Call]:
    """Every layer and operation that the network calls for the input x, in the order of the calls."""
    found: list[Call] = []

    def see(layer: Any, arguments: tuple[Any, ...]) -> None:
        found.append(Call(len(found) + 1, layer, arguments))

    with _watched(parts(network), see):
        network(x, training=False)
    return found


def first_input(network: Any, x: Any, is_wanted: Callable[[Any], bool]) -> tuple[Any, np.ndarray] | None:
    """The first layer called that is wanted, and what it gets for the network's input x; None where there is none."""
    found: list[tuple[Any, np.ndarray]] = []

    def see(layer: Any, arguments: tuple[Any, ...]) -> None:
        found.append((layer, np.asarray(arguments[0])))
        raise Enough

    wanted = [layer for layer in leaves(network) if is_wanted(layer)]
    with _watched(wanted, see):
        try:
            network(x, training=False)
        except Exception:
            if not found:  # Keras wraps what a call raises in errors of its own
                raise
    return found[0] if found else None
