import base64
import copy
import json
import re
import subprocess
import sys
import uuid
import zlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raregan.encoding.characters import DIGITS
from raregan.encoding.identifiers import INTEGERS, PERIOD, FreshIdentifiers
from raregan.encoding.seen import MAX_BITS
from raregan.errors import ModelFileError, SchemaError

BOUNDS = {
    name: pl.select(low=dtype.min(), high=dtype.max()).row(0) for name, dtype in INTEGERS.items()
}


def fitted(ids, values=None, dtype=pl.String):
    seen = pl.Series("id", ids, dtype=dtype)
    values = seen if values is None else pl.Series("id", values, dtype=dtype)
    return FreshIdentifiers.fit(values, seen, seed=0)


def checked(fresh, seen, n, seed=1):
    """Fresh ids, after the checks that hold for any."""
    made = fresh.make(0, n, seed=seed)
    assert (made.name, len(made), made.null_count()) == ("id", n, 0)
    assert made.n_unique() == n
    assert not set(made.to_list()) & set(seen)
    return made


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        (r"C[1-9]\d{6}", [f"C{n}" for n in range(1_000_000, 1_400_000, 97)]),
        (r"\d{6}", [f"{n:06}" for n in range(0, 900_000, 301)]),
        (r"[1-9]\d{5}", [f"{n}" for n in range(100_000, 900_000, 301)]),
        (r"[CM]\d{7}", [f"{'CM'[n % 2]}{n:07}" for n in range(0, 9_000_000, 9_001)]),
        (r"[a-z]{3,8}@(bank\.com|web\.de)", None),
        (r"é\d{5}中", [f"é{n:05}中" for n in range(0, 90_000, 31)]),
        (r"[0-9A-F]{2}(:[0-9A-F]{2}){5}", None),
        (r"PL 00-\d{4}/[A-Z]", None),
    ],
)
def test_pattern_and_length_are_kept(pattern, ids):
    if ids is None:
        rng = np.random.default_rng(0)
        letters, upper_hex = list("abcdefghijklmnopqrstuvwxyz"), list("0123456789ABCDEF")
        make = {
            "[a-z": lambda: (
                "".join(rng.choice(letters, rng.integers(3, 9)))
                + rng.choice(["@bank.com", "@web.de"])
            ),
            "[0-9": lambda: ":".join("".join(rng.choice(upper_hex, 2)) for _ in range(6)),
            "PL 0": lambda: f"PL 00-{rng.integers(10_000):04}/{rng.choice(letters).upper()}",
        }[pattern[:4]]
        ids = [str(make()) for _ in range(2000)]
    assert all(re.fullmatch(pattern, value) for value in ids)
    for value in checked(fitted(ids), ids, 5000).to_list():
        assert re.fullmatch(pattern, value), value


def test_uuids_stay_uuids_of_their_version_and_variant():
    rng = np.random.default_rng(0)
    ids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(500)]
    for value in checked(fitted(ids), ids, 3000).to_list():
        parsed = uuid.UUID(value)
        assert (str(parsed), parsed.version, parsed.variant) == (value, 4, uuid.RFC_4122)


def test_each_place_takes_all_its_characters_about_evenly():
    ids = [f"C{n}" for n in range(1_000_000, 9_999_999, 4_001)]
    made = checked(fitted(ids), ids, 40_000)
    for place in range(1, 8):
        counts = made.str.slice(place, 1).value_counts()["count"]
        assert len(counts) == (9 if place == 1 else 10)
        assert counts.max() < 1.08 * counts.min()


def test_lengths_keep_their_shares():
    rng = np.random.default_rng(0)
    ids = [f"A{n}" for n in rng.integers(10**5, 10**6, 3000)]
    ids += [f"A{n}" for n in rng.integers(10**7, 10**8, 1000)]
    lengths = checked(fitted(ids), ids, 8000).str.len_chars().value_counts(sort=True)
    assert lengths["id"].to_list() == [7, 9]
    assert lengths["count"].to_list() == pytest.approx([6000, 2000], abs=60)


def test_a_leading_letter_keeps_its_share_among_the_rare():
    seen = [f"{'CM'[n % 2]}{n}" for n in range(10_000, 99_999, 31)]
    values = [value for n, value in enumerate(seen) if value[0] == "C" or n % 10 < 2]
    share = np.mean([value[0] == "C" for value in values])
    made = checked(fitted(seen, values), seen, 4000)
    assert made.str.contains(r"^[CM]\d{5}$").all()
    assert made.str.starts_with("C").mean() == pytest.approx(share, abs=0.005)


def test_columns_of_one_shape_have_nothing_in_common():
    ids = pl.Series("from", [f"C{n}" for n in range(10**8, 9 * 10**8, 1_600_003)])
    first, second = (
        FreshIdentifiers.fit(ids.alias(name), ids, seed=0).make(0, 2000, seed=1)
        for name in ("from", "to")
    )
    assert (first == second.alias("from")).sum() == 0


