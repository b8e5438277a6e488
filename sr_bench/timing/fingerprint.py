"""Which machine it is: what its speed depends on, and nothing that tells whose it is."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess

from pydantic import BaseModel, ConfigDict

# AMD's and Intel's generations by family and, from that model on, by model.
_GENERATIONS = {
    23: {0x00: "Zen", 0x30: "Zen 2"},
    25: {0x00: "Zen 3", 0x10: "Zen 4", 0x20: "Zen 3", 0x60: "Zen 4", 0x80: "", 0xA0: "Zen 4"},
    26: {0x00: "Zen 5", 0x50: ""},
    6: {
        0x55: "Skylake or Cascade Lake", 0x56: "", 0x6A: "Ice Lake", 0x6D: "",
        0x8F: "Sapphire Rapids", 0x90: "", 0xAD: "Granite Rapids", 0xAF: "",
        0xCF: "Emerald Rapids", 0xD0: "",
    },
}  # fmt: skip
_TRADEMARK = re.compile(r"\((?:R|TM)\)| Processor$| CPU @ .*$")

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

    def place(self, device: str) -> str:
        """What people call the machine and a device of it: ``AMD EPYC (Zen 5), 1 core``."""
        if not device.startswith("cpu"):
            return self.gpu or device
        generation = _generation(self.cpu_id)
        cpu = _TRADEMARK.sub("", self.cpu).strip()
        count = 1 if device == "cpu-1" else self.threads
        what = f"{cpu} ({generation})" if generation else cpu
        return f"{what}, {count} core{'s' if count > 1 else ''}"


def _generation(cpu_id: str) -> str:
    """Which generation of processors it is; empty where this list doesn't know it."""
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", cpu_id):
        return ""
    family, model = (int(part) for part in cpu_id.split(".")[:2])
    starts = [start for start in _GENERATIONS.get(family, {}) if start <= model]
    return _GENERATIONS[family][max(starts)] if starts else ""


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
