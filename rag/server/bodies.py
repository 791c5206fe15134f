"""The request and response bodies of the API, field by field: these models are the OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rag.retrieval.query import LONGEST_QUESTION
from rag.schema import Filter

QuestionText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUESTION), Field(json_schema_extra={"pattern": r"[^\W_]"})]
"""At least one letter or digit. Patterns serve the description only; errors are our own messages."""
AnyText = Annotated[str, StringConstraints(max_length=20_000)]
Said = Annotated[str, StringConstraints(max_length=20_000), Field(json_schema_extra={"pattern": r"\S"})]
Name = Annotated[str, StringConstraints(max_length=1000)]
Whole = Annotated[int, BeforeValidator(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)]
"""A whole number, also when written as 14.0, which is the same in JSON."""
_DAY = r"^([1-9][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?)?$"
Day = Annotated[str, StringConstraints(max_length=1000), Field(json_schema_extra={"pattern": _DAY})]


class Taken(BaseModel):
    """A request body in which an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Lenient(BaseModel):
    """A request body in which unknown fields are ignored, because OpenAI's clients send more than is used here."""

    model_config = ConfigDict(extra="ignore", strict=True)


# --- what went wrong ------------------------------------------------------------------------------------------------------


class ErrorDetail(BaseModel):
    message: str = Field(description="What happened and what to do, in Arabic where Accept-Language asks for it")
    type: str = Field(description="invalid_request_error, authentication_error, not_found_error, … as OpenAI names them")
    param: str | None = Field(description="The field at fault")
    code: str = Field(description="A stable name of what happened")


class ErrorBody(BaseModel):
    error: ErrorDetail


# --- passages and answers -------------------------------------------------------------------------------------------------


class Range(BaseModel):
    """A half-open range of Unicode code points."""

    start: int
    end: int


class PassageBody(BaseModel):
    document: str = Field(description="The document's id: its path under the folder")
    title: str
    locator: str = Field(description='Page, heading or row: "p. 3", "§ Costs", or ""')
    language: str
    start: int = Field(description="Where the passage begins in the document's text, in Unicode code points")
    end: int
    text: str


class HitBody(PassageBody):
    rank: int
    score: float
    sentence: Range | None = Field(description="The sentence of the passage that fits the question best, counted in the document")


class CitationBody(BaseModel):
    """A verified citation: `quote` is the document's text from `start` to `end`, given as evidence for `claim` of the answer's text."""

    number: int = Field(description="The n of the markers [n] in the text")
    document: str
    title: str
    locator: str
    start: int
    end: int
    quote: str
    claim: Range = Field(description="The sentence it is cited for, counted in the answer's text")
    support: float = Field(description="How similar the two are, from 0 to 1")
    grade: Literal["quoted", "checked", "unverified"] = Field(
        description="quoted: word for word; checked: worded, accepted by a check of measured precision; unverified: other words"
    )
    words: Range | None = Field(description="The words of the quote that answer, counted in the document; null where the whole quote does")
    context: str = Field(description="The line that introduces the quote, or the heading above it; empty if it can be understood alone")


class RejectedBody(BaseModel):
    """A sentence of the draft that failed the check and is not in the answer."""

    text: str
    verdict: str = Field(description="Why: number, name, meaning, script, instruction")


class TimingBody(BaseModel):
    found: float | None = Field(description="Seconds until the sources were found")
    first_token: float | None = Field(description="Seconds until the model's first word; null where it wrote none")
    total: float


class AnswerBody(BaseModel):
    """A checked answer. `text` holds the sentences that passed the check and their markers, or says that the documents do not answer."""

    question: str
    searched: str = Field(description="The question that was searched for: a follow-up is rewritten")
    text: str
    language: Literal["ar", "en"]
    status: Literal["answered", "no_evidence", "unsupported", "stopped"]
    grade: Literal["quoted", "checked", "unverified"] | None = Field(description="The lowest grade of its sentences; null without any")
    confidence: float = Field(description="Calibrated probability that the documents answer the question")
    citations: list[CitationBody]
    rejected: list[RejectedBody]
    passages: list[PassageBody] = Field(description="The nearest passages, best first, also where nothing was answered")
    timing: TimingBody


class TurnBody(Taken):
    question: AnyText
    answer: AnyText


class Filtered(Taken):
    """A request that may be restricted to some documents: those that meet every condition given."""

    documents: list[Name] | None = Field(default=None, max_length=1000, description="Only these documents")
    languages: list[Name] = Field(default=[], max_length=20, description="Only passages in these languages")
    folders: list[Name] = Field(
        default=[], max_length=100, description='Only documents in these folders, or of these values of the metadata field "collection"'
    )
    since: Day = Field(default="", description="Only documents from this day, month or year on (ISO 8601)")
    until: Day = Field(default="", description="Only documents up to this day, month or year (ISO 8601)")
    metadata: dict[Name, Name] = Field(default={}, max_length=20, description="Only documents with these fields")

    def filter(self) -> Filter:
        """Return the filter of the request."""
        return Filter(
            documents=None if self.documents is None else tuple(self.documents),
            languages=tuple(self.languages),
            collections=tuple(self.folders),
            since=self.since,
            until=self.until,
            metadata=self.metadata,
        )


class AskRequest(Filtered):
    question: QuestionText = Field(examples=["من كتب الرسالة؟"])
    history: list[TurnBody] = Field(default=[], max_length=20, description="Earlier turns, so that a question may follow up on them")
    collection: Name = Field(default="", description='The collection to ask; "" is the one the server was started with')
    stream: bool = Field(default=False, description="Server-sent events: waiting, found, draft, answer, error")


