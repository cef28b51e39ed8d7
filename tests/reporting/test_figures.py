import subprocess
import sys

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from scipy.stats import ks_2samp

from raregan.errors import DataError, SchemaError
from raregan.reporting import distributions, views
from raregan.reporting.figures import (
    BLUE,
    ORANGE,
    plot_correlations,
    plot_distributions,
    plot_pca,
    save_figure,
    save_figures,
)
from raregan.reporting.views import principal_plane
from tests.judging.test_fidelity import mixed

MIX = np.random.default_rng(9).normal(size=(4, 4))


def rows(n, *, seed, spread=1.0):
    values = np.random.default_rng(seed).normal(scale=spread, size=(n, 4)) @ MIX
    return pl.DataFrame(values, schema=list("abcd"))


@pytest.fixture
def odd():
    """Constant, whole, heavy-tailed and huge columns under names that trip renderers."""
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "金額 größe": rng.standard_cauchy(60),
            r"$\oops$ <b>": rng.poisson(4, 60),
            "constant": np.full(60, 0.1),
            "zero": np.zeros(60, int),
            "a name much longer than any label can be": rng.normal(size=60) * 1e12,
            "line\nbreak": np.full(60, 10**17),
            "levels": [None, "", " ", r"$\oops$ <b>", "東京", "a very long name of a level"] * 10,
            "many": [f"{i}\n" for i in range(60)],
            "nothing": pl.Series([None] * 60),
            "infinite": np.where(rng.random(60) < 0.5, np.inf, 1e308),
            "long ago": pl.Series(range(-(10**8), 60 - 10**8), dtype=pl.Int32).cast(pl.Date),
        }
    )


def offsets(panel):
    return np.asarray(panel.collections[0].get_offsets())


def test_pca_shows_real_synthetic_and_both_on_the_same_axes():
    real, synthetic = rows(50, seed=1), rows(50, seed=2)
    figure = plot_pca(real, synthetic, note="simulated data")
    left, middle, right = figure.axes
    plane = principal_plane(real.to_numpy())
    np.testing.assert_allclose(offsets(left), plane.project(real.to_numpy()))
    np.testing.assert_allclose(offsets(middle), plane.project(synthetic.to_numpy()))
    assert sorted(map(tuple, offsets(right))) == sorted(
        map(tuple, np.concatenate([offsets(left), offsets(middle)]))
    )
    for panel, colour in ((left, BLUE), (middle, ORANGE)):
        assert {tuple(face[:3]) for face in panel.collections[0].get_facecolor()} == {
            to_rgb(colour)
        }
        assert panel.get_xlim() == right.get_xlim()
        assert panel.get_ylim() == right.get_ylim()
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["real: 50 rows", "synthetic: 50 rows", "both"]
    share = f"{plane.explained[0]:.0%}"
    assert right.get_xlabel() == f"component 1 ({share} of the real variance)"
    assert "simulated data" in figure.get_suptitle()


def test_in_the_panel_of_both_each_point_keeps_its_colour():
    figure = plot_pca(rows(20, seed=1), rows(20, seed=2))
    left, _, right = figure.axes
    blue = right.collections[0].get_facecolor()[:, :3] == to_rgb(BLUE)
    np.testing.assert_array_equal(offsets(right)[blue.all(axis=1)], offsets(left))


def test_pca_draws_as_many_rows_of_either_side_and_says_so(monkeypatch):
    monkeypatch.setattr(views, "MAX_POINTS", 30)
    for real, synthetic, shown in ((20, 1000, 20), (100, 60, 30)):
        figure = plot_pca(rows(real, seed=1), rows(synthetic, seed=2))
        assert len(offsets(figure.axes[0])) == len(offsets(figure.axes[1])) == shown
        title = figure.axes[1].get_title()
        assert title.startswith(f"synthetic: {shown:,} of {synthetic:,} rows")


