"""Train the translator: low-rank additions to Gemma 3 270M for short phrases and sentences, English and Arabic.

    python -m training.translator --pairs parallel/*.jsonl --model gemma-3-270m-q4_k_m.gguf --out DIR [--minutes 60] [--resume]

A file of pairs has one object a line: `en`, `ar`, `source`. The base is the quantized file that the product runs, its matrices expanded, so
that what is learned fits what it will be added to. The loss is taken over the words of the translation. One script for a CPU and a GPU;
what is drawn depends on the seed alone, and a run that was interrupted goes on with --resume.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.body import GemmaLayer
from training.train import copy_weights, save

NAMES = {"en": "English", "ar": "Arabic"}
LENGTHS = (32, 48, 64, 96, 128, 192)
"""Batches are padded to one of these, so that few shapes are compiled."""
EXTRA = 4_000
"""Tokens drawn at random that a translation is compared with, beyond those that occur in the pairs."""
CONFIG = {
    "rms_norm_eps": 1e-6, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "query_pre_attn_scalar": 256,
    "hidden_size": 640, "layers": 18, "sliding_window": 512, "global_every": 6, "bases": (1_000_000.0, 10_000.0),
}  # fmt: skip
PARTS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
}  # fmt: skip
"""Names of a layer's tensors in the model's first form and in GGUF."""


def prompt(text: str, source: str, target: str) -> str:
    """Return what the model is given before a translation."""
    return f"{NAMES[source]}: {text}\n{NAMES[target]}:"


@dataclass(slots=True)
class Item:
    """A pair as tokens; the translation begins at `start`."""

    ids: list[int]
    start: int


class Translator(nn.Module):
    """Gemma 3 270M (Gemma Team, 2025) with additions of low rank, read from a GGUF file."""

    def __init__(self, path: Path, rank: int, kept: Sequence[int], dtype: torch.dtype) -> None:
        super().__init__()
        weights = read(path)
        words = weights.pop("token_embd.weight")
        self.register_buffer("words", words.to(dtype), persistent=False)
        self.register_buffer("outputs", words[list(kept)].to(dtype).contiguous(), persistent=False)
        self.register_buffer("norm", weights.pop("output_norm.weight").float(), persistent=False)
        layers = []
        for n in range(CONFIG["layers"]):
            named = {}
            for ours, theirs in PARTS.items():
                value = weights[f"blk.{n}.{theirs}.weight"]
                named[f"layers.{n}.{ours}.weight"] = value - 1 if value.ndim == 1 else value  # GGUF has the norms' 1 added
            layers.append(GemmaLayer(named, f"layers.{n}", CONFIG, rank, dtype))
        self.layers = nn.ModuleList(layers)
        self.step = GemmaLayer.forward

    def forward(self, ids: Tensor, wanted: Tensor) -> Tensor:
        """Return the logits over the kept tokens, shape (n, kept), at the places that `wanted`, shape (batch, length), marks."""
        length = ids.shape[1]
        x = functional.embedding(ids, self.words).float() * CONFIG["hidden_size"] ** 0.5
        mask = torch.full((length, length), -1e9, device=ids.device).triu(1).expand(ids.shape[0], 1, length, length)
        turns = [self._turns(base, length, ids.device) for base in CONFIG["bases"]]
        for n, layer in enumerate(self.layers):
            x = self.step(layer, x, mask, *turns[0 if (n + 1) % CONFIG["global_every"] == 0 else 1])
        x = x[wanted]
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["rms_norm_eps"]) * self.norm
        return functional.linear(x.to(self.outputs.dtype), self.outputs).float()

    @staticmethod
    def _turns(base: float, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        half = CONFIG["head_dim"]
        speeds = base ** -(torch.arange(0, half, 2, device=device).double() / half)
        angles = torch.outer(torch.arange(length, device=device).double(), speeds).repeat(1, 2)[:, None]
        return angles.cos().float(), angles.sin().float()


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a GGUF file, expanded to float32."""
    from gguf import GGUFReader, dequantize

    found = {}
    for tensor in GGUFReader(path).tensors:
        found[tensor.name] = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
    return found


class Tokens:
    """The tokenizer of a GGUF file, as the product runs it."""

    def __init__(self, path: Path) -> None:
        from llama_cpp import Llama

        self._model = Llama(str(path), vocab_only=True, verbose=False)

    def __call__(self, text: str, first: bool = False) -> list[int]:
        """Return the tokens of a text; with the token that begins every prompt before those of the first."""
        return list(self._model.tokenize(text.encode(), add_bos=first, special=False))


