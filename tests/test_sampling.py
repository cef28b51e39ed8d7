import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from raregan.errors import LowAcceptanceError, UserError
from raregan.sampling import BLOCK_ROWS, Acceptance


@pytest.fixture(scope="module")
def sampler(gan):
    return gan.model_.sampler


def test_rows_have_the_shape_of_the_input(sampler, frame):
    rows = sampler.sample(10, seed=0)
    assert rows.schema == frame.schema
    assert rows.height == 10
    assert rows["Class"].unique().to_list() == [1]


def test_values_stay_in_range_and_keep_their_decimals(sampler, table):
    rows = sampler.sample(2_000, seed=0)
    for name in table.schema.names:
        real = table.rare[name]
        assert real.min() <= rows[name].min() <= rows[name].max() <= real.max()
    assert rows["Amount"].equals(rows["Amount"].round(2))


def test_a_row_does_not_depend_on_how_many_are_asked_for(sampler):
    many = sampler.sample(2 * BLOCK_ROWS + 5, seed=3)
    for n in (1, 7, BLOCK_ROWS, BLOCK_ROWS + 1):
        assert sampler.sample(n, seed=3).equals(many.head(n))


def test_blocks_add_up_and_differ(sampler):
    blocks = list(sampler.blocks(BLOCK_ROWS + 3, seed=0))
    assert [block.height for block in blocks] == [BLOCK_ROWS, 3]
    assert not blocks[0].head(3).equals(blocks[1])


def test_the_seed_matters(sampler):
    assert not sampler.sample(20, seed=0).equals(sampler.sample(20, seed=1))


def test_the_latent_noise_is_standard_normal(sampler):
    """The generator is exchanged for one that shows the noise it gets."""
    seen = []

    class Spy:
        latent_dim = sampler.generator.latent_dim

        def __call__(self, latent):
            seen.append(latent)
            return sampler.generator(latent)

    spied = type(sampler)(sampler.schema, sampler.encoder, {1: Spy()})
    spied.sample(4 * BLOCK_ROWS, seed=0)
    noise = np.concatenate(seen).ravel()
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 5 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(1, abs=5 / np.sqrt(2 * noise.size))
    assert len({block.tobytes() for block in seen}) == 4


def test_memory_does_not_grow_with_the_number_of_rows(sampler):
    def peak(n):
        tracemalloc.start()
        for _ in sampler.blocks(n, seed=0):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    few, many = peak(8 * BLOCK_ROWS), peak(40 * BLOCK_ROWS)
    assert many < 1.5 * few


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "10"])
def test_a_wrong_number_is_refused_at_once(sampler, n):
    with pytest.raises(UserError, match="at least 1, got"):
        sampler.blocks(n, seed=0)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "0"])
def test_a_wrong_seed_is_refused_at_once(sampler, seed):
    with pytest.raises(UserError, match="at least 0, got"):
        sampler.blocks(1, seed=seed)


def test_another_process_gives_the_same_bytes_without_keras_or_jax(gan, tmp_path):
    gan.save(tmp_path / "m.raregan")
    script = (
        "import sys; from raregan.modelfile import load_model;"
        "rows = load_model(sys.argv[1]).sampler.sample(100, seed=9);"
        "rows.write_ipc(sys.argv[2]);"
        "heavy = {'jax', 'keras', 'sklearn', 'scipy', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", script, tmp_path / "m.raregan", tmp_path / "rows.arrow"]
    subprocess.run(command, check=True)
    rows = gan.model_.sampler.sample(100, seed=9)
    assert pl.read_ipc(tmp_path / "rows.arrow").equals(rows)


# --- mixed tables: missing values, categories, dates, identifiers, rules, conditions ---


@pytest.fixture(scope="module")
def mixed_sampler(mixed_gan):
    return mixed_gan.model_.sampler


@pytest.fixture(scope="module")
def rows(mixed_sampler):
    return mixed_sampler.sample(3_000, seed=1)


@pytest.fixture(scope="module")
def rare(mixed_table):
    return mixed_table.rare


def with_rules(sampler, *rules):
    schema = replace(sampler.schema, constraints=(*sampler.schema.constraints, *rules))
    return replace(sampler, schema=schema)


def test_a_mixed_table_comes_out_as_it_went_in(rows, mixed):
    assert rows.schema == mixed.schema
    assert rows.height == 3_000


def test_no_category_that_was_not_seen_among_the_rare_rows(rows, rare):
    for name in ("channel", "city", "country", "level", "flag", "count"):
        assert set(rows[name].drop_nulls()) <= set(rare[name].drop_nulls())
    assert "branch" not in set(rows["channel"])


def test_every_category_of_the_rare_rows_can_be_drawn(mixed_sampler, rare):
    many = mixed_sampler.sample(3 * BLOCK_ROWS, seed=2)
    for name in ("channel", "city", "level"):
        assert set(many[name]) == set(rare[name])


def test_numbers_dates_and_totals_stay_in_range(rows, rare):
    for name in ("amount", "count", "opened", "closed", "seen", "took", "part_a", "total"):
        made, real = rows[name].drop_nulls(), rare[name].drop_nulls()
        assert real.min() <= made.min() <= made.max() <= real.max(), name


def test_no_rule_is_broken(rows, rare):
    assert (rows["opened"] <= rows["closed"]).all()
    assert (rows["part_a"] + rows["part_b"] == rows["total"]).all()
    assert (rows["count"] < 12).all()
    pairs = [set(table.select("city", "country").iter_rows()) for table in (rows, rare)]
    assert pairs[0] <= pairs[1]


