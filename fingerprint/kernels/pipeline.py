"""How Numba compiles kernels: to code that computes the same as otherwise, with a third less work.

Kernels compile at every user's first run. Much of that is work on functions that Python never calls, so here

- a kernel that other kernels call is a *part* of them: it is optimised and becomes machine code in each kernel that
  Python calls, where it can be inlined too, but not by itself as well;
- `np.empty` and `np.zeros` write their instructions into a kernel; Numba compiles a function of its own for each shape
  and number type;
- what Numba looks up again and again is remembered: what operators return, and what flags are equal;
- steps for what kernels do not have are left out: closures, `with` blocks, and expressions of whole arrays, which are
  computed all the same, one operation after the other.

Numba documents how to change the steps (in its guide for developers, "Customizing the compiler"), but not the classes
of compiled code: `fingerprint.kernels.compiled` uses this only with the versions of Numba that it was tested with.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite.binding import parse_assembly
from numba.core import cgutils, ir, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.environment import lookup_environment
from numba.core.errors import TypingError
from numba.core.registry import CPUDispatcher
from numba.core.typing.npydecl import parse_dtype, parse_shape
from numba.core.untyped_passes import IRProcessing
from numba.extending import intrinsic
from numba.np.arrayobj import _empty_nd_impl, _parse_empty_args

#: Steps that kernels do not need.
_LEFT_OUT = {"WithLifting", "InlineClosureLikes", "NopythonRewrites"}
_ENVIRONMENT = "_ZN08NumbaEnv"  # begins the names of what holds a compiled function's Python objects


class Kernel(CPUDispatcher):
    """A kernel that Python calls. For other kernels it is another one, which is made when one of them is compiled."""

    make_part: Callable[[], Any]
    _part: Any = None

    @property
    def _numba_type_(self) -> Any:  # how Numba asks what an object is, for a kernel that names it
        if self._part is None:
            self._part = self.make_part()
        return self._part._numba_type_


class _Lean(JITCodeLibrary):
    """Code of which only what is in it is simplified before it is linked; Numba spends as long on what is elsewhere."""

    def _optimize_functions(self, ll_module: Any) -> None:
        if not hasattr(self._codegen, "_pass_builder"):  # before Numba 0.62
            super()._optimize_functions(ll_module)
            return
        ll_module.data_layout = self._codegen._data_layout  # noqa: SLF001
        for function in ll_module.functions:
            if not function.is_declaration:
                steps, builder = self._codegen._function_pass_manager()  # noqa: SLF001
                steps.run(function, builder)


class _Whole(_Lean):
    """Code that Python calls."""

    def finalize(self) -> None:
        super().finalize()
        for variable in self._final_module.global_variables:  # those of parts, as when compiled code is loaded
            if variable.name.startswith(_ENVIRONMENT) and (found := lookup_environment(variable.name)) is not None:
                self._codegen.set_env(variable.name, found)  # type: ignore[attr-defined]

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Return what is kept: the machine code, and of the code for linking only which functions there are.

        No kernel takes this code in, and to read it would take a twentieth of a short run.
        """
        self._ensure_finalized()
        names = [f'define void @"{function.name}"() {{ ret void }}' for function in self.get_defined_functions()]
        return self.name, "object", (self._get_compiled_object(), parse_assembly("\n".join(names)).as_bitcode())