def pairs(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Return the pairs of all files."""
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def item(pair: dict[str, str], source: str, target: str, tokens: Tokens) -> Item | None:
    """Return a pair as tokens; None if it is too long."""
    before = tokens(prompt(pair[source], source, target), True)
    after = tokens(f" {pair[target]}\n")
    return Item(before + after, len(before)) if len(before) + len(after) <= LENGTHS[-1] else None


def batches(items: list[Item], size: int, seed: int) -> Iterator[list[Item]]:
    """Yield batches of about `size` tokens without end, items of similar length together."""
    rng = random.Random(seed)
    while True:
        order = sorted(rng.sample(range(len(items)), len(items)), key=lambda n: (_padded(len(items[n].ids)), rng.random()))
        found, batch = [], []
        for n in order:
            width = _padded(len(items[n].ids))
            if batch and (width != _padded(len(batch[0].ids)) or len(batch) >= size // width):
                if len(batch) == size // _padded(len(batch[0].ids)):
                    found.append(batch)  # whole ones only: few shapes are compiled
                batch = []
            batch.append(items[n])
        rng.shuffle(found)
        yield from found


def _padded(length: int) -> int:
    return next(width for width in LENGTHS if width >= length)


def loss(model: Translator, batch: list[Item], place: Tensor, device: str) -> Tensor:
    """Return the mean loss of the translations' tokens."""
    width = _padded(len(batch[0].ids))
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    wanted = torch.zeros(len(batch), width, dtype=torch.bool)
    for n, one in enumerate(batch):
        ids[n, : len(one.ids)] = torch.tensor(one.ids)
        wanted[n, one.start - 1 : len(one.ids) - 1] = True
    targets = ids.roll(-1, 1)[wanted]
    given = model(ids.to(device), wanted.to(device))
    return functional.cross_entropy(given, place[targets].to(device), label_smoothing=0.05)


def train(options: argparse.Namespace) -> None:
    """Train as the options say."""
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    fast = device != "cpu" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    options.out.mkdir(parents=True, exist_ok=True)
    tokens = Tokens(options.model)
    rng = random.Random(options.seed)
    found = pairs(options.pairs)
    rng.shuffle(found)
    aside, found = found[: options.aside], found[options.aside :]
    (options.out / "aside.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in aside), "utf-8")
    items = [one for pair in found for a, b in (("en", "ar"), ("ar", "en")) if (one := item(pair, a, b, tokens))]
    tests = [one for pair in aside for a, b in (("en", "ar"), ("ar", "en")) if (one := item(pair, a, b, tokens))]
    seen = {token for one in (*items, *tests) for token in one.ids}
    kept = sorted(seen | set(rng.sample(range(262_144), EXTRA)))
    place = torch.full((262_144,), -1, dtype=torch.long)
    place[kept] = torch.arange(len(kept))
    model = Translator(options.model, options.rank, kept, torch.bfloat16 if fast else torch.float32).to(device)
    if options.compile:
        torch._dynamo.config.recompile_limit = 4 * len(LENGTHS)
        model.step = torch.compile(model.step, dynamic=False)
    named = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = torch.optim.AdamW(named.values(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent, cases = 0, 0.0, 0
    last = options.out / "last.pt"
    if options.resume and last.is_file():
        state = torch.load(last, map_location=device)
        copy_weights(state["weights"], named)
        optimizer.load_state_dict(state["optimizer"])
        step, spent, cases = state["step"], state["spent"], state["cases"]
    elif options.init:
        copy_weights(torch.load(options.init, map_location=device)["weights"], named)
    print(f"{len(items)} cases, {len(kept)} tokens, {sum(v.numel() for v in named.values())} numbers learned, {device}", flush=True)
    recent: deque[dict[str, Tensor]] = deque(maxlen=options.mean_of)
    running: list[float] = []
    clock = saved = time.monotonic()
    stream = batches(items, options.batch_tokens, options.seed)
    for _ in range(step):
        next(stream)
    for batch in stream:
        now = time.monotonic()
        spent, clock = spent + now - clock, now
        done = spent / 60 / options.minutes
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min((step + 1) / 50, 1.0) * max(1 - done, 0.05)
        value = loss(model, batch, place, device)
        if not math.isfinite(float(value.detach())):
            raise RuntimeError(f"the loss is {float(value)} at step {step}")
        value.backward()
        torch.nn.utils.clip_grad_norm_(list(named.values()), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, cases = step + 1, cases + len(batch)
        running.append(float(value.detach()))
        if step % 25 == 0:
            print(
                json.dumps({"step": step, "cases": cases, "minutes": round(spent / 60, 2), "loss": round(sum(running) / len(running), 4)}),
                flush=True,
            )
            running = []
        if time.monotonic() - saved > 60 * options.every:
            weights = {name: parameter.detach().cpu().clone() for name, parameter in named.items()}
            save(last, {"weights": weights, "optimizer": optimizer.state_dict(), "step": step, "spent": spent, "cases": cases})
            recent.append(weights)
            saved = time.monotonic()
    recent.append({name: value.detach().cpu().clone() for name, value in named.items()})
    about: dict[str, Any] = {"rank": options.rank, "step": step, "cases": cases, "spent": spent, "seed": options.seed}
    save(options.out / "final.pt", {"weights": recent[-1], **about})
    mean = {name: torch.stack([weights[name] for weights in recent]).mean(0) for name in recent[-1]}
    save(options.out / "mean.pt", {"weights": mean, **about})
    print(f"{cases} cases in {spent / 60:.1f} minutes", flush=True)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, nargs="+", required=True)
    parser.add_argument("--model", type=Path, required=True, help="the GGUF file of Gemma 3 270M")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch-tokens", type=int, default=1536)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--aside", type=int, default=400, help="pairs that are kept for measuring")
    parser.add_argument("--every", type=float, default=4, help="minutes between checkpoints")
    parser.add_argument("--mean-of", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--init", type=Path, default=None, help="begin with the weights of another run's checkpoint")
    parser.add_argument("--resume", action="store_true")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
