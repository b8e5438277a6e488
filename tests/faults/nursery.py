"""A warm process that runs ``sr-bench`` in children, each with one fault in its way.

Everything is imported once, so a child starts at once and hundreds of faults take minutes. Jobs
come on stdin and answers go to stdout, one JSON object a line; see harness.py.
"""

import contextlib
import ctypes
import errno
import importlib
import itertools
import json
import os
import pkgutil
import random
import resource
import selectors
import signal
import sys
import time
import traceback
import types
from pathlib import Path

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate")
GROWS = ("open", "os.mkdir", "os.link", "os.symlink")  # what a full disk refuses
LATER = (  # what commands import when they run
    "dvclive", "fontTools.subset", "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg", "pandas.io.formats.csvs", "torch._dynamo",
)  # fmt: skip
READY, STOPPED = b"paused\n", b"reached\n"


class Fault:
    """One fault, put in at the ``at``-th change of a file below ``root``."""

    def __init__(self, root, job, told, wait):
        self.root, self.told, self.wait = root, told, wait
        self.kind, self.at = job["fault"].get("kind"), job["fault"].get("at", -1)
        self.fields, self.count = job["fault"], itertools.count()
        self.seen, self.grown, self.full = 0, 0, False

    def prepare(self):
        """What is in the way from the beginning."""
        begin = getattr(self, f"_{self.kind}", None)
        if begin is not None:
            begin()
        sys.addaudithook(self.watch)

    def _limit(self):  # the kernel refuses to let any file grow beyond this
        most = self.fields["bytes"]
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def _torn(self):  # it kills instead: in the middle of a write, with a half file left
        self._limit()
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

    def _memory(self):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        now = pages * resource.getpagesize()
        most = now + self.fields["bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    def _files(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.fields["count"],) * 2)

    def _clock(self):
        now, shift = time.time, self.fields["seconds"]
        time.time = lambda: now() + shift

    def _unprivileged(self):  # root without the right to write where the mode forbids it
        if os.geteuid() == 0:
            header = (ctypes.c_uint32 * 2)(0x20080522, 0)
            if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
                raise OSError(ctypes.get_errno(), "capset")

    def _impatient(self):  # what a server that stalls would take a minute to show
        import pooch.core

        from sr_bench.data.datasets import transfer

        transfer._TIMEOUT, transfer._WINDOW = (0.5, 0.5), 0.5
        pooch.core.time = types.SimpleNamespace(sleep=lambda seconds: None)

    def watch(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            if not flags & WRITES:
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        grows = event in GROWS
        if (self.kind == "full" and not grows) or not self.is_inside(path):
            return
        n = next(self.count)
        self.seen, self.grown = n + 1, self.grown + grows
        if n == self.at:
            self.strike(path)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device", os.fspath(path))

    def is_inside(self, path):
        if isinstance(path, int):
            return False
        path = os.fsdecode(path)
        return not path.startswith("/") or path.startswith(self.root + "/")

    def strike(self, path):
        if self.kind == "kill":
            os.write(self.told, STOPPED)
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.kind == "full":
            os.write(self.told, STOPPED)
            self.full = True
        elif self.kind == "pause":
            os.write(self.told, READY)
            os.read(self.wait, 1)


def import_all():
    """Every module of sr-bench whose packages are installed."""
    import sr_bench

    for found in pkgutil.walk_packages(sr_bench.__path__, "sr_bench."):
        if found.name.endswith("__main__") or (found.name.count(".") == 1 and not found.ispkg):
            continue  # the faces of 0.1 warn
        with contextlib.suppress(ImportError):
            importlib.import_module(found.name)
    for name in LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from PIL import Image

    Image.init()


def child(job, told, wait, out, err):
    """Run the command in this process, which ends with it."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", closefd=False) for n in (1, 2))
    for name, value in job["env"].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    os.chdir(job["cwd"])
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one thread: the same order each time
    random.seed(os.getpid())
    sys.argv = ["sr-bench", *map(os.fsdecode, map(os.fsencode, job["words"]))]
    fault, status = Fault(os.path.realpath(job["cwd"]), job, told, wait), 1
    try:
        from sr_bench.cli import main

        fault.prepare()
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os.write(told, f"changes {fault.seen} {fault.grown}\n".encode())
    os._exit(status)


class Child:
    """A command under way."""

    def __init__(self, job):
        pipes = [os.pipe() for _ in range(3)]
        wait, self.go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            child(job, pipes[0][1], wait, pipes[1][1], pipes[2][1])
        os.close(wait)
        for _, writing in pipes:
            os.close(writing)
        self.reading = dict(zip([r for r, _ in pipes], ["told", "out", "err"]))
        self.got = dict.fromkeys(["told", "out", "err"], b"")

    def read(self, seconds, enough=lambda got: False):
        """Read until the end, or until there is enough; whether that came in time."""
        late = time.monotonic() + seconds
        with selectors.DefaultSelector() as waiting:
            for handle in self.reading:
                waiting.register(handle, selectors.EVENT_READ)
            while self.reading and not enough(self.got):
                left = late - time.monotonic()
                if left <= 0:
                    return False
                for key, _ in waiting.select(left):
                    piece = os.read(key.fd, 1 << 16)
                    self.got[self.reading[key.fd]] += piece
                    if not piece:
                        waiting.unregister(key.fd)
                        os.close(key.fd)
                        del self.reading[key.fd]
        return True

    def paused(self, seconds):
        return self.read(seconds, lambda got: READY in got["told"]) and READY in self.got["told"]

    def resume(self):
        os.write(self.go, b"x")

    def ended(self, seconds):
        late = not self.read(seconds)
        if late:
            os.kill(self.pid, signal.SIGKILL)
            self.read(10)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.go)
        told = self.got["told"].decode().split()
        return {
            "status": status,
            "late": late,
            "reached": "reached" in told or "paused" in told,
            "changes": list(map(int, told[-2:])) if "changes" in told else None,
            **{name: self.got[name].decode(errors="replace") for name in ("out", "err")},
        }


def main():
    import_all()
    children = {}
    for line in sys.stdin:
        job = json.loads(line)
        kind, number = job["do"], job.get("child")
        if kind == "start":
            number = len(children)
            children[number] = Child(job)
            answer = number
        elif kind == "paused":
            answer = children[number].paused(job["seconds"])
        elif kind == "resume":
            answer = children[number].resume()
        else:
            answer = children[number].ended(job["seconds"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
