"""Train the claim head of a reader alone.

    python -m training.claim_head --weights rag/models/reader.default.safetensors --cases mix/claims.train.jsonl \\
        --aside mix/claims.aside.jsonl --out run

Everything else stays as it is, so words, blocks and whether a text answers are judged as before: each claim and text of
`training.claim_cases` is computed once by the body, and the head is fitted on what the body gives; `--aside` chooses the number of epochs.
Takes minutes on a CPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.body import Reader, Shape, load
from training.mix.case import Case, read
from training.product import base_of, builder, first_window, models, shape_of
from training.train import begin, save, weights_of

BATCH = 1280
"""Tokens computed at once, padding included."""
EPOCHS = 40
SPREAD = 0.1
"""Label smoothing: some labels are wrong."""


def states(reader: Reader, cases: Sequence[Case], folder: Path) -> Tensor:
    """What the body gives of each case to the heads that judge a whole text, shape (cases, 2 × size)."""
    inputs = builder(folder)
    formed = [first_window(inputs, c.query, c.text, c.blocks, c.title, c.claim is not None).ids for c in cases]
    order = sorted(range(len(cases)), key=lambda n: -len(formed[n]))
    found = torch.empty(len(cases), 2 * reader.body.size)
    while order:
        longest = len(formed[order[0]])
        chosen, order = order[: max(BATCH // longest, 1)], order[max(BATCH // longest, 1) :]
        ids = torch.tensor([formed[n] + [0] * (longest - len(formed[n])) for n in chosen])
        with torch.inference_mode():
            found[chosen] = reader.whole(ids, torch.tensor([len(formed[n]) for n in chosen]))
    return found


def fit(head: nn.Module, given: Tensor, labels: Tensor, aside: Tensor, seed: int) -> tuple[int, float]:
    """Train a head in place, and keep the epoch that is best on the cases held aside; that epoch's number and its loss there.

    Epoch 0 is the head as it was.
    """
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-4, weight_decay=0.05)
    kept, best = {name: value.clone() for name, value in head.state_dict().items()}, (0, _loss(head, given[aside], labels[aside]))
    inside = torch.nonzero(~aside)[:, 0]
    for epoch in range(1, EPOCHS + 1):
        head.train()
        for numbers in inside[torch.randperm(len(inside))].split(32):
            noisy = functional.dropout(given[numbers], 0.2)
            loss = functional.cross_entropy(head(noisy), labels[numbers], label_smoothing=SPREAD)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (now := _loss(head, given[aside], labels[aside])) < best[1]:
            kept, best = {name: value.clone() for name, value in head.state_dict().items()}, (epoch, now)
    head.load_state_dict(kept)
    return best


def _loss(head: nn.Module, given: Tensor, labels: Tensor) -> float:
    head.eval()
    with torch.inference_mode():
        return float(functional.cross_entropy(head(given), labels))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="the file that ships")
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--aside", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    training, left = list(read(options.cases)), list(read(options.aside))
    cases = [*training, *left]
    layers, rank = shape_of(options.weights)
    folder = models() / base_of(options.weights)
    reader = load(folder, Shape(layers, rank))
    begin(dict(reader.learned()), options.weights)
    given = states(reader.eval(), cases, folder)
    labels = torch.tensor([case.claim for case in cases])
    aside = torch.arange(len(cases)) >= len(training)
    epoch, loss = fit(reader.claim, given, labels, aside, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    about = {"shape": {"layers": layers, "rank": rank, "trained_from": 0}, "model": folder.name, "seed": options.seed}
    save(options.out / "claim.pt", {"weights": weights_of(reader), **about, "step": epoch, "seen": len(training), "spent": 0.0})
    print(f"{len(training)} cases, epoch {epoch}, loss on the {len(left)} aside {loss:.4f}")


if __name__ == "__main__":
    main()
