import numpy as np
import polars as pl
import pytest

from raregan.data.traffic import FRAUD_KINDS

N_ROWS, N_FRAUDS = 50_492, 492
KINDS = {name: code for code, name in enumerate(FRAUD_KINDS, start=1)}


def test_each_kind_has_its_share(kind):
    counts = np.bincount(kind)[1:]
    shares = [k.share for k in FRAUD_KINDS.values()]
    assert len(counts) >= 5
    assert sum(shares) == pytest.approx(1)
    np.testing.assert_allclose(counts, np.array(shares) * N_FRAUDS, atol=1)


def test_each_kind_has_its_shape(raw, kind):
    frauds = {name: raw.filter(pl.Series(kind == code)) for name, code in KINDS.items()}
    genuine = raw.filter(pl.col("Class") == 0)
    spree, testing, terminal, takeover, friendly = frauds.values()

    assert testing["amount"].quantile(0.95) < 10 < genuine["amount"].median()
    assert (testing["channel"] == "online").all()
    assert testing["terminal_id"].n_unique() < testing.height / 8
    assert testing["customer_id"].n_unique() > 0.9 * testing.height

    assert spree["customer_id"].n_unique() < spree.height / 4
    assert spree["amount_to_usual"].median() > 3 * genuine["amount_to_usual"].median()
    assert spree["minutes_since_last"].median() < 10

    assert (
        (terminal["channel"] == "swipe").mean() > 0.8 > 10 * (genuine["channel"] == "swipe").mean()
    )
    assert terminal["terminal_id"].n_unique() < terminal.height / 4
    assert terminal["customer_id"].n_unique() > 3 * terminal["terminal_id"].n_unique()

    assert takeover["distance_from_home_km"].median() > 300
    assert genuine["distance_from_home_km"].median() < 30
    assert takeover["new_device"].mean() > 0.3

    assert abs(friendly["new_device"].mean() - genuine["new_device"].mean()) < 0.2
    assert friendly["distance_from_home_km"].median() < 30
    assert friendly["amount"].median() > genuine["amount"].median()
