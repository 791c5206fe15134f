"""Feed readers, requests, filters and texts with what a coverage-guided fuzzer makes of examples; every finding is kept as a file.

    python tools/fuzz.py TARGET [--seconds 600] [--into .cache/fuzz]

The targets are the readers (text, office, parts, pdf, mail, zip, pictures), http, filter and markers.

Needs the package atheris. A finding is an exception that is none of the project's, one that the project's own code raised while a
library's was expected, a document that contradicts itself, a status of 500, or anything that takes more than ten seconds of processor
time. The run goes on after one; each place that raises is kept once. What does not end at all ends the run.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import re
import sys
import tempfile
import time
import traceback
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SECONDS = 10
"""Of processor time, after which an input counts as too slow."""
NEVER = 20 * SECONDS
"""Seconds after which an input counts as one that does not end, on a machine that has other work too."""

Target = Callable[[bytes], None]

# --- readers --------------------------------------------------------------------------------------------------------------

TEXTS = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".html", ".rtf")
XML = {
    ".docx": "word/document.xml",
    ".xlsx": "xl/worksheets/sheet1.xml",
    ".pptx": "ppt/slides/slide1.xml",
    ".odt": "content.xml",
    ".ods": "content.xml",
    ".epub": "chapter.xhtml",
}
OFFICE = tuple(XML)
UNREAD = re.compile(r"(?<!\.xml)(?<!\.rels)(?<!\.opf)$|theme|slideLayout(?!1\.xml)|customXml|/app\.xml|webSettings|fontTable|viewProps")
"""Members that no reader looks into."""


def checked(data: bytes, suffix: str) -> None:
    """Read a file, make a document of it and cut it. Raises AssertionError where the document contradicts itself."""
    from rag.documents.chunker import Chunker
    from rag.documents.formats import readers
    from rag.documents.load import _document
    from rag.documents.tree import Limits
    from rag.errors import DocumentError

    try:
        content = readers.read(data, suffix, f"a{suffix}", Limits(text=2**20, unpacked=2**22))
    except DocumentError as error:
        if (cause := error.__cause__) is not None and is_ours(cause):
            raise cause from None
        return
    if not content.text.strip():
        return
    document = _document(f"a{suffix}", suffix, content, {}, "0" * 64)
    document.text.encode(), json.dumps(dict(document.metadata)).encode(), document.title.encode()
    assert unicodedata.is_normalized("NFC", document.text), "not in NFC"
    length = len(document.text)
    assert all(0 <= block.span.start <= block.span.end <= length for block in document.blocks), "a block outside the text"
    assert all(0 <= mark.offset <= length for mark in document.marks), "a mark outside the text"
    assert all(block.table is None or block.table < len(document.tables) for block in document.blocks), "a row of no table"
    assert all(isinstance(value, str) for value in document.metadata.values()), "metadata that is no text"
    for passage in Chunker().cut(document):
        assert passage.text == passage.span.of(document.text), "a passage that is not the document's"
        assert all(passage.span.start <= span.start <= span.end <= passage.span.end for span in passage.sentences), "a sentence outside"


def is_ours(error: BaseException) -> bool:
    """Return whether the project's own code raised an error that says it was surprised."""
    frames = traceback.extract_tb(error.__traceback__)
    surprised = isinstance(error, (AssertionError, AttributeError, IndexError, KeyError, NameError, TypeError, UnboundLocalError))
    return surprised and bool(frames) and f"{ROOT}/rag/" in frames[-1].filename


def chosen(data: bytes, kinds: tuple[str, ...]) -> tuple[bytes, str]:
    """Return what follows the first byte, and the kind that it names."""
    return data[1:], kinds[data[0] % len(kinds)] if data else kinds[0]


def read_text(data: bytes) -> None:
    checked(*chosen(data, TEXTS))


def read_office(data: bytes) -> None:
    content, suffix = chosen(data, OFFICE)
    checked(packed(suffix, content), suffix)


def parts() -> list[tuple[str, str]]:
    """Return the members of small files other than the main ones, as (kind, member): styles, numbering, shared strings, relations."""
    return [(suffix, name) for suffix in OFFICE for name in sorted(shell(suffix)) if UNREAD.search(name) is None and name != XML[suffix]]


def read_parts(data: bytes) -> None:
    found = parts()
    suffix, name = found[data[0] % len(found)] if data else found[0]
    checked(packed(suffix, data[1:], name), suffix)


def read_pdf(data: bytes) -> None:
    checked(data, ".pdf")


def read_mail(data: bytes) -> None:
    checked(data, ".eml")
    unpacked(data, ".eml")


