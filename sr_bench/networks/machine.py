"""The processor or GPU that trains: what it is, and the precision that it is fast in."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from sr_bench.support.parallel import cores


def pick_device() -> torch.device:
    """The GPU of this process where there is one, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def set_up(device: torch.device) -> None:
    """float32 is float32 on a GPU too: without TF32, which cuDNN would use."""
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False


def fast_bf16(device: torch.device) -> bool:
    """Whether bf16 products run on the machine's own instructions (AMX, AVX-512 BF16, CUDA)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def describe(device: torch.device) -> str:
    """The machine in words, as ``AMD EPYC, 2 cores, torch 2.13.0``."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return f"{name}, {cores()} cores, torch {torch.__version__}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
