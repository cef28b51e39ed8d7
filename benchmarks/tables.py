"""Real tables as they are: each trains and samples with no option but the target.

    python benchmarks/tables.py                        every table, some 15 minutes
    python benchmarks/tables.py --epochs 20            a quick try of the same path
    python benchmarks/tables.py --only hmeq --only paysim_sample

Tables are the Parquet files in the folder that RAREGAN_DATA names (or ``--data``), and the
simulated ``make_card_fraud(features="raw")``. Each is trained and sampled in a process of its own.
Columns of the result:

- seconds: read, train and sample 2,000 rows, imports and compilation included; peak: resident
  memory of that process before the rows are looked at.
- width: numbers in an encoded row.
- same: columns, their order and dtypes are those of the file.
- unseen: cells of a category that no rare row has. range: numbers and dates beyond the rare rows'.
- missing: largest difference in the share of missing cells, rare rows against synthetic, in points.
- share: largest difference in the share of a category, among the cells that are there, in points.
- broken: rows that break a rule. real ids: identifiers that some row of the table has.

Ends with 1 where a bar fails: all same; unseen, range, broken and real ids 0; missing at most 3.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from raregan.data.schema import Column, Schema

N_ROWS = 2_000
MOST_MISSING = 3.0  # points
CLAIMS = (
    "injury_claim + property_claim + vehicle_claim == total_claim_amount",
    "`capital-loss` <= 0",
)


class Case(NamedTuple):
    """What is given of a table: its target, and rules where there are any."""

    target: str
    rare: int | str
    constraints: tuple[str, ...] = ()


SIMULATED = "card_fraud_raw"
CASES = {
    "creditcard": Case("Class", 1),
    "vehicle_insurance_fraud": Case("FraudFound_P", 1),
    "insurance_claims": Case("fraud_reported", "Y", CLAIMS),
    "hmeq": Case("BAD", 1),
    "german_credit": Case("class", 2),
    "bank_marketing": Case("y", "yes"),
    "census_income_kdd_train": Case("income", "50000+"),
    "mammography": Case("y", 1),
    "paysim_sample": Case("isFraud", 1),
    SIMULATED: Case("Class", 1),
}

# --- one table, in a process of its own ----------------------------------------------------------


def contestant(name: str, path: str, epochs: int | None) -> None:
    """Print as JSON what training on a file cost, and how its synthetic rows differ from it."""
    import warnings

    begun = time.perf_counter()
    from raregan import RareGAN
    from raregan.errors import RareGANError, RareGANWarning

    warnings.simplefilter("ignore", RareGANWarning)
    case = CASES[name]
    gan = RareGAN(
        target=case.target,
        rare=case.rare,
        constraints=case.constraints,
        epochs=epochs,
        random_state=0,
    )
    try:
        made = gan.fit(path).sample(N_ROWS)
    except RareGANError as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return
    cost = {
        "seconds": time.perf_counter() - begun,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "width": gan.model_.sampler.encoder.layout.width,
        "epochs": gan.model_.provenance["epochs"],
        "acceptance": gan.acceptance_.rate,
    }
    print(json.dumps(cost | compare(path, made, gan.model_.sampler.schema)))


def compare(path: str, made: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    """Judge synthetic rows against the file, with polars alone but for rules and kinds."""
    import polars as pl
    from polars import selectors as cs

    from raregan.data.constraints import parse_constraint

    table = pl.read_parquet(path).with_columns(cs.float().fill_nan(None))
    rare = table.filter(pl.col(schema.target.name) == schema.target.rare)
    rules = [parse_constraint(text, schema.dtypes, schema.formats) for text in schema.constraints]
    found: dict[str, Any] = {
        "rare": rare.height,
        "rows": made.height,
        "order": made.columns == table.columns,
        "dtypes": made.dtypes == table.dtypes,
        "target": made[schema.target.name].unique().to_list() == [schema.target.rare],
        "broken": sum(int((~rule.holds(made)).sum()) for rule in rules),
        "unseen": {},
        "range": {},
        "real_ids": {},
        "missing": {},
        "share": {},
    }
    for column in schema.columns:
        name, real, new = column.name, rare[column.name], made[column.name]
        share = 100 * abs(real.null_count() / rare.height - new.null_count() / made.height)
        found["missing"][name] = share
        real, new = real.drop_nulls(), new.drop_nulls()
        if column.kind == "identifier":
            found["real_ids"][name] = int(new.is_in(table[name].drop_nulls().unique()).sum())
        elif column.kind in ("categorical", "boolean", "constant"):
            found["unseen"][name] = int((~new.is_in(real.unique())).sum())
            found["share"][name] = 100 * share_difference(real, new)
        elif len(real):
            real, new = as_numbers(real, column), as_numbers(new, column)
            found["range"][name] = int(((new < real.min()) | (new > real.max())).sum())
    return found


def share_difference(real: pl.Series, new: pl.Series) -> float:
    """Return the largest difference in the share of one category, in [0, 1]."""
    if not len(real) or not len(new):
        return 0.0
    shares = [
        dict(zip(*side.value_counts(normalize=True).get_columns(), strict=True))
        for side in (real, new)
    ]
    return max(abs(shares[0].get(k, 0.0) - shares[1].get(k, 0.0)) for k in shares[0] | shares[1])


def as_numbers(cells: pl.Series, column: Column) -> pl.Series:
    """Read text of dates or numbers; what is no such text raises."""
    import polars as pl

    if cells.dtype != pl.String:
        return cells
    if column.format is None:
        return cells.cast(pl.Float64)
    return cells.str.to_datetime(column.format, time_unit="us")


# --- the table of all ----------------------------------------------------------------------------


def run(name: str, path: Path, epochs: int | None) -> dict[str, Any]:
    """Return what a process printed of one table, or how it ended."""
    command = [sys.executable, __file__, "--contestant", name, "--file", str(path)]
    command += ["--epochs", str(epochs)] if epochs is not None else []
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        return {"error": (ended.stderr.strip() or f"status {ended.returncode}").splitlines()[-1]}
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def simulate(path: Path) -> None:
    """Write the simulated table, in a process of its own, so that this one stays small.

    The peak memory of a process that another one starts is no less than the starter's.
    """
    code = (
        "import sys; from raregan import make_card_fraud; "
        "make_card_fraud(features='raw').write_parquet(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


HEADER = (
    *("table", "rare rows", "epochs", "seconds", "width", "peak MB", "same"),
    *("unseen", "range", "missing", "share", "broken", "real ids"),
)


def worst(values: dict[str, float]) -> str:
    if not values:
        return "-"
    name, value = max(values.items(), key=lambda item: item[1])
    return f"{value:.1f} ({name})" if value >= 0.05 else "0"


def total(values: dict[str, int]) -> str:
    """Say how many in all, and in which columns."""
    guilty = [f"{name} {count:,}" for name, count in values.items() if count]
    return f"{sum(values.values()):,} ({', '.join(guilty)})" if guilty else "0" if values else "-"


def print_row(name: str, found: dict[str, Any]) -> None:
    if "error" in found:
        print(f"| {name} | {found['error']} |{' |' * (len(HEADER) - 2)}", flush=True)
        return
    cells = (
        *(name, f"{found['rare']:,}", f"{found['epochs']:,}", f"{found['seconds']:.1f}"),
        *(str(found["width"]), f"{found['peak']:,.0f}", "yes" if is_same(found) else "NO"),
        *(total(found["unseen"]), total(found["range"])),
        *(worst(found["missing"]), worst(found["share"])),
        *(str(found["broken"]) if CASES[name].constraints else "-", total(found["real_ids"])),
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def is_same(found: dict[str, Any]) -> bool:
    return all(found[what] for what in ("order", "dtypes", "target")) and found["rows"] == N_ROWS


def passes(found: dict[str, Any]) -> bool:
    """Whether a table keeps every bar."""
    if "error" in found or not is_same(found) or found["broken"]:
        return False
    counted = (*found["unseen"].values(), *found["range"].values(), *found["real_ids"].values())
    return not any(counted) and max(found["missing"].values()) <= MOST_MISSING


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", action="append", choices=CASES, help="this table; repeatable")
    parser.add_argument("--epochs", type=int, help="fewer, for a quick try")
    parser.add_argument("--data", default=os.environ.get("RAREGAN_DATA"), help="folder of tables")
    parser.add_argument("--contestant", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.contestant:
        contestant(args.contestant, args.file, args.epochs)
        return
    names = args.only or list(CASES)
    if args.data is None and names != [SIMULATED]:
        parser.error("set RAREGAN_DATA, or give --data: the folder of the tables")
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}", flush=True)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder if name == SIMULATED else args.data) / f"{name}.parquet"
            if name == SIMULATED:
                simulate(path)
            found = run(name, path, args.epochs)
            print_row(name, found)
            failed += [] if passes(found) else [name]
    print(f"\n{len(names) - len(failed)} of {len(names)} tables keep every bar")
    if failed:
        sys.exit(f"a bar fails: {', '.join(failed)}")


if __name__ == "__main__":
    main()
