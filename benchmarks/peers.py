"""CTGAN or TVAE on the rows of a Parquet file; run by `rivals.py` with another Python than its own.

    PYTHON peers.py CTGAN train.parquet made.parquet 2000 SEED [EPOCHS]

PYTHON is that of an environment with the package ctgan, which raregan may not depend on; measuring
it is what its licence allows. Options are its defaults. Text columns are categories. Prints as JSON
the seconds of training, import included, and of sampling.
"""

import json
import sys
import time


def main() -> None:
    name, train, made, n, seed, *epochs = sys.argv[1:]
    begun = time.perf_counter()
    import ctgan
    import numpy as np
    import pandas as pd
    import torch

    np.random.seed(int(seed))  # noqa: NPY002 - the package draws from it
    torch.manual_seed(int(seed))
    rows = pd.read_parquet(train)
    categories = [c for c in rows.columns if not pd.api.types.is_numeric_dtype(rows[c])]
    model = getattr(ctgan, name)(**({"epochs": int(epochs[0])} if epochs else {}))
    model.set_random_state(int(seed))
    model.fit(rows, categories)
    trained = time.perf_counter()
    model.sample(int(n)).to_parquet(made)
    seconds = {"training": trained - begun, "sampling": time.perf_counter() - trained}
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