def test_cells_that_are_missing_together_stay_together(rows, rare):
    assert (rare["amount"].is_null() == rare["seen"].is_null()).all()
    assert (rows["amount"].is_null() == rows["seen"].is_null()).all()
    for name in rare.columns:
        if not rare[name].null_count():
            assert not rows[name].null_count(), name
    assert 0 < rows["amount"].null_count() < rows.height
    assert 0 < rows["channel"].null_count() < rows.height


def test_identifiers_are_fresh_and_unique_across_blocks(mixed_sampler, mixed):
    made = mixed_sampler.sample(2 * BLOCK_ROWS + 100, seed=3)["case"]
    assert made.str.contains(r"^C\d{7}$").all()
    assert made.is_unique().all()
    assert not set(made) & set(mixed["case"])


def test_acceptance_is_counted(mixed_sampler):
    acceptance = Acceptance()
    mixed_sampler.sample(10, seed=0, acceptance=acceptance)
    assert acceptance.drawn % BLOCK_ROWS == 0
    assert 10 <= acceptance.kept < acceptance.drawn
    assert acceptance.rate == acceptance.kept / acceptance.drawn
    assert acceptance.broken["opened <= closed"] > 0
    assert f"of {acceptance.drawn:,} drawn rows" in acceptance.describe()
    assert "broken most: 'opened <= closed'" in acceptance.describe()


def test_without_rules_every_drawn_row_is_kept(sampler):
    acceptance = Acceptance()
    sampler.sample(10, seed=0, acceptance=acceptance)
    assert (acceptance.rate, acceptance.broken) == (1.0, {})


@pytest.mark.parametrize("conditions", [{}, {"channel": "web", "flag": True}])
def test_a_row_does_not_depend_on_how_many_are_asked_for_even_if_some_are_rejected(
    mixed_sampler, conditions
):
    many = mixed_sampler.sample(9_000, seed=3, conditions=conditions)
    for n in (1, 7, 4_000, 8_999):
        assert mixed_sampler.sample(n, seed=3, conditions=conditions).equals(many.head(n))


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("channel", "web", "web"),
        ("level", "true", "true"),
        ("flag", "True", True),
        ("flag", False, False),
        ("city", "", ""),
    ],
)
def test_a_condition_holds_in_every_row(mixed_sampler, name, given, found):
    made = mixed_sampler.sample(50, seed=0, conditions={name: given})
    assert made.height == 50
    assert made[name].to_list() == [found] * 50


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"channel": "branch"}, "'channel' was never 'branch' .* it was 'app', 'web'"),
        ({"level": "never"}, "'level' was never 'never'"),
        ({"amount": "3"}, "a condition is on a category, and column 'amount' is continuous"),
        ({"opened": "2020-01-01"}, "column 'opened' is datetime"),
        ({"case": "C0000001"}, "column 'case' is identifier"),
        ({"total": 5}, "column 'total' is integer"),
        ({"chanel": "web"}, "no column 'chanel'; did you mean 'channel'"),
        ([("channel", "web")], "a mapping from column to category, got .*'channel': 'web'}"),
        ("channel=web", "a mapping from column to category, got 'channel=web'"),
        ([], r"a mapping from column to category, got \[\]"),
    ],
)
def test_an_impossible_condition_is_refused_at_once(mixed_sampler, conditions, said):
    with pytest.raises(UserError, match=said):
        mixed_sampler.blocks(5, seed=0, conditions=conditions)


def test_a_rule_that_hardly_a_row_keeps_ends_the_drawing(mixed_sampler):
    hard = with_rules(mixed_sampler, "part_a > 10000")
    acceptance = Acceptance()
    with pytest.raises(LowAcceptanceError, match=r"only 0 of .*'part_a > 10000'.*loosen a rule"):
        hard.sample(5, seed=0, acceptance=acceptance)
    assert acceptance.kept == 0
    assert acceptance.drawn == 4 * BLOCK_ROWS


@pytest.fixture(scope="module")
def scarce(mixed_sampler):
    """Models with a rule that some 0.5 % and some 2 % of the drawn rows keep."""
    acceptance = Acceptance()
    drawn = mixed_sampler.sample(20_000, seed=0, acceptance=acceptance)["part_a"].sort()
    bounds = [drawn[int(share / acceptance.rate * len(drawn))] for share in (0.005, 0.02)]
    return [with_rules(mixed_sampler, f"part_a < {bound}") for bound in bounds]


@pytest.mark.parametrize("n", [1, 5, 500])
def test_the_same_model_ends_the_same_way_whatever_number_is_asked_for(scarce, n):
    too_few, enough = scarce
    acceptance = Acceptance()
    with pytest.raises(LowAcceptanceError, match="fewer than 1% is too few"):
        next(too_few.blocks(n, seed=0, acceptance=acceptance))
    assert acceptance.kept > 5
    assert acceptance.drawn == 4 * BLOCK_ROWS
    rows = enough.sample(n, seed=0)
    assert rows.height == n
    assert rows.equals(enough.sample(700, seed=0).head(n))


def test_no_more_is_drawn_where_enough_is_known(mixed_sampler):
    acceptance = Acceptance()
    mixed_sampler.sample(5, seed=0, acceptance=acceptance)
    assert acceptance.drawn == BLOCK_ROWS
