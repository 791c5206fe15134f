"""The claim head alone: what is fitted, and what stays."""

from __future__ import annotations

import torch
from torch import nn

from training.claim_head import fit


def _data(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """States of which one number in three is high: that of the label."""
    torch.manual_seed(3)
    labels = torch.arange(n) % 3
    return torch.nn.functional.one_hot(labels, 3).float() * 4 + 0.1 * torch.randn(n, 3), labels


def test_the_epoch_that_is_best_on_what_is_held_aside_is_kept() -> None:
    given, labels = _data(120)
    aside = torch.arange(120) % 5 == 0
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 3))
    with torch.inference_mode():
        before = float(nn.functional.cross_entropy(head(given[aside]), labels[aside]))
    epoch, loss = fit(head, given, labels, aside, seed=1)
    assert epoch > 0
    assert loss < before
    with torch.inference_mode():
        assert float(nn.functional.cross_entropy(head(given[aside]), labels[aside])) == loss


def test_a_head_that_gets_only_worse_stays_as_it_was() -> None:
    """What is held aside contradicts what is trained on."""
    given, labels = _data(60)
    aside = torch.arange(60) % 2 == 0
    labels = torch.where(aside, labels, (labels + 1) % 3)
    head = nn.Linear(3, 3)
    with torch.no_grad():
        head.weight.copy_(torch.eye(3))
        head.bias.zero_()
    epoch, _ = fit(head, given, labels, aside, seed=1)
    assert epoch == 0
    assert torch.equal(head.weight, torch.eye(3))
