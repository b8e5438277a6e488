"""Which machine it is: what its speed depends on, and nothing that tells whose it is."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess

from pydantic import BaseModel, ConfigDict

_SETS = ("avx2", "avx512_f", "avx512_bf16", "avx512_fp16", "avx512_vnni", "amx_bf16", "amx_fp16")


class Fingerprint(BaseModel):
    """A machine, as its results file has it. Another torch or driver counts as another machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str
    cpu_id: str  # family.model.stepping: virtual machines call processors of several years alike
    instructions: tuple[str, ...]  # of those that PyTorch's and oneDNN's kernels choose by
    cores: int  # physical ones of the machine
    threads: int  # logical ones that a process here may use
    torch: str
    os: str
    gpu: str | None
    driver: str | None

    @property
    def name(self) -> str:
        """The machine's name: the main facts, and eight digits that stand for all of them."""
        facts = [self.cpu, f"{self.threads} threads", self.gpu or "", f"torch {self.torch}"]
        digits = hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()
        return f"{_slug(' '.join(facts))}-{digits[:8]}"


def fingerprint() -> Fingerprint:
    """This machine's."""
    import torch

    from sr_bench.networks.machine import processor
    from sr_bench.support.parallel import cores

    gpu = torch.cuda.is_available()
    capabilities = torch.cpu.get_capabilities()
    cpu = processor()
    return Fingerprint(
        cpu=cpu.name,
        cpu_id=cpu.id,
        instructions=tuple(s for s in _SETS if capabilities.get(s)),
        cores=capabilities.get("num_physical_cores") or cores(),
        threads=cores(),
        torch=torch.__version__,
        os=_os(),
        gpu=torch.cuda.get_device_name() if gpu else None,
        driver=_driver() if gpu else None,
    )


def _os() -> str:
    return " ".join(p for p in (platform.system(), platform.machine(), *platform.libc_ver()) if p)


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.split("\n")[0].strip() or None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")
