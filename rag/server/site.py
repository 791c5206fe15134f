"""The whole site as one ASGI app, and the process that serves it: on this computer only, by default."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.answering.chatbot import Chatbot
from rag.answering.generator_translator import GeneratorTranslator
from rag.config import ServerSettings, Settings
from rag.documents.load import largest
from rag.errors import BadSetting, IndexMissing, ShawahidError
from rag.factory import open_chatbot, open_embedder, open_generator, open_milvus, open_translator
from rag.files import user_data
from rag.library import Generators, Library
from rag.library.generators import chosen_generator
from rag.library.identity import Keys, read_secret
from rag.models.installed import profile
from rag.server.access import Access, RequestLimits
from rag.server.asgi import App
from rag.server.authentication import Gate
from rag.server.compression import Compressed
from rag.server.grants import read_tokens
from rag.server.logins import Logins
from rag.server.request_checks import Guard, Measured
from rag.service.service import Service
from rag.storage.build import add_documents
from rag.storage.milvus.sync import mirror_index
from rag.ui import mount_page
from rag.ui.web import examples_of

if TYPE_CHECKING:
    import uvicorn

_WIDTH = 16
"""Questions answered concurrently; the generator writes their answers in the same passes."""
_CONNECTIONS = 2000
"""Open connections from which on a new request is refused; every open page keeps two."""


def site(
    service: Service,
    library: Library | None = None,
    *,
    access: Access | None = None,
    limits: RequestLimits | None = None,
    window: bool = True,
    generators: Generators | None = None,
    feedback: Path | None = None,
    reports: Path | None = None,
    language: str = "en",
    examples: Sequence[dict[str, Any]] = (),
) -> App:
    """Return the whole site as an ASGI app: the page under /, the API under /v1. Starts nothing and listens on nothing.

    Without the `window` it is the API alone. Behind a password `generators` are not offered: a reader may ask questions but not change the
    model for everyone else.
    """
    from starlette.middleware.cors import CORSMiddleware
    from starlette.routing import Route

    from rag.server.api import build_api
    from rag.server.api_page import routes as api_page_routes
    from rag.server.browser_keys import key_routes
    from rag.server.embed import route
    from rag.server.tools import HttpTools, available

    access, limits = access or Access(), limits or RequestLimits()
    logins, keys = Logins(), Keys()
    programs = HttpTools(service, library, limits) if available() else None
    app = build_api(service, library, access, limits, running=programs.running if programs else None)
    app.router.routes += [route(), *api_page_routes(app.openapi)]  # before the window's own files, which are in the same place
    if programs is not None:
        app.router.routes.append(Route("/mcp", programs, include_in_schema=False))
    service.answers.most = limits.waiting
    if window and library is not None and access.password:
        keys = Keys(read_secret(library.home / "keys"), library.owns)
        app.router.routes.extend(key_routes(library, keys, logins))
    if window:
        choice = generators if access.open else None
        app = mount_page(
            app,
            service,
            library,
            choice,
            feedback=feedback,
            reports=reports,
            language=language,
            examples=examples,
            login=bool(access.password),
        )
    guarded: App = Guard(Gate(Measured(Compressed(app), limits), access, limits=limits, logins=logins, keys=keys), access)
    if access.origins:
        # Before the gate: a browser asks without a token whether it may ask with one. Cookies are not let through.
        methods, headers = ["GET", "POST", "PUT", "DELETE"], ["authorization", "content-type", "accept-language"]
        guarded = CORSMiddleware(guarded, allow_origins=list(access.origins), allow_methods=methods, allow_headers=headers)
    return guarded


def serve(
    service: Service,
    library: Library | None = None,
    *,
    access: Access | None = None,
    limits: RequestLimits | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
    ready: Callable[[str], None] = print,
    **parts: Any,
) -> None:
    """Serve the site until interrupted. The models load in the background; `ready` receives the address once it can be opened.

    `parts` are those of `site`. Raises BadSetting if the port is taken, or if other computers can reach `host` and there is neither
    password nor token.
    """
    import uvicorn

    access, limits = access or Access.listening(host), limits or RequestLimits()
    listening = listen(host, port)
    service.start()
    app = site(service, library, access=access, limits=limits, **parts)
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{listening.getsockname()[1]}/")
    uvicorn.Server(http_config(app, access, limits)).run(sockets=[listening])


def http_config(app: App, access: Access, limits: RequestLimits) -> uvicorn.Config:
    """Return how an app is served: by whom a client's address is believed, and how long and how many connections are waited for."""
    import uvicorn

    from rag.server.slow_clients import patient_protocol

    return uvicorn.Config(
        app,
        http=patient_protocol(limits.patience),
        ws="none",
        proxy_headers=bool(access.proxies),
        forwarded_allow_ips=list(access.proxies),
        limit_concurrency=_CONNECTIONS,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


def serve_settings(settings: Settings, door: ServerSettings, *, ready: Callable[[str], None], window: bool = True) -> None:
    """Serve what the settings name: the index, the window with its library, and its examples."""
    home = Path(os.environ.get("SHAWAHID_DATA") or user_data())  # what readers add
    size = settings.max_file_mb * 2**20
    remembered = home / "generator"
    if not settings.generator:
        settings = replace(settings, generator=chosen_generator(remembered))

    def with_generator(base: Chatbot, name: str) -> Chatbot:
        generator, missing = open_generator(replace(settings, generator=name))
        if missing is not None:
            raise missing
        translator = base.translator
        if translator is None or isinstance(translator, GeneratorTranslator):
            translator, _ = open_translator(settings, generator)
        return Chatbot(base.index, generator, style=settings.style, translator=translator)

    service = Service(lambda: open_or_begin(settings) if window else open_chatbot(settings), width=_WIDTH)
    serve(
        service,
        Library(
            home,
            settings.documents,
            settings.index,
            max_bytes=size,
            quota=door.quota_mb * 2**20,
            total_quota=door.total_quota_mb * 2**20,
            feedback=home / "feedback",
            ocr=settings.ocr,
            published=mirroring(settings),
        ),
        access=Access.listening(
            settings.host,
            password=door.password,
            tokens=door.tokens,
            named=read_tokens(Path(door.tokens_file)) if door.tokens_file else (),
            origins=door.origins,
            frame_ancestors=door.frame_ancestors,
            changes=door.changes,
            proxies=door.proxies,
            new_readers=door.new_readers,
        ),
        limits=RequestLimits(document=largest(".pdf", size), seconds=door.timeout),
        host=settings.host,
        port=settings.port,
        ready=ready,
        window=window,
        generators=Generators(service, with_generator, wanted=profile(settings.profile).generator, remembered=remembered),
        feedback=home / "feedback",
        reports=Path("reports"),
        language=settings.language,
        examples=examples_of(settings.documents / "questions.jsonl") if window else (),
    )


def open_or_begin(settings: Settings) -> tuple[Chatbot, tuple[ShawahidError, ...]]:
    """Return what `open_chatbot` does; where there is no index yet, over an empty one, to which the window adds the first documents."""
    try:
        return open_chatbot(settings)
    except IndexMissing:
        embedder, _ = open_embedder(settings)
        add_documents(settings.index, (), embedder)
        return open_chatbot(settings)


def mirroring(settings: Settings) -> Callable[[Path], object]:
    """Return a function that updates the Milvus collection, if there is one, after a change of the settings' index."""
    milvus = open_milvus(settings)
    return lambda index: mirror_index(index, milvus) if milvus is not None and index == settings.index else None


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, opened before anything is loaded, so that a port in use is noticed at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise BadSetting("server.port", address=f"{host}:{port}", reason=getattr(error, "strerror", None) or error) from error
    return listening
