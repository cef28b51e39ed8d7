import json

import pytest

from raregan.configfile import Choice, read_config, write_config
from raregan.errors import ModelFileError, UserError

CHOICE = Choice("flow", {"jitter": 0.3, "steps": 4_000}, {"trials": 12})


def test_what_was_written_is_read(tmp_path):
    write_config(tmp_path / "c.json", CHOICE)
    assert read_config(tmp_path / "c.json") == CHOICE


def test_a_file_of_ones_own_needs_no_record_of_a_search(tmp_path):
    (tmp_path / "c.json").write_text(
        '{"raregan_config": 1, "variant": "wgan-gp", "settings": {"generator_widths": [64, 64]}}'
    )
    assert read_config(tmp_path / "c.json").settings == {"generator_widths": [64, 64]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "line 1 column 1"),
        ('{"a": 1,}', "line 1 column"),
        ("[]", "it holds no names and values"),
        ("null", "it holds no names and values"),
        ('{"variant": "flow", "settings": {}}', "it has no 'raregan_config'"),
        ('{"raregan_config": 1}', "it has no 'variant'"),
        ('{"raregan_config": 1, "variant": "flow"}', "it has no 'settings'"),
        (
            '{"raregan_config": 1, "variant": "flow", "settings": {}, "setting": {}}',
            "nothing is called 'setting'",
        ),
        ('{"raregan_config": 1, "variant": "flow", "settings": {"jitter": NaN}}', "NaN in JSON"),
    ],
)
def test_what_is_no_config_file_is_refused_with_the_reason(tmp_path, content, why):
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(ModelFileError, match="c.json is no config file of raregan") as refused:
        read_config(tmp_path / "c.json")
    assert why in str(refused.value)


def test_one_length_of_training_is_taken_and_null_is_none(tmp_path):
    for settings in ({"epochs": 20}, {"steps": 300}, {"epochs": None, "steps": 300}):
        write_config(tmp_path / "c.json", Choice("flow", settings, {}))
        assert read_config(tmp_path / "c.json").settings == settings


def test_a_missing_file_and_a_newer_one_are_told_apart(tmp_path):
    with pytest.raises(ModelFileError, match="cannot read .*c.json: No such file"):
        read_config(tmp_path / "c.json")
    newer = {"raregan_config": 2, "variant": "flow", "settings": {}}
    (tmp_path / "c.json").write_text(json.dumps(newer))
    with pytest.raises(ModelFileError, match="of format 2, this release reads 1: upgrade"):
        read_config(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("variant", "settings", "said"),
    [
        ("vae", {}, "no variant is called 'vae'"),
        (3, {}, "no variant is called 3"),
        (
            "flow",
            {"epochs": 2_000, "steps": 4_000},
            r"settings have both epochs \(2,000, .*\) and steps \(4,000, .*\).*: leave one",
        ),
        ("gan", {"steps": 9, "epochs": 1}, r"settings have both epochs \(1, "),
        ("flow", {"jitter": -1}, "jitter must be a number of at least 0"),
        ("flow", {"pac": 4}, "pac .* means nothing to flow"),
        ("flow", [], "settings must be a dict"),
    ],
)
def test_settings_that_a_run_cannot_take_are_told_with_the_file(tmp_path, variant, settings, said):
    content = {"raregan_config": 1, "variant": variant, "settings": settings}
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"c.json: {said}"):
        read_config(tmp_path / "c.json")
