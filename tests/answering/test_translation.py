"""Translations in answers: which are shown, what is translated, and how they are marked."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.review_export import table_csv
from rag.answering.review_table import review_table
from rag.answering.translation import MOST_WORDS, SourceTranslator, is_latin_name, is_shown
from rag.cli.answer_output import _grade_of
from rag.errors import GenerationFailed
from rag.models.reader import ClaimVerdict, Reading, ScoredSpan
from rag.models.reader_input import ReadText
from rag.retrieval.index import Index
from rag.schema import Answer, Grade, Span, Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder, TableTranslator

# --- which are shown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "translation", "language"),
    [
        ("خلال ثلاثين يوما من تاريخ التبليغ", "within thirty days of the date of notification", "en"),
        ("خلال ثلاثين يوما من تاريخ التبليغ", "within 30 days of the date of notification", "en"),
        ("within 30 days of the notice", "خلال 30 يوما من الإخطار", "ar"),
        ("within 30 days of the notice", "خلال ثلاثين يوما من الإخطار", "ar"),
        ("ممنوع التدخين داخل المبنى", "Smoking is prohibited inside the building.", "en"),
        ("Members may not vote by mail.", "لا يجوز للأعضاء التصويت بالبريد.", "ar"),
        ("أعلنت شركة OpenAI عن نموذج جديد", "The company OpenAI announced a new model", "en"),
        ("The company OpenAI announced a new model", "أعلنت شركة OpenAI عن نموذج جديد", "ar"),
        ("وزير", "minister", "en"),
        ("جهاز Mac بمعالج Intel أو جهاز بنظام Linux", "an Intel-based Mac or a Linux computer", "en"),
        (
            "You need an Intel-based Mac, a Windows PC, or a Linux PC.",  # «جهاز كمبيوتر يعمل بنظام» twice is no loop
            "ستحتاج إلى جهاز Mac بمعالج Intel، أو جهاز كمبيوتر يعمل بنظام Windows، أو جهاز كمبيوتر يعمل بنظام Linux.",
            "ar",
        ),
        ("in March 2021", "في آذار 2021", "ar"),
        ("1,900 dinars a year", "1900 دينار سنويا", "ar"),
    ],
)
def test_a_translation_against_which_nothing_speaks_is_shown(source: str, translation: str, language: str) -> None:
    assert is_shown(source, translation, language)


@pytest.mark.parametrize(
    ("source", "translation", "language"),
    [
        ("يقع المستشفى في سان دييغو", "The hospital is located in Padova", "en"),
        ("Sarah Whitfield leads the office.", "تقود المكتب ليلى مراد.", "ar"),
        ("خلال ثلاثين يوما من تاريخ التبليغ", "within 13 days of the date of notification", "en"),  # another number
        ("خلال ثلاثين يوما من تاريخ التبليغ", "within the days of the date of notification", "en"),  # none
        ("تاريخ التبليغ", "30 days of notification", "en"),  # one that is not in the source
        ("within 30 days of the notice", "خلال 60 يوما من الإخطار", "ar"),
        ("within 30 days of the notice", "خلال أيام من الإخطار", "ar"),
        ("in March 2021", "في نيسان 2021", "ar"),  # another month
        ("a fee of 50 dollars", "رسم قدره 50 دينارا", "ar"),  # another currency
        ("Members may not vote by mail.", "يجوز للأعضاء التصويت بالبريد.", "ar"),  # the negation is lost
        ("لا يجوز للأعضاء التصويت بالبريد", "Members may vote by mail", "en"),
        ("أعلنت شركة OpenAI عن نموذج جديد", "The company announced a new model", "en"),  # the name is lost
        ("The company announced a new model", "أعلنت شركة OpenAI عن نموذج جديد", "ar"),  # a name is made up
        ("مدير المكتبة العامة", "مدير المكتبة العامة", "en"),  # the source itself
        ("the director of the library", "the director of the library", "ar"),
        ("مدير المكتبة العامة", "director of المكتبة", "en"),  # another script
        ("the director of the library", "director مدير of the", "ar"),
        ("مدير المكتبة العامة", "the public library of the public library of the public library", "en"),  # a loop
        ("the director of the library", "مدير مدير مدير المكتبة", "ar"),
        ("مدير", "The director of the company said that nobody would have to leave before the end of the year", "en"),  # too long
        ("The director of the company said that nobody would have to leave before the end of the year", "مدير", "ar"),  # too short
        ("مدير المكتبة", "", "en"),
        ("the library", " ", "ar"),
    ],
)
def test_a_translation_with_a_fault_that_a_rule_sees_is_not_shown(source: str, translation: str, language: str) -> None:
    assert not is_shown(source, translation, language)


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("John Reed", True),
        ("Bank of England", True),
        ("TruthGPT", True),
        ("Apache 2.0", True),
        ("the director", False),
        ("30 days", False),
        ("a fee", False),
        ("وزير", False),
        ("", False),
    ],
)
def test_latin_names_stay_as_they_are(text: str, is_name: bool) -> None:
    assert is_latin_name(text) is is_name


# --- what is translated --------------------------------------------------------------------------------------------------


def test_at_most_some_words_are_translated_for_an_answer() -> None:
    texts = [f"كلمة {'ثم ' * 18}أخيرة" for _ in range(5)]  # 20 words each
    double = TableTranslator({})
    own = SourceTranslator(double, "en")
    assert own.phrases(texts) == [""] * 5
    assert len(double.asked) == MOST_WORDS // 20
    assert own.spent == MOST_WORDS
    assert own.phrases(["وزير"]) == [""]
    assert SourceTranslator(double, "en", spent=MOST_WORDS).phrases(["وزير"]) == [""]
    assert len(double.asked) == MOST_WORDS // 20


def test_what_is_in_the_language_already_is_not_translated() -> None:
    double = TableTranslator({"وزير": "minister"})
    assert SourceTranslator(double, "en").phrases(["minister", "2019", "", "وزير"]) == ["", "", "", "minister"]
    assert double.asked == ["وزير"]
    assert SourceTranslator(None, "en").phrases(["وزير"]) == [""]


def test_a_translator_that_fails_costs_nothing_but_the_translation() -> None:
    class Broken(TableTranslator):
        def translate(self, texts: object, source: str, target: str, stop: object = None) -> list[str]:
            raise GenerationFailed("error.generation", reason="cut")

    own = SourceTranslator(Broken({}), "en")
    assert own.phrases(["وزير"]) == [""]
    assert own.passage("وزير", Span(0, 4)) == ""


def test_a_passage_is_translated_by_sentence_and_its_core_is_needed() -> None:
    text = "يفتح الحارس البوابة. ويطعم الحارس الكلاب."
    table = {"يفتح الحارس البوابة.": "The guard opens the gate.", "ويطعم الحارس الكلاب.": "And the guard feeds the dogs."}
    both, first = SourceTranslator(TableTranslator(table), "en"), SourceTranslator(TableTranslator(dict(list(table.items())[:1])), "en")
    assert both.passage(text, Span(0, 20)) == "The guard opens the gate. And the guard feeds the dogs."
    assert first.passage(text, Span(0, 20)) == "The guard opens the gate. …"
    assert first.passage(text, Span(21, len(text))) == ""


def test_a_row_is_translated_by_cell_and_its_figures_stay() -> None:
    row = "المدينة: عدن · 2019 · النوع: ميناء"
    table = {"المدينة: عدن": "City: Aden", "النوع: ميناء": "Type: harbour"}
    assert SourceTranslator(TableTranslator(table), "en").passage(row, Span(0, len(row))) == "City: Aden · 2019 · Type: harbour"


# --- answers -------------------------------------------------------------------------------------------------------------

ARABIC = "يدير المكتبة العامة مدير تعيّنه البلدية. تفتح أبوابها صباحا."
ENGLISH = "The public library is run by a director whom the town appoints. It opens in the morning."
TABLE = {
    "مدير تعيّنه البلدية": "a director whom the municipality appoints",
    "يدير المكتبة العامة مدير تعيّنه البلدية.": "The public library is run by a director whom the municipality appoints.",
    "a director": "مدير",
    "The public library is run by a director whom the town appoints.": "يدير المكتبة العامة مدير تعيّنه البلدة.",
}
LEXICON = {"المكتبة": "library", "العامة": "public", "يدير": "run", "واجبات": "duties", "الحارس": "guard"}


class Pointing:
    """A reader that finds the given words."""

    name = fingerprint = "pointing"

    def __init__(self, words: str) -> None:
        self._words = words

    def read(self, question: str, texts: list[ReadText], *, spans: int = 3) -> list[Reading]:
        found = []
        for text in texts:
            at = text.text.find(self._words) if self._words else -1
            best = (ScoredSpan(Span(at, at + len(self._words)), 0.9),) if at >= 0 else ()
            blocks = tuple(float(at >= 0 and block.start <= at < block.end) for block in text.blocks)
            found.append(Reading(0.9, blocks, best))
        return found

    def judge(self, claim: str, texts: list[ReadText]) -> list[ClaimVerdict]:
        return [ClaimVerdict(0.9, 0.05, 0.05) for _ in texts]


def chatbot(tmp_path: Path, text: str, words: str = "", translator: TableTranslator | None = None, sure: float = 0.0) -> Chatbot:
    documents = tmp_path / "documents"
    documents.mkdir(parents=True)
    (documents / "a.txt").write_text(text, encoding="utf-8")
    embedder = HashEmbedder(256, lexicon=LEXICON)
    build_index(documents, tmp_path / "index", embedder)
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=sure)
    index = Index.open(tmp_path / "index", embedder)
    return Chatbot(index, calibration=calibration, reader=Pointing(words), translator=translator)  # type: ignore[arg-type]


def graded(answer: Answer) -> list[tuple[str, Grade]]:
    return [(citation.claim.of(answer.text), citation.grade) for citation in answer.citations]


@pytest.mark.parametrize(
    ("question", "text", "words", "first"),
    [
        ("Who runs the public library?", ARABIC, "مدير تعيّنه البلدية", "Machine translation, not checked: {} [1]"),
        ("من يدير المكتبة العامة؟", ENGLISH, "a director", "ترجمة آلية، لم تُدقَّق: {} [1]"),
    ],
)
def test_the_words_that_answer_come_translated_and_marked_before_their_quotation(
    tmp_path: Path, question: str, text: str, words: str, first: str
) -> None:
    answer = chatbot(tmp_path, text, words, TableTranslator(TABLE)).ask(question)
    translated, quote = answer.text.splitlines()
    assert translated == first.format(TABLE[words])
    assert text.split(". ")[0] in quote
    assert graded(answer) == [(TABLE[words], Grade.TRANSLATED), (text[: text.index(".") + 1], Grade.QUOTED)]
    assert answer.grade is Grade.TRANSLATED
    assert {citation.quote for citation in answer.citations} == {text[: text.index(".") + 1]}  # shown with its source


@pytest.mark.parametrize(
    ("question", "text", "note"),
    [
        ("Who runs the public library?", ARABIC, "Machine translation, not checked: "),
        ("من يدير المكتبة العامة؟", ENGLISH, "ترجمة آلية، لم تُدقَّق: "),
    ],
)
def test_without_words_the_sentence_is_translated(tmp_path: Path, question: str, text: str, note: str) -> None:
    answer = chatbot(tmp_path, text, "", TableTranslator(TABLE)).ask(question)
    sentence = text[: text.index(".") + 1]
    assert answer.text.splitlines()[0].startswith(f"{note}{TABLE[sentence]}")
    assert [grade for _, grade in graded(answer)] == [Grade.TRANSLATED, Grade.QUOTED]


def test_words_whose_translation_is_not_shown_give_way_to_their_sentence(tmp_path: Path) -> None:
    table = TABLE | {"مدير تعيّنه البلدية": "3 directors"}
    answer = chatbot(tmp_path, ARABIC, "مدير تعيّنه البلدية", TableTranslator(table)).ask("Who runs the public library?")
    assert answer.text.startswith("Machine translation, not checked: The public library is run by a director")


@pytest.mark.parametrize("table", [None, {}, dict.fromkeys(TABLE, "in 1999")])
def test_without_a_translation_the_answer_is_the_quotation(tmp_path: Path, table: dict[str, str] | None) -> None:
    translator = None if table is None else TableTranslator(table)
    answer = chatbot(tmp_path, ARABIC, "مدير تعيّنه البلدية", translator).ask("Who runs the public library?")
    assert answer.text.startswith("The document says, in Arabic: “")
    assert answer.grade is Grade.QUOTED
    arabic = chatbot(tmp_path / "en", ENGLISH, "a director", translator).ask("من يدير المكتبة العامة؟")
    assert arabic.text.startswith("\u2068a director\u2069 [1]")  # as before: a few English words stand in an Arabic answer


def test_in_one_language_nothing_is_translated(tmp_path: Path) -> None:
    translator = TableTranslator(TABLE)
    chatbot(tmp_path, ENGLISH, "a director", translator).ask("Who runs the public library?")
    assert translator.asked == []


def test_a_converted_value_of_an_uncertain_answer_is_labelled_as_not_verified(tmp_path: Path) -> None:
    text = "تكلف بطاقة المكتبة العامة 50 دينارا في السنة."
    answer = chatbot(tmp_path, text, "50 دينارا", None, sure=1.1).ask("What does the public library cost?")
    assert answer.text.splitlines()[:2] == ["This may answer the question, but it is not certain:", "50 dinars [1]"]
    assert answer.grade is Grade.UNVERIFIED
    assert "not certain" in _grade_of(answer, "en")
    assert "not verified" in _grade_of(answer, "en")  # not "word for word"


def test_a_country_is_named_in_the_language_of_the_question_unless_its_sentence_names_another(tmp_path: Path) -> None:
    one = chatbot(tmp_path, "سافرت نانسي في رحلة مبيعات إلى المملكة المتحدة.", "المملكة المتحدة", None).ask("Where did Nancy travel?")
    assert one.text.startswith("United Kingdom [1]\n")
    text = "سافرت نانسي المقيمة في الولايات المتحدة إلى المملكة المتحدة."
    two = chatbot(tmp_path / "two", text, "الولايات المتحدة", None).ask("Where did Nancy travel?")
    assert two.text.startswith("The document says, in Arabic: “")


def test_an_arabic_name_of_a_person_is_spelled_in_latin_letters_where_it_is_attested(tmp_path: Path) -> None:
    text = "يدير المكتبة العامة الدكتور حسام زكي."
    answer = chatbot(tmp_path, text, "الدكتور حسام زكي", None).ask("Who runs the public library?")
    assert answer.text.splitlines() == ["Hossam Zaki [1]", f"The document says, in Arabic: “{text}” [1]"]
    assert graded(answer) == [("Hossam Zaki", Grade.UNVERIFIED), (text, Grade.QUOTED)]


def test_a_value_is_carried_over_by_rule_and_a_name_stays(tmp_path: Path) -> None:
    translator = TableTranslator(TABLE)
    value = chatbot(tmp_path, "تكلف بطاقة المكتبة العامة 50 دينارا في السنة.", "50 دينارا", translator).ask(
        "What does the public library cost?"
    )
    assert value.text.startswith("50 dinars [1]\n")
    name = chatbot(tmp_path / "en", "The public library is run by Ada Reed.", "Ada Reed", translator).ask("من يدير المكتبة العامة؟")
    assert name.text.startswith("\u2068Ada Reed\u2069 [1]\n")
    assert translator.asked == []


def test_evidence_that_may_not_answer_comes_with_its_translation(tmp_path: Path) -> None:
    answer = chatbot(tmp_path, ARABIC, "", TableTranslator(TABLE), sure=1.1).ask("Who runs the public library?")
    assert answer.status is Status.UNSURE
    sentence = ARABIC[: ARABIC.index(".") + 1]
    assert answer.text.splitlines() == [
        "This may answer the question, but it is not certain:",
        f"Machine translation, not checked: {TABLE[sentence]} [1]",
        f"The document says, in Arabic: “{sentence}” [1]",
    ]
    assert graded(answer) == [(TABLE[sentence], Grade.TRANSLATED), (sentence, Grade.QUOTED)]


LIST = "واجبات الحارس:\n\n- يفتح الحارس البوابة.\n- يطعم الحارس الكلاب.\n"
ITEMS = {"يفتح الحارس البوابة.": "The guard opens the gate.", "واجبات الحارس:": "The duties of the guard:"}


def test_each_item_of_a_list_stands_after_its_translation(tmp_path: Path) -> None:
    bot = chatbot(tmp_path, LIST, "", TableTranslator(ITEMS))
    answer = bot.ask("List the duties of the guard")
    assert answer.text.splitlines() == [
        "The document lists, in Arabic: واجبات الحارس: [1]",
        "Machine translation, not checked, before each item: The duties of the guard: [1]",
        "• The guard opens the gate. [1] — يفتح الحارس البوابة. [1]",
        "• يطعم الحارس الكلاب. [1]",
    ]
    assert [grade for _, grade in graded(answer)] == [Grade.QUOTED, Grade.TRANSLATED, Grade.TRANSLATED, Grade.QUOTED, Grade.QUOTED]
    cell = review_table(bot, ["List the duties of the guard"], ["a.txt"]).rows[0].cells[0]
    assert (cell.text, cell.original) == ("يفتح الحارس البوابة.; يطعم الحارس الكلاب.", "")


def test_a_cell_of_a_table_says_that_it_is_translated(tmp_path: Path) -> None:
    bot = chatbot(tmp_path, ARABIC, "مدير تعيّنه البلدية", TableTranslator(TABLE))
    table = review_table(bot, ["Who runs the public library?"], ["a.txt"])
    cell = table.rows[0].cells[0]
    assert cell.text == TABLE["مدير تعيّنه البلدية"]
    assert cell.original == ARABIC[: ARABIC.index(".") + 1]
    assert f"Machine translation, not checked: {cell.text}" in table_csv(table, "en")
    assert f"ترجمة آلية، لم تُدقَّق: {cell.text}" in table_csv(table, "ar")
    assert cell.original in table_csv(table, "en")


def test_what_was_stopped_is_not_translated(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    answer = chatbot(tmp_path, ARABIC, "مدير تعيّنه البلدية", TableTranslator(TABLE)).ask("Who runs the public library?", stop=stop)
    assert answer.text.startswith("The document says, in Arabic: “")


def test_the_same_chatbot_over_another_index_translates_too(tmp_path: Path) -> None:
    bot = chatbot(tmp_path, ARABIC, "", TableTranslator(TABLE))
    assert bot.over(bot.index).translator is bot.translator
