"""Rows of small windows as vectors of numbers, for kernels whose inner loops are too short for the compiler.

A loop over the eight or nine pixels of a row, with sums that go on in the next row, is left scalar or spends its time
on tests around it. Here a row is one value: ``load`` takes it out of an array, ``+ - *`` and ``/`` work lane by lane,
``total`` adds the lanes. Numbers are ``float32``, or ``float64`` where the array or value is. Any processor can do it;
those with wide registers do it at once. Indices are not checked.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic, models, overload, register_model

_CONTRACTED = ("contract",)  # a product and a sum may be one rounding
_NUMBERS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
_BITS = ir.IntType(32)


class Lanes(types.Type):
    """The type of ``count`` numbers, ``float32`` or ``float64``."""

    def __init__(self, count: int, number: Any) -> None:
        self.count, self.number = count, number
        super().__init__(name=f"Lanes({count}, {number})")

    @property
    def vector(self) -> Any:
        """The compiler's type."""
        return ir.VectorType(_NUMBERS[self.number], self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, fe_type.vector)


@intrinsic(prefer_literal=True)
def load(typingctx, count, array, index):  # type: ignore[no-untyped-def]
    """``count`` numbers, a constant, of a C-ordered array from the flat ``index`` on."""
    if array.layout != "C":
        return None
    lanes = Lanes(count.literal_value, array.dtype)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load(_place(context, builder, signature.args[1], arguments[1:], lanes), align=4)

    return lanes(count, array, types.int64), generate


@intrinsic
def store(typingctx, array, index, value):  # type: ignore[no-untyped-def]
    """Put lanes into a C-ordered array of their kind of number, from the flat ``index`` on."""
    if array.layout != "C" or array.dtype != value.number:
        return None

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store(arguments[2], _place(context, builder, signature.args[0], arguments, value), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


def _place(context: Any, builder: Any, kind: Any, arguments: Any, lanes: Lanes) -> Any:
    data = context.make_array(kind)(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), lanes.vector.as_pointer())


@intrinsic(prefer_literal=True)
def alike(typingctx, count, value):  # type: ignore[no-untyped-def]
    """``count`` lanes, a constant, of one number."""
    lanes = Lanes(count.literal_value, value)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        nothing = ir.Constant(lanes.vector, ir.Undefined)
        one = builder.insert_element(nothing, arguments[1], ir.Constant(_BITS, 0))
        everywhere = ir.Constant(ir.VectorType(_BITS, lanes.count), [0] * lanes.count)
        return builder.shuffle_vector(one, nothing, everywhere)

    return lanes(count, value), generate


@intrinsic(prefer_literal=True)
def leading(typingctx, lanes, count):  # type: ignore[no-untyped-def]
    """The first ``count`` lanes, a constant; zero in the others, even for NaN."""
    within = count.literal_value

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        mask = ir.Constant(ir.VectorType(ir.IntType(1), lanes.count), [int(k < within) for k in range(lanes.count)])
        return builder.select(mask, arguments[0], ir.Constant(lanes.vector, [0.0] * lanes.count))

    return lanes(lanes, count), generate


@intrinsic
def total(typingctx, lanes):  # type: ignore[no-untyped-def]
    """The sum of the lanes."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        number = _NUMBERS[lanes.number]
        kind = ir.FunctionType(number, [number, lanes.vector])
        function = get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.{_suffix(lanes)}")
        return builder.call(function, [ir.Constant(number, 0.0), arguments[0]], fastmath=("reassoc",))

    return lanes.number(lanes), generate


@intrinsic
def at_least_one(typingctx, lanes):  # type: ignore[no-untyped-def]
    """The size of each lane, or one where that is greater."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = lanes.vector
        function = get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), f"llvm.fabs.{_suffix(lanes)}")
        size, one = builder.call(function, arguments), ir.Constant(kind, [1.0] * lanes.count)
        return builder.select(builder.fcmp_ordered(">", size, one), size, one)

    return lanes(lanes), generate


def _suffix(lanes: Lanes) -> str:
    """How the compiler's functions are named for the type."""
    return f"v{lanes.count}f{lanes.number.bitwidth}"


def _operation(name: str) -> Any:
    @intrinsic
    def operation(typingctx, a, b):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, name)(*arguments, flags=_CONTRACTED)

        return a(a, b), generate

    return operation


_add, _subtract, _multiply, _divide = (_operation(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


def _both(a: Any, b: Any) -> bool:
    return isinstance(a, Lanes) and a == b


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
