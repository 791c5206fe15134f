"""The path from a question to a checked answer, with doubles for both models."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.checking.judge import Thresholds
from rag.answering.compose import widened
from rag.answering.confidence import Calibration
from rag.errors import BadQuestion, GenerationFailed
from rag.retrieval.index import Index
from rag.retrieval.query import Query
from rag.schema import Answer, Delta, Evidence, Found, Grade, Passage, Span, Status, Turn, Verdict
from rag.storage.build import build_index
from rag.testing import HashEmbedder, ScriptedGenerator
from rag.text.language import script

LEXICON = {"عبّارة": "ferry", "راكب": "passengers", "ركاب": "passengers", "ميناء": "harbour", "قبطان": "captain", "سعة": "capacity"}
FILES = {
    "ferry.txt": "The ferry Albatros carries 320 passengers and 45 cars. Its captain is John Reed. It sails from Larne on Thursday.",
    "متحف.txt": "افتُتح متحف الصيد البحري في ٩ أيار ٢٠١٠. يُغلق المتحف يوم الاثنين. رسم الدخول ديناران للكبار.",
}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    embedder = HashEmbedder(256, lexicon=LEXICON)
    build_index(folder, tmp_path / "index", embedder)
    return Index.open(tmp_path / "index", embedder)


def calibration(same: str = "write", across: str = "write", least: float = 0.5) -> Calibration:
    """Judge answerability by the best sentence's similarity alone: sure from 0.3 upwards."""
    return Calibration(
        embedder="hash",
        least=least,
        same=(-6.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        across=(-6.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        thresholds=Thresholds(0.3, 0.3),
        manner_same=same,  # type: ignore[arg-type]
        manner_across=across,  # type: ignore[arg-type]
        prompted=2,
    )


def bot(index: Index, generator: ScriptedGenerator | None = None, **manners: str) -> Chatbot:
    return Chatbot(index, generator, calibration=calibration(**manners))  # type: ignore[arg-type]


def cited(answer: Answer) -> list[tuple[int, str, str]]:
    return [(citation.number, citation.document_id, citation.quote) for citation in answer.citations]


def assert_citations_are_exact(answer: Answer, index: Index) -> None:
    for citation in answer.citations:
        document = index.document(citation.document_id)
        assert document is not None
        assert citation.quote == citation.span.of(document.text)
        assert f"[{citation.number}]" in answer.text


# --- quoting -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "quote", "opening"),
    [
        (
            "How many passengers does the ferry Albatros carry?",
            "The ferry Albatros carries 320 passengers and 45 cars.",
            "The document says: “",
        ),
        ("متى يُغلق متحف الصيد البحري؟", "يُغلق المتحف يوم الاثنين.", "جاء في الوثيقة: «"),
    ],
)
def test_without_a_generator_the_best_evidence_is_quoted(index: Index, question: str, quote: str, opening: str) -> None:
    answer = bot(index).ask(question)
    assert answer.status is Status.ANSWERED
    assert answer.text.startswith(opening)
    assert answer.text.endswith("[1]")
    assert quote in answer.citations[0].quote
    assert answer.citations[0].claim.of(answer.text) == " ".join(answer.citations[0].quote.split())
    assert (answer.citations[0].support, answer.draft) == (1.0, "")
    assert_citations_are_exact(answer, index)


def test_a_quote_in_the_other_language_is_introduced_in_the_question_s_own(index: Index) -> None:
    answer = bot(index).ask("ما سعة العبّارة من ركاب؟")
    assert answer.text.startswith("جاء في الوثيقة بالإنجليزية: «The ferry Albatros")
    assert answer.language == "ar"


# --- declining -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who painted the ceiling of the cathedral?", "The documents do not answer this question."),
        ("من لحّن نشيد الأولمبياد؟", "لا تجيب الوثائق عن هذا السؤال."),
    ],
)
def test_what_the_documents_do_not_say_is_declined_without_asking_the_model(index: Index, question: str, text: str) -> None:
    generator = ScriptedGenerator("Michelangelo painted it.")
    answer = bot(index, generator).ask(question)
    assert (answer.status, answer.text, answer.citations) == (Status.NO_EVIDENCE, text, ())
    assert answer.hits, "the nearest passages are shown"
    assert generator.prompts == []


