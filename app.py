"""The chat window: `python app.py`."""

from __future__ import annotations

import sys

from rag.config import Settings, open_chatbot
from rag.errors import IsnadError
from rag.strings import say
from rag.ui import Engine, serve
from rag.ui.web import examples_of


def main() -> int:
    """Serve the window until Ctrl+C; the models load while the page is already open."""
    language = "en"
    try:
        settings = Settings.load()
        language = settings.language
        serve(
            Engine(lambda: open_chatbot(settings)),
            host=settings.host,
            port=settings.port,
            language=language,
            examples=examples_of(settings.documents / "questions.jsonl"),
            ready=lambda address: print(say("ui.serving", language, address=address), flush=True),
        )
    except IsnadError as error:
        print(error.text(language), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