def test_ids_with_words_come_back_from_a_file():
    rng = np.random.default_rng(0)
    names = ["Flute", "3rd", "5th", "Embaracadero", "Lincoln", "MLK"]
    ends = ["Ave", "Drive", "Hwy", "Ridge", "St"]
    ids = [f"{rng.integers(1000, 9999)} {rng.choice(names)} {rng.choice(ends)}" for _ in range(600)]
    fresh = fitted(ids)
    checked(fresh, ids, 500)
    restored = FreshIdentifiers.from_dict(json.loads(json.dumps(fresh.to_dict())))
    assert restored.make(0, 50, seed=3).equals(fresh.make(0, 50, seed=3))


def test_shapes_are_those_of_the_values_and_collisions_those_of_all():
    values = [f"R{n:04}" for n in range(0, 10_000, 100)]
    seen = [f"R{n:04}" for n in range(10_000) if n % 4] + [f"genuine-{n}" for n in range(50)]
    made = checked(fitted(seen, values), {*seen, *values}, 1000)
    assert made.str.contains(r"^R\d{4}$").all()


def test_every_free_id_of_a_small_space_can_be_had_before_it_grows():
    ids = [f"{n}" for n in range(1000, 10_000) if n % 3]
    fresh = fitted(ids)
    n_longer = (checked(fresh, ids, 3000).str.len_chars() > 4).sum()
    assert n_longer < 3000 * fresh.seen.fill * 1.3


def test_a_used_up_length_grows_by_one_character():
    ids = [f"{n:04}" for n in range(10_000)]
    made = checked(fitted(ids), ids, 60_000)
    assert made.str.contains(r"^\d{5}$").all()
    made = checked(fitted([f"{n}" for n in range(1, 10_000)]), map(str, range(1, 10_000)), 200_000)
    assert made.str.contains(r"^[1-9]\d{4,5}$").all()


def test_a_million_rows_of_four_digits_stay_unique():
    ids = [f"{n}" for n in range(1000, 10_000, 7)]
    lengths = checked(fitted(ids), ids, 1_000_000).str.len_chars()
    assert (lengths.min(), lengths.max()) == (4, 7)


def test_a_run_of_integers_goes_on_with_as_many_digits():
    ids = list(range(1, 284_808))
    made = checked(fitted(ids, ids[::600], pl.Int64), ids, 100_000)
    assert made.dtype == pl.Int64
    assert (made.min(), made.max()) > (100_000, 999_000)
    assert made.max() < 1_000_000


@pytest.mark.parametrize("dtype", INTEGERS.values(), ids=INTEGERS)
def test_integers_stay_within_their_dtype_to_its_ends(dtype):
    low, high = BOUNDS[dtype.__name__]
    ids = [low, high, high // 3] if low == 0 else [low, high, low // 3]
    made = checked(fitted(ids, dtype=dtype), ids, 12)
    assert made.dtype == dtype
    assert made.max() <= high
    assert {len(str(value)) for value in made} <= {len(str(value)) for value in ids}


def test_an_exhausted_integer_dtype_is_an_error_with_its_remedy():
    fresh = fitted(list(range(256)), dtype=pl.UInt8)
    with pytest.raises(SchemaError, match=r"column 'id': UInt8 holds no more .* --ignore 'id'"):
        fresh.make(0, 1, seed=0)
    with pytest.raises(SchemaError, match="fewer rows"):
        fitted([5, 9, 70], dtype=pl.Int8).make(0, 5000, seed=0)


text_ids = st.one_of(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=1, max_size=30),
    st.lists(st.from_regex(r"[A-C]{1,2}-?\d{0,3}", fullmatch=True), min_size=1, max_size=60),
    st.lists(st.from_regex(r"[AB]{1,2}[0-9]{1,3}", fullmatch=True), min_size=30, max_size=90),
    st.lists(st.sampled_from(["", "0", "00", "7", "a", "-", "é", "\0", "\n", "x\n"]), min_size=1),
)


@given(ids=text_ids, cut=st.integers(0, 300))
@settings(max_examples=60)
def test_any_text_gives_fresh_unique_ids_however_the_stream_is_cut(ids, cut):
    fresh = fitted(ids)
    made = checked(fresh, ids, 300)
    restored = FreshIdentifiers.from_dict(json.loads(json.dumps(fresh.to_dict())))
    parts = restored.make(0, cut, seed=1), restored.make(cut, 300 - cut, seed=1)
    assert pl.concat(parts).equals(made)


@given(data=st.data(), name=st.sampled_from(sorted(INTEGERS)))
@settings(max_examples=60)
def test_any_integers_give_fresh_unique_ids_or_an_error(data, name):
    near = st.integers(-200, 200).filter(lambda n: BOUNDS[name][0] <= n <= BOUNDS[name][1])
    far = st.integers(*BOUNDS[name])
    ids = data.draw(st.lists(st.one_of(near, far), min_size=1, max_size=30))
    fresh = fitted(ids, dtype=INTEGERS[name])
    try:
        made = checked(fresh, ids, 40)
    except SchemaError as error:
        assert "holds no more identifiers" in str(error)  # noqa: PT017
        return
    restored = FreshIdentifiers.from_dict(json.loads(json.dumps(fresh.to_dict())))
    assert restored.make(7, 20, seed=1).equals(made[7:27])
    assert made.dtype == INTEGERS[name]


