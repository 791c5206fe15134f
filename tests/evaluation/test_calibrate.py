"""Fitting calibrations: values worked out by hand, and the command from a question set to the values in force."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration, RankingWeights
from rag.cli.main import app
from rag.errors import BadSetting
from rag.evaluation import calibrate as fitting
from rag.evaluation.calibrate import Case, ClaimLikeness, Fitted
from rag.evaluation.questions import Claim, Gold, Question, QuestionSet
from rag.retrieval.index import Index
from rag.testing import HashEmbedder
from tests.helpers import CORPUS, embedder

WIDTH = len(Calibration.of("unknown").same)
BEFORE = Fitted("hash", 0.5, (0.0,) * WIDTH, (0.0,) * WIDTH, 0.65, 0.65, {})


def case(
    score: float, answerable: bool, number: int = 0, *, same: bool = True, split: str = "calibrate", other: float = 0.0, name: str = "a"
) -> Case:
    values = (1.0, score, other, *([0.0] * (WIDTH - 3)))
    return Case(name, f"{name}-{number}", "en", same, values, answerable, split)


def cases(same: bool = True, split: str = "calibrate") -> list[Case]:
    """Twenty answerable ones with scores from 0.60 to 0.79, twenty others from 0.40 to 0.59."""
    return [case((40 + n) / 100, n >= 20, n, same=same, split=split) for n in range(40)]


@pytest.mark.parametrize(
    ("confidences", "truths", "most", "least"),
    [
        ([0.2, 0.4, 0.6, 0.8], [False, False, True, True], 0.0, 0.41),  # the lowest that declines both
        ([0.2, 0.7, 0.6, 0.8], [False, False, True, True], 0.0, 0.21),  # 0.71 would decline one of two
        ([0.2, 0.7, 0.6, 0.8], [False, False, True, True], 0.5, 0.21),  # and gain nothing by it: 1 - 1/2 = 1/2 - 0
        ([0.2, 0.7, 0.7, 0.6, 0.8, 0.9], [False, False, False, True, True, True], 0.4, 0.71),  # 1 - 1/3 against 1/3 - 0
    ],
)
def test_the_threshold_that_sets_the_two_kinds_apart(confidences: list[float], truths: list[bool], most: float, least: float) -> None:
    assert fitting.least_confidence(confidences, truths, most) == least


def test_the_model_is_even_between_the_kinds() -> None:
    weights = fitting.fit_logistic(cases())
    assert weights[1] > 0
    assert weights[2:] == (0.0,) * (WIDTH - 2)  # features that never differ tell nothing
    # By symmetry half way between 0.40 … 0.59 and 0.60 … 0.79 neither is likelier.
    assert fitting.logistic(weights, case(0.595, True).values) == pytest.approx(0.5, abs=1e-3)


def test_each_set_weighs_the_same_however_many_questions_it_has() -> None:
    few = [case(0.6, True, 1), case(0.5, False, 2)]
    many = [case(0.8 if n % 2 else 0.7, bool(n % 2), n, name="b") for n in range(20)]
    twice = [case(item.values[1], item.answerable, n, name="b") for n, item in enumerate([*many, *many])]
    assert fitting.fit_logistic([*few, *many])[:2] == pytest.approx(fitting.fit_logistic([*few, *twice])[:2], rel=0.25)


def test_a_weight_against_its_own_correlation_is_left_out() -> None:
    # The second feature is the first with noise: alone it speaks for the answer, beside the first the model would turn it against.
    rows = [(0.9, 0.6, True), (0.8, 0.5, True), (0.7, 0.7, True), (0.6, 0.9, False), (0.5, 0.45, False), (0.3, 0.2, False)]
    group = [case(score, truth, n, other=other) for n, (score, other, truth) in enumerate(rows * 4)]
    weights = fitting.fit_logistic(group)
    assert weights[1] > 0
    assert weights[2] >= 0


def test_a_twin_is_held_out_with_its_question() -> None:
    group = [item for n in range(20) for item in (case(0.7, True, n), case(0.5, False, n))]
    group = [item if item.answerable else Case(*_with_id(item, f"{item.id}.dropped")) for item in group]
    held = fitting.held_out(group)
    assert all(held[n] > held[n + 1] for n in range(0, 40, 2))


def _with_id(item: Case, id: str) -> tuple[object, ...]:
    return (item.set, id, item.language, item.same, item.values, item.answerable, item.split)


def test_what_there_are_too_few_questions_for_stays_as_it_was() -> None:
    fitted = fitting.fit("some-embedder", cases())
    unknown = Calibration.of("some-embedder")
    assert fitted.n == {"same": 40, "least": 40}
    assert fitted.same != unknown.same
    assert fitted.across == unknown.across
    assert (fitted.claim_same, fitted.claim_across) == (0.65, 0.65)
    with pytest.raises(BadSetting, match=r"9 that the documents answer and 10"):
        fitting.fit("some-embedder", [*cases()[:10], *cases()[-9:]])


def test_what_the_reader_says_is_weighed_where_it_read() -> None:
    read = [replace(item, read=(4.0, 2.0, 0.0, 0.0) if item.answerable else (-4.0, -2.0, 0.0, 0.0), same_read=True) for item in cases()]
    fitted = fitting.fit("unknown", read)
    assert len(fitted.read_same) == len(read[0].values) + 4
    assert fitted.read_same[8] > 0
    assert fitted.read_across == ()
    assert all((fitted.confidence(item) >= fitted.least) is item.answerable for item in read)
    assert fitting.fit("unknown", cases()).read_same == ()


def test_the_other_half_is_only_measured() -> None:
    wrong = [Case(*_with_id(item, item.id)[:5], not item.answerable, "report") for item in cases()]  # type: ignore[arg-type]
    fitted = fitting.fit("some-embedder", [*cases(), *wrong])
    assert fitted == fitting.fit("some-embedder", cases())
    found = fitting.report([*cases(), *wrong], fitted)
    assert found["all"]["auroc"].value == 0.0
    assert found["all"]["auroc"].n == 40
    assert found["same"]["declined"] == found["en"]["declined"]
    assert found["a"]["declined"].value < 0.1  # type: ignore[operator]
    assert found["a"]["wrongly_declined"].value > 0.9  # type: ignore[operator]
    assert fitting.report(cases(), fitted, "calibrate")["all"]["auroc"].value == 1.0


def test_the_likeness_of_claims() -> None:
    near = [ClaimLikeness(True, 0.50 + n / 100, True, "calibrate") for n in range(51)]  # 0.50 … 1.00: the 2 % quantile is 0.51
    far = [ClaimLikeness(True, 0.1, False, "calibrate"), ClaimLikeness(True, 0.1, True, "report")]
    fitted = fitting.fit("some-embedder", cases(), [*near, *far])
    assert fitted.claim_same == 0.51
    assert fitted.claim_across == 0.65
    assert fitted.n["claim_same"] == 51


def test_claims_are_compared_as_the_check_compares_them() -> None:
    def claim(id: str, text: str, quote: str, kind: str = "") -> Claim:
        return Claim(id, text, "en", "en-en", (Gold("a.txt", "nothing of the kind"), Gold("a.txt", quote)), True, "", kind, "")

    english = claim("c-1", "The captain is John Reed.", "John Reed is captain")
    arabic = claim("c-2", "القبطان جون ريد", "captain John Reed")
    found = fitting.likenesses(embedder(), [english, arabic, claim("c-3", "Fog.", "Fog.", "verbatim")])
    assert [item.same for item in found] == [True, False]
    assert found[0].value == pytest.approx(1.0, abs=1e-5)  # the same content words
    assert [item.split for item in found] == ["calibrate", "report"]
    assert fitting.likenesses(embedder(), []) == []


def test_cases_come_from_the_products_own_search(built: Path, meeting: HashEmbedder) -> None:
    text = "نقلت العبّارة ألباتروس 212 راكبًا يوم الاثنين"
    questions = (
        Question("q-1", "Who was the captain of the ferry?", "en", ("Reed",), (Gold("en/ferry.txt", "captain was John Reed"),), True),
        Question("q-2", "كم راكبًا نقلت العبّارة؟", "ar", ("212",), (Gold("ar/ميناء الواحة.txt", text),), True, split="report"),
    )
    with Index.open(built, meeting) as index:
        found = fitting.cases(Chatbot(index), QuestionSet("own", questions))
    assert [(item.id, item.answerable, item.split) for item in found] == [
        ("q-1", True, "calibrate"),
        ("q-1.dropped", False, "calibrate"),
        ("q-2", True, "report"),
        ("q-2.dropped", False, "report"),
    ]
    assert all(item.values[0] == 1.0 and len(item.values) == WIDTH for item in found)
    assert found[0].values != found[1].values


# --- the file -------------------------------------------------------------------------------------------------------------


def test_what_is_written_is_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings" / "calibration.toml"
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(path))
    assert Calibration.of('org/model "x"') == Calibration.of("another", None).__class__.of('org/model "x"')
    fitted = Fitted('org/model "x"', 0.41, (1.5,) * WIDTH, (-2.5,) * WIDTH, 0.7, 0.6, {"same": 40})
    fitting.write(path, fitted, "made by hand")
    fitting.write(path, Fitted("نموذج", 0.3, (0.5,) * WIDTH, (0.0,) * WIDTH, 0.7, 0.6, {}), "")
    now = Calibration.of('org/model "x"')
    assert (now.least, now.same, now.across) == (0.41, (1.5,) * WIDTH, (-2.5,) * WIDTH)
    assert (now.thresholds.same, now.thresholds.across) == (0.7, 0.6)
    assert Calibration.of("نموذج").least == 0.3
    assert Calibration.of("a third").least == Calibration.of("unknown").least
    assert "made by hand" in path.read_text("utf-8")


def test_what_a_file_does_not_say_of_the_reader_is_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calibration.toml"
    before = Calibration.of("multilingual-e5-small")
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(path))
    fitting.write(path, Fitted("multilingual-e5-small", 0.41, (1.5,) * WIDTH, (-2.5,) * WIDTH, 0.7, 0.6, {}), "")
    now = Calibration.of("multilingual-e5-small")
    assert (now.ranking, now.commoner) == (before.ranking, before.commoner)
    path.write_text(path.read_text("utf-8") + "ranking = [0.5, 1.0, 2.0]\ncommoner = -0.5\n", encoding="utf-8")
    now = Calibration.of("multilingual-e5-small")
    assert (now.least, now.ranking, now.commoner) == (0.41, RankingWeights(0.5, 1.0, 2.0), -0.5)
    path.write_text(path.read_text("utf-8").replace("[0.5, 1.0, 2.0]", "[0.5]"), encoding="utf-8")
    with pytest.raises(BadSetting, match="ranking"):
        Calibration.of("multilingual-e5-small")


def test_a_file_keeps_what_else_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(
        '# mine\n[embedders.a]\nleast = 0.1\n\n[embedders.hash]\nleast = 0.2\n\n[generators.b]\nsame = "quote"\n', encoding="utf-8"
    )
    fitting.write(path, BEFORE, "anew")
    text = path.read_text("utf-8")
    assert text.startswith("# mine\n[embedders.a]\nleast = 0.1\n")
    assert '[generators.b]\nsame = "quote"' in text
    assert "least = 0.2" not in text
    assert text.count("least = 0.5") == 1


@pytest.mark.parametrize("text", ["no toml", "[embedders.hash]\nleast = 0.5\n", "embedders = 3\n"])
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(path))
    with pytest.raises(BadSetting, match="shawahid calibrate") as caught:
        Calibration.of("hash")
    assert "shawahid calibrate" in caught.value.text("ar")


def test_weights_for_other_features_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calibration.toml"
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(path))
    fitting.write(path, Fitted("hash", 0.5, (0.0,) * (WIDTH + 1), (0.0,) * WIDTH, 0.6, 0.6, {}), "")
    with pytest.raises(BadSetting, match="same"):
        Calibration.of("hash")
    fitting.write(path, Fitted("hash", math.nan, (0.0,) * WIDTH, (0.0,) * WIDTH, 0.6, 0.6, {}), "")
    with pytest.raises(BadSetting, match="least"):
        Calibration.of("hash")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file, no folder")
    with pytest.raises(BadSetting, match="--into"):
        fitting.write(tmp_path / "a" / "calibration.toml", BEFORE, "")


# --- the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small corpus with 24 questions that it answers and 24 that it does not, half of each in Arabic, and a double."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(tmp_path / "own.toml"))
    asked = {"en": "How many passengers did the ferry Albatros carry on Monday", "ar": "كم راكبًا نقلت العبّارة ألباتروس يوم الاثنين"}
    other = {"en": "Which gardener painted the violet bicycle of the town library", "ar": "أي بستاني دهن الدراجة البنفسجية في موسم الزيتون"}
    places = {
        "en": ("en/ferry.txt", "The ferry Albatros carried 212 passengers"),
        "ar": ("ar/ميناء الواحة.txt", "نقلت العبّارة ألباتروس 212"),
    }
    assert all(quote in CORPUS[document] for document, quote in places.values())
    lines = []
    for n in range(48):
        language, answerable = ("en", "ar")[n % 2], n < 24
        document, quote = places[language]
        lines.append(
            {
                "id": f"q-{n}",
                "question": f"{(asked if answerable else other)[language]} {n}?",
                "language": language,
                "answers": ["212"] if answerable else [],
                "evidence": [{"document": document, "quote": quote}] if answerable else [],
                "answerable": answerable,
                "split": "calibrate" if n % 24 < 16 else "report",
            }
        )
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (embedder(), None))
    return tmp_path


def test_the_command_fits_writes_and_is_obeyed(checkout: Path) -> None:
    before = Calibration.of("hash")
    arguments = ["calibrate", str(checkout / "documents" / "questions.jsonl")]
    looked = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert looked.exit_code == 0, looked.output
    assert "Nothing was written" in looked.stdout
    assert not (checkout / "own.toml").exists()
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    now = Calibration.of("hash")
    assert now != before
    assert list(now.same) == told["fitted"]["same"]
    # Of the 32, one finds its best evidence in the other language, and one is too few to fit what holds across languages.
    assert told["fitted"]["n"]["least"] == 31
    assert told["measured"]["fitted"]["all"]["auroc"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 16}
    assert "shawahid calibrate on documents" in (checkout / "own.toml").read_text("utf-8")


def test_the_command_shows_what_was_before_and_what_is_now(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = CliRunner().invoke(app, ["calibrate", str(checkout / "documents" / "questions.jsonl"), "--into", "elsewhere.toml"])
    assert shown.exit_code == 0, shown.output
    assert "fitted on 31 questions, measured on 16 others" in shown.stdout
    assert "these values stay as they were" in shown.stdout
    assert (checkout / "elsewhere.toml").is_file()
    assert not (checkout / "own.toml").exists()


def test_squad_files_are_asked_in_every_direction(checkout: Path) -> None:
    for language, text in (("en", CORPUS["en/ferry.txt"]), ("ar", CORPUS["ar/ميناء الواحة.txt"])):
        paragraphs = []
        for article in range(2):
            context = f"{text} {article}"
            at = context.index("212")
            qas = [
                {"id": f"{article}-{n}", "question": f"{text[:30]} {n}?", "answers": [{"text": "212", "answer_start": at}]}
                for n in range(10)
            ]
            paragraphs.append({"paragraphs": [{"context": context, "qas": qas}]})
        (checkout / f"x.{language}.json").write_text(json.dumps({"data": paragraphs}), encoding="utf-8")
    done = CliRunner().invoke(app, ["calibrate", "x.en.json", "x.ar.json", "--json", "--dry-run"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["path"] is None
    assert told["fitted"]["n"] == {"same": 40, "across": 40, "least": 80}  # two directions each, ten questions and ten twins
