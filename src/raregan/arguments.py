"""What can be typed: the parser of the command line, its defaults those of `raregan.config`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from raregan import __version__
from raregan.config import (
    AMOUNTS,
    CHECKPOINT_EVERY,
    CONFIDENCE,
    CONFIG_PATH,
    FOLDS,
    KINDS,
    LEVELS_FROM,
    MARK,
    MAX_OTHERS,
    MODEL_PATH,
    NUM_SAMPLES,
    NUMERIC_ENCODINGS,
    RATIO,
    REPEATS,
    SEED,
    SIMULATED_FRAUDS,
    SIMULATED_ROWS,
    SYNTHETIC_PATH,
    TEST_SHARE,
    TUNE_MINUTES,
    VARIANT,
    NetworkConfig,
    TrainingConfig,
)
from raregan.gans.variants import VARIANTS
from raregan.parsing import Parser, real, whole

if TYPE_CHECKING:
    from collections.abc import Callable

_SOURCES = (
    "CSV, TSV, JSON lines (all also .gz) or Parquet file, a folder or pattern of them, or a "
    "database as postgresql://... or sqlite:///..."
)
_SINKS = ".csv, .tsv, .jsonl or .parquet; - for CSV on standard output"


def make_parser(script: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of all verbs; `args.verb` is the one that was typed.

    Parameters
    ----------
    script : str, optional
        What the user typed in place of ``raregan VERB``, for usage.
    """
    parser = Parser(
        prog="raregan",
        description="Learn the rare class of an imbalanced table and sample rows of it.",
        epilog="Exit codes: 0 done, 1 failed (training diverged, for instance), 2 a mistake in "
        "what was asked for or given, 130 stopped by Ctrl-C or SIGTERM. raregan COMMAND --help "
        "shows the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"raregan {__version__}")
    verbs = parser.add_subparsers(title="commands", dest="verb", metavar="COMMAND", required=True)
    for add in (
        *(_add_inspect, _add_split, _add_train, _add_tune, _add_sample, _add_resample),
        *(_add_plot, _add_evaluate, _add_compare, _add_simulate, _add_demo),
    ):
        add(verbs)
    parser.verbs = verbs.choices
    if script:
        for verb in verbs.choices.values():
            verb.prog = script
    return parser


def _add_inspect(verbs: Any) -> None:
    inspect = _verb(verbs, "inspect", "show what a table holds, what is odd, which rules hold")
    _add_data(inspect, "the table")
    _add_table_options(inspect)
    inspect.add_argument(
        "--schema-out", metavar="FILE", help="write the schema as JSON, to edit and pass back"
    )


def _add_split(verbs: Any) -> None:
    split = _verb(verbs, "split", "write a training and a test part, copies on one side")
    split.add_argument("data", metavar="DATA", help=_SOURCES)
    _add_query(split)
    _add_target_options(split)
    _number(split, "--test", real, f"share of the test part ({TEST_SHARE})", default=TEST_SHARE)
    how = split.add_mutually_exclusive_group()
    how.add_argument("--time-column", metavar="COLUMN", help="test on the latest rows by this one")
    how.add_argument("--group", metavar="COLUMN", help="keep rows that share its value together")
    _number(split, "--seed", whole, f"fixes the parts ({SEED})", default=SEED)
    split.add_argument("-o", "--output", required=True, metavar="FOLDER", help="for the parts")
    split.add_argument("--overwrite", action="store_true", help="replace the parts that are there")


def _add_train(verbs: Any) -> None:
    train = _verb(
        verbs, "train", "train a generator: a flow by default, or a GAN with --variant gan"
    )
    _add_data(train, "default: the embedded simulated table")
    _add_table_options(train)
    train.add_argument(
        "-o", "--output", default=MODEL_PATH, metavar="FILE", help="model file (%(default)s)"
    )
    _add_training_options(train)
    _number(train, "--seed", whole, f"fixes every draw ({SEED})", default=SEED)
    _number(
        train,
        "--checkpoint-every",
        whole,
        f"epochs between checkpoints ({CHECKPOINT_EVERY})",
        default=CHECKPOINT_EVERY,
    )
    train.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint beside the model file"
    )
    train.add_argument(
        "--dry-run", action="store_true", help="print the networks and train nothing"
    )


