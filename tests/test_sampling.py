import subprocess
import sys
import tracemalloc

import numpy as np
import polars as pl
import pytest

from raregan.errors import UserError
from raregan.sampling import BLOCK_ROWS


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

    spied = type(sampler)(sampler.schema, sampler.encoder, Spy())
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
