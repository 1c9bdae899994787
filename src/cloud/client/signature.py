"""Whether the arguments of a `call` fit its function, found out before anything is sent (SPEC B.2)."""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from cloud.client.naming import short_name
from cloud.client.reserved import NAMES, meant


def not_callable(function: Any, where: str) -> str:
    """What to say when something that cannot be called was given in place of a function."""
    how = "the function itself comes first, and its arguments behind it"
    if inspect.iscoroutine(function) or inspect.isgenerator(function):
        how = f"this is what calling {function.__name__} returned; {how}"
    return f"{where} first argument ({function!s:.80}) is not callable: {how}, as in {where}(f, x)"


def check_arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Nothing when they fit, or when the signature cannot be read.

    Raises:
        TypeError: in Python's wording, with the function's name.
    """
    if not kwargs and _fit(function, len(args)):
        return
    try:
        # What a decorator copied from the function inside it is not what the decorated one accepts.
        signature = inspect.signature(function, follow_wrapped=False)
    except (ValueError, TypeError):
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(
            f"{short_name(function)}() {_worded(str(error), signature, args)}{_advice(kwargs, signature)}"
        ) from None


def check_items(function: Callable[..., Any], number: int) -> None:
    """The same for a `map` over so many sequences.

    Raises:
        TypeError: as above; if more arguments are needed, with how to pass them.
    """
    try:
        check_arguments(function, (None,) * number, {})
    except TypeError as error:
        if "missing" not in str(error):
            raise
        one = "its sequence" if number == 1 else f"each of its {number} sequences"
        raise TypeError(
            f"{error}. A map passes one item from {one}: unpack tuples with map(f, *zip(*tuples)), and set what all "
            f"jobs share with functools.partial"
        ) from None


def _fit(function: Callable[..., Any], number: int) -> bool:
    """Whether so many positional arguments certainly fit, without the signature being made."""
    if type(function) is not FunctionType or function.__dict__ or function.__code__.co_kwonlyargcount:
        return False
    most = function.__code__.co_argcount
    return most - len(function.__defaults__ or ()) <= number <= most


def _worded(text: str, signature: inspect.Signature, args: tuple[Any, ...]) -> str:
    if text.startswith("too many positional"):
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        number = sum(parameter.kind in positional for parameter in signature.parameters.values())
        return f"takes {number} positional argument{'s' if number != 1 else ''} ({len(args)} given)"
    if text.startswith("multiple values"):
        return f"got {text}"
    return text


def _advice(kwargs: dict[str, Any], signature: inspect.Signature) -> str:
    """Where a keyword looks like one of cloud's own, say which is meant, or which there are."""
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
        return ""  # no keyword is unknown; something else is wrong
    unknown = [name for name in kwargs if name not in signature.parameters]
    for name in unknown:
        if close := meant(name):
            return f" (did you mean {close}?)"
    own = any(name.startswith("_") for name in unknown)
    return f" (cloud's own keywords are {', '.join(NAMES)})" if own else ""