def read_zip(data: bytes) -> None:
    """Read an archive, or one whose members have the names and contents that the lines say."""
    content = data[1:] if data and data[0] % 2 else archived(data[1:].split(b"\n"))
    checked(content, ".zip")
    unpacked(content, ".zip")


def unpacked(data: bytes, suffix: str) -> None:
    """Unpack a file and read what is inside. Raises AssertionError where a name leads out of it or comes twice."""
    from rag.documents.formats import readers
    from rag.documents.load import largest
    from rag.documents.tree import Limits
    from rag.errors import DocumentError

    limits, names = Limits(text=2**20, unpacked=2**22), list[str]()
    try:
        for found in readers.unpack(data, suffix, f"a{suffix}", limits):
            if isinstance(found, DocumentError):
                found.text("ar").encode()
                continue
            path = PurePosixPath(found.id)
            assert path.parts[0] == f"a{suffix}", found.id
            assert len(path.parts) > 1, found.id
            assert ".." not in path.parts, found.id
            assert len(found.data) <= largest(path.suffix, limits.text), "a member above the limit"
            found.id.encode()
            names.append(found.id.casefold())
            checked(found.data, path.suffix.lower())
    except DocumentError as error:
        if (cause := error.__cause__) is not None and is_ours(cause):
            raise cause from None
    assert len(names) == len(set(names)), names


