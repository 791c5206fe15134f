"""The request and response bodies of the API, field by field: these models are the OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rag.retrieval.query import LONGEST_QUESTION
from rag.schema import Filter
from rag.server.error_responses import BadRequest

QuestionText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUESTION), Field(json_schema_extra={"pattern": r"[^\W_]"})]
"""At least one letter or digit. Patterns serve the description only; errors are our own messages."""
AnyText = Annotated[str, StringConstraints(max_length=20_000)]
Said = Annotated[str, StringConstraints(max_length=20_000), Field(json_schema_extra={"pattern": r"\S"})]
Name = Annotated[str, StringConstraints(max_length=1000)]
Whole = Annotated[int, BeforeValidator(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)]
"""A whole number, also when written as 14.0, which is the same in JSON."""
LanguageCode = Annotated[str, StringConstraints(max_length=3), Field(json_schema_extra={"pattern": "^[a-z]{2,3}$"})]
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
    grade: Literal["quoted", "checked", "unverified", "translated"] = Field(
        description="quoted: word for word; checked: worded, accepted by a check of measured precision; unverified: other words; "
        "translated: a machine translation of the quote, not checked"
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
    status: Literal["answered", "no_evidence", "unsure", "unsupported", "stopped"]
    grade: Literal["quoted", "checked", "unverified", "translated"] | None = Field(
        description="The lowest grade of its sentences; null without any"
    )
    confidence: float = Field(description="Calibrated probability that the documents answer the question")
    citations: list[CitationBody]
    rejected: list[RejectedBody]
    passages: list[PassageBody] = Field(description="The nearest passages, best first, also where nothing was answered")
    absent: list[str] = Field(description="Where nothing was answered: the words of the question that stand nowhere in the documents")
    timing: TimingBody


class TurnBody(Taken):
    question: AnyText
    answer: AnyText


class Filtered(Taken):
    """A request that may be restricted to some documents: those that meet every condition given."""

    documents: list[Name] | None = Field(default=None, max_length=1000, description="Only these documents")
    languages: list[LanguageCode] = Field(default=[], max_length=20, description='Only passages in these languages: "ar", "en"')
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
    state: Literal["indexed", "waiting", "failed"] = Field(description="waiting: it was added and is not indexed yet; failed: see `reason`")
    reason: str | None = Field(description="Why it, or a part of it, could not be read; known for documents added since the server started")


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


class ContradictionLine(BaseModel):
    """Two quotations that cannot both be true."""

    kind: Literal["value", "opposite"] = Field(description="value: one value differs; opposite: one denies the other")
    certainty: float = Field(description="How similar the two are otherwise, from 0 to 1")
    one: OverviewLine = Field(description="`words` are those in which it differs from the other")
    other: OverviewLine


class OverviewBody(BaseModel):
    """What documents are about, in their own words."""

    documents: list[str] = Field(description="Ids of the documents read")
    total: int = Field(description="How many were asked for")
    title: str
    points: list[OverviewLine]
    names: list[OverviewLine]
    dates: list[OverviewLine] = Field(description="In order of time")
    figures: list[OverviewLine]
    contradictions: list[ContradictionLine] = Field(description="What the documents state differently; none for a single document")
    markdown: str = Field(description="The same as a page")


class ContradictionList(BaseModel):
    contradictions: list[ContradictionLine]


class SuggestionLine(BaseModel):
    """A question that the documents answer, and where."""

    question: str
    language: Literal["ar", "en"]
    document: str = Field(description="The id of the document that answers it")
    start: int = Field(description="Where the words that answer begin, in Unicode code points")
    end: int
    confidence: float = Field(description="That of the answer, from 0 to 1")


class SuggestionList(BaseModel):
    suggestions: list[SuggestionLine]
    more: bool = Field(description="Whether others are being made; then it is worth asking again after some seconds")


class IndexingState(BaseModel):
    state: Literal["none", "running", "done", "cancelled", "error"]
    collection: str
    step: str
    done: int
    total: int
    error: str | None


class Changed(BaseModel):
    id: str = Field(description="The document's id")
    job: str = Field(description="Ask /v1/jobs/{job} what became of it")
    indexing: IndexingState


class JobBody(BaseModel):
    """What became of a document that was added or removed."""

    id: str
    collection: str
    document: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"] = Field(
        description="done: it is in the index, or no longer; failed: it could not be read or indexed"
    )
    reason: str | None = Field(description="Why it, or a part of it, is not in the index")
    step: str = Field(description="What the indexing run is at: wait, load, embed, store")
    done: int
    total: int


class TextDocument(Taken):
    """A text to keep as a document."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        examples=["hr/leave"], description="Its path in the collection; .json is added, for the text is kept in a file of that kind"
    )
    text: Annotated[str, StringConstraints(min_length=1, max_length=900_000), Field(json_schema_extra={"pattern": r"\S"})]
    title: Name = ""
    metadata: dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Name] = Field(
        default={}, max_length=20, description="author, date (ISO 8601), source, or any other field: filters find it"
    )


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