def _add_training_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--variant",
        choices=VARIANTS,
        help=f"what is trained: a flow, or one of the GANs ({VARIANT})",
    )
    verb.add_argument(
        "--config",
        metavar="FILE",
        help="variant and settings, by raregan tune; what is typed goes before them",
    )
    verb.add_argument(
        "--levels-from",
        choices=LEVELS_FROM,
        help=f"whose categories can be generated ({TrainingConfig.levels_from})",
    )
    epochs = (
        "passes over the rare rows; with evidence at most, and never more than make the variant's "
        "steps, which is the default (flow: 2,500 and more)"
    )
    _number(verb, "--epochs", whole, epochs)
    _number(verb, "--batch-size", whole, "rows in a step (the variant's own)")
    _number(verb, "--latent-dim", whole, "length of the latent vector (that of an encoded row)")
    _number(verb, "--learning-rate", real, "Adam's step (the variant's own)")
    verb.add_argument(
        "--numeric-encoding",
        choices=NUMERIC_ENCODINGS,
        help=f"how numbers are encoded ({TrainingConfig.numeric_encoding})",
    )
    verb.add_argument(
        "--evidence",
        action=argparse.BooleanOptionalAction,
        help="stop by how rows compare with held-out ones (the variant's own choice)",
    )
    steps = f"of the solver that follows a flow, when sampling ({NetworkConfig.solver_steps}); of "
    steps += "no other variant"
    _number(verb, "--solver-steps", whole, steps)
    _number(verb, "--max-minutes", real, "end training after this time (no limit)")


def _add_tune(verbs: Any) -> None:
    tune = _verb(verbs, "tune", "search for settings that suit a table, for train --config")
    _add_data(tune, "default: the embedded simulated table")
    _add_table_options(tune)
    tune.add_argument(
        "-o", "--output", default=CONFIG_PATH, metavar="FILE", help="config file (%(default)s)"
    )
    _number(tune, "--minutes", real, f"time for it ({TUNE_MINUTES:g})", default=TUNE_MINUTES)
    _number(tune, "--trials", whole, "most trials (as many as there is time for)")
    tune.add_argument(
        "--variant",
        action="append",
        choices=VARIANTS,
        help="one to choose from; repeatable (all that train on evidence)",
    )
    _number(tune, "--seed", whole, f"fixes every draw ({SEED})", default=SEED)
    tune.add_argument(
        "--resume", action="store_true", help="go on from the trials beside the config file"
    )


def _add_sample(verbs: Any) -> None:
    sample = _verb(verbs, "sample", "write synthetic rare rows")
    sample.add_argument(
        "model", nargs="?", default=MODEL_PATH, metavar="MODEL", help="model file (%(default)s)"
    )
    sample.add_argument(
        "-n",
        "--num-samples",
        type=whole,
        default=NUM_SAMPLES,
        metavar="N",
        help="how many (%(default)s)",
    )
    sample.add_argument(
        "-o",
        "--output",
        default=SYNTHETIC_PATH,
        metavar="FILE",
        help=f"{_SINKS} (%(default)s)",
    )
    sample.add_argument(
        "--label",
        metavar="VALUE",
        help="the class whose rows are made, by a model that learned it (the rare one)",
    )
    _add_drawing_options(sample)
    sample.add_argument(
        "--append-to", metavar="DATA", help="write the rows of this table first, as they are"
    )
    _add_query(sample)


def _add_resample(verbs: Any) -> None:
    resample = _verb(verbs, "resample", "write a table with synthetic rows added")
    _add_data(resample, "the table")
    _add_table_options(resample)
    resample.add_argument(
        "--model", metavar="FILE", help="model file that draws the rows (one is trained on DATA)"
    )
    text = f"rare rows for one of the others, in what is written ({RATIO})"
    _number(resample, "--ratio", real, text, default=RATIO)
    resample.add_argument("-o", "--output", required=True, metavar="FILE", help=_SINKS)
    resample.add_argument(
        "--mark",
        nargs="?",
        const=MARK,
        metavar="COLUMN",
        help=f"add a column that says which rows are synthetic ({MARK})",
    )
    _add_drawing_options(resample)
    _add_training_options(resample)