class SearchRequest(Filtered):
    question: QuestionText = Field(examples=["API price"])
    k: Whole = Field(default=10, ge=1, le=100, description="How many passages")
    offset: Whole = Field(default=0, ge=0, le=10_000, description="How many of the best to leave out: the next page")
    collection: Name = ""


class SearchResponse(BaseModel):
    question: str
    hits: list[HitBody]


class TableRequest(Taken):
    """Questions to put to documents, each to each."""

    questions: list[QuestionText] = Field(min_length=1, max_length=20)
    documents: list[Name] | None = Field(default=None, min_length=1, max_length=100, description="Ids; without them all, at most 100")
    collection: Name = ""
    format: Literal["json", "csv", "xlsx"] = Field(default="json", description="A spreadsheet has the citations beside the answers")


class TableCell(BaseModel):
    text: str = Field(description="The words that answer; empty where the document does not")
    citation: CitationBody | None


class TableRow(BaseModel):
    document: str
    title: str
    cells: list[TableCell] = Field(description="One for each question")


class TableBody(BaseModel):
    questions: list[str] = Field(description="Each once")
    rows: list[TableRow]


# --- documents ------------------------------------------------------------------------------------------------------------


class DocumentLine(BaseModel):
    id: str
    title: str
    language: str
    characters: int
    passages: int | None = Field(description="null: not indexed yet")
    added: str
    metadata: dict[str, str] = Field(description="What the file says of itself: author, date, source, …")


class DocumentList(BaseModel):
    documents: list[DocumentLine]
    next: str | None = Field(description="Give it as `after` to have the next page; null on the last")


class DocumentText(BaseModel):
    id: str
    title: str
    language: str
    locator: str = Field(description="Page, heading or row at `start`")
    metadata: dict[str, str] = Field(description="What the file says of itself: author, date, source, …")
    start: int
    end: int
    length: int = Field(description="Characters of the whole document")
    text: str = Field(description="The document from `start` to `end`")


class OverviewLine(BaseModel):
    """A quotation: `quote` is the document's text from `start` to `end`."""

    document: str
    title: str
    locator: str
    start: int
    end: int
    quote: str
    context: str = Field(description='What it stands under; "" if it can be read alone')
    words: str = Field(description='The date, amount or name for which it stands here; "" among the points')


class OverviewBody(BaseModel):
    """What documents are about, in their own words."""

    documents: list[str] = Field(description="Ids of the documents read")
    total: int = Field(description="How many were asked for")
    title: str
    points: list[OverviewLine]
    names: list[OverviewLine]
    dates: list[OverviewLine] = Field(description="In order of time")
    figures: list[OverviewLine]
    markdown: str = Field(description="The same as a page")


class IndexingState(BaseModel):
    state: Literal["none", "running", "done", "cancelled", "error"]
    collection: str
    step: str
    done: int
    total: int
    error: str | None


class Changed(BaseModel):
    id: str
    indexing: IndexingState


class Health(BaseModel):
    state: Literal["preparing", "ready", "failed"] = Field(description="How far the models are; with 200 questions are taken")
    waiting: int = Field(description="Questions that wait or run")


# --- OpenAI ---------------------------------------------------------------------------------------------------------------


class Part(Lenient):
    """A part of a message: only text. The description says so; a part of another kind gets a message of our own."""

    model_config = ConfigDict(
        json_schema_extra={
            "properties": {"type": {"const": "text"}, "text": {"type": "string", "maxLength": 20_000}},
            "required": ["type", "text"],
        }
    )

    type: str
    text: AnyText | None = None


class ChatMessage(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: AnyText | list[Part] | None = None


class StreamOptions(Lenient):
    include_usage: bool | None = None


class ChatExtension(Taken):
    """Shawahid's fields beyond OpenAI's."""

    collection: Name = ""
    drafts: bool = Field(
        default=False,
        description="With `stream`: also send what the model writes before it is checked, in `shawahid` of chunks without content",
    )


class ChatRequest(Lenient):
    """The fields of OpenAI's request that are used; sampling and length are set by the server, and any other field is ignored."""

    model: Name = "shawahid"
    messages: list[ChatMessage] = Field(min_length=1, max_length=200, description="The last is the user's: the question, as text")
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Whole | None = Field(default=None, description="Only 1", json_schema_extra={"enum": [1, None]})
    tools: list[Any] | None = Field(
        default=None, description="Only empty: an answer comes from the documents", json_schema_extra={"maxItems": 0}
    )
    response_format: dict[str, Any] | None = Field(
        default=None, description='Only {"type": "text"}', json_schema_extra={"properties": {"type": {"const": "text"}}}
    )
    shawahid: ChatExtension | None = None


class Usage(BaseModel):
    """Token counts of the language model; 0 if the answer is a quotation and the model was not needed."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    index: int
    message: AssistantMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    shawahid: AnswerBody = Field(description="The answer with its citations")


class ModelLine(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelLine]


class EmbeddingRequest(Lenient):
    model: Name
    input: Said | Annotated[list[Said], Field(min_length=1, max_length=256)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Whole | None = Field(default=None, description="Only the model's own")
    input_type: Literal["passage", "query"] = Field(
        default="passage", description="What the texts are: an asymmetric model embeds a question in another way than a passage"
    )


class EmbeddingLine(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(description="A unit vector; as base64 the bytes of little-endian 32-bit floats")


class EmbeddingUsage(BaseModel):
    """Counted in words: the embedder does not report its tokens."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    object: Literal["list"] = "list"
    data: list[EmbeddingLine]
    model: str
    usage: EmbeddingUsage
