"""One writer at a time: a lock for each output, which a killed process leaves to the next.

The lock is the operating system's (``flock``) on a file that is kept open, so it ends with its
process. Where there is none, as on Windows and some network disks, the file itself is the lock,
and that of a process that is gone is taken over.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sr_bench.support.errors import SrBenchError
from sr_bench.support.notices import notice

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_POLL = 0.2  # seconds between looks at a lock that is waited for


class Locked(SrBenchError):
    """Another process is writing the same output."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as its file says."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"another sr-bench (pid {self.pid} on {self.host}, since {self.since})"


@contextmanager
def writing(what: str, lock: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold ``lock`` while ``what`` is written; the file is gone afterwards.

    Args:
        what: the output, for the message.
        wait: wait for a process that holds it, and say so, instead of refusing.

    Raises:
        Locked: if another process is writing it, naming that process.
    """
    held = _acquire(lock)
    if held is None and wait:
        notice(lock, f"{_holder(lock)} is writing {what}: waiting for it")
    while held is None:
        if not wait:
            raise Locked(
                f"{_holder(lock)} is already writing {what}: wait for it, or end it; "
                f"the lock is {lock}"
            )
        time.sleep(_POLL)
        held = _acquire(lock)
    try:
        yield
    finally:
        held.release()
        with suppress(OSError):  # where another lock lies there
            lock.parent.rmdir()


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock file of another program by ``flock`` or ``lockf``."""
    if fcntl is None or not lock.is_file():
        return False
    with lock.open("r+b") as file:
        for take in (fcntl.flock, fcntl.lockf):
            try:
                take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
            take(file, fcntl.LOCK_UN)
    return False


def take_file(path: Path) -> int | None:
    """Make a file, or take one whose process has ended, for as long as the handle stays open.

    Returns:
        The handle of the file, which is empty; ``None`` where another process or thread has it, or
        there are no such locks.
    """
    if fcntl is None:
        return None
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except PermissionError:  # another user's
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link, which leads to somebody's file
            return None
        raise
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(handle, path):
            os.ftruncate(handle, 0)
            return handle
    except BlockingIOError:
        pass
    except OSError:  # a disk without such locks
        path.unlink(missing_ok=True)
    os.close(handle)
    return None


@dataclass(frozen=True)
class _Held:
    path: Path
    handle: int
    by_system: bool

    def note(self) -> None:
        facts = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        os.ftruncate(self.handle, 0)
        os.write(self.handle, json.dumps(facts).encode())

    def release(self) -> None:
        if self.by_system:  # while it is held: the next one's file isn't removed
            self.path.unlink(missing_ok=True)
            os.close(self.handle)
        else:
            os.close(self.handle)
            self.path.unlink(missing_ok=True)


def _acquire(lock: Path) -> _Held | None:
    """The lock, held; ``None`` where another process holds it."""
    held = _flocked(lock) if fcntl else _created(_pid_file(lock))
    if held is not None:
        try:
            held.note()
        except OSError as error:  # a full disk
            held.release()
            raise OSError(error.errno, error.strerror, str(held.path)) from error
    return held


def _flocked(lock: Path) -> _Held | None:
    assert fcntl is not None
    while True:
        handle = _opened(lock, os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:  # a disk without such locks
            os.close(handle)
            lock.unlink(missing_ok=True)
            return _created(_pid_file(lock))
        if _is_at(handle, lock):
            return _Held(lock, handle, by_system=True)
        os.close(handle)  # its holder removed it between our two calls: it locks nothing any more


def _created(path: Path) -> _Held | None:
    """The file as the lock itself: whoever creates it has it."""
    for _ in range(2):
        try:
            return _Held(path, _opened(path, os.O_CREAT | os.O_EXCL), by_system=False)
        except FileExistsError:
            holder = _read(path)
            if holder is None or holder.host != socket.gethostname() or is_running(holder.pid):
                return None
            path.unlink(missing_ok=True)
    return None


def _opened(path: Path, flags: int) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # the folder of the last lock has just been removed
            return os.open(path, os.O_RDWR | flags, 0o666)


def _pid_file(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.pid")


def _is_at(handle: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False


def _holder(lock: Path) -> str:
    holder = _read(lock) or _read(_pid_file(lock))
    return "another sr-bench" if holder is None else str(holder)


def _read(lock: Path) -> Holder | None:
    try:
        return Holder(**json.loads(lock.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # just made, or just gone
        return None


def is_running(pid: int) -> bool:
    """Whether there is a process of that number on this machine."""
    if os.name == "nt":  # where the signal 0 isn't a question
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
