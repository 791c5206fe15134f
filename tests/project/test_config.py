"""Settings from the environment, and what they open."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rag.config import ServerSettings, Settings
from rag.errors import BadSetting, IndexMissing, ModelMissing, ShawahidError
from rag.factory import open_chatbot, open_embedder, open_generator


def test_without_any_variable_the_defaults_hold() -> None:
    assert Settings.load({}) == Settings()
    assert Settings().host == "127.0.0.1"  # this computer only


def test_every_variable_is_read() -> None:
    loaded = Settings.load(
        {
            "SHAWAHID_PROFILE": "light",
            "SHAWAHID_GENERATOR": "none",
            "SHAWAHID_EMBEDDER": "/models/e5",
            "SHAWAHID_TRANSLATOR": "none",
            "SHAWAHID_DOCUMENTS": "وثائق",
            "SHAWAHID_INDEX": "/tmp/فهرس",
            "SHAWAHID_HOST": "0.0.0.0",
            "SHAWAHID_PORT": "0",
            "SHAWAHID_LANGUAGE": "ar",
            "SHAWAHID_THREADS": "2",
            "SHAWAHID_MAX_FILE_MB": "64",
            "SHAWAHID_STYLE": "short",
            "SHAWAHID_OCR": "1",
            "SHAWAHID_TRACES": "1",
            "SHAWAHID_GENERATOR_KEY": "sk-1",
            "SHAWAHID_MILVUS": "http://m:19530#k",
            "SHAWAHID_MILVUS_TOKEN": "root:Milvus",
            "SHAWAHID_UNKNOWN": "ignored",
        }
    )
    assert loaded == Settings(
        profile="light",
        generator="none",
        embedder="/models/e5",
        translator="none",
        documents=Path("وثائق"),
        index=Path("/tmp/فهرس"),
        host="0.0.0.0",
        port=0,
        language="ar",
        threads=2,
        max_file_mb=64,
        style="short",
        ocr=True,
        traces=True,
        generator_key="sk-1",
        milvus="http://m:19530#k",
        milvus_token="root:Milvus",
    )
    assert "sk-1" not in repr(loaded)
    assert "root" not in repr(loaded)


def test_every_variable_of_the_server_is_read() -> None:
    assert ServerSettings.load({}) == ServerSettings()
    loaded = ServerSettings.load({"SHAWAHID_QUOTA_MB": "0", "SHAWAHID_TIMEOUT": "9", "SHAWAHID_CHANGES": "1", "SHAWAHID_NEW_READERS": "7"})
    assert (loaded.quota_mb, loaded.timeout, loaded.changes, loaded.new_readers, ServerSettings().quota_mb) == (0, 9, True, 7, 512)
    with pytest.raises(BadSetting) as caught:
        ServerSettings.load({"SHAWAHID_QUOTA_MB": "-1"})
    assert "SHAWAHID_QUOTA_MB" in caught.value.text("ar")


def test_blank_values_are_no_values() -> None:
    assert Settings.load({"SHAWAHID_PORT": " ", "SHAWAHID_LANGUAGE": ""}) == Settings()
    assert Settings.load({"SHAWAHID_PORT": "٨٠٨٠"}).port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHAWAHID_PORT", "many"),
        ("SHAWAHID_PORT", "-1"),
        ("SHAWAHID_PORT", "65536"),
        ("SHAWAHID_PORT", "80.5"),
        ("SHAWAHID_THREADS", "-2"),
        ("SHAWAHID_MAX_FILE_MB", "0"),
        ("SHAWAHID_LANGUAGE", "fr"),
        ("SHAWAHID_STYLE", "long"),
        ("SHAWAHID_TRANSLATOR", "gemma-3-270m-q4_k_m"),
    ],
)
def test_a_value_that_means_nothing_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.load({name: value})
    for message in (str(caught.value), caught.value.text("ar")):
        assert name in message
        assert value in message


def test_an_unknown_profile_is_named_with_the_known_ones() -> None:
    with pytest.raises(ShawahidError) as caught:
        Settings.load({"SHAWAHID_PROFILE": "heavy"})
    assert "heavy" in str(caught.value)
    assert "light" in str(caught.value)


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("SHAWAHID_MODELS", str(folder))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder


def test_without_models_the_generator_is_left_out_and_the_embedder_missed(no_models: Path) -> None:
    assert open_generator(Settings(generator="none")) == (None, None)
    generator, notice = open_generator(Settings())
    assert generator is None
    assert isinstance(notice, ModelMissing)
    assert "models get" in str(notice)
    with pytest.raises(ModelMissing) as caught:
        open_embedder(Settings())
    assert "models get" in caught.value.text("ar")


def test_a_chatbot_needs_an_index(no_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.helpers import embedder

    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (embedder(), None))
    with pytest.raises(IndexMissing):
        open_chatbot(Settings(index=tmp_path / "nowhere"))


def test_a_folder_or_file_can_be_used_in_place_of_a_catalogue_name(no_models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my embedder"
    folder.mkdir()
    with pytest.raises(ShawahidError):
        open_embedder(Settings(embedder=str(folder)))
    (folder / "modules.json").write_text("[]")
    opened, notice = open_embedder(Settings(embedder=str(folder)))
    assert notice is None
    assert opened.name


def test_who_may_come_in_is_read_apart_and_never_shown() -> None:
    secrets = {"SHAWAHID_PASSWORD": "ليمونة وخمس نجوم", "SHAWAHID_TOKENS": "first-token-of-a-program  second-token-of-another"}
    door = ServerSettings.load({**secrets, "SHAWAHID_ORIGINS": "https://a.example https://b.example", "SHAWAHID_CHANGES": "1"})
    assert (door.password, len(door.tokens)) == ("ليمونة وخمس نجوم", 2)
    assert (door.origins, door.frame_ancestors, door.changes) == (("https://a.example", "https://b.example"), ("'self'",), True)
    assert "ليمونة" not in repr(door)
    assert "token-of" not in repr(door)
    assert ServerSettings.load({}) == ServerSettings()
    assert "password" not in {field.name for field in dataclasses.fields(Settings)}  # settings are kept with measurements
    with pytest.raises(BadSetting) as caught:
        ServerSettings.load({"SHAWAHID_CHANGES": "yes"})
    assert "SHAWAHID_CHANGES" in caught.value.text("ar")