# --- writing -------------------------------------------------------------------------------------------------------------


def test_a_proved_sentence_is_shown_with_its_source(index: Index) -> None:
    answer = bot(index, ScriptedGenerator("The ferry Albatros carries 320 passengers.")).ask("How many passengers does the ferry carry?")
    assert answer.text == "The ferry Albatros carries 320 passengers. [1]"
    assert cited(answer) == [(1, "ferry.txt", "The ferry Albatros carries 320 passengers and 45 cars.")]
    assert answer.rejected == ()
    assert_citations_are_exact(answer, index)


def test_what_is_not_proved_leaves_the_text_and_stays_in_the_draft(index: Index) -> None:
    draft = "The ferry Albatros carries 320 passengers. The ferry Albatros carries 450 passengers. Captain Smith owns the ferry."
    answer = bot(index, ScriptedGenerator(draft)).ask("How many passengers does the ferry carry?")
    assert answer.text == "The ferry Albatros carries 320 passengers. [1]"
    assert [(item.claim.of(answer.draft), item.verdict) for item in answer.rejected] == [
        ("The ferry Albatros carries 450 passengers.", Verdict.NUMBER),
        ("Captain Smith owns the ferry.", Verdict.NAME),
    ]
    assert answer.draft == draft


def test_arabic_answers_are_checked_alike(index: Index) -> None:
    draft = "يُغلق المتحف يوم الاثنين. رسم الدخول خمسة دنانير للكبار."
    answer = bot(index, ScriptedGenerator(draft)).ask("متى يُغلق متحف الصيد البحري؟")
    assert answer.text == "يُغلق المتحف يوم الاثنين. [1]"
    assert [item.verdict for item in answer.rejected] == [Verdict.NUMBER]
    assert_citations_are_exact(answer, index)


def test_when_nothing_is_proved_the_evidence_is_quoted(index: Index) -> None:
    answer = bot(index, ScriptedGenerator("It carries 9000 passengers.")).ask("How many passengers does the ferry carry?")
    assert answer.status is Status.UNSUPPORTED
    assert "320 passengers" in answer.text
    assert "9000" not in answer.text
    assert answer.draft == "It carries 9000 passengers."
    assert [item.verdict for item in answer.rejected] == [Verdict.NUMBER]


@pytest.mark.parametrize(
    ("draft", "checked", "grade"),
    [
        ("The ferry Albatros carries 320 passengers and 45 cars.", (), Grade.QUOTED),
        ("The ferry Albatros carries 320 passengers and 45 cars", (), Grade.QUOTED),  # the whole sentence but for its full stop
        ("The ferry Albatros carries 320 passengers.", (), Grade.UNVERIFIED),  # a part may say something else than the whole
        ("The ferry Albatros carries 320 passengers.", ("en-en",), Grade.CHECKED),
        ("The ferry Albatros carries 320 passengers.", ("ar-ar", "ar-en"), Grade.UNVERIFIED),
    ],
)
def test_a_sentence_is_called_no_more_than_it_is(index: Index, draft: str, checked: tuple[str, ...], grade: Grade) -> None:
    values = replace(calibration(), checked=frozenset(checked))
    answer = Chatbot(index, ScriptedGenerator(draft), calibration=values).ask("How many passengers does the ferry carry?")
    assert [citation.grade for citation in answer.citations] == [grade]
    assert answer.grade is grade


def test_no_generator_that_comes_with_shawahid_is_called_checked_without_a_measurement() -> None:
    for generator in (None, "qwen2.5-coder-1.5b-instruct-q4_k_m", "unheard-of"):
        assert Calibration.of("embeddinggemma-300m", generator).checked == frozenset()


def test_the_grade_of_an_answer_is_that_of_its_weakest_sentence(index: Index) -> None:
    draft = "The ferry Albatros carries 320 passengers and 45 cars. The ferry carries 45 cars."
    answer = bot(index, ScriptedGenerator(draft)).ask("How many passengers does the ferry carry?")
    assert [citation.grade for citation in answer.citations] == [Grade.QUOTED, Grade.UNVERIFIED]
    assert answer.grade is Grade.UNVERIFIED
    assert bot(index).ask("How many passengers does the ferry carry?").grade is Grade.QUOTED
    assert bot(index, least=0.99).ask("What is the price of tea in Berlin?").grade is None


