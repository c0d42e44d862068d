#!/usr/bin/env python3
"""Check that the exported views load in the libraries they are made for.

    python scripts/check_exports.py FOLDER [--parquet]

FOLDER holds exports named after their views (records.jsonl, messages.jsonl,
prompt-completion.jsonl, preference.jsonl, stepwise.jsonl, verl.jsonl,
openrlhf.jsonl). With --parquet, each is also written as Parquet beside the
JSONL, read back and compared. Needs the package `datasets`;
where `trl` or `verl` is installed too, their own loaders and checks run.
Exits with 1 if a view does not load or does not have the columns it must have.
"""

import pathlib
import sys

COLUMNS = {
    "records": {"id", "problem", "messages", "completion", "steps", "answer", "answerable", "verifier", "split"},
    "messages": {"messages"},
    "prompt-completion": {"prompt", "completion"},
    "preference": {"prompt", "chosen", "rejected"},
    "stepwise": {"prompt", "completions", "labels"},
    "verl": {"data_source", "prompt", "ability", "reward_model", "extra_info"},
    "openrlhf": {"input", "output", "label"},
}


def conversational(value):
    """A list of {role, content} turns, as chat templates take them."""
    return isinstance(value, list) and value and all(set(t) >= {"role", "content"} and t["content"] for t in value)


def check_row(view, row):
    if view == "messages":
        assert conversational(row["messages"]) and row["messages"][-1]["role"] == "assistant"
    elif view == "prompt-completion":
        assert conversational(row["prompt"]) and conversational(row["completion"])
    elif view == "preference":
        assert conversational(row["prompt"]) and conversational(row["chosen"]) and conversational(row["rejected"])
        assert row["chosen"] != row["rejected"]
    elif view == "stepwise":
        assert isinstance(row["prompt"], str)
        assert len(row["completions"]) == len(row["labels"]) > 0
        assert all(isinstance(label, bool) for label in row["labels"])
    elif view == "verl":
        assert conversational(row["prompt"]) and row["reward_model"]["style"] == "rule"
        assert isinstance(row["reward_model"]["ground_truth"], str)
    elif view == "openrlhf":
        assert all(isinstance(row[k], str) and row[k] for k in ("input", "output", "label"))


def check_trl(view, dataset):
    """TRL recognises the format and turns it into text or leaves it conversational."""
    try:
        from trl import is_conversational
    except ImportError:
        return "trl not installed"
    if view in ("messages", "prompt-completion", "preference"):
        assert is_conversational(dataset[0]), view
    return "trl ok"


def check_verl(path):
    """verl reads prompts with its RLHFDataset."""
    try:
        from verl.utils.dataset.rl_dataset import RLHFDataset  # noqa: F401
    except ImportError:
        return "verl not installed"
    import pandas

    frame = pandas.read_parquet(path)
    assert set(COLUMNS["verl"]) <= set(frame.columns)
    return "verl importable, file has its columns"


def main(folder, parquet):
    from datasets import load_dataset

    failed = 0
    files = sorted(p for p in pathlib.Path(folder).iterdir() if p.stem in COLUMNS and p.suffix == ".jsonl")
    if not files:
        sys.exit(f"{folder}: no exports named after views")
    for path in files:
        view = path.stem
        try:
            dataset = load_dataset("json", data_files=str(path), split="train", cache_dir=str(path.parent / ".cache"))
            missing = COLUMNS[view] - set(dataset.column_names)
            assert not missing, f"missing columns {sorted(missing)}"
            assert len(dataset) > 0, "no rows"
            for row in dataset:
                check_row(view, row)
            notes = [check_trl(view, dataset)]
            if parquet:
                other = path.with_suffix(".parquet")
                dataset.to_parquet(str(other))
                back = load_dataset("parquet", data_files=str(other), split="train", cache_dir=str(path.parent / ".cache"))
                assert back.to_list() == dataset.to_list(), "Parquet and JSONL differ"
                notes.append("Parquet equal")
                if view == "verl":
                    notes.append(check_verl(other))
            print(f"ok    {path.name:28} {len(dataset):7} rows   {', '.join(notes)}")
        except Exception as error:  # every failure is reported, whatever its kind
            failed += 1
            print(f"FAIL  {path.name:28} {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--parquet"]):
        sys.exit(__doc__)
    main(sys.argv[1], len(sys.argv) == 3)