class ChatExtension(Filtered):
    """Shawahid's fields beyond OpenAI's: which collection and documents are asked, and whether drafts are sent."""

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


class UrlCitation(BaseModel):
    """The sentence of `content` from `start_index` to `end_index`, in Unicode code points, and the document it is cited from."""

    start_index: int
    end_index: int
    title: str = Field(description="The document's title, or its id, and the page, heading or row")
    url: str = Field(description="The quoted words, at this server")


class Annotation(BaseModel):
    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation] = Field(description="The citations, in the form of OpenAI's web search")


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


class InputPart(Lenient):
    """A part of a message: only text."""

    model_config = ConfigDict(
        json_schema_extra={
            "properties": {"type": {"enum": ["input_text", "output_text"]}, "text": {"type": "string", "maxLength": 20_000}},
            "required": ["type", "text"],
        }
    )

    type: str
    text: AnyText | None = None


class InputMessage(Lenient):
    role: Literal["system", "developer", "user", "assistant"]
    content: AnyText | list[InputPart]


class ResponsesRequest(Lenient):
    """The fields of OpenAI's request that are used; any other field is ignored."""

    model: Name = "shawahid"
    input: AnyText | Annotated[list[InputMessage], Field(min_length=1, max_length=200)] = Field(
        description="The question, or messages of which the last is the user's"
    )
    stream: bool | None = False
    previous_response_id: Name | None = Field(
        default=None, description="Only null: nothing is stored, send the earlier messages", json_schema_extra={"enum": [None, ""]}
    )
    tools: list[Any] | None = Field(
        default=None, description="Only empty: an answer comes from the documents", json_schema_extra={"maxItems": 0}
    )
    shawahid: ChatExtension | None = None


class FlatCitation(UrlCitation):
    type: Literal["url_citation"] = "url_citation"


class OutputText(BaseModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[FlatCitation]
    logprobs: list[Any] = []


class OutputMessage(BaseModel):
    type: Literal["message"] = "message"
    id: str
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText]


class ResponseUsage(BaseModel):
    """Token counts of the language model; 0 if the answer is a quotation and the model was not needed."""

    input_tokens: int
    input_tokens_details: dict[str, int] = {"cached_tokens": 0}
    output_tokens: int
    output_tokens_details: dict[str, int] = {"reasoning_tokens": 0}
    total_tokens: int


class ResponseBody(BaseModel):
    id: str
    object: Literal["response"] = "response"
    created_at: int
    model: str
    status: Literal["in_progress", "completed", "incomplete"]
    error: None = None
    incomplete_details: dict[str, str] | None = None
    instructions: None = None
    metadata: dict[str, str] = {}
    output: list[OutputMessage]
    parallel_tool_calls: bool = False
    temperature: None = None
    tool_choice: Literal["none"] = "none"
    tools: list[Any] = []
    top_p: None = None
    usage: ResponseUsage | None
    shawahid: AnswerBody | None = Field(default=None, description="The answer with its citations")


def _refuse_token_ids(value: Any) -> Any:
    """Raise BadRequest for token ids, which belong to another model's tokenizer."""
    items = value if isinstance(value, list) else []
    inner = [part for item in items for part in (item if isinstance(item, list) else [item])]
    if inner and all(isinstance(part, int) and not isinstance(part, bool) for part in inner):
        raise BadRequest("server.no_token_ids", "input")
    return value


class EmbeddingRequest(Lenient):
    model: Name
    input: Annotated[Said | Annotated[list[Said], Field(min_length=1, max_length=256)], BeforeValidator(_refuse_token_ids)]
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
