"""A Whisper model with random weights: small enough to be made in a test, and run by the code that runs real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WIDTH, MELS, TOKENS = 32, 80, 51_864
"""With so many tokens it is a model for English alone."""

SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
    *(f"<|{number * 0.02:.2f}|>" for number in range(1501)),
)


def write_random_model(folder: Path) -> None:
    """Write the model as CTranslate2 stores it."""
    from ctranslate2.specs import WhisperSpec  # type: ignore[import-untyped]
    from tokenizers import Tokenizer, models

    random = np.random.default_rng(0)
    spec = WhisperSpec(1, 2, 1, 2)
    _fill(spec.encoder, spec.decoder, random)
    names = [f"w{number}" for number in range(TOKENS - len(SPECIAL))] + list(SPECIAL)
    spec.register_vocabulary(names)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids, spec.config.alignment_heads = [], [(0, 0)]
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))
    words = {name: number for number, name in enumerate(names)}
    Tokenizer(models.WordLevel(words, unk_token="w0")).save(str(folder / "tokenizer.json"))


def _fill(encoder: Any, decoder: Any, random: np.random.Generator) -> None:
    def some(*shape: int) -> Any:
        return random.normal(0, 0.02, shape).astype(np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(WIDTH, dtype=np.float32), np.zeros(WIDTH, dtype=np.float32)

    def linear(layer: Any, *shape: int) -> None:
        layer.weight, layer.bias = some(*shape), np.zeros(shape[0], dtype=np.float32)

    def attention(layer: Any, *sizes: int) -> None:
        norm(layer.layer_norm)
        for part, size in zip(layer.linear, sizes, strict=True):
            linear(part, size * WIDTH, WIDTH)

    def feed_forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * WIDTH, WIDTH)
        linear(layer.linear_1, WIDTH, 4 * WIDTH)

    linear(encoder.conv1, WIDTH, MELS, 3)
    linear(encoder.conv2, WIDTH, WIDTH, 3)
    decoder.embeddings.weight = some(TOKENS, WIDTH)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.scale_embeddings = np.int8(0)
    for half, places in ((encoder, 1500), (decoder, 448)):
        half.position_encodings.encodings = some(places, WIDTH)
        norm(half.layer_norm)
        attention(half.layer[0].self_attention, 3, 1)
        feed_forward(half.layer[0].ffn)
    attention(decoder.layer[0].attention, 1, 2, 1)
