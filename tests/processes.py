"""Processes below one that a test has started, by the module that they run."""

import contextlib

import psutil


def processes_of(root: psutil.Process, module: str) -> list[psutil.Process]:
    """Those that run a module now. One that ends while it is looked at is none of them."""
    found = []
    for process in root.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if module in process.cmdline():
                found.append(process)
    return found


def kill_all(processes: list[psutil.Process]) -> int:
    """`kill -9` of each that still runs; how many there were."""
    killed = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            killed += 1
    return killed
