"""Recurrent layers as the converter takes them: an LSTM becomes one op of the whole sequence, others are unrolled.

The converter does not get over a loop. An LSTM with the functions that it has usually is handed over under the name by
which the converter knows it, as Keras 2 did (`tf.api_implements`), and comes out as UNIDIRECTIONAL_SEQUENCE_LSTM.
"""

from __future__ import annotations

from typing import Any

from tinyproof.backend import load_keras


def prepare_recurrent(leaf: Any) -> str:
    """Change the recurrent layers in a layer of the network so that it converts. What was done, in words, or ''."""
    keras = load_keras()
    fused = unrolled = 0
    for layer in {id(part): part for part in (leaf, *leaf._flatten_layers(include_self=False))}.values():
        if type(layer) is keras.layers.LSTM and _is_usual(layer):
            _fuse(layer)
            fused += 1
        elif isinstance(layer, keras.layers.RNN) and not layer.unroll:
            layer.unroll = True
            unrolled += 1
    ops = f"{'one op' if fused == 1 else f'{fused} ops'}, UNIDIRECTIONAL_SEQUENCE_LSTM"
    return " and ".join([f"becomes {ops}"] * (fused > 0) + ["is unrolled, which the converter needs"] * (unrolled > 0))


def _is_usual(layer: Any) -> bool:
    names = tuple(function.__name__ for function in (layer.activation, layer.recurrent_activation))
    return names == ("tanh", "sigmoid") and not layer.stateful and not layer.return_state


def _fuse(layer: Any) -> None:
    """Have the layer call a function that the converter knows; another call than that of a plain sequence stays."""
    original, fused = layer.call, _sequence_lstm()

    def call(sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        if initial_state is not None or mask is not None or None in sequences.shape[1:]:
            return original(sequences, initial_state=initial_state, mask=mask, training=training)
        import tensorflow as tf

        cell = layer.cell
        bias = tf.convert_to_tensor(cell.bias) if cell.use_bias else tf.zeros(4 * cell.units)
        state = tf.zeros((tf.shape(sequences)[0], cell.units))
        if layer.go_backwards:
            sequences = tf.gather(sequences, list(range(sequences.shape[1]))[::-1], axis=1)
        weights = (tf.convert_to_tensor(cell.kernel), tf.convert_to_tensor(cell.recurrent_kernel), bias)
        last, every, *_ = fused(sequences, state, state, *weights)
        return every if layer.return_sequences else last

    layer.unroll = True  # for a call that stays
    object.__setattr__(layer, "call", call)


def _sequence_lstm() -> Any:
    """The function x (N,steps,channels), two states (N,units), weights -> (last (N,units), all (N,steps,units), ...)
    with the operands, the results and the attributes by which the converter knows an LSTM of Keras.
    """
    import uuid

    import tensorflow as tf

    def lstm(x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        by_step, steps = tf.transpose(x, (1, 0, 2)), x.shape[1]

        def step(t: Any, h: Any, c: Any, y: Any) -> Any:
            gates = tf.matmul(by_step[t], kernel) + tf.matmul(h, recurrent_kernel) + bias
            entry, forget, new, shown = tf.split(gates, 4, axis=1)
            c = tf.sigmoid(forget) * c + tf.sigmoid(entry) * tf.tanh(new)
            h = tf.sigmoid(shown) * tf.tanh(c)
            return t + 1, h, c, y.write(t, h)

        y = tf.TensorArray(tf.float32, size=steps, element_shape=h.shape)
        _, h, c, y = tf.while_loop(lambda t, *_: t < steps, step, (0, h, c, y))
        return h, tf.transpose(y.stack(), (1, 0, 2)), h, c, tf.constant(1.0)

    known_by = {"api_implements": f"lstm_{uuid.uuid4()}", "api_preferred_device": "CPU"}
    order = {"go_backwards": False, "time_major": False}
    return tf.function(lstm, autograph=False, experimental_attributes={**known_by, **order})
