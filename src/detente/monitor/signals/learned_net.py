"""The forward pass of a trained network from its Keras file, in numpy: no TensorFlow, no torch, no training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError

Float32 = NDArray[np.float32]
Weights = Mapping[str, Float32]
Config = Mapping[str, Any]
Layer = Callable[[Sequence[Float32], Config, Weights], Float32]

_TINY = 1e-7  # Keras' epsilon


class Network:
    """A functional model of Keras 2: its layers in order, each with its weights and the layers it reads.

    Every layer type of `LAYERS` may occur; dropout passes through, so that the same window gives the same answer.
    Source: the layers' definitions, keras.io/2.15; additive attention: Bahdanau and others 2015, arXiv 1409.0473.
    """

    def __init__(self, layers: Sequence[tuple[str, str, Config, tuple[str, ...], Weights]],
                 outputs: Sequence[str]) -> None:  # fmt: skip
        unknown = {kind for _, kind, *_ in layers} - {"InputLayer", *LAYERS}
        if unknown:
            raise DetenteError(f"a network with layers of unknown kind: {', '.join(sorted(unknown))}")
        self.layers, self.outputs = tuple(layers), tuple(outputs)
        self._last = {name: i for i, layer in enumerate(layers) for name in layer[3]}

    def __call__(self, x: Float32) -> tuple[Float32, ...]:
        """The outputs for `x` (window, sample, channel), each (window, sample, channel)."""
        values: dict[str, Float32] = {}
        for i, (name, kind, config, inputs, weights) in enumerate(self.layers):
            given = [values[k] for k in inputs]
            values[name] = x if kind == "InputLayer" else LAYERS[kind](given, config, weights)
            for k in inputs:  # what no later layer reads is let go
                if self._last[k] == i and k not in self.outputs:
                    values.pop(k, None)
        return tuple(values[k] for k in self.outputs)


def load(path: Path) -> Network:
    """The network in a Keras HDF5 file. Raises DetenteError where h5py is missing or the file is none."""
    try:
        import h5py
    except ImportError:
        raise DetenteError("no h5py", fix="pip install 'detente[picker]'") from None
    try:
        with h5py.File(path) as file:
            model = json.loads(file.attrs["model_config"])["config"]
            layers = []
            for layer in model["layers"]:
                name = layer["name"]
                group = file["model_weights"].get(name)
                weights: dict[str, Float32] = {}
                if group is not None:
                    group.visititems(lambda key, node, to=weights: _take(key, node, to))
                inputs = tuple(n[0] for n in layer["inbound_nodes"][0]) if layer["inbound_nodes"] else ()
                layers.append((name, layer["class_name"], layer["config"], inputs, weights))
    except (OSError, KeyError, ValueError) as bad:
        raise DetenteError(f"no trained network: {bad}", where=path.name) from None
    return Network(layers, [o[0] for o in model["output_layers"]])


def _take(key: str, node: Any, to: dict[str, Float32]) -> None:
    """Keep a weight under its last name without the layer's own: kernel, bias, forward/kernel, Wx, ..."""
    if not hasattr(node, "shape"):
        return
    *groups, last = key.removesuffix(":0").split("/")
    side = groups[-1].split("_")[0] if groups and groups[-1].startswith(("forward", "backward")) else ""
    if groups and last.startswith(groups[-1] + "_"):
        last = last.removeprefix(groups[-1] + "_").removeprefix("Add_")
    to[f"{side}/{last}" if side else last] = np.asarray(node[()], np.float32)


def _activated(x: Float32, name: str) -> Float32:
    if name == "relu":
        return cast(Float32, np.maximum(x, 0, out=x))
    if name == "sigmoid":
        return cast(Float32, 1 / (1 + np.exp(-np.clip(x, -80, 80))))
    if name == "linear":
        return x
    raise DetenteError(f"a network with an unknown activation '{name}'")


def conv1d(x: Float32, kernel: Float32, bias: Float32) -> Float32:
    """`x` (window, n, c) with `kernel` (k, c, out), zeros outside, length kept; an even kernel reaches right."""
    k, n = len(kernel), x.shape[1]
    left = (k - 1) // 2
    wide = np.pad(x, ((0, 0), (left, k - 1 - left), (0, 0)))
    taps = np.lib.stride_tricks.sliding_window_view(wide, k, axis=1)  # (window, n, c, k)
    flat = np.ascontiguousarray(taps.transpose(0, 1, 3, 2)).reshape(-1, k * x.shape[2])
    return (flat @ kernel.reshape(-1, kernel.shape[2]) + bias).reshape(len(x), n, -1)