def test_a_sentence_in_another_language_is_left_out(index: Index) -> None:
    answer = bot(index, ScriptedGenerator("The ferry carries 320 passengers.")).ask("كم عدد ركاب العبّارة؟")
    assert [item.verdict for item in answer.rejected] == [Verdict.SCRIPT]
    assert answer.status is Status.UNSUPPORTED


def test_two_claims_on_one_sentence_share_a_number(index: Index) -> None:
    draft = "The ferry Albatros carries 320 passengers. The ferry Albatros carries 45 cars."
    answer = bot(index, ScriptedGenerator(draft)).ask("How many passengers and cars does the ferry Albatros carry?")
    assert answer.text == "The ferry Albatros carries 320 passengers. [1] The ferry Albatros carries 45 cars. [1]"
    assert [citation.claim.of(answer.text) for citation in answer.citations] == [
        "The ferry Albatros carries 320 passengers.",
        "The ferry Albatros carries 45 cars.",
    ]


def test_an_empty_draft_is_no_answer(index: Index) -> None:
    answer = bot(index, ScriptedGenerator("")).ask("How many passengers does the ferry carry?")
    assert answer.status is Status.UNSUPPORTED
    assert answer.citations


# --- across languages ----------------------------------------------------------------------------------------------------


def test_an_answer_across_languages_is_written_and_checked_against_the_original(index: Index) -> None:
    generator = ScriptedGenerator("سعة العبّارة Albatros هي 320 راكب.")
    answer = bot(index, generator, same="quote").ask("ما سعة العبّارة من ركاب؟")
    assert answer.status is Status.ANSWERED
    assert answer.text == "سعة العبّارة Albatros هي 320 راكب. [1]"
    assert script(answer.text) == "ar"
    assert "320 passengers" in answer.citations[0].quote
    assert_citations_are_exact(answer, index)


@pytest.mark.parametrize("draft", ["سعة العبّارة Albatros هي 230 راكب.", "البحر هادئ اليوم.", ""])
def test_what_can_t_be_proved_across_languages_is_replaced_by_the_original(index: Index, draft: str) -> None:
    answer = bot(index, ScriptedGenerator(draft), same="quote").ask("ما سعة العبّارة من ركاب؟")
    assert answer.status is Status.UNSUPPORTED
    assert answer.text.startswith("جاء في الوثيقة بالإنجليزية: «")
    assert "320 passengers" in answer.text
    assert answer.draft == draft


def test_a_model_that_is_not_trusted_to_write_is_not_asked_in_one_language(index: Index) -> None:
    generator = ScriptedGenerator("Nonsense.")
    answer = bot(index, generator, same="quote").ask("How many passengers does the ferry carry?")
    assert "320 passengers" in answer.text
    assert generator.prompts == []


# --- short answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "draft", "text", "quote"),
    [
        (
            "How many passengers does the ferry Albatros carry?",
            "The ferry carries 320 passenger",
            "320 passengers [1]",
            FILES["ferry.txt"][:54],
        ),
        ("Who is the captain of the ferry Albatros?", "John Reed", "John Reed [1]", "Its captain is John Reed."),
        ("متى افتُتح متحف الصيد البحري؟", "9 أيار 2010", "٩ أيار ٢٠١٠ [1]", "افتُتح متحف الصيد البحري في ٩ أيار ٢٠١٠."),
    ],
)
def test_a_short_answer_is_copied_from_the_source(index: Index, question: str, draft: str, text: str, quote: str) -> None:
    answer = short(index, draft).ask(question)
    assert (answer.status, answer.text, answer.draft) == (Status.ANSWERED, text, draft)
    assert cited(answer) == [(1, answer.citations[0].document_id, quote)]
    assert answer.citations[0].claim.of(answer.text) == text.removesuffix(" [1]")
    assert_citations_are_exact(answer, index)


