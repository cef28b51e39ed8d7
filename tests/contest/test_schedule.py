import time
import warnings
from dataclasses import replace

import joblib
import pytest

from raregan.contest import schedule
from raregan.contest.arena import read_arena
from raregan.contest.contestants import choose_contestants
from raregan.contest.fold import Record, Rules
from raregan.contest.learners import choose_learners
from raregan.contest.ledger import Ledger
from raregan.contest.schedule import Drawn, play_all
from raregan.contest.sides import Caps
from raregan.data.folds import Ties
from tests.contest.tables import apart
from tests.contest.test_arena import ASKED

ARENA = read_arena(apart(), **ASKED)
TIES = Ties.of(ARENA.frame, target="Class", rare=1)
RULES = Rules(ARENA.columns, choose_learners(["logistic"]), (1.0,))
TASKS = [
    (fold, one) for fold in TIES.deal(3, 1, 0) for one in choose_contestants(["smote", "copula"])
]


def drawn():
    return Drawn(ARENA, TIES, RULES, Caps())


def played(book=None, **options):
    book = Ledger() if book is None else book
    asked = {"minutes": None, "begun": time.monotonic(), "n_jobs": 1, "progress": None}
    play_all(TASKS, drawn(), book, **{**asked, **options})
    return book


def in_order(records):
    key = lambda r: (r.repeat, r.fold, r.contestant)  # noqa: E731
    return [replace(record, seconds=0.0) for record in sorted(records, key=key)]


def test_all_are_played_and_told():
    told = []
    book = played(progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 12) for n in range(13)]
    assert len(book.records) == 12
    assert all(record.scores for record in book.records)


def test_the_number_of_jobs_changes_nothing():
    assert in_order(played(n_jobs=1).records) == in_order(played(n_jobs=2).records)


def test_joblibs_context_decides_where_nothing_is_said():
    with joblib.parallel_config("threading", n_jobs=2):
        assert in_order(played(n_jobs=None).records) == in_order(played().records)


def test_a_backend_that_gives_all_at_the_end_plays_in_waves(monkeypatch):
    real = joblib.Parallel

    def parallel(**options):
        if "return_as" in options:
            raise ValueError("backend does not support it")
        return real(**options)

    known_before = []
    expected = schedule._expected

    def watched(records, name):
        known_before.append(len(records))
        return expected(records, name)

    monkeypatch.setattr(joblib, "Parallel", parallel)
    monkeypatch.setattr(schedule, "_expected", watched)
    assert in_order(played().records) == in_order(played(n_jobs=3).records)
    assert known_before == [*range(12), *(0, 0, 0), *(3, 3, 3), *(6, 6, 6), *(9, 9, 9)]


def test_what_is_in_the_book_is_not_played_again(monkeypatch):
    book = played()
    half = Ledger()
    half.records = book.records[:7]
    calls = []
    monkeypatch.setattr(
        schedule, "play", lambda _s, one, _r, place: calls.append((place, one.name)) or []
    )
    played(half)
    assert len(calls) == 5
    known = {((r.repeat, r.fold), r.contestant) for r in half.records}
    assert not set(calls) & known


def known(**seconds):
    book = Ledger()
    book.records = [Record(9, 9, name, "logistic", seconds=took) for name, took in seconds.items()]
    return book


def played_of(book):
    return {record.contestant for record in book.records if record.repeat != 9}


def test_no_part_is_begun_that_would_not_end_in_time():
    book = known(**{"smote": 90.0, "copula": 1.0, "nothing": 1.0, "class-weights": 1.0})
    assert played_of(played(book, minutes=1.0)) == {"nothing", "class-weights", "copula"}
    assert played_of(played(known(smote=90.0, copula=1.0), minutes=1.0)) == {"copula"}
    assert played_of(played(known(smote=90.0), minutes=2.0)) == {one.name for _, one in TASKS}
    assert played(minutes=1.0, begun=time.monotonic() - 61).records == []


def test_what_a_fold_took_is_that_of_all_learners():
    records = [Record(0, f, "smote", name, seconds=2.0) for f in range(3) for name in "ab"]
    assert schedule._expected(records, "smote") == 4.0
    assert schedule._expected(records, "flow") == 4.0
    assert schedule._expected([], "flow") == 0.0


def test_rows_of_a_fold_are_drawn_once(monkeypatch):
    calls = []
    real = schedule.draw_sides
    monkeypatch.setattr(
        schedule, "draw_sides", lambda *args, **kw: calls.append(1) or real(*args, **kw)
    )
    played()
    assert len(calls) == 3


def test_a_failure_is_not_hidden(monkeypatch):
    def fail(*_args):
        raise RuntimeError("broken")

    monkeypatch.setattr(schedule, "play", fail)
    with pytest.raises(RuntimeError, match="broken"):
        played()


# --- clusters -------------------------------------------------------------------------------------

NESTED = replace(RULES, learners=choose_learners(["forest"]))
FEW = [
    (fold, one) for fold in TIES.deal(2, 1, 0) for one in choose_contestants(["balanced-bagging"])
]


def played_few(path, **options):
    """Play learners that ask joblib for workers themselves; return records and what was told."""
    told, book = [], Ledger(path)
    asked = {"minutes": None, "begun": time.monotonic(), "n_jobs": None}
    tell = lambda done, total: told.append((done, total))  # noqa: E731
    play_all(FEW, Drawn(ARENA, TIES, NESTED, Caps()), book, progress=tell, **{**asked, **options})
    return in_order(book.records), told


def late():
    return {"minutes": 1.0, "begun": time.monotonic() - 61}


@pytest.fixture
def dask_cluster(tmp_path):
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    here = {"host": "127.0.0.1", "dashboard_address": None}
    quiet = {
        "temporary-directory": str(tmp_path),
        "distributed.admin.large-graph-warning-threshold": "20kB",  # a fold is larger
    }
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **here) as cluster,
        distributed.Client(cluster),
    ):
        yield


@pytest.fixture
def ray_cluster(monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.util.joblib import register_ray

    options = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    ray.init(num_cpus=2, logging_level="ERROR", **options)
    register_ray()
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the packages' own sockets
@pytest.mark.filterwarnings("ignore:os.fork")  # Ray forks; JAX, where it was loaded, warns of it
@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_cluster_scores_the_same_and_keeps_what_is_played(backend, request, tmp_path):
    request.getfixturevalue(f"{backend}_cluster")
    alone, _ = played_few(None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)  # in any thread; raised there it is lost
        with joblib.parallel_config(backend, n_jobs=-1):
            records, told = played_few(tmp_path / "ledger.jsonl")
            in_vain, _ = played_few(None, **late())
    assert records == alone
    assert told == [(n, 6) for n in range(7)]
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 6
    assert in_vain == []
    assert not [str(one.message) for one in caught if one.category is UserWarning]