class _Named(zipfile.ZipInfo):
    """A member whose name is written as bytes, in UTF-8 or whatever they are."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.raw, self.flag_bits & ~0x800


def archived(lines: list[bytes]) -> bytes:
    """Return an archive of members, from lines of a name, "=" and a content."""
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as file:
        for number, line in enumerate(lines[:50]):
            entry = _Named(str(number))
            entry.raw, _, content = line.partition(b"=")
            entry.compress_type = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            file.writestr(entry, content)
    return place.getvalue()


def read_pictures(data: bytes) -> None:
    """Read a picture, whose pages are counted, and draw a page of it as the window does."""
    from rag.documents.formats import readers
    from rag.documents.formats.page_pictures import PICTURES
    from rag.documents.tree import Limits
    from rag.errors import DocumentError

    content, suffix = chosen(data, PICTURES)
    checked(content, suffix)
    for number in (1, 2):
        try:
            page = readers.render(content, suffix, f"a{suffix}", number, 64, Limits())
        except DocumentError as error:
            if (cause := error.__cause__) is not None and is_ours(cause):
                raise cause from None
        else:
            assert 1 <= page.width <= 64, page
            assert page.height >= 1, page
            assert page.pages >= number, page


STRINGS = "xl/sharedStrings.xml"
_STRINGS = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1" uniqueCount="1">'
    '<si><r><t xml:space="preserve">The </t></r><r><t>ferry</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si></sst>'
)
_SHELLS: dict[str, dict[str, bytes]] = {}


def shell(suffix: str) -> dict[str, bytes]:
    """Return the members of a small file of a kind."""
    if suffix not in _SHELLS:
        place = io.BytesIO()
        if suffix == ".docx":
            import docx

            file = docx.Document()
            file.add_heading("The ferry")
            file.add_paragraph("It carried 212 passengers. نقلت 212 راكبًا.", style="List Bullet")
            table = file.add_table(2, 2)
            table.cell(0, 0).text, table.cell(1, 1).text = "Year", "2021"
            file.save(place)
        elif suffix == ".xlsx":
            import openpyxl

            book = openpyxl.Workbook()
            for row in (["Year", "الصادرات"], [2021, 1.5], ["=1+1", "x"]):
                book.active.append(row)
            book.active.merge_cells("A3:B3")
            book.save(place)
        elif suffix == ".pptx":
            import pptx

            show = pptx.Presentation()
            slide = show.slides.add_slide(show.slide_layouts[1])
            slide.shapes.title.text, slide.placeholders[1].text = "The ferry", "It sailed."
            show.save(place)
        else:
            with zipfile.ZipFile(place, "w") as file:
                for name, text in _WRITTEN[suffix].items():
                    file.writestr(name, text)
        with zipfile.ZipFile(place) as file:
            _SHELLS[suffix] = members = {name: file.read(name) for name in file.namelist()}
        if suffix == ".xlsx" and STRINGS not in members:  # openpyxl writes texts into their cells, other programs apart
            members[STRINGS] = _STRINGS.encode()
            kind = 'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"'
            types, sheet = members["[Content_Types].xml"].decode(), members[XML[suffix]].decode()
            members["[Content_Types].xml"] = types.replace("</Types>", f'<Override PartName="/{STRINGS}" {kind}/></Types>').encode()
            members[XML[suffix]] = sheet.replace("</sheetData>", '<row r="9"><c r="A9" t="s"><v>0</v></c></row></sheetData>').encode()
    return _SHELLS[suffix]


def packed(suffix: str, content: bytes, part: str = "") -> bytes:
    """Return a small file of a kind whose main member, or that of the name `part`, is `content`."""
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as file:
        for name, data in {**shell(suffix), part or XML[suffix]: content}.items():
            file.writestr(name, data)
    return place.getvalue()


_OPEN = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
_TABLE = 'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
_WRITTEN = {
    ".odt": {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"<office:document-content {_OPEN} {_TABLE}><office:body><office:text>"
        '<text:h text:outline-level="1">The ferry</text:h>'
        "<text:list><text:list-item><text:p>Fog.</text:p></text:list-item></text:list><table:table><table:table-row><table:table-cell>"
        "<text:p>2021</text:p></table:table-cell></table:table-row></table:table></office:text></office:body></office:document-content>",
    },
    ".ods": {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": f'<office:document-content {_OPEN} {_TABLE}><office:body><office:spreadsheet><table:table table:name="T">'
        '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="3" office:value-type="float" '
        'office:value="1"><text:p>1</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>'
        "</office:document-content>",
    },
    ".epub": {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="p.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "p.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="c" href="chapter.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c"/></spine></package>',
        "chapter.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>The ferry</h1><p>It sailed.</p><ul><li>Fog</li></ul>'
        "<table><tr><th>Year</th></tr><tr><td>2021</td></tr></table></body></html>",
    },
}

# --- requests, filters, texts ---------------------------------------------------------------------------------------------

ADDRESSES = (
    *(("POST", f"/v1/{name}") for name in ("ask", "search", "chat/completions", "responses", "embeddings", "table", "documents")),
    *(("GET", f"/v1/{name}?") for name in ("document", "documents", "overview", "suggestions")),
    *(("POST", "/login"), ("PUT", "/v1/documents/a.txt"), ("DELETE", "/v1/documents?")),
)


def requests() -> Target:
    """Return the target that sends a body, or the part of an address after its question mark, to a server over doubles."""
    from tests.serving import served

    place = tempfile.mkdtemp()
    server = served(Path(place), library=False)
    running = server.__enter__()
    loop = asyncio.new_event_loop()

    def send(data: bytes, server: object = server) -> None:  # which ends when nothing refers to it
        content, kind = data[1:], ADDRESSES[data[0] % len(ADDRESSES)] if data else ADDRESSES[0]
        method, path = kind
        query = content.replace(b"\r", b"").replace(b"\n", b"") if path.endswith("?") else b""
        body = b"" if path.endswith("?") else content
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "headers": headers,
            "path": path.rstrip("?"),
            "raw_path": path.rstrip("?").encode(),
            "query_string": query,
            "root_path": "",
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        statuses = loop.run_until_complete(_asked(running.app, scope, body))
        assert statuses, f"{method} {path}: no response"
        assert statuses[0] < 500, f"{method} {path}: {statuses}"

    return send


async def _asked(app: Any, scope: dict[str, Any], body: bytes) -> list[int]:
    statuses: list[int] = []
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            await asyncio.sleep(NEVER)
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def take(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await asyncio.wait_for(app(scope, receive, take), NEVER)
    return statuses


def read_filter(data: bytes) -> None:
    """Make a filter of a JSON object, as adapters and the API do, and the conditions of SQL of it."""
    from rag.adapters.filters import both, filter_of, filter_record
    from rag.documents.filter_values import day_limits, facts, metadata_conditions
    from rag.errors import BadSetting
    from rag.storage.sql_schema import conditions_of

    try:
        given = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return
    try:
        found = filter_of(given)
        if found is None:
            return
        assert filter_of(filter_record(found)) == found, "a filter that is not read as it was written"
        both(found, found)
        day_limits(found.since, found.until)
        conditions, values = conditions_of(found)
        assert sum(condition.count("?") for condition in conditions) == len(values), "values that no condition has a place for"
        for _, wanted in metadata_conditions(found.metadata):
            assert all(isinstance(value, str) for value in wanted)
        facts({str(key): str(value) for key, value in found.metadata.items()})
    except BadSetting as error:
        error.text("ar").encode()


def read_markers(data: bytes) -> None:
    """Split a draft into claims and compare its values with a source."""
    from rag.answering.checking.judge import claims, echoes
    from rag.answering.localization import localize_values
    from rag.documents.formats.templates import without_templates
    from rag.evaluation.answer_language import without_markers
    from rag.text.numbers import contradicts_values
    from rag.text.sentences import sentences

    draft, _, source = data.decode("utf-8", "ignore").partition("\x00")
    before = 0
    for span in claims(draft):
        assert before <= span.start < span.end <= len(draft), "claims that overlap"
        before = span.end
        contradicts_values(span.of(draft), source)
        echoes(span.of(draft), source)
    before = 0
    for sentence in sentences(draft):
        assert before <= sentence.start <= sentence.end <= len(draft), "sentences that overlap"
        before = sentence.end
    without_markers(draft)
    without_templates(draft)
    for language in ("ar", "en"):
        localize_values(draft, language)


# --- running --------------------------------------------------------------------------------------------------------------

PLAIN = (
    "The ferry carried 212 passengers [1]. It sailed at 14:30 on 3 May 2020 [2][3].",
    "نقلت العبّارة ٢١٢ راكبًا [١]. وأبحرت في ٣ مايو ٢٠٢٠ [2].\0نقلت ثلاثة عشر مليار دولار و٥٠ كم.",
    "{% include x %} {{ site.title }} [^1] **bold** 1,234.5 % 13 مليار 5 kg 1445 هـ",
)
TEXT_EXAMPLES = {
    ".txt": "The ferry\n\nIt carried 212 passengers.\n- Fog\n- Wind\n\n\n1. أولًا\n2. ثانيًا\n",
    ".md": "---\ntitle: T\n---\n# The ferry\n\n| Year | الصادرات |\n|--|--|\n| 2021 | 1.5 |"
    "\n\n- [x] a[^1]\n\n[^1]: note\n\n!!! note\n    x\n<b>x</b>\n",
    ".csv": 'Year;"Exports; all"\n2021;1,5\n"2022";\n',
    ".tsv": "a\tb\n1\t2\n",
    ".json": '{"type":"FeatureCollection","features":[{"properties":{"name":"x"},"geometry":{"coordinates":[1,2]}}],"a":[[1,2],[3,4]]}',
    ".jsonl": '{"a":1,"text":"x"}\n{"a":2,"text":"نص"}\n',
    ".html": "<html><head><title>T</title></head><body><nav>m</nav><h1>The ferry</h1><p>It<sup>1</sup> sailed.</p><ul><li>Fog<li>Wind</ul>"
    "<table><caption>C</caption><tr><th rowspan=2>Year<td colspan=2>x</table><dl><dt>a<dd>b</dl></body></html>",
    ".rtf": r"{\rtf1\ansi\ansicpg1256 {\b The ferry}\par \u1606?\u1589? 212\par}",
}
MAIL = (
    'From: a@example.org\r\nSubject: =?utf-8?b?2YbYtQ==?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/html\r\n\r\n<p>The ferry.</p>\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\n"
    "Content-Disposition: attachment; filename*=utf-8''%D8%A7.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCjEsMgo=\r\n--b--\r\n"
)
BODIES = (
    {"question": "Who?", "history": [{"question": "a", "answer": "b"}], "stream": False, "metadata": {"author": ["x"]}, "since": "2020"},
    {"model": "shawahid", "messages": [{"role": "user", "content": [{"type": "text", "text": "Who?"}]}], "shawahid": {"languages": ["ar"]}},
    {"model": "shawahid", "input": [{"role": "user", "content": "Who?"}], "instructions": "x", "encoding_format": "base64"},
    {"questions": ["Who?"], "documents": ["en/ferry.txt"], "id": "a/b", "text": "A text.", "k": 3, "offset": 1},
)
FILTERS = (
    {"documents": ["a"], "languages": ["ar"], "collections": "x", "since": "2020-01", "until": "2021", "author": ["x", "y"]},
    {"metadata": {"tenant": "a"}, "since": "2024-02-30"},
    [1, None],
)


ARCHIVE = (
    "\n".join(
        (
            "a/b.txt=The ferry carried 212 passengers.",
            "تقرير.csv=السنة,العدد",
            "../../b.txt=x",
            "C:\\x\\c.md=# T",
            "/etc/d.html=<p>x</p>",
            "e.zip=PK",
            "__MACOSX/._a.txt=x",
            "a/B.TXT=x",
            "f\u202e.txt=x",
            "g.exe=MZ",
            "=x",
        )
    ).encode()
    + b"\n\xe1\xa9\xa1.txt=x\n"
)  # the last in a code page of Windows


def pictures() -> list[bytes]:
    """Return a small picture of each kind that is read, in the order of the kinds; the TIFF has two pages."""
    from PIL import Image

    from rag.documents.formats.page_pictures import PICTURES

    kinds = {".png": ("PNG", "P"), ".jpg": ("JPEG", "RGB"), ".jpeg": ("JPEG", "L"), ".tif": ("TIFF", "1"), ".tiff": ("TIFF", "RGB")}
    kinds[".webp"] = ("WEBP", "RGBA")
    made = []
    for suffix in PICTURES:
        form, mode = kinds[suffix]
        page, place = Image.new(mode, (24, 16)), io.BytesIO()
        page.putpixel((3, 5), 1 if mode in "P1L" else (200,) * len(mode))
        more = {"save_all": True, "append_images": [page.rotate(90)]} if form == "TIFF" else {}
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter
        page.save(place, form, **more, **({"exif": exif} if form in ("JPEG", "PNG", "WEBP") else {}))
        made.append(place.getvalue())
    return made


def examples(target: str) -> list[bytes]:
    """Return the inputs that a run begins with."""
    if target == "text":
        return [bytes([number]) + TEXT_EXAMPLES[suffix].encode() for number, suffix in enumerate(TEXTS)]
    if target == "office":
        return [bytes([number]) + shell(suffix)[XML[suffix]] for number, suffix in enumerate(OFFICE)]
    if target == "pdf":
        return [path.read_bytes() for path in sorted((ROOT / "tests" / "pdf").glob("*.pdf"))]
    if target == "parts":
        return [bytes([number]) + shell(suffix)[name] for number, (suffix, name) in enumerate(parts())]
    if target == "mail":
        return [MAIL.encode()]
    if target == "zip":
        return [b"\0" + ARCHIVE, b"\1" + archived(ARCHIVE.split(b"\n"))]
    if target == "pictures":
        return [bytes([number]) + picture for number, picture in enumerate(pictures())]
    if target == "http":
        texts = [json.dumps(body, ensure_ascii=False).encode() for body in BODIES]
        texts += [b"id=en/ferry.txt&start=0&end=5&language=ar", b"password=x"]
        return [bytes([number]) + text for number in range(len(ADDRESSES)) for text in texts]
    if target == "filter":
        return [json.dumps(one).encode() for one in FILTERS]
    return [text.encode() for text in PLAIN]


TARGETS: dict[str, Callable[[], Target]] = {
    "text": lambda: read_text,
    "office": lambda: read_office,
    "parts": lambda: read_parts,
    "pdf": lambda: read_pdf,
    "mail": lambda: read_mail,
    "zip": lambda: read_zip,
    "pictures": lambda: read_pictures,
    "http": requests,
    "filter": lambda: read_filter,
    "markers": lambda: read_markers,
}


class Collector:
    """Runs a target and keeps each finding, one for each place that raises."""

    def __init__(self, target: Target, into: Path) -> None:
        self._target = target
        self._into = into
        self._seen: set[str] = set()

    def __call__(self, data: bytes) -> None:
        started = time.process_time()
        try:
            self._target(data)
            if (spent := time.process_time() - started) > SECONDS:
                raise TimeoutError(f"{spent:.0f} seconds")
        except Exception as error:
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tools/fuzz.py" not in frame.filename]
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "" if isinstance(error, TimeoutError) else str(error)
            name = hashlib.sha256(f"{type(error).__name__} {where}".encode()).hexdigest()[:12]
            if name in self._seen:
                return
            self._seen.add(name)
            (self._into / name).write_bytes(data)
            (self._into / f"{name}.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
            print(f"finding {name}: {type(error).__name__}: {str(error)[:200]} at {where}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--into", type=Path, default=ROOT / ".cache" / "fuzz")
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("The fuzzer, the package atheris, is not installed.")
    found, corpus = given.into / given.target, given.into / f"{given.target}-corpus"
    for folder in (found, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["rag", "markdown_it", "striprtf", "docx", "pptx", "openpyxl", "PIL"]):
        target = TARGETS[given.target]()
        for number, example in enumerate(examples(given.target)):
            (corpus / f"example-{number}").write_bytes(example)
            Collector(target, found)(example)  # imports what it needs, instrumented
    limits = [
        f"-max_total_time={given.seconds}",
        f"-timeout={NEVER}",
        "-rss_limit_mb=4096",
        f"-artifact_prefix={found}/",
        "-max_len=65536",
    ]
    limits += ["-print_final_stats=1", "-reload=0"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], Collector(target, found))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