def lstm(x: Float32, w: Weights, gate: str = "hard_sigmoid") -> Float32:
    """The states (window, n, units) of a long short-term memory; gates in Keras' order i, f, c, o, the cell tanh.

    `gate`: hard_sigmoid, min(1, max(0, 0.2 z + 0.5)), the default before Keras 2.3, or sigmoid.
    """
    open_, recurrent = _GATES[gate], w["recurrent_kernel"]
    units = len(recurrent)
    inward = x @ w["kernel"] + w["bias"]
    h = np.zeros((len(x), units), np.float32)
    c = np.zeros_like(h)
    out = np.empty((*x.shape[:2], units), np.float32)
    for t in range(x.shape[1]):
        z = inward[:, t] + h @ recurrent
        i, f, g, o = (z[:, q * units : (q + 1) * units] for q in range(4))
        c = open_(f) * c + open_(i) * np.tanh(g)
        h = open_(o) * np.tanh(c)
        out[:, t] = h
    return out


def _hard(z: Float32) -> Float32:
    return cast(Float32, np.clip(np.float32(0.2) * z + np.float32(0.5), 0, 1))


_GATES: dict[str, Callable[[Float32], Float32]] = {
    "hard_sigmoid": _hard,
    "sigmoid": lambda z: _activated(z, "sigmoid"),
}


def attention(x: Float32, w: Weights, width: int | None) -> Float32:
    """Additive self-attention: softmax over t' of Wa tanh(x_t Wt + x_t' Wx + bh) + ba, times x_t'.

    `width`: only t' within t - width // 2 to t - width // 2 + width - 1 count.
    """
    e = np.tanh((x @ w["Wt"])[:, :, None] + (x @ w["Wx"])[:, None] + w["bh"]) @ w["Wa"][:, 0] + w["ba"]
    e = np.exp(e - e.max(axis=-1, keepdims=True))
    if width is not None:
        t = np.arange(x.shape[1])
        lower = (t - width // 2)[:, None]
        e = e * ((lower <= t) & (t < lower + width))
    return cast(Float32, ((e / (e.sum(axis=-1, keepdims=True) + _TINY)) @ x).astype(np.float32))


def _conv(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    return _activated(conv1d(xs[0], w["kernel"], w["bias"]), c["activation"])


def _pool(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    x, k = xs[0], int(c["pool_size"][0])
    short = -x.shape[1] % k
    x = np.pad(x, ((0, 0), (short // 2, short - short // 2), (0, 0)), constant_values=-np.inf)
    return cast(Float32, x.reshape(len(x), -1, k, x.shape[2]).max(axis=2))


def _batch_norm(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    scale = w["gamma"] / np.sqrt(w["moving_variance"] + np.float32(c["epsilon"]))
    return cast(Float32, (xs[0] - w["moving_mean"]) * scale + w["beta"])


def _layer_norm(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    x = xs[0]
    centred = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(c["epsilon"]))
    return cast(Float32, centred / std * w["gamma"] + w["beta"])


def _feed_forward(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    return cast(Float32, _activated(xs[0] @ w["W1"] + w["b1"], c["activation"]) @ w["W2"] + w["b2"])


def _both_ways(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    ahead, back = (
        {k: w[f"{side}/{k}"] for k in ("kernel", "recurrent_kernel", "bias")}
        for side in ("forward", "backward")
    )
    gate = c["layer"]["config"]["recurrent_activation"]
    return np.concatenate([lstm(xs[0], ahead, gate), lstm(xs[0][:, ::-1], back, gate)[:, ::-1]], axis=-1)


def _cropped(xs: Sequence[Float32], c: Config, w: Weights) -> Float32:
    left, right = c["cropping"]
    return xs[0][:, left : xs[0].shape[1] - right]


LAYERS: dict[str, Layer] = {
    "Conv1D": _conv,
    "MaxPooling1D": _pool,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "FeedForward": _feed_forward,
    "Bidirectional": _both_ways,
    "Cropping1D": _cropped,
    "LSTM": lambda xs, c, w: lstm(xs[0], w, c["recurrent_activation"]),
    "SeqSelfAttention": lambda xs, c, w: attention(xs[0], w, c["attention_width"]),
    "Activation": lambda xs, c, w: _activated(xs[0].copy(), c["activation"]),
    "SpatialDropout1D": lambda xs, c, w: xs[0],
    "Add": lambda xs, c, w: sum(xs[1:], xs[0]),
    "UpSampling1D": lambda xs, c, w: np.repeat(xs[0], int(c["size"]), axis=1),
}
