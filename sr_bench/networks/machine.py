"""The processor or GPU of this machine: what it is, and the precision that it is fast in."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import NamedTuple

import torch

from sr_bench.support.parallel import cores

_X86 = ("cpu family", "model", "stepping")


def fast_bf16(device: torch.device) -> bool:
    """Whether bf16 products run on the machine's own instructions (AMX, AVX-512 BF16, CUDA)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def describe(device: torch.device) -> str:
    """The machine in words, as ``AMD EPYC, 2 cores, torch 2.13.0``."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor().name
    return f"{name}, {cores()} cores, torch {torch.__version__}"


class Processor(NamedTuple):
    """Its name, and its family.model.stepping (ARM: implementer.part.revision)."""

    name: str
    id: str


def processor() -> Processor:
    """What the system says of the first processor; ``?`` where it doesn't."""
    facts = _cpuinfo()
    arm = "CPU part" in facts
    keys = ("CPU implementer", "CPU part", "CPU revision") if arm else _X86
    name = facts.get("model name") or _brand() or platform.processor() or platform.machine()
    return Processor(" ".join(name.split()), ".".join(facts.get(key, "?") for key in keys))


def _cpuinfo() -> dict[str, str]:
    """The first processor of Linux's ``/proc/cpuinfo``; nothing on another system."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _brand() -> str:
    """The processor's name on macOS; empty on another system."""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