class _Part(_Lean):
    """Code that other code takes in: linked with what it calls itself, but neither optimised nor machine code."""

    def _optimize_final_module(self) -> None:
        """Do nothing."""

    def _finalize_final_module(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> Any:
        """Numba's code generator, for a function that has no address."""
        return _WithoutAddresses(self._codegen)


class _WithoutAddresses:
    """Numba's code generator; the code that takes a part in sets the part's environment."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing."""


def _array_type(shape: Any, dtype: Any) -> Any:
    """Return the type of a new array, for the types of the two arguments of `np.empty`."""
    number, n_dimensions = types.float64 if dtype is None else parse_dtype(dtype), parse_shape(shape)
    if number is None or n_dimensions is None:
        raise TypingError(f"a kernel's new array has a shape and a number type of NumPy, not {shape} and {dtype}")
    return types.Array(number, n_dimensions, "C")


def _new_array(clear: bool) -> Callable[..., Any]:
    """Return what Numba asks for to call a function of a shape and of a number type that returns a new array."""

    def typed(_typingctx: Any, shape: Any, dtype: Any = None) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind, lengths = _parse_empty_args(context, builder, signature, arguments)
            array = _empty_nd_impl(context, builder, kind, lengths)
            if clear:
                cgutils.memset(builder, array.data, builder.mul(array.itemsize, array.nitems), 0)
            return array._getvalue()  # noqa: SLF001

        return _array_type(shape, dtype)(shape, types.none if dtype is None else dtype), generate

    return typed


_NEW_ARRAYS = {"empty": intrinsic(_new_array(clear=False)), "zeros": intrinsic(_new_array(clear=True))}


@register_pass(mutates_CFG=False, analysis_only=False)
class _NewArrays(FunctionPass):
    """Replaces `np.empty` and `np.zeros`."""

    _name = "new_arrays"

    def __init__(self) -> None:  # Numba asks for it
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        assignments = [
            one for block in state.func_ir.blocks.values() for one in block.body if isinstance(one, ir.Assign)
        ]
        modules = {
            one.target.name
            for one in assignments
            if isinstance(one.value, ir.Global | ir.FreeVar) and one.value.value is np
        }
        changed = False
        for one in assignments:
            value = one.value
            if not (isinstance(value, ir.Expr) and value.op == "getattr" and value.value.name in modules):
                continue
            if (function := _NEW_ARRAYS.get(value.attr)) is not None:
                one.value = ir.Global(value.attr, function, value.loc)
                state.func_ir._definitions[one.target.name] = [one.value]  # noqa: SLF001
                changed = True
        return changed


class _Flags(Flags):
    """Numba's flags. It looks up each call of a function by them, a hundred thousand times in a first run."""

    __slots__ = ()

    def __hash__(self) -> int:
        """Return what Numba does for any flags."""
        return _HASH_OF_FLAGS

    def __eq__(self, other: object) -> bool:
        """Compare what was set, before Numba compares all that could be."""
        return self._values == getattr(other, "_values", None) or super().__eq__(other)


_HASH_OF_FLAGS = hash(Flags())


class _Typing:
    """Numba's typing context, which remembers what operators return for numbers, and what is in an array.

    For each operation in a kernel, Numba tries dozens of ways in turn.
    """

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, arguments: Any, named: Any) -> Any:
        """Return the signature of a function for types of arguments."""
        operation = function.typing_key if isinstance(function, types.Function) else function
        if named or not _is_known(operation, arguments):
            return self._context.resolve_function_type(function, arguments, named)
        key = id(function), tuple(arguments)
        if key in _signatures:
            return _signatures[key][1]
        found = self._context.resolve_function_type(function, arguments, named)
        if found is not None:
            _signatures[key] = function, found
        return found


def _is_known(operation: Any, arguments: Any) -> bool:
    """Return whether nothing but the types of its arguments decides what an operation returns."""
    if operation in _OF_ARRAYS:
        first, *rest = arguments
        return isinstance(first, types.Array) and all(isinstance(one, _INDICES) for one in rest)
    return operation in _OPERATORS and all(isinstance(one, _NUMBERS) for one in arguments)


_NUMBERS = (types.Number, types.Boolean)
_INDICES = (*_NUMBERS, types.BaseTuple, types.SliceType, types.Array)
_OF_ARRAYS = frozenset({operator.getitem, operator.setitem})
_OPERATORS = frozenset({bool, *(function for function in vars(operator).values() if callable(function))})
#: By the identity of an operator, or of Numba's type of it, and the types of its arguments: what has that identity, so
#: that nothing else gets it, and the signature. Numba compiles in one thread at a time.
_signatures: dict[tuple[int, tuple[Any, ...]], tuple[Any, Any]] = {}


class Wholes(CompilerBase):
    """Compiles kernels that Python calls."""

    _library: type[JITCodeLibrary] = _Whole

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.state.flags = _Flags(self.state.flags)
        self.state.typingctx = _Typing(self.state.typingctx)

    def define_pipelines(self) -> list[Any]:
        """Return the steps, and prepare the place for the code."""
        state = self.state
        if state.library is None:
            state.library = self._library(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
        steps = DefaultPassBuilder.define_nopython_pipeline(state)
        steps.passes = [step for step in steps.passes if step[0].__name__ not in _LEFT_OUT]
        steps.add_pass_after(_NewArrays, IRProcessing)
        steps.finalize()
        return [steps]


class Parts(Wholes):
    """Compiles kernels for other kernels."""

    _library = _Part