def test_pca_counts_what_lies_outside_and_keeps_the_real_rows_legible():
    real = rows(50, seed=1)
    synthetic = pl.concat([rows(47, seed=2), rows(3, seed=3) + 1e4])
    figure = plot_pca(real, synthetic)
    left, middle, _ = figure.axes
    assert middle.get_title() == "synthetic: 50 rows, 3 outside"
    low, high = left.get_xlim()
    x = offsets(left)[:, 0]
    assert low < x.min() <= x.max() < high
    assert high - low < 2.2 * np.ptp(x)


# --- correlations


def test_the_heatmaps_hold_both_correlations_and_their_difference():
    real, synthetic = rows(50, seed=1), rows(70, seed=2)[:, ::-1]
    figure = plot_correlations(real, synthetic, note="simulated data")
    drawn = [panel.collections[0] for panel in figure.axes[:3]]
    expected = [np.corrcoef(table.to_numpy().T) for table in (real, synthetic.select(real.columns))]
    expected.append(expected[1] - expected[0])
    for mesh, values in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(np.reshape(mesh.get_array(), (4, 4)), values, atol=1e-9)
    assert drawn[0].get_clim() == drawn[1].get_clim() == (-1, 1)
    limit = np.abs(expected[2]).max()
    assert drawn[2].get_clim() == pytest.approx((-limit, limit))
    mean = np.abs(expected[2][np.triu_indices(4, 1)]).mean()
    assert figure.axes[2].get_title() == f"difference: mean absolute {mean:.3f}"
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == list("abcd")
    assert "simulated data" in figure.get_suptitle()


@pytest.mark.parametrize("columns", [1, 60])
def test_every_column_is_labelled_however_many(columns):
    table = pl.DataFrame(
        {f"column {i}": np.random.default_rng(i).random(9) for i in range(columns)}
    )
    figure = plot_correlations(table, table)
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == table.columns
    panels = plot_distributions(table, table).axes
    assert [panel.get_title().split("  ")[0] for panel in panels] == table.columns


# --- distributions


def shares(panel):
    return [patch.get_data() for patch in panel.patches]


def test_each_panel_counts_both_sides_on_common_bins():
    real, synthetic = rows(50, seed=1), rows(500, seed=2)
    figure = plot_distributions(real, synthetic, note="simulated data")
    assert len(figure.axes) == 4
    for name, panel in zip(real.columns, figure.axes, strict=True):
        statistic = ks_2samp(real[name], synthetic[name], method="asymp").statistic
        assert panel.get_title() == f"{name}  KS {statistic:.2f}"
        of_real, of_synthetic = shares(panel)
        np.testing.assert_array_equal(of_real.edges, of_synthetic.edges)
        for column, side in ((real[name], of_real), (synthetic[name], of_synthetic)):
            inside = column.is_between(side.edges[0], side.edges[-1]).mean()
            assert side.values.sum() == pytest.approx(inside)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["real", "synthetic"]
    assert "simulated data" in figure.get_suptitle()


def test_what_lies_outside_the_frame_is_said():
    real = pl.DataFrame({"a": np.linspace(0, 1, 400)})
    synthetic = pl.DataFrame({"a": [0.5] * 90 + [1e9] * 10})
    panel = plot_distributions(real, synthetic).axes[0]
    assert panel.get_xlabel() == "outside: real 0.0%, synthetic 10.0%"
    assert panel.get_xlim()[1] < 2
    assert plot_distributions(real, real).axes[0].get_xlabel() == ""


def test_bins_of_whole_numbers_are_centred_on_them():
    real = pl.DataFrame({"a": [0, 1, 1, 2, 2, 2]})
    of_real, _ = shares(plot_distributions(real, real).axes[0])
    np.testing.assert_array_equal(of_real.edges, [-0.5, 0.5, 1.5, 2.5])
    np.testing.assert_allclose(of_real.values, [1 / 6, 2 / 6, 3 / 6])


def test_whole_numbers_have_no_ticks_between_them():
    real = pl.DataFrame({"a": [0, 1]})
    ticks = plot_distributions(real, real).axes[0].get_xticks()
    assert {0, 1} <= set(ticks)
    assert all(tick == round(tick) for tick in ticks)