@pytest.mark.parametrize("draft", ["411 lorries", "", "مئة"])
def test_a_short_draft_that_no_source_says_is_replaced_by_a_quotation(index: Index, draft: str) -> None:
    answer = short(index, draft).ask("How many passengers does the ferry Albatros carry?")
    assert answer.status is Status.UNSUPPORTED
    assert cited(answer) == [(1, "ferry.txt", "The ferry Albatros carries 320 passengers and 45 cars.")]
    assert [item.claim.of(answer.draft) for item in answer.rejected] == ([draft] if draft else [])


def test_a_short_answer_across_languages_is_judged_beside_its_question(index: Index) -> None:
    answer = short(index, "320 راكبًا").ask("كم راكبًا سعة العبّارة Albatros؟")
    assert (answer.status, answer.text) == (Status.ANSWERED, "320 راكبًا [1]")
    assert short(index, "999 راكبًا").ask("كم راكبًا سعة العبّارة Albatros؟").status is Status.UNSUPPORTED


@pytest.mark.parametrize(("draft", "text"), [("John Reed", "John Reed [1]"), ("Its captain is John Reed.", "John Reed [1]")])
def test_a_chatbot_over_another_index_answers_as_the_first_does(index: Index, draft: str, text: str) -> None:
    with Index.open(index.folder, index.embedder) as other:
        moved = short(index, draft).over(other)
        assert moved.ask("Who is the captain of the ferry Albatros?").text == text
        assert moved.index is other
        assert moved.calibration == calibration()


def short(index: Index, draft: str) -> Chatbot:
    return Chatbot(index, ScriptedGenerator(draft), calibration=calibration(), style="short")


# --- the stream ----------------------------------------------------------------------------------------------------------


def test_sources_come_first_then_the_draft_then_one_answer(index: Index) -> None:
    events = list(bot(index, ScriptedGenerator("It carries 320 passengers.")).stream("How many passengers does the ferry carry?"))
    assert isinstance(events[0], Found)
    assert events[0].evidence[0].text.startswith("The ferry Albatros")
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "It carries 320 passengers."
    assert [type(event).__name__ for event in events].count("Answer") == 1
    assert isinstance(events[-1], Answer)
    timing = events[-1].timing
    assert timing.found is not None
    assert timing.first_token is not None
    assert timing.found <= timing.first_token <= timing.total
    assert timing.generated_tokens == 4


def test_stop_ends_the_model_at_once_and_what_was_proved_until_then_stays(index: Index) -> None:
    stop = threading.Event()
    generator = ScriptedGenerator("The ferry Albatros carries 320 passengers. " + "More and more words follow. " * 30)
    last: object = None
    for event in bot(index, generator).stream("How many passengers does the ferry carry?", stop=stop):
        last = event
        if isinstance(event, Delta) and "passengers" in event.text:
            stop.set()
    assert isinstance(last, Answer)
    assert last.status is Status.STOPPED
    assert last.text == "The ferry Albatros carries 320 passengers. [1]"
    assert generator.stopped == 1


def test_closing_the_stream_frees_the_model(index: Index) -> None:
    generator = ScriptedGenerator("one two three four five six")
    stream = bot(index, generator).stream("How many passengers does the ferry carry?")
    for event in stream:
        if isinstance(event, Delta):
            break
    stream.close()  # type: ignore[attr-defined]
    assert generator.stopped == 1


