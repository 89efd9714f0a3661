"""Some float32 lanes as one value in numba code, which the compiler keeps in vector registers.

`load`, `store`, `splat`, `fma`, `fms`, `larger` and `transpose` besides + - * /. Every lane computes alone, so
answers do not depend on the width of the machine's registers, only on whether it fuses multiply and add.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba.core import cgutils as _cgutils
from numba.core import config as _config
from numba.core import types
from numba.extending import intrinsic as _intrinsic
from numba.extending import models, overload, register_model

intrinsic: Any = _intrinsic
cgutils: Any = _cgutils
config: Any = _config


def _width() -> int:
    """Sixteen where the machine has 512-bit registers, else eight: the twelve states of a filter must fit."""
    told = config.CPU_FEATURES
    wide = "+avx512f" in told if told is not None else binding.get_host_cpu_features().get("avx512f", False)
    return 16 if wide else 8


WIDTH = _width()
_IR = ir.VectorType(ir.FloatType(), WIDTH)


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name="float32_lanes")


LANES = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _IR)  # type: ignore[no-untyped-call]


def _at(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to WIDTH elements of a flat array from `index` on."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _IR.as_pointer())


def _load(_typing: Any, array: Any, index: Any) -> Any:
    """WIDTH elements of a flat float32 array from `index` on."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_at(context, builder, signature.args[0], *args))
        value.align = 4
        return value

    return LANES(array, types.intp), code


def _store(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Put WIDTH elements into a flat float32 array from `index` on."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _at(context, builder, signature.args[0], *args[:2])).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), code


def _splat(_typing: Any, value: Any) -> Any:
    """The same float32 in every lane."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        one = builder.insert_element(ir.Constant(_IR, ir.Undefined), args[0], ir.IntType(32)(0))
        return builder.shuffle_vector(
            one, one, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        )

    return LANES(types.float32), code


def _multiply(less: bool) -> Any:
    def multiply(_typing: Any, a: Any, b: Any, c: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            x, y, z = args
            kind = ir.FunctionType(_IR, [_IR, _IR, _IR])
            work = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32")
            return builder.call(work, [x, y, builder.fneg(z) if less else z])

        return LANES(LANES, LANES, LANES), code

    return intrinsic(multiply)


fma, fms = _multiply(False), _multiply(True)
"""a * b + c and a * b - c, rounded once where the machine can."""


def _larger(_typing: Any, a: Any, b: Any) -> Any:
    """Lane by lane the first where it is larger, else the second, also where one is no number."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return LANES(LANES, LANES), code


def _arithmetic(name: str) -> Any:
    def compute(_typing: Any, a: Any, b: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return getattr(builder, name)(*args)

        return LANES(LANES, LANES), code

    return intrinsic(compute)


def _define(sign: Any, name: str) -> None:
    compute = _arithmetic(name)
    overload(sign)(lambda a, b: (lambda a, b: compute(a, b)) if a == LANES and b == LANES else None)


for _sign, _name in (
    (operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv"),
):  # fmt: skip
    _define(_sign, _name)


def _transpose(_typing: Any, x: Any, rows: Any, on: Any, out: Any, at: Any, stride: Any) -> Any:
    """A tile of WIDTH rows and WIDTH samples turned: out[at + stride * t + r] = x[rows[r] + on + t].

    `x` flat; `rows` int64 offsets into it.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flat, offsets, begin, target, start, step = args
        where = context.make_array(signature.args[1])(context, builder, offsets).data
        word = ir.IntType(64)
        tile = []
        for r in range(WIDTH):
            row = builder.add(builder.load(builder.gep(where, [word(r)])), begin)
            piece = builder.load(_at(context, builder, signature.args[0], flat, row))
            piece.align = 4
            tile.append(piece)
        half = 1
        while half < WIDTH:
            low = [i + (WIDTH - half if i & half else 0) for i in range(WIDTH)]
            high = [i + (WIDTH if i & half else half) for i in range(WIDTH)]
            for i in range(WIDTH):
                if not i & half:
                    a, b = tile[i], tile[i + half]
                    mask = ir.VectorType(ir.IntType(32), WIDTH)
                    tile[i] = builder.shuffle_vector(a, b, ir.Constant(mask, low))
                    tile[i + half] = builder.shuffle_vector(a, b, ir.Constant(mask, high))
            half *= 2
        for t, piece in enumerate(tile):
            there = builder.add(start, builder.mul(step, word(t)))
            builder.store(piece, _at(context, builder, signature.args[3], target, there)).align = 4
        return context.get_dummy_value()

    return types.void(x, rows, types.intp, out, types.intp, types.intp), code


load, store, splat = intrinsic(_load), intrinsic(_store), intrinsic(_splat)
larger, transpose = intrinsic(_larger), intrinsic(_transpose)