def test_bins_of_many_whole_numbers_hold_as_many_each():
    real = pl.DataFrame({"a": range(1000)})
    of_real, _ = shares(plot_distributions(real, real).axes[0])
    widths = np.diff(of_real.edges)
    assert (widths == widths[0]).all()
    assert widths[0] == round(widths[0])
    assert len(widths) <= distributions.MAX_BINS + 1


# --- mixed tables


def test_the_colour_bars_are_as_high_as_each_other():
    figure = plot_correlations(rows(50, seed=1), rows(50, seed=2))
    figure.draw_without_rendering()
    heights = [axes.child_axes[0].get_position().height for axes in figure.axes[1:3]]
    assert heights[0] == pytest.approx(heights[1])
    assert [len(axes.child_axes) for axes in figure.axes] == [0, 1, 1]


def test_a_category_has_a_bar_a_level_and_a_date_has_readable_ticks():
    real, synthetic = mixed(60, seed=1), mixed(90, seed=2)
    number, level, flag, day, _ = plot_distributions(real, synthetic).axes
    assert [label.get_text() for label in flag.get_yticklabels()] == sorted(
        ["false", "true"], key=lambda label: -(real["flag"] == (label == "true")).sum()
    )
    drawn = [bar.get_width() for bar in level.patches]
    labels = [label.get_text() for label in level.get_yticklabels()]
    for side, widths in ((real, drawn[:3]), (synthetic, drawn[3:])):
        assert widths == pytest.approx([(side["level"] == label).mean() for label in labels])
    assert level.get_title().startswith("level  TV 0.")
    missing = [f"{table['number'].is_nan().mean():.1%}" for table in (real, synthetic)]
    assert number.get_xlabel() == f"missing: real {missing[0]}, synthetic {missing[1]}"
    day.figure.draw_without_rendering()
    assert {label.get_text() for label in day.get_xticklabels()} <= {
        *("1965", "Jan", "Feb", "Mar", "Apr", "May", "15", "22"),
    }


# --- files


def test_odd_tables_are_drawn_without_a_warning(odd, tmp_path):
    paths = save_figures(odd, odd[:30], tmp_path / "new" / "folder", note=r"simulated $\oops$")
    assert [path.name for path in paths] == ["pca.png", "correlations.png", "distributions.png"]
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    for path in paths:
        height, width = imread(path).shape[:2]
        assert width > 800
        assert height > 300


def test_names_are_shown_as_they_are_not_as_formulas(odd):
    labels = [label.get_text() for label in plot_correlations(odd, odd).axes[0].get_xticklabels()]
    assert labels[1] == r"$\oops$ <b>"
    assert labels[4] == "a name much longe…"
    assert labels[5] == "line break"


def test_neither_the_backend_nor_the_figures_of_the_user_are_touched(tmp_path):
    backend = mpl.rcParams._get("backend")
    before, settings = plt.get_fignums(), dict(mpl.rcParams.copy())
    save_figures(rows(20, seed=1), rows(20, seed=2), tmp_path)
    assert plt.get_fignums() == before
    assert mpl.rcParams._get("backend") == backend
    assert dict(mpl.rcParams.copy()) == settings


def test_a_picture_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    path = tmp_path / "pca.png"
    path.write_bytes(b"old")

    class Broken:
        def savefig(self, file, **_options):
            file.write(b"half")
            raise MemoryError

    with pytest.raises(MemoryError):
        save_figure(Broken(), path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot make the folder .*; name another"):
        save_figures(rows(20, seed=1), rows(20, seed=2), tmp_path / "file")


@pytest.mark.parametrize("plot", [plot_pca, plot_correlations, plot_distributions])
def test_tables_that_cannot_be_compared_are_refused(plot):
    with pytest.raises(SchemaError, match="column 'd' is missing from the synthetic rows"):
        plot(rows(9, seed=1), rows(9, seed=2).drop("d"))


def test_importing_the_figures_imports_no_plotting():
    code = (
        "import sys, raregan.reporting.figures, raregan.reporting.report; "
        "print([n for n in ('matplotlib', 'seaborn', 'plotly', 'keras') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
