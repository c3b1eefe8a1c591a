"""Memory that has run out is told from other errors."""

from __future__ import annotations

import pytest
import torch

from model.memory import CudaMemory, shortage

NO_CUDA = "no CUDA device: the memory of one can only be measured where there is one"


def raised(code: str) -> Exception:
    """What a piece of code raises."""
    with pytest.raises((RuntimeError, MemoryError)) as found:
        exec(code, {"torch": torch})
    return found.value


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (raised("torch.empty(2**60)"), "host_memory"),
        (raised("bytearray(2**60)"), "host_memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "device_memory"),
        (RuntimeError("CUDA error: out of memory"), "device_memory"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
            "device_memory",
        ),
    ],
)
def test_the_memory_that_is_short_is_named(error: Exception, memory: str) -> None:
    found = shortage(error)
    assert found is not None
    assert found.shortage == memory
    assert str(found).startswith(type(error).__name__)


def test_other_errors_are_not_about_memory() -> None:
    assert shortage(raised("torch.ones(2) @ torch.ones(3)")) is None
    assert shortage(RuntimeError("CUDA error: an illegal memory access was encountered")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_CUDA)
def test_a_gpu_is_measured_and_reserved() -> None:
    meter = CudaMemory(torch.device("cuda:0"))
    meter.restart()
    before = meter.peak()
    held = torch.empty(2**26, dtype=torch.uint8, device="cuda:0")
    assert 2**26 <= meter.peak() - before < 2**27
    del held
    assert meter.total() >= meter.capacity() > 2**26
    free, _ = torch.cuda.mem_get_info()
    meter.reserve(torch.cuda.memory_reserved() + 2**28)
    assert free - torch.cuda.mem_get_info()[0] >= 2**28
    meter.restart()
    assert torch.cuda.mem_get_info()[0] >= free
    assert meter.name
