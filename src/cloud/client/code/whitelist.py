"""Which local modules may be sent, where a user wants to say so (SPEC B.7)."""

from collections.abc import Iterable


class Whitelist:
    """The only modules and packages that may be sent; None: all."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] | None = None

    def set(self, names: Iterable[str] | None) -> None:
        """Names of modules and packages; 'pkg.*' is the same as 'pkg'.

        Raises:
            TypeError: it is no list of names.
        """
        if names is None:
            self.names = None
            return
        listed = [] if isinstance(names, str) else list(names)
        if isinstance(names, str) or not all(isinstance(name, str) for name in listed):
            raise TypeError("cloud.set_dependency_whitelist takes a list of names of modules, or None for all")
        self.names = tuple(sorted({name.removesuffix(".*") for name in listed}))


WHITELIST = Whitelist()


def set_dependency_whitelist(modules: Iterable[str] | None) -> None:
    """Only the named local modules and packages may be sent with jobs; None: all that are needed.

    Raises:
        TypeError: it is no list of names.
    """
    WHITELIST.set(modules)
