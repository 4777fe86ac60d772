"""The processes of a PostgreSQL cluster: which run, and how they are ended."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class PostmasterFile:
    """What `postmaster.pid` says. Source: PostgreSQL, src/include/utils/pidfile.h."""

    pid: int
    socket_dir: Path | None
    status: str

    @classmethod
    def read(cls, cluster: Path) -> "PostmasterFile | None":
        """The file of a cluster, or None where it is missing or unfinished."""
        try:
            lines = os.fsdecode((cluster / "postmaster.pid").read_bytes()).splitlines()
            return cls(int(lines[0]), Path(lines[4]) if lines[4] else None, lines[7].strip())
        except (OSError, ValueError, IndexError):
            return None


def living_process(pid: int) -> psutil.Process | None:
    """The process with a number, or None where it has ended."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def serves(process: psutil.Process, cluster: Path) -> bool:
    """Whether the process is a PostgreSQL of this cluster; each of them works inside its cluster."""
    try:
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and process.name() == "postgres" and Path(process.cwd()) == cluster
    except (psutil.Error, OSError):
        return False


def end_server(process: psutil.Process, timeout_s: float) -> None:
    """Fast shutdown; after the time, immediate shutdown, from which the next start recovers."""
    for shutdown in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(shutdown)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(timeout_s)
            return


def end_leftovers(
    cluster: Path, socket_dir: Path, timeout_s: float, progress: Callable[[str], None]
) -> None:
    """End what a killed owner left: its server, backends that outlived it, its lock files.

    Shape: to be called by the owner of the cluster only.
    Errors: TimeoutError where a process does not end.
    """
    postmaster = PostmasterFile.read(cluster)
    process = living_process(postmaster.pid) if postmaster else None
    if process is not None and serves(process, cluster):
        progress("the previous PostgreSQL still runs; ending it")
        end_server(process, timeout_s)
    for backend in _processes_of(cluster):
        with contextlib.suppress(psutil.Error):
            backend.kill()
    _wait_until_gone(cluster, timeout_s)
    # Nothing runs any more. The number in a lock file may by now be a stranger's, or that of a process
    # nobody has reaped; PostgreSQL would take both for a running server.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    (socket_dir / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def _wait_until_gone(cluster: Path, timeout_s: float) -> None:
    give_up = time.monotonic() + timeout_s
    while any(True for _ in _processes_of(cluster)):
        if time.monotonic() > give_up:
            raise TimeoutError(f"a PostgreSQL process of {cluster} does not end")
        time.sleep(0.02)


def _processes_of(cluster: Path) -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if serves(process, cluster))
