"""The chat window: `python app.py`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from platformdirs import user_data_path

from rag.config import Settings, open_chatbot
from rag.engine import Engine
from rag.errors import IsnadError
from rag.server import Access, serve
from rag.strings import say
from rag.ui import Library
from rag.ui.web import examples_of

WIDTH = 16
"""Questions answered at the same time; the generator writes their answers in the same passes."""


def main() -> int:
    """Serve the window until Ctrl+C; the models load while the page is already open."""
    language = "en"
    try:
        settings = Settings.load()
        language = settings.language
        home = Path(os.environ.get("ISNAD_DATA") or user_data_path("isnad", appauthor=False))  # what the reader adds
        serve(
            Engine(lambda: open_chatbot(settings), width=WIDTH),
            Library(home, settings.documents, settings.index, max_bytes=settings.max_file_mb * 2**20, ocr=settings.ocr),
            access=Access.listening(settings.host, password=os.environ.get("ISNAD_PASSWORD", "")),
            feedback=home / "feedback",
            reports=Path("reports"),
            host=settings.host,
            port=settings.port,
            language=language,
            examples=examples_of(settings.documents / "questions.jsonl"),
            ready=lambda address: print(say("server.serving", language, address=address), flush=True),
        )
    except IsnadError as error:
        print(error.text(language), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
