"""Train a reader.

    python -m training.train --cases mix.jsonl --out DIR [--model embeddinggemma-300m] [--layers 24] [--minutes 60] [--resume]

One script for a CPU and a GPU. What is drawn depends on the seed alone; a run that was interrupted goes on from its last checkpoint
with --resume and draws what it would have drawn. The learning rate falls to zero over the time or the number of cases given,
whichever ends first. The last checkpoints' mean (Izmailov et al., 2018) is written as `mean.pt`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from training.body import Reader, Shape, load
from training.compress import learned
from training.mix.case import Case, read
from training.product import LONGEST, InputBuilder, builder, first_window, models

LENGTHS = (64, 96, 128, LONGEST)
"""Batches are padded to one of these, so that few shapes are compiled."""
WEIGHTS = {"span": 1.0, "block": 1.0, "answers": 1.0, "claim": 1.0}


@dataclass(slots=True)
class Item:
    """A case as numbers."""

    ids: list[int]
    blocks: list[int]
    starts: list[int] | None
    ends: list[int] | None
    text: tuple[int, int]
    gold: list[int] | None
    answers: int | None
    claim: int | None


def item(case: Case, inputs: InputBuilder) -> Item | None:
    """The numbers of a case; None when what answers was cut off."""
    found = first_window(inputs, case.query, case.text, case.blocks, case.title, case.claim is not None)
    blocks = found.blocks
    starts: list[int] | None = None
    ends: list[int] | None = None
    if case.spans:
        starts, ends = [], []
        for start, end in case.spans:
            tokens = [n for n in range(found.start, found.end) if found.offsets[n][0] < end and start < found.offsets[n][1]]
            if not tokens:
                return None
            starts.append(tokens[0])
            ends.append(tokens[-1])
    if case.gold and not set(case.gold) <= set(blocks):
        return None
    return Item(found.ids, blocks, starts, ends, (found.start, found.end), case.gold, case.answers, case.claim)


def batches(items: list[Item], tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """The items in batches of one length and at most `tokens` tokens, in an order drawn from seed and epoch."""
    rng = random.Random(f"{seed}/{epoch}")
    by_length: dict[int, list[int]] = {}
    for number, one in enumerate(items):
        by_length.setdefault(next(n for n in LENGTHS if len(one.ids) <= n), []).append(number)
    found = []
    for length, numbers in by_length.items():
        rng.shuffle(numbers)
        size = max(tokens // length, 1)
        # The last, smaller batch of a length would be compiled for itself; its items come with the next epoch's order.
        found += [numbers[n : n + size] for n in range(0, len(numbers) - size + 1, size)]
    rng.shuffle(found)
    return found


def tensors(chosen: list[Item], device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, lengths and blocks, padded to one of `LENGTHS`."""
    longest = next(n for n in LENGTHS if max(len(one.ids) for one in chosen) <= n)
    ids = torch.tensor([one.ids + [0] * (longest - len(one.ids)) for one in chosen], device=device)
    blocks = torch.tensor([one.blocks + [-1] * (longest - len(one.blocks)) for one in chosen], device=device)
    return ids, torch.tensor([len(one.ids) for one in chosen], device=device), blocks


def losses(given: dict[str, Tensor], chosen: list[Item]) -> dict[str, Tensor]:
    """The mean loss of each head over the items that say something about it."""
    device = given["span"].device
    found: dict[str, Tensor] = {}
    spans = [n for n, one in enumerate(chosen) if one.starts]
    if spans:
        parts = []
        for n in spans:
            one = chosen[n]
            inside = given["span"][n, one.text[0] : one.text[1]].log_softmax(0)
            for column, places in ((0, one.starts), (1, one.ends)):
                wanted = torch.tensor(sorted({place - one.text[0] for place in places or ()}), device=device)
                # Any of several places may be chosen: the loss is of their probabilities' sum.
                parts.append(-inside[wanted, column].logsumexp(0))
        found["span"] = torch.stack(parts).mean()
    blocks = [n for n, one in enumerate(chosen) if one.gold is not None and max(one.blocks) >= 0]
    if blocks:
        parts = []
        for n in blocks:
            count = max(chosen[n].blocks) + 1
            wanted = torch.zeros(count, device=device)
            wanted[[g for g in chosen[n].gold or () if g < count]] = 1.0
            parts.append(
                functional.binary_cross_entropy_with_logits(given["block"][n, :count], wanted, reduction="none").sum() / count**0.5
            )
        found["block"] = torch.stack(parts).mean()
    for name in ("answers", "claim"):
        rows = [n for n, one in enumerate(chosen) if getattr(one, name) is not None]
        if rows:
            wanted = torch.tensor([getattr(chosen[n], name) for n in rows], device=device)
            logits = given[name][rows]
            found[name] = (
                functional.cross_entropy(logits, wanted)
                if logits.ndim == 2
                else functional.binary_cross_entropy_with_logits(logits, wanted.float())
            )
    return found


def order(items: list[Item], tokens: int, seed: int, skip: int) -> Iterator[list[int]]:
    """Batches without end, epoch after epoch, from the `skip`th on."""
    epoch = 0
    while True:
        found = batches(items, tokens, seed, epoch)
        if not found:
            raise ValueError("too few cases for one batch")
        yield from found[skip:]
        skip = max(skip - len(found), 0)
        epoch += 1


def save(path: Path, values: dict[str, Any]) -> None:
    """Write a checkpoint so that an interruption leaves either the former or the new one."""
    part = path.with_suffix(".part")
    torch.save(values, part)
    part.replace(path)


