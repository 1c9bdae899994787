"""What shells need to complete `picloud`: scripts for them, and answers in the form that the scripts read.

They are click's, but that whole words come and go: `--status=d`, `tools.py:sq`, names with commas and spaces.
"""

import os
from typing import TYPE_CHECKING, Any

from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete, add_completion_class
from click.shell_completion import split_arg_string as split

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' response completion type value word="${COMP_WORDS[COMP_CWORD]}"
    response=$(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$word" %(complete_var)s=bash_complete \
%(prog_name)s 2>/dev/null)
    COMPREPLY=()
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'dir' ]]; then
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=("$(printf %%q "$value")")
        fi
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a plain described response
    local type key descr
    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) %(complete_var)s=zsh_complete \
%(prog_name)s 2>/dev/null)}")
    [[ $words[CURRENT] == --*=* ]] && compset -P '*='
    for type key descr in ${response}; do
        if [[ "$type" == "plain" && "$descr" == "_" ]]; then
            plain+=("$key")
        elif [[ "$type" == "plain" ]]; then
            described+=("$key":"$descr")
        elif [[ "$type" == "dir" ]]; then
            _path_files -/
        elif [[ "$type" == "file" ]]; then
            _path_files -f
        fi
    done
    [[ -n "$described" ]] && _describe -V unsorted described
    [[ -n "$plain" ]] && compadd -V unsorted -a plain
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef %(complete_func)s %(prog_name)s
fi
"""
_FISH = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \
COMP_CWORD=(commandline -ct | string collect) %(prog_name)s 2>/dev/null)
    set -l option (string match --regex -- '^--[^=]*=' (commandline -ct))
    for completion in $response
        set -l found (string split --max 1 "," -- $completion)
        switch $found[1]
            case dir
                __fish_complete_directories $found[2]
            case file
                for path in (__fish_complete_path $found[2])
                    echo "$option$path"
                end
            case plain
                echo $found[2]
        end
    end
end

complete --no-files --keep-order --command %(prog_name)s --arguments "(%(complete_func)s)"
"""

if TYPE_CHECKING:
    Item = CompletionItem[Any]
else:
    Item = CompletionItem  # which older versions know without brackets


def register() -> None:
    """Let click use them."""
    for kind in (Bash, Zsh, Fish):
        add_completion_class(kind)


class Bash(BashComplete):
    """Bash breaks words at `=` and `:`, and replaces only what is behind."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split(line)[1:]
        if line[-1:].isspace() or not words:
            return words, ""
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[Item]:
        found = _whole(super().get_completions(args, incomplete), incomplete)
        part = os.environ.get("COMP_WORD", incomplete)
        part = "" if part in ("=", ":") else part
        before = incomplete[: len(incomplete) - len(part)] if incomplete.endswith(part) else ""
        for item in found:
            item.value = _one_line(str(item.value).removeprefix(before))
        return found


class Zsh(ZshComplete):
    """Zsh takes three lines for each."""

    source_template = _ZSH

    def format_completion(self, item: Item) -> str:
        value, about = _one_line(str(item.value)), _one_line(item.help or "")
        if about:  # behind a colon
            value = value.replace(":", r"\:")
        return f"{item.type}\n{value}\n{about or '_'}"


class Fish(FishComplete):
    """Fish takes a line for each, and the whole word."""

    source_template = _FISH

    def get_completions(self, args: list[str], incomplete: str) -> list[Item]:
        return _whole(super().get_completions(args, incomplete), incomplete)

    def format_completion(self, item: Item) -> str:
        about = _one_line(item.help or "")
        return f"{item.type},{_one_line(str(item.value))}" + (f"\t{about}" if about else "")


def _whole(items: list[Item], incomplete: str) -> list[Item]:
    """Values of `--option=` with it."""
    name, equals, _ = incomplete.partition("=")
    if equals and name.startswith("--"):
        for item in items:
            if item.type == "plain":
                item.value = f"{name}={item.value}"
    return items


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
