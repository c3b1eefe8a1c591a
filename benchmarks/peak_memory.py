"""Takes some steps in this process and prints its peak memory in MiB.

python -m benchmarks.peak_memory '{"network": {...}, "device": "cpu", "replicas": 25}'
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import torch

from benchmarks.growth import Setting, stepper
from model.config import NetworkConfig

STATUS = Path("/proc/self/status")


def main(argument: str) -> None:
    """Run the setting of the argument, fields of `benchmarks.growth.Setting`."""
    given = json.loads(argument)
    network = NetworkConfig.model_validate(given.pop("network"))
    setting = Setting(network=network, **given)
    stepper(setting)()
    if setting.device == "cpu":
        print(of_process())
    else:
        print(torch.cuda.max_memory_allocated(setting.device) / 2**20)


def of_process() -> float:
    """Largest resident size of this process, MiB.

    On Linux from its own status: `ru_maxrss` there goes on from the process that
    started it.
    """
    if STATUS.exists():
        lines = STATUS.read_text().splitlines()
        return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main(sys.argv[1])
