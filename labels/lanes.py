"""Rows of small windows as vectors of ``float32``, for kernels whose inner loops are too short for the compiler.

A loop over the eight or nine pixels of a row, with sums that go on in the next row, is left scalar or spends its time
on tests around it. Here a row is one value: ``load`` takes it out of an array, ``+ - *`` and ``/`` work lane by lane,
``total`` adds the lanes. Any processor can do it; those with wide registers do it at once. Indices are not checked.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic, models, overload, register_model

_CONTRACTED = ("contract",)  # a product and a sum may be one rounding
_NUMBER = ir.FloatType()


class Lanes(types.Type):
    """The type of ``count`` numbers."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_NUMBER, fe_type.count))


@intrinsic(prefer_literal=True)
def load(typingctx, count, array, index):  # type: ignore[no-untyped-def]
    """``count`` numbers, a constant, of a C-ordered ``float32`` array from the flat ``index`` on."""
    lanes = Lanes(count.literal_value)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load(_place(context, builder, signature.args[1], arguments[1:], lanes), align=4)

    return lanes(types.int64, array, types.int64), generate


@intrinsic
def store(typingctx, array, index, value):  # type: ignore[no-untyped-def]
    """Put lanes into a C-ordered ``float32`` array, from the flat ``index`` on."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store(arguments[2], _place(context, builder, signature.args[0], arguments, value), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


def _place(context: Any, builder: Any, kind: Any, arguments: Any, lanes: Lanes) -> Any:
    data = context.make_array(kind)(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), ir.VectorType(_NUMBER, lanes.count).as_pointer())


@intrinsic(prefer_literal=True)
def alike(typingctx, count, value):  # type: ignore[no-untyped-def]
    """``count`` lanes, a constant, of one ``float32``."""
    lanes = Lanes(count.literal_value)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(_NUMBER, lanes.count)
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), arguments[1], ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), [0] * lanes.count)
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), everywhere)

    return lanes(types.int64, types.float32), generate


@intrinsic(prefer_literal=True)
def leading(typingctx, lanes, count):  # type: ignore[no-untyped-def]
    """The first ``count`` lanes, a constant; zero in the others, even for NaN."""
    within = count.literal_value

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        mask = ir.Constant(ir.VectorType(ir.IntType(1), lanes.count), [int(k < within) for k in range(lanes.count)])
        return builder.select(mask, arguments[0], ir.Constant(ir.VectorType(_NUMBER, lanes.count), [0.0] * lanes.count))

    return lanes(lanes, types.int64), generate


@intrinsic
def total(typingctx, lanes):  # type: ignore[no-untyped-def]
    """The sum of the lanes, ``float32``."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = ir.FunctionType(_NUMBER, [_NUMBER, ir.VectorType(_NUMBER, lanes.count)])
        function = get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{lanes.count}f32")
        return builder.call(function, [ir.Constant(_NUMBER, 0.0), arguments[0]], fastmath=("reassoc",))

    return types.float32(lanes), generate


@intrinsic
def at_least_one(typingctx, lanes):  # type: ignore[no-untyped-def]
    """The size of each lane, or one where that is greater."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(_NUMBER, lanes.count)
        name = f"llvm.fabs.v{lanes.count}f32"
        function = get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
        size, one = builder.call(function, arguments), ir.Constant(kind, [1.0] * lanes.count)
        return builder.select(builder.fcmp_ordered(">", size, one), size, one)

    return lanes(lanes), generate


def _operation(name: str) -> Any:
    @intrinsic
    def operation(typingctx, a, b):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, name)(*arguments, flags=_CONTRACTED)

        return a(a, b), generate

    return operation


_add, _subtract, _multiply, _divide = (_operation(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


def _both(a: Any, b: Any) -> bool:
    return isinstance(a, Lanes) and isinstance(b, Lanes)


@overload(operator.add, inline="always")
def _of_sum(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _add(a, b)) if _both(a, b) else None


@overload(operator.sub, inline="always")
def _of_difference(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _subtract(a, b)) if _both(a, b) else None


@overload(operator.mul, inline="always")
def _of_product(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _multiply(a, b)) if _both(a, b) else None


@overload(operator.truediv, inline="always")
def _of_quotient(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _divide(a, b)) if _both(a, b) else None
