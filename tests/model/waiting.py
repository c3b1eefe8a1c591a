"""Modes that note what has the host wait for the device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class Copies(TorchDispatchMode):
    """Notes copies between devices, and whether the host waits for them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.waiting: Counter[str] = Counter()
        self.not_waiting = 0

    def __torch_dispatch__(
        self,
        func: OpOverload[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default:
            self.note(args[0], out, (kwargs or {}).get("non_blocking", False))
        elif func is torch.ops.aten.copy_.default:
            self.note(args[1], args[0], len(args) > 2 and args[2])
        return out

    def note(self, source: Tensor, target: Tensor, non_blocking: bool) -> None:
        if source.device == target.device:
            return
        if non_blocking:
            self.not_waiting += 1
        else:
            self.waiting[f"{source.device} -> {target.device} {tuple(source.shape)}"] += 1


class Named(TorchFunctionMode):
    """Counts functions by name: what is no operation of its own, or none on this device."""

    def __init__(self, names: Collection[str], seen: Counter[str]) -> None:
        super().__init__()
        self.names = names
        self.seen = seen

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        name = getattr(func, "__name__", "")
        if name in self.names:
            self.seen[name] += 1
        return func(*args, **(kwargs or {}))


class DispatchedReads(TorchDispatchMode):
    """Counts operations whose result has the host wait: a number, or a shape that depends on it."""

    SYNCHRONISING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero")

    def __init__(self, seen: Counter[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.seen = seen

    def __torch_dispatch__(
        self,
        func: OpOverload[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        name = func._opname
        if any(part in name for part in self.SYNCHRONISING):
            self.seen[name] += 1
        if name in ("index", "index_put", "index_put_") and self.by_mask(args[1]):
            self.seen[f"{name} by mask"] += 1
        return func(*args, **(kwargs or {}))

    @staticmethod
    def by_mask(indices: Sequence[Tensor | None]) -> bool:
        return any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in indices)
