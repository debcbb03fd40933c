"""Searches by the police of the invented country, as stop-and-search files of Fable Vale; Fable Moor supplies none.

Built in: no file for 2024-03 and 2025-05; one search in six without a place; outcomes and ethnicity that are not
recorded; pairs that are identical, of people stopped together; searches of vehicles alone; a night under section 60.
"""

from __future__ import annotations

from pathlib import Path

import demo_town as town
import numpy as np
import pandas as pd

from crimenb.query import days_in
from crimenb.sources.official_files import SEARCHES_COLUMNS

A_MONTH = {"Fablemouth": 16, "Upper Fable": 3, "Little Fable": 0.2, "Talebridge": 5, "Yarnwick": 4}
ABSENT = ("2024-03", "2025-05")
UNPLACED, TOGETHER = 1 / 6, 0.03
DRUGS = "Misuse of Drugs Act 1971 (section 23)"
PACE = "Police and Criminal Evidence Act 1984 (section 1)"
SECTION_60 = "Criminal Justice and Public Order Act 1994 (section 60)"
WHY = [
    (DRUGS, "Controlled drugs", 0.66), (PACE, "Offensive weapons", 0.14), (PACE, "Article for use in theft", 0.12),
    (PACE, "Stolen goods", 0.08),
]  # fmt: skip
KINDS = {"Person search": 0.8, "Person and Vehicle search": 0.15, "Vehicle search": 0.05}
NOTHING = "A no further action disposal"
OUTCOMES = {
    NOTHING: 0.72, "Community resolution": 0.1, "Arrest": 0.1, "Summons / charged by post": 0.04, "": 0.04,
}  # fmt: skip
SELF = {
    "White - English/Welsh/Scottish/Northern Irish/British": 0.55, "White - Any other White background": 0.08,
    "Asian/Asian British - Pakistani": 0.06, "Asian/Asian British - Any other Asian background": 0.05,
    "Black/African/Caribbean/Black British - African": 0.04,
    "Mixed/Multiple ethnic groups - White and Black Caribbean": 0.03, "Other ethnic group - Not stated": 0.14, "": 0.05,
}  # fmt: skip
OFFICER = {"White": 0.68, "Asian": 0.13, "Black": 0.08, "Other": 0.03, "": 0.08}
AGES = {"10-17": 0.15, "18-24": 0.3, "25-34": 0.22, "over 34": 0.25, "": 0.08}
HOURS = np.array([4, 3, 2, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 6, 6, 7, 7, 6, 6, 6, 6, 6, 6, 5], float)
NIGHT = ("2025-07", "Fablemouth", 9)


def write(places: pd.DataFrame, months: list[str], folder: Path, seed: list[int]) -> None:
    """Write the stop-and-search files of the months.

    Parameters
    ----------
    places
        The map points: `town`, `lon`, `lat` (degrees).
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)

    def drawn(odds: dict[str, float], n: int) -> np.ndarray:
        chances = np.array([*odds.values()])
        return rng.choice([*odds], n, p=chances / chances.sum())

    for month in months:
        parts = []
        for name, usual in A_MONTH.items():
            here = places[places["town"] == name].reset_index(drop=True)
            night = NIGHT[2] if (month, name) == NIGHT[:2] else 0
            n = int(rng.poisson(usual)) + night
            weights = np.arange(1, len(here) + 1.0) ** -1.1
            spots = here.iloc[rng.choice(len(here), n, p=weights / weights.sum())]
            why = rng.choice(len(WHY), n, p=[w[2] for w in WHY])
            power, looked_for = ([WHY[i][k] for i in why] for k in (0, 1))
            power[:night], looked_for[:night] = [SECTION_60] * night, ["Offensive weapons"] * night
            day, hour = 1 + rng.integers(days_in(month), size=n), rng.choice(24, n, p=HOURS / HOURS.sum())
            day[:night], hour[:night] = 12, 20
            kind, outcome = drawn(KINDS, n), drawn(OUTCOMES, n)
            alone, placed = kind == "Vehicle search", rng.random(n) >= UNPLACED
            linked = np.where(outcome == NOTHING, "", np.where(rng.random(n) < 0.75, "True", "False"))
            minute = 5 * rng.integers(12, size=n)
            rows = pd.DataFrame({
                "Type": kind,
                "Date": [f"{month}-{d:02}T{h:02}:{m:02}:00+00:00" for d, h, m in zip(day, hour, minute, strict=True)],
                "Part of a policing operation": np.where(np.arange(n) < night, "True", "False"),
                "Policing operation": "",
                "Latitude": np.where(placed, [f"{y:.6f}" for y in spots["lat"]], ""),
                "Longitude": np.where(placed, [f"{x:.6f}" for x in spots["lon"]], ""),
                "Gender": np.where(alone, "", np.where(rng.random(n) < 0.87, "Male", "Female")),
                "Age range": np.where(alone, "", drawn(AGES, n)),
                "Self-defined ethnicity": np.where(alone, "", drawn(SELF, n)),
                "Officer-defined ethnicity": np.where(alone, "", drawn(OFFICER, n)),
                "Legislation": power, "Object of search": looked_for, "Outcome": outcome,
                "Outcome linked to object of search": np.where(outcome == "", "", linked),
                "Removal of more than just outer clothing": "False",
            })[SEARCHES_COLUMNS.split(",")]  # fmt: skip
            parts += [rows, rows[rng.random(n) < TOGETHER]]
        if month not in ABSENT:
            file = folder / month / f"{month}-{town.VALE}-stop-and-search.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            pd.concat(parts).to_csv(file, index=False, lineterminator="\n")
