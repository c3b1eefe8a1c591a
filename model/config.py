"""What a training run is told: loss, network and training settings.

All of it changes results, so all of it is part of a study's identity. The
models are frozen and refuse unknown keys; a study composes them
(`study.config.StudyConfig`).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from model.weighting.registry import SCHEMES

Term = Literal["multiclass", "binary", "nine_class", "kl"]
TERMS: tuple[Term, ...] = ("multiclass", "binary", "nine_class", "kl")


class Settings(BaseModel):
    """Base of all settings: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LossConfig(Settings):
    """The four losses of one replica and who weighs them.

    The first seven fields and their defaults are those of the plan this project
    grew from. `kl` compares the fine head with the coarse one, so it goes when
    `nine_class_head_enabled` is off, as `nine_class` does.
    """

    alpha: float = Field(0.5, ge=0, le=1)
    """Weight of the multiclass loss; the binary one gets 1 - alpha."""
    nine_class_loss_weight: float = Field(0.2, ge=0)
    kl_weight: float = Field(0.1, ge=0)
    nine_class_head_enabled: bool = True
    auto_weighting: str = "none"
    """A scheme of `model.weighting.registry`; none is the fixed formula."""
    auto_weight_clamp: tuple[float, float] = (-10.0, 10.0)
    """Bounds of s (uncertainty) and a, b, c (direct), applied after each optimizer step."""
    uncertainty_init_value: float | Literal["matched"] = 0.0
    """Start of s = log variance; "matched" starts at -log of the fixed weight."""
    lr_multiplier: float = Field(0.1, gt=0)
    """Learning rate of the learned scalars over that of the network."""
    rho: float = Field(1.0, gt=0)
    """direct_anchored: price of leaving the fixed weights."""
    temperature: float | None = Field(None, gt=0)
    """dwa, uw_so: the higher, the more even the weights; None: the scheme's own, 2 and 1."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)

    @field_validator("auto_weight_clamp")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError(f"expected (low, high) with low < high, found {value}")
        return value

    @field_validator("auto_weighting")
    @classmethod
    def _registered(cls, value: str) -> str:
        if value not in SCHEMES:
            raise ValueError(f"expected one of {', '.join(SCHEMES)}; found {value!r}")
        return value

    @property
    def fixed_weights(self) -> dict[Term, float]:
        """Weight of each term in the fixed formula, terms without a head left out."""
        weights: dict[Term, float] = {"multiclass": self.alpha, "binary": 1 - self.alpha}
        if self.nine_class_head_enabled:
            weights["nine_class"] = self.nine_class_loss_weight
            weights["kl"] = self.kl_weight
        return weights


class NetworkConfig(Settings):
    """A Squeezeformer (Kim et al. 2022, arXiv 2206.00888) over sensor channels."""

    width: int = Field(32, ge=4)
    """Channels of every block (d)."""
    blocks: int = Field(2, ge=0)
    heads: int = Field(2, ge=1)
    kernel: int = Field(15, ge=1)
    """Taps of the depthwise convolution; odd."""
    expansion: int = Field(2, ge=1)
    """Hidden over outer width of the feed-forward modules."""
    stem_kernel: int = Field(5, ge=1)
    stride: Literal[1, 2, 4] = 2
    """Rows per step after the stem."""
    bert_layers: int = Field(0, ge=0)
    """Plain post-norm encoder layers after the blocks."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Channel dropout: one draw per sequence and channel, the same at all times."""

    @field_validator("kernel", "stem_kernel")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"expected an odd number of taps, found {value}")
        return value

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"expected width to be a multiple of 2 x heads, "
                f"found width {self.width} and {self.heads} heads"
            )
        return self


NETWORK_PRESETS: dict[str, NetworkConfig] = {
    "tiny": NetworkConfig(),
    "base": NetworkConfig(width=128, blocks=4, heads=4, kernel=31, expansion=4),
    # expansion 7 brings it to the 23 million parameters of the plan
    "reference": NetworkConfig(
        width=256, blocks=8, heads=8, kernel=31, expansion=7, bert_layers=4, stride=1
    ),
}


class TrainingConfig(Settings):
    """How a stack is trained. Every replica of a study shares it."""

    epochs: int = Field(30, ge=1)
    batch_size: int = Field(64, ge=1)
    """Sequences a replica sees in a step."""
    learning_rate: float = Field(2e-3, gt=0)
    """Peak of the schedule: linear warm-up, then cosine to zero."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of all steps spent warming up."""
    weight_decay: float = Field(1e-2, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    """Largest gradient norm of one replica, its learned scalars included."""
    precision: Literal["auto", "fp64", "fp32", "bf16"] = "auto"
    """auto: bf16 autocast on CUDA, fp32 elsewhere."""


class FeatureConfig(Settings):
    """What the network sees of a recording."""

    feature_set: Literal["plan", "gravity"] = "gravity"
    """plan: the 16 channels with the raw quaternion; gravity: what does not depend on heading."""
    max_length: int = Field(200, ge=8)
    """Rows kept of a sequence, counted from its end."""
    normalise: Literal["train", "subject"] = "train"
    """train: mean and SD of the training folds. subject: of all recordings of a subject,
    its test recordings included (transductive; named wherever its figures stand)."""