def _add_drawing_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--condition",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only rows with this category; repeatable",
    )
    _number(verb, "--seed", whole, "fixes the rows (the model's own seed)")
    verb.add_argument(
        "--allow-held-out",
        action="store_true",
        help="add to a table even if it holds rows that were split off to test with",
    )


def _add_plot(verbs: Any) -> None:
    plot = _verb(verbs, "plot", "draw real and synthetic rows side by side")
    _add_pair(plot)
    plot.add_argument(
        "-o", "--output", default="figures", metavar="FOLDER", help="for the PNGs (%(default)s)"
    )


def _add_evaluate(verbs: Any) -> None:
    evaluate = _verb(verbs, "evaluate", "measure synthetic rows and write a report")
    _add_pair(evaluate)
    evaluate.add_argument(
        "--holdout",
        metavar="FILE",
        help="the part that was not learned from, with 20 rare rows at least: without it no "
        "figures of privacy and utility",
    )
    evaluate.add_argument("--json", metavar="FILE", help="write all figures as JSON too")
    evaluate.add_argument("--markdown", metavar="FILE", help="write them as Markdown too")
    evaluate.add_argument(
        "-o", "--output", default="report.html", metavar="FILE", help="the report (%(default)s)"
    )
    _number(evaluate, "--seed", whole, f"fixes the judges' draws ({SEED})", default=SEED)


def _add_compare(verbs: Any) -> None:
    compare = _verb(
        verbs, "compare", "say whether synthetic rows help a classifier on this table, or do not"
    )
    _add_data(compare, "the table")
    _add_table_options(compare)
    how = compare.add_argument_group("folds")
    how.add_argument("--time-column", metavar="COLUMN", help="test on later rows than are learned")
    how.add_argument("--group", metavar="COLUMN", help="keep rows that share its value together")
    _number(how, "--folds", whole, f"pieces, each of which is the test once ({FOLDS})", FOLDS)
    _number(how, "--repeats", whole, f"dealings into pieces ({REPEATS})", REPEATS)
    _number(how, "--n-rare", whole, "keep so many rare rows to learn from in each fold (all)")
    _number(how, "--max-others", whole, f"learn from so many of the others ({MAX_OTHERS})")
    who = compare.add_argument_group("who plays")
    who.add_argument(
        "--contestants",
        metavar="A,B",
        help="smote, flow and others of docs/contest.md (all, of raregan's variants flow alone); "
        "nothing and class-weights always play",
    )
    who.add_argument(
        "--learners",
        metavar="A,B",
        help="logistic, forest, boosting, lightgbm, xgboost, catboost, or the import path of your "
        "own, as package.module:make_model (all that are installed)",
    )
    who.add_argument(
        "--config", metavar="FILE", help="settings of the variant that plays, as of raregan tune"
    )
    amounts = ",".join(f"{amount:g}" for amount in AMOUNTS)
    how_much = who.add_mutually_exclusive_group()
    how_much.add_argument(
        "--amounts",
        metavar="N,N",
        help=f"new rows for a rare one, to choose among in an inner fold ({amounts})",
    )
    _number(how_much, "--ratio", real, "rare rows for one of the others, in place of these")
    what = compare.add_argument_group("scores")
    _number(what, "--top", whole, "rows that can be looked into (as many as are rare)")
    _number(what, "--cost-fn", real, "cost of a rare row that is let pass")
    _number(what, "--cost-fp", real, "cost of a false alarm")
    what.add_argument("--amount-column", metavar="COLUMN", help="what --cost-fn is multiplied with")
    _number(
        what,
        "--confidence",
        real,
        f"of intervals on one baseline together ({CONFIDENCE})",
        CONFIDENCE,
    )
    _number(
        compare,
        "--minutes",
        real,
        "begin no part that is not expected to end in this time (no limit)",
    )
    _number(
        compare, "--jobs", whole, "parts (a contestant in a fold) to play at once (one a core)", -1
    )
    compare.add_argument(
        "--ledger",
        metavar="FILE",
        help="keep what is finished in this file, which stays (without: in a file of its own here, "
        "removed at the end); the same command goes on with it",
    )
    compare.add_argument(
        "-o", "--output", metavar="FILE", help="write verdict, pictures and tables as one HTML page"
    )
    compare.add_argument("--json", metavar="FILE", help="write all figures")
    compare.add_argument("--markdown", metavar="FILE", help="write the tables")
    _number(compare, "--seed", whole, f"fixes every draw ({SEED})", default=SEED)


