import contextlib
import json
import math
import zipfile
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from raregan.archive import MANIFEST, read_archive, write_archive
from raregan.data.heldout import HeldOut
from raregan.errors import ModelFileError
from raregan.gans.frozen import FrozenGenerator
from raregan.modelfile import FORMAT_VERSION, load_model, save_model
from raregan.sampling import Sampler


@pytest.fixture(scope="module")
def path(gan, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.raregan"
    gan.save(path)
    return path


def members(path):
    return read_archive(path, kind="model", version=FORMAT_VERSION)


def test_a_model_comes_back_whole(gan, path):
    model = load_model(path)
    assert model.config == gan.model_.config
    assert model.history == gan.history_
    assert model.provenance == gan.model_.provenance
    assert model.sampler.schema == gan.model_.sampler.schema
    assert model.sampler.sample(99, seed=1).equals(gan.model_.sampler.sample(99, seed=1))


def test_every_member_is_json_or_safetensors(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert {name.rsplit(".", 1)[1] for name in names} == {"json", "safetensors"}
    for name, data in members(path).items():
        if name.endswith(".json"):
            json.loads(data)


def test_provenance_says_where_it_comes_from(path, table):
    provenance = load_model(path).provenance
    assert provenance["fingerprint"] == table.fingerprint
    assert (provenance["n_rows"], provenance["n_rare"]) == (400, 80)
    assert provenance["n_left_out"] == 0
    assert set(provenance["versions"]) >= {"raregan", "jax", "keras"}


def test_no_flipped_byte_crashes_or_goes_unnoticed(path, tmp_path):
    """Every byte of the small parts, every 97th of the weights and knots."""
    content = path.read_bytes()
    places = {*range(200), *range(len(content) - 1_500, len(content)), *range(0, len(content), 97)}
    for i in places:
        damaged = bytearray(content)
        damaged[i] ^= 1 << (i % 8)
        (tmp_path / "m").write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load_model(tmp_path / "m")


def dense(gan, kernel):
    bias = np.zeros(kernel.shape[1], np.float32)
    return FrozenGenerator((kernel,), (bias,), gan.model_.sampler.encoder.layout)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_model_file_with_nan_is_never_written(gan, tmp_path, bad):
    kernel = np.full((gan.model_.sampler.encoder.layout.width, 4), bad, np.float32)
    broken = dense(gan, kernel)
    sampler = Sampler(gan.model_.sampler.schema, gan.model_.sampler.encoder, {1: broken})
    with pytest.raises(ModelFileError, match="NaN or infinity in kernel_0"):
        save_model(replace(gan.model_, sampler=sampler), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


NO_JSON = (b"", b"{", b"NaN", b"\xff")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *product(["schema", "encoder", "config", "history", "provenance"], NO_JSON),
        *product(
            ["schema", "encoder", "config", "history", "provenance"], [b"[1]", b'"text"', b"null"]
        ),
        *product(["schema", "encoder", "config"], [b'{"x": 1}', b"[" * 100_000]),
    ],
)
def test_sealed_nonsense_in_a_member_is_told(path, tmp_path, name, content):
    parts = members(path) | {f"{name}.json": content}
    write_archive(tmp_path / "m", kind="model", version=FORMAT_VERSION, members=parts)
    with pytest.raises(ModelFileError):
        load_model(tmp_path / "m")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_sealed_json_crashes_the_reader(path, tmp_path_factory, data):
    """One value anywhere in a member is exchanged for another: refused, or read as a whole."""
    parts = members(path)
    name = data.draw(st.sampled_from(["schema.json", "encoder.json", "config.json"]))
    tree = json.loads(parts[name])
    node = tree
    while True:
        key = data.draw(
            st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node)))
        )
        if not (isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans())):
            break
        node = node[key]
    node[key] = data.draw(st.sampled_from([None, [], {}, [1], "x", -1, 0.5, 10**30, True]))
    target = tmp_path_factory.getbasetemp() / "sealed"
    sealed = parts | {name: json.dumps(tree).encode()}
    write_archive(target, kind="model", version=FORMAT_VERSION, members=sealed)
    with contextlib.suppress(ModelFileError):
        load_model(target)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("kernel_0", np.ones(3, np.float32)),
        ("kernel_0", np.float32(1)),
        ("kernel_0", np.ones((4, 32))),
        ("bias_1", np.ones((2, 2), np.float32)),
    ],
)
def test_sealed_weights_of_another_shape_or_dtype_are_told(path, tmp_path, name, array):
    parts = members(path)
    arrays = load_tensors(parts["generators.safetensors"])
    arrays |= {f"0.{name}": np.asarray(array)}
    parts["generators.safetensors"] = save_tensors(arrays)
    write_archive(tmp_path / "m", kind="model", version=FORMAT_VERSION, members=parts)
    with pytest.raises(ModelFileError, match="do not fit together"):
        load_model(tmp_path / "m")


