"""``raregan sample`` and ``raregan resample``: synthetic rows, alone or added to a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raregan.commands.talk import pair, place, read_named_table, refuse_input, say, say_replaced
from raregan.commands.train import check_options, make_gan, say_fewer_epochs, take_config
from raregan.config import SEED, plain_seed
from raregan.errors import UserError
from raregan.terminal import sampling_progress, training_progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    import polars as pl

    from raregan.data.table import Table
    from raregan.modelfile import Model
    from raregan.sampling import Acceptance


def sample(args: argparse.Namespace) -> int:
    """Write synthetic rows, after those of a table if one is named."""
    from raregan.data.sinks import check_destination
    from raregan.modelfile import load_model

    refuse_input(args.model, args.output)
    refuse_input(args.append_to, args.output)
    check_destination(args.output)
    say_replaced(args.output)
    model = load_model(args.model)
    if args.append_to is not None:
        return _add(args, model, args.append_to, args.num_samples, mark=None)
    from raregan.sampling import Acceptance

    acceptance = Acceptance()
    rows = model.sampler.blocks(
        args.num_samples,
        seed=_seed(args, model),
        label=args.label,
        conditions=_conditions(args, model),
        acceptance=acceptance,
    )
    written = _write(rows, args.num_samples, args.output)
    say(f"wrote {written:,} synthetic rows to {place(args.output)} (seed {_seed(args, model)})")
    _say_acceptance(acceptance)
    return 0


def resample(args: argparse.Namespace) -> int:
    """Write a table with as many synthetic rows added as bring it to a ratio."""
    from raregan.data.records import refuse_test_files
    from raregan.data.sinks import check_destination
    from raregan.modelfile import load_model

    if args.data is None:
        raise UserError("name the table that gets the rows: raregan resample DATA --ratio 0.1 -o F")
    refuse_input(args.data, args.output)
    refuse_input(args.model, args.output)
    check_destination(args.output)
    say_replaced(args.output)
    if args.model is not None:
        model = load_model(args.model)
    else:
        if not args.allow_held_out:  # the model would learn from them, and know no mark
            refuse_test_files(args.data)
        args.seed = plain_seed(SEED if args.seed is None else args.seed)
        take_config(args)
        check_options(args)
        table = read_named_table(args)
        _check_addition(args, table)  # not after minutes of training
        say_fewer_epochs(args, table)
        with training_progress() as progress:
            model = make_gan(args).fit(table, progress=progress).model_
    return _add(args, model, args.data, None, mark=args.mark)


def _check_addition(args: argparse.Namespace, table: Table) -> None:
    """Refuse a ratio or a mark that the table cannot be given."""
    from raregan.data.sources import open_source
    from raregan.resampling import refuse_mark, rows_to_add

    rows_to_add(args.ratio, table.n_rare, table.n_rows - table.n_rare)
    if args.mark is not None:
        refuse_mark(args.mark, open_source(args.data, query=args.query))


def _add(
    args: argparse.Namespace, model: Model, source: str, n: int | None, *, mark: str | None
) -> int:
    from raregan.resampling import Addition
    from raregan.sampling import Acceptance

    addition = Addition(model, source, args.query)
    if not args.allow_held_out:
        addition.refuse_held_out()
    n = addition.rows_for(args.ratio) if n is None else n
    acceptance = Acceptance()
    rows = addition.frames(
        n,
        seed=_seed(args, model),
        label=getattr(args, "label", None),  # resample adds rare rows
        conditions=_conditions(args, model),
        acceptance=acceptance,
        mark=mark,
    )
    written = _write(rows, None, args.output)
    say(
        f"wrote {written:,} rows to {place(args.output)}: {written - n:,} of {addition.name} as "
        f"they are, then {n:,} synthetic ones (seed {_seed(args, model)})"
    )
    _say_acceptance(acceptance)
    return 0


def _write(rows: Iterable[pl.DataFrame], total: int | None, output: str) -> int:
    from raregan.data.sinks import write_frames

    with sampling_progress(total) as watched:
        return write_frames(watched(rows), output)


def _seed(args: argparse.Namespace, model: Model) -> int:
    return model.config.seed if args.seed is None else plain_seed(args.seed)


def _conditions(args: argparse.Namespace, model: Model) -> dict[str, str]:
    columns = model.sampler.schema.names
    return dict(pair(text, "--condition", columns) for text in args.condition)


def _say_acceptance(acceptance: Acceptance) -> None:
    if acceptance.kept < acceptance.drawn:
        say(acceptance.describe())