def _add_simulate(verbs: Any) -> None:
    simulate = _verb(verbs, "simulate", "write a table of simulated card transactions")
    _number(
        simulate,
        "--rows",
        whole,
        f"transactions, frauds counted in ({SIMULATED_ROWS})",
        default=SIMULATED_ROWS,
    )
    _number(
        simulate,
        "--frauds",
        whole,
        f"how many are fraud ({SIMULATED_FRAUDS})",
        default=SIMULATED_FRAUDS,
    )
    simulate.add_argument(
        "--features",
        choices=("pca", "raw"),
        default="pca",
        help="pca: V1..V28 and Amount, like the public table; raw: mixed types (%(default)s)",
    )
    _number(simulate, "--seed", whole, f"fixes the table ({SEED})", default=SEED)
    simulate.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=".csv, .tsv, .parquet, or -"
    )


def _add_demo(verbs: Any) -> None:
    demo = _verb(verbs, "demo", "train, sample and judge on the embedded simulated table")
    demo.add_argument(
        "-o", "--output", default="out", metavar="FOLDER", help="for the results (%(default)s)"
    )
    _number(
        demo, "--epochs", whole, "passes over the rare rows, at most: flow ends after 5,000 steps"
    )


def _verb(verbs: Any, name: str, summary: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        allow_abbrev=False,  # or a new option could change what an old command means
    )
    return verb


def _add_pair(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "real",
        metavar="REAL",
        help="the real table, or its part that was learned from; its rare rows are compared",
    )
    verb.add_argument("synthetic", metavar="SYNTHETIC", help="synthetic rows of the same columns")
    _add_table_options(verb)


def _add_data(verb: argparse.ArgumentParser, text: str) -> None:
    verb.add_argument("data", nargs="?", metavar="DATA", help=f"{_SOURCES} ({text})")
    verb.add_argument("--data", dest="data_option", metavar="DATA", help="the same, as an option")


def _add_table_options(verb: argparse.ArgumentParser) -> None:
    _add_target_options(verb)
    _add_query(verb)
    verb.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="COLUMN=KIND",
        help=f"what a column is taken for: {', '.join(KINDS)}; repeatable (see raregan inspect)",
    )
    verb.add_argument("--schema", metavar="FILE", help="what all columns are, by raregan inspect")
    verb.add_argument(
        "--constraint",
        action="append",
        default=[],
        metavar="RULE",
        help="a rule that every row keeps, such as 'a <= b', 'a + b == total', 'city,country'; "
        "repeatable",
    )


def _add_query(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--query", metavar="SQL", help="what to read, where DATA is a database")


def _add_target_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--target", metavar="COLUMN", help="which rows are rare (Class, or the usual name there is)"
    )
    verb.add_argument("--rare", metavar="VALUE", help="the target in rare rows (the rarest value)")
    verb.add_argument(
        "--ignore", action="append", default=[], metavar="COLUMN", help="leave out; repeatable"
    )


def _number(
    verb: argparse._ActionsContainer,
    flag: str,
    kind: Callable[[str], float],
    text: str,
    default: float | None = None,
) -> None:
    verb.add_argument(flag, type=kind, default=default, metavar="N", help=text)
