"""The chat window, with the API on the same port: `python app.py`."""

from __future__ import annotations

import sys

from rag.config import ServerSettings, Settings
from rag.errors import ShawahidError
from rag.messages import say
from rag.models.torch_import import lean_torch
from rag.server import serve_settings


def main() -> int:
    """Serve until Ctrl+C; the models load while the page is already open."""
    language = "en"
    lean_torch()
    try:
        settings = Settings.load()
        language = settings.language
        serve_settings(
            settings,
            ServerSettings.load(),
            ready=lambda address: print(say("server.serving", language, address=address), flush=True),
        )
    except ShawahidError as error:
        print(error.text(language), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
