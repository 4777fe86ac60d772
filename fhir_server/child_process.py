"""Child processes that end with their parent, as another user where asked.

A command started by `child_command` gets a signal from the kernel as soon as its parent is gone, even
after `kill -9`. The module runs as a script before the command itself, without site packages, so that
nothing happens between fork and exec in a process that may have threads.

Source: prctl(2), capabilities(7), Linux. Elsewhere a Python module watches its parent; a command does not.
"""

import argparse
import ctypes
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_WATCH_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user a command runs as.

    `keeps_access`: it may still enter folders that only root may (CAP_DAC_OVERRIDE), and nothing else
    of root's rights; for a checkout inside a private home.
    """

    uid: int
    gid: int
    keeps_access: bool


def child_command(
    command: Sequence[str], *, run_as: RunAs | None = None, end_signal: int = signal.SIGTERM
) -> list[str]:
    """The command line that runs a command so that it ends with this process."""
    options = ["--parent", str(os.getpid()), "--signal", str(int(end_signal))]
    if run_as is not None:
        options += ["--uid", str(run_as.uid), "--gid", str(run_as.gid)]
        options += ["--keep-access"] if run_as.keeps_access else []
    return [sys.executable, "-I", "-S", str(Path(__file__)), *options, "--", *command]


def child_module(module: str, *arguments: str, end_signal: int = signal.SIGTERM) -> list[str]:
    """The command line that runs a Python module so that it ends with this process."""
    options = ["--parent", str(os.getpid()), "--signal", str(int(end_signal)), "--module"]
    return [sys.executable, "-m", "fhir_server.child_process", *options, "--", module, *arguments]


def end_with_parent(parent: int, end_signal: int) -> None:
    """Have this process signalled when its parent, the process `parent`, is gone."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, end_signal)
    else:
        threading.Thread(target=_watch, args=(parent, end_signal), daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), end_signal)


def _watch(parent: int, end_signal: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_INTERVAL_S)
    os.kill(os.getpid(), end_signal)


def _become(uid: int, gid: int, *, keeps_access: bool) -> None:
    if keeps_access:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if keeps_access:
        _keep_only(_CAP_DAC_OVERRIDE)


def _keep_only(capability: int) -> None:
    """Keep one capability across exec: permitted, effective, inheritable, then ambient."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if _libc().capset(header, data) or _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability):
        raise OSError(ctypes.get_errno(), "this system lets no other user enter a private folder")


def _prctl(option: int, *arguments: int) -> int:
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    return int(_libc().prctl(option, *words))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Run the command that the arguments describe; it takes the place of this process."""
    parser = argparse.ArgumentParser(prog="child_process")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--keep-access", action="store_true")
    parser.add_argument("--module", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.uid is not None:
        _become(options.uid, options.gid, keeps_access=options.keep_access)
    end_with_parent(options.parent, options.signal)
    if options.module:
        sys.argv = options.command
        runpy.run_module(options.command[0], run_name="__main__", alter_sys=True)
    else:
        os.execv(options.command[0], options.command)  # noqa: S606 — the command is ours, without a shell


if __name__ == "__main__":
    main()
