"""Tables of pandas travel as plain data: what comes back is equal, and what is no table is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograder.grading.tables import is_table, packed, take_over_table, unpacked

DAYS = pd.to_datetime(["2024-03-04", "2024-03-05", None])
TABLE = pd.DataFrame(
    {
        "number": [1, 2, 3],
        "text": ["x", None, "z"],
        "day": DAYS,
        "zoned": DAYS.tz_localize("Europe/Berlin"),
        "took": pd.to_timedelta([1, 2, None], unit="h"),
        "kind": pd.Categorical(["u", "v", "u"], categories=["v", "u"], ordered=True),
        "maybe": pd.array([1, None, 3], dtype="Int64"),
        "yes": [True, False, True],
        "mixed": pd.Series([[1], "q", None], dtype=object),
        "lists": pd.Series([[1, 2], [3, 4], [5, 6]], dtype=object),
    },
    index=pd.Index(["r", "s", "t"], name="row"),
)
TABLES = {
    "table": TABLE,
    "column": TABLE["number"],
    "columns": TABLE.columns,
    "group": TABLE.groupby("kind", observed=True)["number"].mean(),
    "two levels": TABLE.groupby(["kind", "yes"], observed=True)["number"].agg(["mean", "sum"]),
    "days": pd.date_range("2024", periods=3, freq="D", name="days"),
    "nothing": pd.DataFrame(),
    "no rows": TABLE.iloc[:0],
    "twice the same name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "described": TABLE[["number", "text"]].describe(include="all"),
    "numbered": pd.Series([1.5, np.nan], name=3),
}


def equal(one: Any, other: Any) -> None:
    check = {pd.DataFrame: pd.testing.assert_frame_equal, pd.Series: pd.testing.assert_series_equal}
    check.get(type(one), pd.testing.assert_index_equal)(one, other)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_comes_back_as_it_was(name: str) -> None:
    value = TABLES[name]
    assert is_table(value)
    back = unpacked(packed(value))
    assert type(back) is type(value)
    equal(back, value)
    assert getattr(back, "freq", None) == getattr(value, "freq", None)


class DataFrame:
    """A class that only has the name."""


@pytest.mark.parametrize("value", [DataFrame(), pd.DataFrame, pd, [1], None, TABLE.groupby("kind", observed=True)])
def test_what_is_no_table_is_not_taken_for_one(value: Any) -> None:
    assert not is_table(value)


@pytest.mark.parametrize(
    "claim",
    [
        ("Series", ("RangeIndex", 0, 1, 1, None), ("period[D]", ["2024"]), None),
        ("Series", ("RangeIndex", 0, 2, 1, None), ("object", ["only one"]), None),
        ("RangeIndex", 0, 10**15, 1, None),
        ("RangeIndex", 0, 1),
        ("Styler", 1),
        ("Index", ("category", np.array([5]), ("Index", ("object", ["a"]), None, None), False), None, None),
        (),
        7,
    ],
)
def test_a_claim_that_is_no_table_is_refused(claim: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpacked(claim)


def test_a_change_in_place_is_taken_over_and_only_a_change() -> None:
    own, changed = TABLE[["number"]].copy(), TABLE[["number"]].copy()
    changed["more"] = 1
    changed.loc["u"] = [4, 5]
    take_over_table(own, changed)
    equal(own, changed)
    before = own["number"]
    take_over_table(own, changed.copy())
    assert own["number"].equals(before)
    take_over_table(own, TABLE["number"])
    equal(own, changed)
