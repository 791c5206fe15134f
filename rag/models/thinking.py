"""Models that think before they answer: switch it off where the chat template can, and leave out what they think in any case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OFF: Mapping[str, Any] = {"enable_thinking": False, "thinking": False}
"""Variables by which chat templates switch thinking: that of Qwen, Gemma, GLM and SmolLM, and that of DeepSeek and Granite."""

MARKS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<|channel|>analysis", "<|channel|>final<|message|>"),  # gpt-oss
    ("<|channel|>final", "<|message|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<seed:think>", "</seed:think>"),
)
"""The marks before and after what a model thinks."""


def opened(prompt: str) -> str:
    """Return the mark that closes the thinking which a prompt's end has opened; "" if it has opened none.

    Templates of models that always think end this way: what the model writes first has no opening mark.
    """
    for begin, end in MARKS:
        if prompt.rstrip().endswith(begin):
            return end
    return ""


class ThoughtFilter:
    """Leaves out of a text, as it arrives in pieces, everything between think marks, with the marks.

    A closing mark without an opening one makes everything before it a thought, of which the pieces already returned can't be taken back;
    `opened` prevents that case for prompts of our own.
    """

    def __init__(self) -> None:
        self._held = ""
        self._end = ""
        """The mark that ends the thought being read; "" outside of thoughts."""
        self._begun = False

    def add(self, piece: str) -> str:
        """Return what of the text up to this piece is certainly not thought and was not returned yet."""
        self._held += piece
        out = ""
        while True:
            if self._end:
                before, found, after = self._held.partition(self._end)
                if not found:
                    self._held = before[-len(self._end) :]
                    break
                self._held, self._end = after, ""
                continue
            place, begin, end = min(((at, begin, end) for begin, end in MARKS if (at := self._held.find(begin)) >= 0), default=(-1, "", ""))
            if place >= 0:
                out += self._held[:place]
                self._held, self._end = self._held[place + len(begin) :], end
                continue
            kept = self._unsure()
            out += self._held[: len(self._held) - kept]
            self._held = self._held[len(self._held) - kept :]
            break
        return self._trimmed(out)

    def end(self) -> str:
        """Return the rest of the text once it is complete."""
        rest = "" if self._end else self._held
        self._held = ""
        return self._trimmed(rest)

    def _unsure(self) -> int:
        """Return how many characters at the end may begin a mark."""
        return max(
            (size for begin, _ in MARKS for size in range(1, len(begin)) if self._held.endswith(begin[:size])),
            default=0,
        )

    def _trimmed(self, text: str) -> str:
        """Return the text, at the beginning of an answer without the empty lines that follow a thought."""
        if not self._begun:
            text = text.lstrip("\n")
            self._begun = bool(text)
        return text