def test_two_threads_ask_at_once(index: Index) -> None:
    chatbot = bot(index)
    questions = ["How many passengers does the ferry Albatros carry?", "متى يُغلق متحف الصيد البحري؟"] * 8
    found: dict[int, Answer] = {}

    def ask(number: int, question: str) -> None:
        found[number] = chatbot.ask(question)

    threads = [threading.Thread(target=ask, args=(number, question)) for number, question in enumerate(questions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {found[number].citations[0].document_id for number in range(0, 16, 2)} == {"ferry.txt"}
    assert {found[number].citations[0].document_id for number in range(1, 16, 2)} == {"متحف.txt"}


# --- questions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("", "error.question_empty"),
        (" ؟! ", "error.question_empty"),
        ("why " * 2500, "error.question_long"),
        ("Qui a écrit la lettre adressée à la société Microsoft ?", "error.question_language"),
        ("خط کس نے لکھا اور کیوں لکھا؟", "error.question_language"),
    ],
)
def test_questions_that_can_t_be_asked(index: Index, question: str, key: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        bot(index).ask(question)
    assert caught.value.key == key
    assert script(caught.value.text("ar")) == "ar"


@pytest.mark.parametrize("question", ["Quel est le nom du capitaine de l'Albatros John Reed ?", "کپتان جان ریڈ کا جہاز کون سا ہے؟"])
def test_a_question_in_a_third_language_is_answered_in_english_if_the_embedder_knows_more(index: Index, question: str) -> None:
    embedder = HashEmbedder(256, name="embeddinggemma-300m", lexicon=LEXICON)
    build_index(index.folder.parent / "documents", index.folder.parent / "other", embedder)
    known = Index.open(index.folder.parent / "other", embedder)
    answer = Chatbot(known, calibration=calibration(same="quote", across="quote", least=0.0), reader=None).ask(question)
    first = "The question seems to be neither in Arabic nor in English. It was looked for all the same; the answer is in English."
    assert answer.language == "en"
    assert answer.text.splitlines()[0] == first
    assert answer.citations
    assert all(citation.claim.of(answer.text) in citation.quote for citation in answer.citations)
    declined = Chatbot(known, calibration=calibration(least=1.1), reader=None).ask(question)
    assert declined.text == f"{first}\nThe documents do not answer this question."


def test_excluded_passages_are_not_used(index: Index) -> None:
    ferry = {passage.id for passage in index.all_passages() if passage.document_id == "ferry.txt"}
    answer = bot(index).ask("How many passengers does the ferry carry?", exclude=ferry)
    assert answer.status is Status.NO_EVIDENCE
    assert "ferry.txt" not in {hit.passage.document_id for hit in answer.hits}


def test_a_follow_up_is_searched_for_as_it_was_rewritten(index: Index) -> None:
    history = [Turn("Which ferry sails from Larne?", "The ferry Albatros.")]
    generator = ScriptedGenerator(
        {"Last question": "How many passengers does the ferry Albatros carry?", "Question": "The ferry Albatros carries 320 passengers."}
    )
    answer = bot(index, generator).ask("And how many passengers does it carry?", history)
    assert answer.question == "And how many passengers does it carry?"
    assert answer.searched == "How many passengers does the ferry Albatros carry?"
    assert answer.citations[0].document_id == "ferry.txt"


# --- evidence ------------------------------------------------------------------------------------------------------------


def evidence(worths: list[float], order: list[int]) -> list[Evidence]:
    """Sentences "aa", "bb", "cc" of one passage, in the given order of rank."""
    passage = Passage(1, "d", Span(10, 18), "aa bb cc", "", "en", "", (Span(10, 12), Span(13, 15), Span(16, 18)))
    spans = [passage.sentences[n] for n in order]
    return [Evidence(passage, span, passage.quote(span), worth, worth) for span, worth in zip(spans, worths, strict=True)]


@pytest.mark.parametrize(
    ("worths", "order", "text"),
    [
        ([1.0], [0], "aa"),
        ([1.0, 0.9, 0.1], [0, 1, 2], "aa bb"),
        ([1.0, 0.9, 0.1], [1, 0, 2], "aa bb"),
        ([1.0, 0.9, 0.1], [0, 2, 1], "aa"),  # the near one does not stand beside it
        ([1.0, 0.5, 0.1], [0, 1, 2], "aa"),  # (0.5 - 0.1) < half of (1.0 - 0.1)
    ],
)
def test_a_neighbour_that_is_nearly_as_good_is_quoted_as_well(worths: list[float], order: list[int], text: str) -> None:
    best = widened(evidence(worths, order))
    assert best.text == text
    assert best.passage.quote(best.span) == text


def test_unknown_models_get_conservative_values_and_no_generator_quotes() -> None:
    unknown = Calibration.of("nobody-knows-this", "nor-this")
    assert (unknown.manner_same, unknown.manner_across) == ("quote", "quote")  # until it is tried
    assert Calibration.of("embeddinggemma-300m", None).manner_across == "quote"
    assert replace(unknown, least=0.1).confidence(Query.of("Who?", HashEmbedder()), []) == 0.0


# --- in advance -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["How many passengers does the ferry Albatros carry?", "متى يُغلق متحف الصيد البحري؟"])
def test_what_was_anticipated_is_the_prompt_that_is_asked(index: Index, question: str) -> None:
    generator = ScriptedGenerator("x")
    anticipating = bot(index, generator)
    anticipating.anticipate(question)
    assert generator.prompts == []
    anticipating.ask(question)
    assert generator.prepared == generator.prompts
    assert len(generator.prompts) == 1


@pytest.mark.parametrize(
    "text", ["", " ؟", "谁是船长？", "Who painted the ceiling of the cathedral?", "من لحّن نشيد الأولمبياد؟", "a" * 3000]
)
def test_a_text_that_will_not_be_asked_of_the_model_is_passed_over(index: Index, text: str) -> None:
    generator = ScriptedGenerator("x")
    bot(index, generator).anticipate(text)
    assert generator.prepared == generator.prompts == []


def test_where_the_evidence_is_quoted_no_prompt_is_read(index: Index) -> None:
    generator = ScriptedGenerator("x")
    bot(index, generator, same="quote").anticipate("How many passengers does the ferry Albatros carry?")
    bot(index).anticipate("How many passengers does the ferry Albatros carry?")
    assert generator.prepared == []


@pytest.mark.parametrize(
    ("first", "then", "rewritten"),
    [
        ("How many passengers does the ferry carry?", "And its captain?", "Who is the captain of the ferry Albatros?"),
        ("متى يُغلق متحف الصيد البحري؟", "ومتى افتُتح؟", "متى افتُتح متحف الصيد البحري؟"),
    ],
)
def test_a_follow_up_that_was_anticipated_is_rewritten_once(index: Index, first: str, then: str, rewritten: str) -> None:
    generator = ScriptedGenerator(rewritten)
    anticipating = bot(index, generator)
    history = [Turn(first, "320")]
    anticipating.anticipate(then, history)
    assert len(generator.prompts) == len(generator.prepared) == 1
    answer = anticipating.ask(then, history)
    assert answer.searched == rewritten
    assert len(generator.prompts) == 2  # its answer; it was not rewritten again
    assert generator.prompts[1] == generator.prepared[0]
    anticipating.ask(then, [*history, Turn("Where?", "Larne")])  # another conversation
    assert len(generator.prompts) == 4


def test_what_was_stopped_is_not_remembered_nor_read(index: Index) -> None:
    generator = ScriptedGenerator("Who is the captain of the ferry Albatros?")
    anticipating = bot(index, generator)
    stop = threading.Event()
    stop.set()
    history = [Turn("How many passengers does the ferry carry?", "320")]
    anticipating.anticipate("And its captain?", history, stop=stop)
    assert generator.prepared == []
    assert anticipating.ask("And its captain?", history).searched == "Who is the captain of the ferry Albatros?"


def test_warming_reads_what_every_question_begins_with(index: Index) -> None:
    generator = ScriptedGenerator("x")
    bot(index, generator).warm()
    assert len(generator.prepared) == 4  # answers and follow-ups, in both languages
    assert len({messages[0]["content"] for messages in generator.prepared}) == 4
    translating = ScriptedGenerator("x")
    bot(index, translating, same="quote", across="write").warm()
    assert len(translating.prepared) == 2  # answers only: it isn't asked to word follow-ups
    quoting = ScriptedGenerator("x")
    bot(index, quoting, same="quote", across="quote").warm()
    assert quoting.prepared == []
    bot(index).warm()


def test_a_model_that_fails_to_warm_is_told(index: Index) -> None:
    class Broken(ScriptedGenerator):
        def prepare(self, *arguments: object, **options: object) -> None:
            raise GenerationFailed("error.generation", reason="broken")

    with pytest.raises(GenerationFailed, match="broken"):
        bot(index, Broken()).warm()
