"""Write what a reader learned as one small file with its card.

    python -m training.compress --weights DIR/mean.pt --out rag/models/reader.default.safetensors [--report report.json]

Matrices are rounded to 8-bit integers, each row by its largest value; vectors stay in float32. The card, a TOML file beside it, holds the
SHA-256 that the product checks, the sources with their licences, the terms of the base and the figures of the report.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from training.fetch import DOCUMENTS, SOURCES
from training.mix.written import records
from training.product import FORMAT

MOST = 8 * 2**20
"""Bytes of the file, at most."""
TERMS = {
    "embeddinggemma-300m": "Gemma Terms of Use, https://ai.google.dev/gemma/terms: what is learned here is a Model Derivative of Gemma. "
    "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms.",
    "multilingual-e5-small": "MIT",
}


def rounded(value: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix as 8-bit integers and the scale of each row, in float16."""
    scale = (value.abs().amax(1) / 127).clamp(min=1e-7).half()
    return (value / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8), scale


def packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the file, by the product's names."""
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        short = name.removeprefix("body.").removeprefix("layers.")
        if value.ndim == 2:
            found[short], found[f"{short}.scale"] = rounded(value.float())
        else:
            found[short] = value.float()
    return {name: value.contiguous() for name, value in found.items()}


def learned(path: Path) -> dict[str, Tensor]:
    """The weights of a file that ships, by training's names."""
    kept = load_file(path)
    found = {}
    for short, value in kept.items():
        if not short.endswith(".scale"):
            name = f"body.layers.{short}" if short[0].isdigit() else short
            found[name] = value.float() * kept[f"{short}.scale"].float()[:, None] if f"{short}.scale" in kept else value.float()
    return found


def ordered(content: bytes) -> bytes:
    """A safetensors file with the names of its header in order, so that the same weights are the same bytes."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def unpacked(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights as the product will read them, by training's names: what a measure of the loss by rounding needs."""
    return {name: _again(value.float()) if value.ndim == 2 else value for name, value in weights.items()}


def _again(value: Tensor) -> Tensor:
    codes, scale = rounded(value)
    return codes.float() * scale.float()[:, None]


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def card(digest: str, size: int, about: dict[str, Any], report: dict[str, Any]) -> str:
    """The card, in TOML: with the sets it was trained on, and the repositories whose documents the written questions are about."""
    facts = {"layers": about["shape"]["layers"], "rank": about["shape"]["rank"], "seed": about["seed"], "cases": about["seen"]}
    title = "The reader's weights: what they are, what they were made of, how well they read."
    lines = [
        f"# {title} Written by training.compress.",
        f"sha256 = {_value(digest)}",
        f"bytes = {size}",
        f"base = {_value(about['model'])}",
        f"terms = {_value(TERMS[about['model']])}",
        *(f"{name} = {value}" for name, value in facts.items()),
        f"minutes = {about['spent'] / 60:.1f}  # with the cases above, those of the last run",
        "",
    ]
    for name, source in tomllib.loads(SOURCES.read_text("utf-8"))["sources"].items():
        lines.append(f"[sources.{_value(name)}]")
        lines += [f"{key} = {_value(source[key])}" for key in ("repository", "commit", "licence", "note")]
        lines.append("")
    written: dict[str, list[dict[str, Any]]] = {}
    for one in records(DOCUMENTS):
        written.setdefault(one["repository"], []).append(one)
    for repository, documents in sorted(written.items()):
        lines += [f"[written.{_value(repository)}]", f"documents = {len(documents)}"]
        lines += [f"{key} = {_value(sorted({one[key] for one in documents}))}" for key in ("commit", "licence")]
        lines.append("")
    for part in ("squad", "cosine", "cases", "cosine_cases"):
        for name, figures in report.get(part, {}).items():
            lines.append(f"[figures.{part}.{_value(name)}]")
            lines += [f"{key} = {round(value, 4)}" for key, value in figures.items() if value == value]
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Read the command line and write the file and its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path, help="what training.evaluate wrote")
    options = parser.parse_args()
    kept = {"seed": 0, **torch.load(options.weights, map_location="cpu")}
    metadata = {"format": FORMAT, "base": kept["model"], "layers": str(kept["shape"]["layers"]), "rank": str(kept["shape"]["rank"])}
    content = ordered(save(packed(kept["weights"]), metadata))
    if len(content) > MOST:
        raise SystemExit(f"{len(content)} bytes are more than {MOST}: a lower rank or fewer layers are needed")
    report = json.loads(options.report.read_text("utf-8")) if options.report else {}
    options.out.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    options.out.with_suffix(".toml").write_text(card(digest, len(content), kept, report), encoding="utf-8")
    print(f"{options.out}: {len(content)} bytes")


if __name__ == "__main__":
    main()