def test_a_missing_member_is_told(path, tmp_path):
    parts = members(path)
    del parts["encoder.json"]
    write_archive(tmp_path / "m", kind="model", version=FORMAT_VERSION, members=parts)
    with pytest.raises(ModelFileError, match=r"damaged: .*encoder\.json"):
        load_model(tmp_path / "m")


def test_weights_that_are_no_safetensors_are_told(path, tmp_path):
    parts = members(path) | {"generators.safetensors": b"\x80\x04pickle"}
    write_archive(tmp_path / "m", kind="model", version=FORMAT_VERSION, members=parts)
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(tmp_path / "m")


def test_a_generator_of_another_width_is_told(path, tmp_path, gan):
    narrow = dense(gan, np.ones((4, 2), np.float32))
    sampler = Sampler(gan.model_.sampler.schema, gan.model_.sampler.encoder, {1: narrow})
    with pytest.raises(ModelFileError, match="makes 2 numbers a row and the encoder takes 4"):
        save_model(replace(gan.model_, sampler=sampler), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_newer_format_is_told(path, tmp_path):
    write_archive(tmp_path / "m", kind="model", version=FORMAT_VERSION + 1, members=members(path))
    with pytest.raises(ModelFileError, match="upgrade"):
        load_model(tmp_path / "m")


def test_the_history_is_finite(path):
    history = load_model(path).history
    assert all(math.isfinite(loss) for losses in history.values() for loss in losses)
    assert MANIFEST not in members(path)


def test_a_mixed_model_comes_back_whole_with_its_rules_and_its_mark(mixed_gan, mixed, tmp_path):
    mark = HeldOut.of(mixed.head(50), mixed.columns)
    before = replace(mixed_gan.model_, held_out=mark)
    save_model(before, tmp_path / "m")
    after = load_model(tmp_path / "m")
    assert after.sampler.schema == before.sampler.schema
    assert len(after.sampler.schema.constraints) == 4
    options = {"seed": 4, "conditions": {"channel": "web"}}
    assert after.sampler.sample(500, **options).equals(before.sampler.sample(500, **options))
    assert after.held_out.count(mixed) == 50
    assert after.held_out.columns == mark.columns
    save_model(mixed_gan.model_, tmp_path / "m")
    assert load_model(tmp_path / "m").held_out is None


@pytest.mark.parametrize("lost", ["held_out.safetensors", "columns"])
def test_a_damaged_mark_is_told(gan, frame, tmp_path, lost):
    marked = replace(gan.model_, held_out=HeldOut.of(frame.head(5), frame.columns))
    save_model(marked, tmp_path / "m")
    parts = members(tmp_path / "m")
    if lost == "columns":
        parts["held_out.json"] = b'{"n_rows": 5}'
    else:
        del parts[lost]
    write_archive(tmp_path / "m", kind="model", version=FORMAT_VERSION, members=parts)
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(tmp_path / "m")
