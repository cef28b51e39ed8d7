import pytest

from raregan.errors import DataError, ModelFileError, UserError
from raregan.tuning.ledger import Ledger
from tests.tuning.conftest import make_trial

TRIALS = [
    make_trial(0, 0.7),
    make_trial(1, 0.6, variant="wgan-gp", generator_widths=(8, 8), gp_weight=2.5),
    make_trial(2, 0, failure="a loss became NaN", jitter=0.4),
]


@pytest.fixture
def path(table, tmp_path):
    """A ledger of three trials."""
    ledger = Ledger(tmp_path / "l", table, ["flow"], 0)
    for trial in TRIALS:
        ledger.add(trial)
    return tmp_path / "l"


def test_trials_are_read_as_they_were(path, table):
    assert Ledger(path, table, ["flow"], 0).trials == TRIALS


def test_a_search_that_begins_anew_sets_the_file_aside_with_its_first_trial(path, table, tmp_path):
    before, aside = path.read_bytes(), tmp_path / "old"
    ledger = Ledger(path, table, ["gan"], 1, aside)  # another search: the file is not read
    assert ledger.trials == []
    assert path.read_bytes() == before
    for trial in TRIALS[:2]:
        ledger.add(trial)
    assert aside.read_bytes() == before
    assert Ledger(path, table, ["gan"], 1).trials == TRIALS[:2]


def test_a_line_that_was_cut_off_is_dropped_and_written_anew(path, table):
    path.write_text(path.read_text()[:-5])
    ledger = Ledger(path, table, ["flow"], 0)
    assert ledger.trials == TRIALS[:2]
    ledger.add(TRIALS[2])
    assert Ledger(path, table, ["flow"], 0).trials == TRIALS


@pytest.mark.parametrize(
    ("variants", "seed", "what"), [(["gan"], 0, "variants"), (["flow"], 1, "seed")]
)
def test_another_search_is_refused(path, table, variants, seed, what):
    before = path.read_bytes()
    with pytest.raises(UserError, match=rf"another search \({what} differ\)"):
        Ledger(path, table, variants, seed)
    assert path.read_bytes() == before


def test_another_table_is_refused(path, mixed_table):
    with pytest.raises(UserError, match=r"another search \(fingerprint, schema differ\)"):
        Ledger(path, mixed_table, ["flow"], 0)


@pytest.mark.parametrize(
    "content", [b"mine", b"a,b\n1,2\n", b"[]\n", b'{"raregan_tune": 1}\nx\n', b"\xff\xfe"]
)
def test_what_is_no_ledger_is_refused_and_left(table, tmp_path, content):
    path = tmp_path / "l"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="is no record of trials .*: name another output"):
        Ledger(path, table, ["flow"], 0)
    assert path.read_bytes() == content


@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_search_that_ended_as_it_began_is_begun_anew(path, table, length):
    head = path.read_text().splitlines()[0]
    path.write_text(head[:length])
    assert Ledger(path, table, ["flow"], 0).trials == []
    assert path.read_text() == f"{head}\n"


def test_a_place_that_cannot_be_written_is_told(table, tmp_path):
    with pytest.raises(DataError, match="cannot write"):
        Ledger(tmp_path / "no" / "l", table, ["flow"], 0)
    with pytest.raises(DataError, match="cannot read"):
        Ledger(tmp_path, table, ["flow"], 0)


def test_a_search_that_begins_anew_finds_out_at_once_that_it_cannot_write(
    path, table, tmp_path, monkeypatch
):
    before, aside = path.read_bytes(), tmp_path / "old"
    for ledger, place in ((tmp_path / "no" / "l", aside), (path, tmp_path / "no" / "old")):
        with pytest.raises(DataError, match="cannot write .*: there is no folder"):
            Ledger(ledger, table, ["flow"], 0, place)
    with pytest.raises(DataError, match="cannot write .* it is a folder"):
        Ledger(tmp_path, table, ["flow"], 0, aside)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DataError, match="is not yours to write to"):
        Ledger(path, table, ["flow"], 0, aside)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_file_that_cannot_be_moved_is_told_and_left(path, table, tmp_path):
    before, aside = path.read_bytes(), tmp_path / "old"
    ledger = Ledger(path, table, ["flow"], 0, aside)
    aside.mkdir()  # meanwhile
    with pytest.raises(DataError, match="cannot move .* to .*old: .*; name a place beside it"):
        ledger.add(TRIALS[0])
    assert path.read_bytes() == before