def test_rows_far_into_a_stream_are_unique_too():
    fresh = fitted([f"C{n}" for n in range(10**9, 2 * 10**9, 10**6)])
    stream = fresh.make(0, 20_000, seed=4)
    later = fresh.make(5_000_000, 20_000, seed=4)
    assert pl.concat([stream, later]).n_unique() == 40_000
    assert not later.equals(fresh.make(5_000_000, 20_000, seed=5))


def test_no_rows_are_an_empty_column():
    made = fitted([3, 4], dtype=pl.Int32).make(9, 0, seed=0)
    assert (made.name, made.dtype, len(made)) == ("id", pl.Int32, 0)


def test_another_process_makes_the_same_ids():
    program = (
        "import polars as pl; from raregan.encoding.identifiers import FreshIdentifiers as F;"
        "ids = pl.Series('id', [f'C{n}-é' for n in range(1000, 3000)] + ['x7', 'y8']);"
        "print(F.fit(ids, ids, seed=3).make(11, 50, seed=2).to_list())"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert first.count("C") > 40


def shape_of(data):
    return data["shapes"][0]


def packed(raw):
    return base64.b64encode(zlib.compress(raw)).decode()


DAMAGES = {
    "no name": lambda data: data.pop("name"),
    "another dtype": lambda data: data.update(dtype="Float64"),
    "an unhashable dtype": lambda data: data.update(dtype=[]),
    "no shapes": lambda data: data.update(shapes=[]),
    "shapes of text": lambda data: data.update(shapes="abc"),
    "a shape twice": lambda data: data["shapes"].append(dict(shape_of(data))),
    "an empty alphabet": lambda data: shape_of(data)["alphabets"].append(""),
    "an unsorted alphabet": lambda data: shape_of(data)["alphabets"].append("ba"),
    "two marks": lambda data: shape_of(data)["alphabets"].append("+-"),
    "half a character": lambda data: shape_of(data)["alphabets"].append("\ud800"),
    "a number for an alphabet": lambda data: shape_of(data)["alphabets"].append(7),
    "letters in an integer": lambda data: data.update(dtype="Int64"),
    "a weight too many": lambda data: shape_of(data).update(weight=PERIOD + 1),
    "a true weight": lambda data: shape_of(data).update(weight=True),
    "a negative count": lambda data: shape_of(data).update(n_seen=-1),
    "a fractional count": lambda data: shape_of(data).update(n_seen=1.5),
    "a salt beyond 64 bits": lambda data: data["seen"].update(salt=2**64),
    "an odd size": lambda data: data["seen"].update(size=9),
    "a huge size": lambda data: data["seen"].update(size=2 * MAX_BITS),
    "no base64": lambda data: data["seen"].update(bits="?!"),
    "no zlib": lambda data: data["seen"].update(bits=base64.b64encode(b"abc").decode()),
    "a truncated filter": lambda data: data["seen"].update(bits=data["seen"]["bits"][:-8]),
    "a short filter": lambda data: data["seen"].update(bits=packed(b"\1")),
    "a bomb": lambda data: data["seen"].update(bits=packed(b"\1" * 2**24)),
    "an empty filter": lambda data: data["seen"].update(bits=packed(bytes(data["seen"]["size"]))),
    "a full filter": lambda data: data["seen"].update(bits=packed(b"\xff" * data["seen"]["size"])),
    "bits that are a list": lambda data: data["seen"].update(bits=[1]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_input_is_a_model_file_error(damage):
    data = copy.deepcopy(fitted([f"C{n}" for n in range(1000, 2000, 7)]).to_dict())
    FreshIdentifiers.from_dict(data)
    damage(data)
    with pytest.raises(ModelFileError, match="no fresh identifiers"):
        FreshIdentifiers.from_dict(data)


def test_an_integer_that_could_begin_with_zero_is_refused():
    data = fitted([10, 20, 31], dtype=pl.Int64).to_dict()
    shape_of(data)["alphabets"][0] = DIGITS
    with pytest.raises(ModelFileError, match="begins with 0"):
        FreshIdentifiers.from_dict(data)


def test_more_ids_than_a_filter_holds_are_an_error(monkeypatch):
    monkeypatch.setattr("raregan.encoding.seen.MAX_BITS", 64)
    with pytest.raises(SchemaError, match="500 different identifiers, too many"):
        fitted([f"{n}" for n in range(500)])


def test_a_crowded_filter_costs_draws_not_uniqueness(monkeypatch):
    monkeypatch.setattr("raregan.encoding.seen.MAX_BITS", 256)
    ids = [f"C{n}" for n in range(10**8, 10**8 + 500)]
    fresh = fitted(ids)
    assert fresh.seen.fill > 0.8
    assert checked(fresh, ids, 2000).str.contains(r"^C10{5}\d{3,}$").all()