def weights_of(reader: Reader) -> dict[str, Tensor]:
    """A copy of what is learned."""
    return {name: value.detach().cpu().clone() for name, value in reader.learned()}


def begin(named: dict[str, torch.nn.Parameter], path: Path) -> None:
    """Copy into a reader what another one learned: a checkpoint, or the file that ships. Layers it lacks stay as they are.

    Raises ValueError if it holds something that has no place here.
    """
    weights = torch.load(path, map_location="cpu")["weights"] if path.suffix == ".pt" else learned(path)
    if strange := sorted(set(weights) - set(named)):
        raise ValueError(f"{path} holds what this reader has not: {', '.join(strange[:3])}")
    copy_weights(weights, named)


def copy_weights(weights: Mapping[str, Tensor], named: Mapping[str, torch.nn.Parameter]) -> None:
    """Copy values into the parameters of the same names, in place."""
    for name, value in weights.items():
        named[name].data.copy_(value)


def train(options: argparse.Namespace) -> None:
    """Train as the options say."""
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = models() / options.model
    options.out.mkdir(parents=True, exist_ok=True)
    inputs = builder(folder)
    drawn = list(read(options.cases))
    items = [one for case in drawn[: options.limit or None] if (one := item(case, inputs))]
    del drawn
    shape = Shape(options.layers, options.rank, options.trained_from)
    reader = load(folder, shape, device)
    if options.compile:
        # One compiled function for all layers: compiling each would take as long as many layers as there are.
        torch._dynamo.config.recompile_limit = 4 * len(LENGTHS)
        reader.body.step = torch.compile(reader.body.step, dynamic=False)
    named = list(reader.learned())
    low = [value for name, value in named if name.startswith("body.")]
    heads = [value for name, value in named if not name.startswith("body.")]
    optimizer = torch.optim.AdamW(
        [{"params": low, "rate": options.rate}, {"params": heads, "rate": options.rate_heads}], lr=0.0, betas=(0.9, 0.98), weight_decay=0.01
    )
    step, seen, spent = 0, 0, 0.0
    last = options.out / "last.pt"
    if options.resume and last.is_file():
        kept = torch.load(last, map_location=device)
        copy_weights(kept["weights"], dict(named))
        optimizer.load_state_dict(kept["optimizer"])
        step, seen, spent = kept["step"], kept["seen"], kept["spent"]
    elif options.init:
        begin(dict(named), options.init)
    log = (options.out / "log.jsonl").open("a", encoding="utf-8")
    recent: deque[dict[str, Tensor]] = deque(maxlen=options.mean_of)
    running: dict[str, list[float]] = {}
    clock, saved = time.monotonic(), time.monotonic()
    print(f"{len(items)} cases, {sum(v.numel() for _, v in named)} numbers learned, {device}", flush=True)
    for numbers in order(items, options.batch_tokens, options.seed, step):
        now = time.monotonic()
        spent, clock = spent + now - clock, now
        done = max(spent / 60 / options.minutes, seen / options.most if options.most else 0.0)
        if done >= 1:
            break
        warm = min((step + 1) / options.warm, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * warm * (1 - done)
        chosen = [items[n] for n in numbers]
        parts = losses(reader(*tensors(chosen, device)), chosen)
        total = torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum()
        if not math.isfinite(float(total.detach())):
            raise RuntimeError(f"the loss is {float(total)} at step {step}")
        total.backward()
        torch.nn.utils.clip_grad_norm_(low + heads, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, seen = step + 1, seen + len(chosen)
        for name, value in parts.items():
            running.setdefault(name, []).append(float(value.detach()))
        if step % 25 == 0:
            means = {name: round(sum(values) / len(values), 4) for name, values in running.items()}
            log.write(json.dumps({"step": step, "seen": seen, "minutes": round(spent / 60, 2), **means}) + "\n")
            log.flush()
            running = {}
        if time.monotonic() - saved > 60 * options.every:
            kept = {"weights": weights_of(reader), "optimizer": optimizer.state_dict(), "step": step, "seen": seen, "spent": spent}
            save(last, {**kept, "shape": asdict(shape), "model": options.model})
            recent.append(kept["weights"])
            saved = time.monotonic()
    recent.append(weights_of(reader))
    about = {"shape": asdict(shape), "model": options.model, "step": step, "seen": seen, "spent": spent, "seed": options.seed}
    save(options.out / "final.pt", {"weights": recent[-1], **about})
    mean = {name: torch.stack([weights[name] for weights in recent]).mean(0) for name in recent[-1]}
    save(options.out / "mean.pt", {"weights": mean, **about})
    print(f"{seen} cases in {spent / 60:.1f} minutes", flush=True)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="embeddinggemma-300m", choices=["embeddinggemma-300m", "multilingual-e5-small"])
    parser.add_argument("--layers", type=int, default=24, help="the lowest layers that are used")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--trained-from", type=int, default=0, help="the first layer with additions")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--most", type=int, default=0, help="end after this many cases")
    parser.add_argument("--limit", type=int, default=0, help="read no more cases than this")
    parser.add_argument("--batch-tokens", type=int, default=1280)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--rate-heads", type=float, default=1e-3)
    parser.add_argument("--warm", type=int, default=50, help="steps until the full learning rate")
    parser.add_argument("--every", type=float, default=4, help="minutes between checkpoints")
    parser.add_argument("--mean-of", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "0")))
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument(
        "--init",
        type=Path,
        default=None,
        help="begin with what another reader learned: a checkpoint or the file that ships, of as many layers or fewer",
    )
    train(parser.parse_args())


if __name__ == "__main__":
    main()
