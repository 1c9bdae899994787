"""Settings of picloud, as attributes: what cloudconf.py and the environment say, and what a program says instead.

    cloud.config.num_procs = 2
    cloud.config.commit()

An assignment is checked at once and holds from `commit()` on, which closes every cloud of this program (jobs of
`cloud.mp` and of the simulator are forgotten with it) and takes `cloud.setkey` back.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cloud.config.locations import home_directory, machine_identity, state_directory
from cloud.config.options import BY_NAME, OPTIONS, ConfigError, Option
from cloud.config.settings import Settings
from cloud.config.values import VALUES

if TYPE_CHECKING:
    api_key: str
    api_secretkey: str
    automatic_dependency_transfer: bool
    extra_modules: list[str]
    force_serialize_debugging: bool
    force_serialize_logging: bool
    hostname: str
    log_filename: str
    log_level: str
    max_transmit_data: int
    mp_cache_size_limit: int
    num_procs: int
    print_log_level: str
    printing_min_size: int
    progress: bool | str
    purge_days: int
    save_log: bool
    serialize_debugging: bool
    serialize_logging: bool
    serialize_logging_path: str
    show_primitives: bool
    show_transmitted_types_composition: bool
    simulator_cache_size_limit: int
    simulator_inline: bool
    simulator_num_procs: int
    url: str
    use_simulator: bool

__all__ = [
    "ConfigError", "Settings", "commit", "getconfigpath", "home_directory", "machine_identity", "setting",
    "state_directory",
]  # fmt: skip


def commit() -> None:
    """Let what was assigned hold. Closes every cloud of this program and takes `cloud.setkey` back."""
    VALUES.commit()


def getconfigpath() -> str:
    """The directory of cloudconf.py, logs and credentials."""
    return home_directory()


def setting(name: str) -> Any:
    """What an option is now; assignments that were not committed do not count.

    Raises:
        ConfigError: the environment says something that cannot be meant.
    """
    return VALUES.now(name)


class _Config(ModuleType):
    """This module's own class: a property for each option, and nothing else may be assigned."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in BY_NAME or name in self.__dict__ or name.startswith("__") or isinstance(value, ModuleType):
            super().__setattr__(name, value)
        else:
            raise AttributeError(_unknown(name))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(_unknown(name))

    def __dir__(self) -> list[str]:
        return sorted([*__all__, *BY_NAME])


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, BY_NAME, 1)
    return f"cloud.config has no option {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _property(option: Option) -> property:
    name = option.name
    return property(
        lambda _: VALUES.shown(name),
        lambda _, value: VALUES.assign(name, value),
        doc=f"{option.doc} Default: {option.default!r}. Environment: {option.environment}.",
    )


for _option in OPTIONS:
    setattr(_Config, _option.name, _property(_option))
sys.modules[__name__].__class__ = _Config
