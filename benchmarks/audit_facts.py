"""What the records of a snapshot say of a place, counted by the audit's own code.

Nothing here comes from crimenb.measures or crimenb.wording: a fault of theirs must not hide itself.
The rules are those of docs/method.md, written a second time from there.
"""

from __future__ import annotations

import calendar
from functools import cached_property, lru_cache, wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyproj
from scipy import stats
from scipy.spatial import cKDTree

from crimenb.schema import CATEGORIES, force_name

if TYPE_CHECKING:
    from crimenb.data import Data

ASB, BTP, VIOLENCE = "anti-social-behaviour", "btp", "violent-crime"
WHOLE, PARTLY, LOW = "published", "partly supplied", "suspiciously low"
CHARGED = {
    "Awaiting court outcome", "Court result unavailable", "Suspect charged",
    "Suspect charged as part of another case",
}  # fmt: skip
NEW_POINTS = "2022-07"
INCIDENTS = [VIOLENCE, "public-order", "drugs", "criminal-damage-arson", "possession-of-weapons"]
MILE = 1609.344
_GRID = pyproj.Transformer.from_crs(4326, 27700, always_xy=True)


def days(month: str) -> int:
    return calendar.monthrange(int(month[:4]), int(month[5:]))[1]


def shift(month: str, by: int) -> str:
    at = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{at // 12}-{at % 12 + 1:02d}"


def across(months: list[str]) -> bool:
    return bool(months) and min(months) < NEW_POINTS <= max(months)


@lru_cache(maxsize=1000)
def student(level: float, freedom: int) -> float:
    return float(stats.t.ppf((1 + level) / 2, freedom))


def kept(method: Any) -> Any:
    """Work a fact out once for each place and argument."""

    @wraps(method)
    def given(self: Facts, *args: Any) -> Any:
        held = self.__dict__.setdefault("held_facts", {})
        if (method, args) not in held:
            held[method, args] = method(self, *args)
        return held[method, args]

    return given


class Judged(NamedTuple):
    """A month beside its range: what it may be called, and the range's ends where there is one."""

    kind: str
    records: int
    low: int = -1
    high: int = -1
    adjusted: bool = False
    expected: float = float("nan")
    change: float = float("nan")
    rest_change: float = float("nan")


class Moved(NamedTuple):
    """Two periods: what may be called of them, the counts, the ratio, the rest's, and the pairs."""

    kind: str
    later: tuple[str, ...] | list[str] = ()
    earlier: tuple[str, ...] | list[str] = ()
    a: int = 0
    b: int = 0
    ratio: float = float("nan")
    rest: float = float("nan")
    same: int = 0
    low: float = float("nan")
    high: float = float("nan")


class Place(NamedTuple):
    """A series here among places like this one: what it may be called, and the numbers of it."""

    kind: str
    records: int
    low: float
    high: float
    places: int
    median: float
    fewer: int


class Facts:
    """The facts of one place of a snapshot."""

    def __init__(self, data: Data, key: str = "") -> None:
        self.data, self.key = data, key or data.query.postcode
        rows = {
            n: f[f["postcode"] == self.key]
            for n, f in vars(data).items()
            if "postcode" in getattr(f, "columns", ())
        }
        self.place, self.near = rows["places"].iloc[0], rows["nearby"]
        self.circle = self.place["kind"] == "circle"
        months = rows["months"].sort_values("month")
        self.status = dict(zip(months["month"], months["status"], strict=True))
        self.why = dict(zip(months["month"], months["why"], strict=True))
        self.left_out = dict(zip(months["month"], months["left_out"], strict=True))
        cover = rows["coverage"]
        self.cover = cover[cover["force"] != BTP]
        shares = dict(zip(self.cover["force"], self.cover["share"], strict=True))
        self.shares = {f: float(s) for f, s in shares.items() if s >= 0.02}
        self.held = {f: set(m.split()) for f, m in zip(cover["force"], cover["months"], strict=True)}
        self.exact = str(cover["method"].iloc[0]).startswith("by area")
        self.crimes = pd.DataFrame(rows["crimes"].drop(columns="geometry"))
        self.crimes["x"], self.crimes["y"] = rows["crimes"].geometry.x, rows["crimes"].geometry.y
        on = rows["stretches"]
        self.streets = {
            (x, y): (how, street)
            for x, y, how, street in zip(
                on["longitude"], on["latitude"], on["how"], on["street"], strict=True
            )
        }
        self.has_streets = len(rows["streets"]) > 0
        self.like, self.people = rows["like_places"], rows["residents"]
        self.around = rows["surroundings"][rows["surroundings"]["force"].isin(list(self.shares))]
        self.people, self.district = rows["residents"], rows["district_counts"]
        self.decided, self.revised = rows["decided"], rows["revised"]
        self.supply_of_searches, at = rows["searches_months"], rows["searches"].geometry
        self.searched = pd.DataFrame(rows["searches"].drop(columns="geometry")).assign(x=at.x, y=at.y)
        self.elsewhere = rows["force_outcomes"][rows["force_outcomes"]["force"].isin(list(self.shares))]

    # ---------------------------------------------------------------- which months, under which name

    @kept
    def supplied_by(self, month: str) -> list[str]:
        return [f for f in self.shares if month in self.held[f]]

    @cached_property
    def kind(self) -> str:
        found = set(self.status.values())
        return "whole" if found & {WHOLE, LOW} else "part" if PARTLY in found else "none"

    @cached_property
    def months(self) -> list[str]:
        if self.kind == "whole":
            return [m for m, s in self.status.items() if s in (WHOLE, LOW)]
        parts = [m for m, s in self.status.items() if s == PARTLY]
        return [m for m in parts if self.supplied_by(m) == self.supplied_by(parts[-1])]

    @property
    def latest(self) -> str:
        return self.months[-1]

    @property
    def forces(self) -> list[str]:
        return self.supplied_by(self.latest) if self.kind == "part" else list(self.shares)

    @property
    def absent(self) -> list[str]:
        return [f for f in self.shares if f not in self.forces]

    @cached_property
    def low(self) -> list[str]:
        return [m for m in self.months if self.status[m] == LOW]

    @kept
    def steady(self, series: str = "crime") -> list[str]:
        out = {"all"} | ({"asb"} if series in ("asb", ASB) else set())
        if self.kind != "whole":
            return []
        return [m for m in self.months if self.status[m] != LOW and self.left_out[m] not in out]

    # ---------------------------------------------------------------- searches by the police

    @cached_property
    def searches_state(self) -> dict[str, dict[str, tuple[str, str]]]:
        """What is said of the searches of each force and month, and why."""
        rows = self.supply_of_searches
        return {
            force: {m: (s, w) for m, s, w in zip(own["month"], own["status"], own["why"], strict=True)}
            for force in self.shares
            if len(own := rows[rows["force"] == force])
        }

    @cached_property
    def searching(self) -> list[str]:
        """The forces of which searches are held."""
        known = (WHOLE, PARTLY, LOW)
        return [f for f, months in self.searches_state.items() if any(s in known for s, _ in months.values())]

    @cached_property
    def search_months(self) -> list[str]:
        known, states = (WHOLE, PARTLY, LOW), self.searches_state
        return [
            m for m in self.status if self.searching and all(states[f][m][0] in known for f in self.searching)
        ]

    @kept
    def search_status(self, month: str) -> str:
        found = {months[month][0] for months in self.searches_state.values()}
        if len(found) == 1:
            return found.pop()
        all_held = month in self.search_months and len(self.searching) == len(self.searches_state)
        return LOW if all_held and LOW in found else PARTLY

    @cached_property
    def searches(self) -> pd.DataFrame:
        """The searches counted, with their time of day in the United Kingdom."""
        rows = self.searched[self.searched["month"].isin(self.search_months)]
        at = pd.to_datetime(rows["time"], utc=True, format="ISO8601")
        return rows.assign(utc=at, local=at.dt.tz_convert("Europe/London"))

    @cached_property
    def midnights(self) -> int:
        """Searches whose time may be none: midnight by the clock, or in UTC."""
        rows = self.searches
        clock = [f"{t:%H:%M:%S}" == "00:00:00" for t in rows["local"]]
        return sum(a or f"{u:%H:%M:%S}" == "00:00:00" for a, u in zip(clock, rows["utc"], strict=True))

    @kept
    def searches_without_place(self, force: str) -> tuple[int, int]:
        """How many searches of a force have no place, and of how many; -1 where that is not known."""
        rows = self.supply_of_searches
        rows = rows[
            (rows["force"] == force) & rows["month"].isin(self.search_months) & (rows["unplaced"] >= 0)
        ]
        return int(rows["unplaced"].sum()), int(rows["searches"].sum()) if (
            rows["searches"] >= 0
        ).all() else -1

    @kept
    def searches_by(self, column: str) -> dict[str, int]:
        """Count the searches by a column, in the words of a table."""
        rows = self.searches
        if column == "hour":
            return {
                f"{h:02}:00 to {h + 2:02}:59": int((rows["local"].dt.hour // 3 == h // 3).sum())
                for h in range(0, 24, 3)
            }
        if column.endswith("defined"):
            rows = rows[rows["kind"] != "Vehicle search"]
        words = rows[column]
        if column == "self_defined":
            words = words.map(lambda w: "Not stated" if "not stated" in w.lower() else w.split(" - ")[0])
        return words.replace("", "Not recorded").value_counts().to_dict()

    # ---------------------------------------------------------------- counts

    @cached_property
    def table(self) -> pd.DataFrame:
        """Records by month asked for and series."""
        own = self.crimes[self.crimes["reported_by"] != BTP]
        table = pd.crosstab(own["month"], own["category"]).reindex(list(self.status), fill_value=0)
        table = table.reindex(columns=list(dict.fromkeys([*CATEGORIES, *table])), fill_value=0)
        table["crime"] = table.drop(columns=ASB).sum(axis=1)
        table["asb"] = table[ASB]
        table["btp"] = self.crimes[self.crimes["reported_by"] == BTP].groupby("month").size()
        return table.fillna(0).astype(int)

    @kept
    def n(self, series: str, month: str = "") -> int:
        return int(self.table.loc[month or self.latest, series])

    @kept
    def total(self, series: str) -> int:
        return int(self.table.loc[self.months, series].sum())

    @cached_property
    def categories(self) -> list[str]:
        return [c for c in self.table if c not in ("crime", "asb", "btp", ASB)]

    @cached_property
    def small(self) -> bool:
        return bool(self.months) and self.total("crime") // len(self.months) < 10

    @cached_property
    def records(self) -> pd.DataFrame:
        return self.crimes[(self.crimes["reported_by"] != BTP) & self.crimes["month"].isin(self.months)]

    @cached_property
    def rest(self) -> pd.DataFrame:
        """The rest of the forces by month and series, of months that all of them supplied."""
        return self._elsewhere("rest")

    def _elsewhere(self, column: str) -> pd.DataFrame:
        rows = self.around
        rows = rows[rows.groupby("month")["force"].transform("nunique") == len(self.shares)]
        table = rows.groupby(["month", "category"])[column].sum().unstack(fill_value=0)
        table = table.reindex(columns=list(dict.fromkeys([*CATEGORIES, *table])), fill_value=0)
        return table.assign(crime=table.drop(columns=ASB).sum(axis=1), asb=table[ASB])

    @cached_property
    def located(self) -> pd.DataFrame:
        """The share of the forces' records with a location (R17)."""
        lost = self._elsewhere("unlocated")
        mine = self.table.reindex(index=lost.index, columns=lost.columns, fill_value=0)
        every = self.rest + mine + lost
        share = (1 - lost / every.where(every > 0)).fillna(1.0)
        for c in self.categories:
            share[c] = share[c].where(every[c] >= 100, share["crime"])
        return share

    @kept
    def unlocated(self) -> dict[str, float]:
        """Return each force's share of records without a location in the months summed."""
        found = {}
        for force in self.shares:
            rows = self.around[(self.around["force"] == force) & self.around["month"].isin(self.months)]
            own = self.crimes["month"].isin(set(rows["month"])) & (self.crimes["reported_by"] == force)
            if len(rows):
                lost = int(rows["unlocated"].sum())
                found[force] = lost / max(1, lost + int(rows["rest"].sum()) + int(own.sum()))
        return found

    @kept
    def copies(self) -> int:
        """Count the reports of anti-social behaviour that repeat an earlier row in every column."""
        rows = self.records[self.records["category"] == ASB].drop(columns="postcode")
        return int(rows.duplicated().sum())

    # ---------------------------------------------------------------- verdicts

    @kept
    def judged(self, series: str) -> Judged:
        """Judge the newest month beside its range (R3 to R6, R17, R20)."""
        steady, month = self.steady(series), self.latest
        y = self.table[series]
        if month not in steady:
            return Judged("not judged", self.n(series))
        before = [m for m in steady if m < month][-12:]
        if across([*before, month]) and y[before].mean() < 60:
            before = [m for m in before if m >= NEW_POINTS]
        if len(before) < 6:
            return Judged("few months", self.n(series))
        e = np.array([days(m) for m in before], float)
        total, count, now = float(y[before].sum()), self.n(series), float(days(month))
        expected = total / e.sum() * now
        rest = self.rest[series].reindex([*before, month]) if series in self.rest else None
        control = rest is not None and bool((rest > 0).all() and rest[before].sum() >= 3 * total)
        rested = float("nan")
        if control and rest is not None:
            rested = rest[month] / now / (rest[before].sum() / e.sum()) - 1
        bare = Judged(
            "few", count, adjusted=control, expected=expected, rest_change=rested,
            change=count / expected - 1 if expected else float("nan"),
        )  # fmt: skip
        if expected < 10:
            return bare
        if not control and series != "crime":
            return bare._replace(kind="no control")
        if control and rest is not None:
            e, now = rest[before].to_numpy(float), float(rest[month])
        spread = {"crime": 0.12, "asb": 0.20}.get(series, 0.17) if control else 0.16
        level = 0.98 if series in ("crime", "asb") else 0.998
        low, high = _range(y[before].to_numpy(float), e, now, level, spread)
        kind = "below" if count < low else "above" if count > high else "within"
        if kind != "within" and not control and {*before, month} <= set(self.located.index):
            share = self.located[series]
            ends = _range(
                y[before].to_numpy(float), e * share[before].to_numpy(), now * share[month], level, spread
            )
            if (count < ends[0]) != (count < low) or (count > ends[1]) != (count > high):
                kind = "as located"
        return bare._replace(kind=kind, low=low, high=high)

    @kept
    def recent(self) -> Moved:
        """Compare the last three steady months with the nine before (R7)."""
        steady = self.steady()
        later, earlier = steady[-3:], steady[-12:-3]
        if len(earlier) < 9 or later != [shift(self.latest, -k) for k in (2, 1, 0)]:
            return Moved("few months")
        y = self.table["crime"]
        a, b = int(y[later].sum()), int(y[earlier].sum())
        if across(earlier + later) and y[earlier + later].mean() < 60:
            return Moved("map changed")
        d = {m: days(m) for m in earlier + later}
        rate = lambda s, ms: float(s[ms].sum()) / sum(d[m] for m in ms)  # noqa: E731
        ratio = rate(y, later) / rate(y, earlier) if b else float("nan")
        found = Moved("few" if min(a, b) < 50 else "no control", later, earlier, a, b, ratio)
        rest = self.rest["crime"].reindex(earlier + later)
        if b == 0 or not (rest > 0).all() or rest[earlier].sum() < 3 * b:
            return found
        found = found._replace(rest=rate(rest, later) / rate(rest, earlier))
        if min(a, b) < 50:
            return found
        squares = 0.0
        for part in (earlier, later):
            mu = rest[part] * y[part].sum() / rest[part].sum()
            squares += float(((y[part] - mu) ** 2 / mu).sum())
        phi = max(1.0, (squares + 10 * (1 + 0.12 * np.sqrt((a + b) / 12))) / 20)
        q, h = ratio / found.rest, 3.0 * np.sqrt(phi * (1 / a + 1 / b))
        called = abs(np.log(q)) > h and abs(q - 1) >= 0.1
        return found._replace(kind=("rise" if q > 1 else "fall") if called else "none")

    @kept
    def year(self, series: str = "crime") -> Moved:
        """Compare the latest twelve months with the same months a year before (R8, R17, R20)."""
        steady = self.steady(series)
        window = [shift(steady[-1], -k) for k in range(11, -1, -1)] if steady else []
        later = [m for m in window if m in steady and shift(m, -12) in steady]
        if len(later) < 10:
            return Moved("few months", later)
        earlier = [shift(m, -12) for m in later]
        y, x = (self.table[series][ms].to_numpy(float) for ms in (later, earlier))
        d, before = (np.array([days(m) for m in ms], float) for ms in (later, earlier))
        found = _years(y, x, d / before, series)._replace(later=later, earlier=earlier)
        if across(earlier + later) and (y.sum() + x.sum()) / (2 * len(later)) < 60:
            return found._replace(kind="map changed")
        rest = self.rest[series].reindex(earlier + later)
        if rest.notna().all() and min(rest[earlier].sum(), rest[later].sum()) >= 20:
            ratio = rest[later].sum() / d.sum() / (rest[earlier].sum() / before.sum())
            found = found._replace(rest=float(ratio))
        if found.kind in ("rise", "fall") and set(earlier + later) <= set(self.located.index):
            share = self.located[series]
            g = d / before * share[later].to_numpy() / share[earlier].to_numpy()
            if _years(y, x, g, series).kind != found.kind:
                found = found._replace(kind="as located")
        return found

    @kept
    def level(self) -> tuple[int, int]:
        """Return what a small place's total is consistent with (R6)."""
        y = self.table.loc[self.months, "crime"].to_numpy(float)
        e, phi = np.array([days(m) for m in self.months], float), 1.0
        if len(y) > 1:
            phi = _phi(y[:-1], e[:-1], y[:-1].sum() / e[:-1].sum() * e[-1], 0.12)
        half = 1.96 * np.sqrt(phi) / 2
        root = np.sqrt(y.sum())
        return round(max(0.0, root - half) ** 2), round((root + half) ** 2)

    # ---------------------------------------------------------------- shares here and elsewhere

    def beside(self, other: Facts | None) -> dict[str, Any]:
        """Compare shares of crime here and in the rest of the force, or in another place (R11, R12)."""
        fit = {"whole": "", "part": "partly", "none": "nothing"}
        why, steady = fit[self.kind], self.steady()
        if other is None:
            months = [m for m in steady if m in self.rest.index]
            why = why or ("" if months else "no rest") or ("few months" if len(months) < 6 else "")
            a, b = self.table.loc[months, self.categories], self.rest.loc[months]
            shared = 0
        else:
            months = [m for m in steady if m in other.steady()]
            why = why or fit[other.kind] or ("few months" if len(months) < 6 else "")
            ours, theirs = (f.crimes[(f.crimes["reported_by"] != BTP) & f.crimes["month"].isin(months)]
                            .drop(columns="postcode") for f in (self, other))  # fmt: skip
            ours, theirs = (r.assign(k=r.groupby(list(r), dropna=False).cumcount()) for r in (ours, theirs))
            both = ours.merge(theirs, how="inner").drop_duplicates()
            shared = len(both)
            why = why or ("overlap" if shared > 0.25 * min(len(ours), len(theirs)) else "")
            tables = []
            for rows in (ours, theirs):
                left = rows.merge(both.assign(both=True), how="left")
                left = left[left["both"].isna()]
                tables.append(pd.crosstab(left["month"], left["category"]).reindex(months, fill_value=0))
            a, b = tables
        known = [c for c in CATEGORIES if c != ASB]
        a, b = (t.reindex(columns=known, fill_value=0) for t in (a, b))
        here, there = int(a.to_numpy().sum()), int(b.to_numpy().sum())
        why = why or ("few here" if here < 100 else "few there" if there < 100 else "")
        rows = {} if why else {c: _quotient(a[c], b[c], here, there, months, c) for c in known}
        return {"why": why, "shared": shared, "here": here, "there": there, "rows": rows}

    @kept
    def compared(self) -> list[tuple[str, dict[str, Any]]]:
        """Return every comparison of the page, with the words for its other side."""
        names = (
            " and ".join(map(force_name, self.shares))
            if len(self.shares) < 3
            else join(map(force_name, self.shares))
        )
        found = [(f"the rest of {names}", self.beside(None))]
        for code in self.data.query.compare_with:
            other = Facts(self.data, code)
            far = np.hypot(*(np.array(_GRID.transform(self.place["longitude"], self.place["latitude"]))
                             - _GRID.transform(other.place["longitude"], other.place["latitude"])))  # fmt: skip
            found.append((f"the mile around {code}", self.beside(other) | {"km": far / 1000}))
        return found

    # ---------------------------------------------------------------- places like this one

    @cached_property
    def alike(self) -> pd.DataFrame:
        """The places like this one, in order of name."""
        rows = self.like.groupby("candidate").first().reset_index()
        return rows.sort_values(["name", "candidate"], ignore_index=True)

    @cached_property
    def own_people(self) -> dict[str, int]:
        here = self.people[self.people["where"] == "here"]
        return dict(zip(here["measure"], here["value"], strict=True))

    @cached_property
    def alike_here(self) -> list[str]:
        """Those of them that are of this place's own forces, and of no other."""
        own = self.alike["force"].map(lambda forces: {*forces.split(" ")} == {*self.shares})
        return [str(c) for c in self.alike.loc[own, "candidate"]]

    @kept
    def why_not_alike(self) -> str:
        """Say why no position is given, "" where it is."""
        if self.kind != "whole":
            return "partly" if self.kind == "part" else "nothing"
        return "few months" if len(self.steady()) < 6 else "few places" if len(self.alike) < 30 else ""

    @kept
    def positions(self) -> dict[str, Place]:
        """Return each series that is set beside places like this one (R25)."""
        if self.why_not_alike():
            return {}
        found = {}
        by_people = bool((self.alike["residents"] > 0).any())
        for series in ["crime"] * by_people + [*self.categories, ASB]:
            months = self.steady(series)
            among = self.alike_here if series in ("public-order", ASB) else [*self.alike["candidate"]]
            if len(among) < 30 or len(months) < 6:
                continue
            rows = self.like[self.like["month"].isin(months) & self.like["candidate"].isin(among)]
            rows = rows[rows["category"] != ASB] if series == "crime" else rows[rows["category"] == series]
            theirs = rows.groupby("candidate")["records"].sum().reindex(among).fillna(0).to_numpy()
            found[series] = self._placed(series, months, theirs)
        return found

    def _placed(self, series: str, months: list[str], theirs: np.ndarray) -> Place:
        y = self.table.loc[months, series].to_numpy(float)
        d = np.array([days(m) for m in months], float)
        n, mu = float(y.sum()), y.sum() / d.sum() * d
        spread = {"crime": 0.12, ASB: 0.20}.get(series, 0.17)
        squares = float(((y - mu) ** 2 / mu).sum()) if n else len(y) - 1
        phi = max(1.0, (squares + 10 * (1 + spread * np.sqrt(mu[-1]))) / (len(y) + 9))
        half = student(0.99, 11) * np.sqrt(phi) / 2
        low, high = max(0.0, np.sqrt(n) - half) ** 2, (np.sqrt(n) + half) ** 2
        middle, fewer, more = float(np.median(theirs)), int((theirs < n).sum()), int((theirs > n).sum())
        kind = "within"
        if n < 20 and middle < 20:
            kind = "few"
        elif fewer > 0.9 * len(theirs):
            kind = "more" if n >= 20 and low > middle else "chance"
        elif more > 0.9 * len(theirs):
            kind = "fewer" if middle >= 20 and high < middle else "chance"
            kind = "unnamed" if series == VIOLENCE else kind
        return Place(kind, int(n), low, high, len(theirs), middle, fewer)

    # ---------------------------------------------------------------- map points, edge, outcomes

    @cached_property
    def point_months(self) -> list[str]:
        newer = [m for m in self.months if m >= NEW_POINTS]
        return newer or self.months

    @cached_property
    def points(self) -> pd.DataFrame:
        """Crimes by map point: its name, crimes, reports and each category; most crimes first."""
        rows = self.records[self.records["month"].isin(self.point_months) & self.records["x"].notna()]
        table = rows.groupby(["x", "y", "category"]).size().unstack(fill_value=0)
        table = table.reindex(columns=list(dict.fromkeys([*CATEGORIES, *table])), fill_value=0)
        table["name"] = rows.groupby(["x", "y"])["snapped_to"].max()
        table["crime"] = table[self.categories].sum(axis=1)
        return table.sort_values("crime", ascending=False)

    @cached_property
    def point_kinds(self) -> dict[tuple[str, int, int], set[str]]:
        """The most common categories of crime of the points with a name, crimes and reports."""
        found: dict[tuple[str, int, int], set[str]] = {}
        counts = self.points[self.categories].to_numpy()
        for name, n, k, row in zip(self.called, self.points["crime"], self.points[ASB], counts, strict=True):
            most = {c for c, v in zip(self.categories, row, strict=True) if v == row.max()}
            found.setdefault((name, int(n), int(k)), set()).update(most)
        return found

    @cached_property
    def called(self) -> list[str]:
        """What each map point is called, with the street beside one that is not drawn as a street."""
        found = []
        for at, name in self.points["name"].items():
            how, street = self.streets.get(at, ("", ""))
            beside = (
                f", probably {street}" if how == "nearest" else f" near {street}" if street and name else ""
            )
            found.append((name or "Unnamed place") + beside)
        return found

    @cached_property
    def closest_points(self) -> int:
        """The most map points with crimes in any square of 600 metres, in steps of 50 from the place's own."""
        cx, cy = _GRID.transform(self.place["longitude"], self.place["latitude"])
        with_crime = self.points.index[self.points["crime"] > 0]
        x, y = _GRID.transform(*(with_crime.get_level_values(k).to_numpy() for k in ("x", "y")))
        steps = range(-1550, 1551, 50)
        beside = np.array([abs(x - cx - step) <= 300 for step in steps])
        above = np.array([abs(y - cy - step) <= 300 for step in steps])
        return int((beside.astype(int) @ above.T.astype(int)).max(initial=0))

    @cached_property
    def on_map(self) -> tuple[int, int, int]:
        """Crimes at points that are drawn as streets, at others, and those of months that are not on the map."""
        own = [self.streets.get(at, ("",))[0] == "name" for at in self.points.index]
        whole, streets = int(self.points["crime"].sum()), int(self.points.loc[own, "crime"].sum())
        return streets, whole - streets, self.total("crime") - whole

    @kept
    def half(self) -> tuple[int, int, int]:
        """Count the points that have half of the crimes, those that have any, and the crimes."""
        n = self.points["crime"].to_numpy()
        n = n[n > 0]
        return int(np.searchsorted(np.cumsum(n), n.sum() / 2)) + 1 if len(n) else 0, len(n), int(n.sum())

    @kept
    def apart(self) -> float:
        """Return the metres to the nearest other point, in the median."""
        if len(self.points) < 3:
            return 0.0
        x, y = (self.points.index.get_level_values(k).to_numpy() for k in ("x", "y"))
        metres = np.column_stack(_GRID.transform(x, y))
        return float(np.median(cKDTree(metres).query(metres, k=2)[0][:, 1]))

    @cached_property
    def edge(self) -> pd.DataFrame:
        """The points of the map's frame: name, metres outside the edge, crimes, each category."""
        kinds = [c for c in CATEGORIES if c != ASB]
        outside = self.near["distance_m"] - (MILE if self.circle else 0)
        return self.near.assign(out=outside, crimes=self.near[kinds].sum(axis=1))

    @kept
    def within(self, reach: float) -> int:
        return int(self.edge.loc[self.edge["out"] <= reach, "crimes"].sum())

    @kept
    def bursts(self) -> set[tuple[str, str, int, int, int, str]]:
        """List month, category, records, those of the month, those at other times, name (R15)."""
        if len(self.point_months) < 2:
            return set()
        rows = self.records[self.records["month"].isin(self.point_months) & self.records["x"].notna()]
        cells = rows.groupby(["category", "x", "y", "month"]).agg(n=("x", "size"), name=("snapped_to", "max"))
        cells["all"] = cells.groupby(level=[0, 1, 2])["n"].transform("sum")
        cells["month_all"] = cells.groupby(level=[0, 3])["n"].transform("sum")
        other = cells["all"] - cells["n"]
        cells["other"] = other
        large = (cells["n"] >= 10) & (cells["n"] >= 0.2 * cells["month_all"])
        large &= cells["n"] >= 5 * other / (len(self.point_months) - 1)
        return {
            (key[3], key[0], int(r["n"]), int(r["month_all"]), int(r["other"]), r["name"])
            for key, r in cells[large].iterrows()
        }

    @cached_property
    def settled(self) -> dict[str, list[str]]:
        """Months by what their outcomes are: "settled", "open" or "faulty" (R16)."""
        rows = self.records[self.records["category"] != ASB]
        table = pd.crosstab(rows["month"], rows["outcome"]).reindex(self.months, fill_value=0)
        n = table.sum(axis=1)
        part = lambda name: (table[name] if name in table else 0 * n) / n.where(n > 0)  # noqa: E731
        missing, unsettled = (
            part("Status update unavailable").fillna(0),
            part("Under investigation").fillna(0),
        )
        usual = float(missing[n > 0].median()) if (n > 0).any() else 0.0
        faulty = (n >= 20) & ((missing > 0.25) | (missing > max(3 * usual, 0.05)))
        kept = ~faulty & (unsettled <= 0.05)
        index = table.index.to_series()
        return {"settled": [*index[kept]], "faulty": [*index[faulty]], "open": [*index[~kept & ~faulty]]}

    @cached_property
    def outcomes(self) -> pd.Series:
        """Crimes of the settled months by latest outcome."""
        rows = self.records[
            (self.records["category"] != ASB) & self.records["month"].isin(self.settled["settled"])
        ]
        return rows["outcome"].value_counts()

    @cached_property
    def rest_outcomes(self) -> pd.Series | None:
        """Crimes of the rest of the forces in the settled months by latest outcome, where all supplied them."""
        rows, months = self.elsewhere, self.settled["settled"]
        held = [m for m, part in rows.groupby("month") if {*part["force"]} == {*self.shares}]
        table = pd.crosstab(rows["month"], rows["outcome"], values=rows["rest"], aggfunc="sum").fillna(0)
        table = table.loc[held]
        if not months or self.outcomes.sum() < 50 or not {*months} <= {*held}:
            return None
        n = table.sum(axis=1)
        missing = table["Status update unavailable"] / n if "Status update unavailable" in table else 0 * n
        faulty = (n >= 20) & ((missing > 0.25) | (missing > max(3 * missing[n > 0].median(), 0.05)))
        return None if faulty[months].any() or n[months].sum() < 50 else table.loc[months].sum()

    @cached_property
    def waits(self) -> pd.DataFrame:
        """Crimes of the settled months that were followed for three months: category, and months to an outcome."""
        rows = self.decided[
            (self.decided["followed"] >= 3) & self.decided["month"].isin(self.settled["settled"])
        ]
        return rows.loc[rows.index.repeat(rows["crimes"]), ["category", "later"]]

    def half_after(self, waits: pd.Series) -> int | None:
        """Months after which half of some crimes had an outcome."""
        had = sorted(waits[waits >= 0])
        return (
            int(had[(len(waits) + 1) // 2 - 1]) if len(had) >= len(waits) / 2 and len(waits) >= 50 else None
        )

    @property
    def since(self) -> str:
        """The release before, "" if none is known."""
        return str(self.data.source.get("compared with release", ""))

    @property
    def new_months(self) -> list[str]:
        """Months that the release brought, of the forces of this place."""
        told = str(self.data.source.get("new months", "")).split("; ")
        return [m for part in told if part.split(":")[0] in self.shares for m in part.split()[1:]]

    @cached_property
    def no_outcomes(self) -> bool:
        """Whether there are crimes, and the source gives no outcome of any."""
        rows = self.records[self.records["category"] != ASB]
        return len(rows) > 0 and bool((rows["outcome"] == "").all())

    @cached_property
    def charged(self) -> int:
        return int(self.outcomes[self.outcomes.index.isin(CHARGED)].sum())

    # ---------------------------------------------------------------- residents, jobs, rates

    @cached_property
    def living(self) -> dict[str, dict[str, Any]]:
        """The numbers of the place itself by what they count."""
        own = self.people[self.people["where"] == "here"]
        return {r["measure"]: r for r in own.to_dict("records")}

    @cached_property
    def rate_months(self) -> list[str]:
        """The whole months among the newest twelve."""
        newest = [m for m in self.status if m <= self.latest][-12:] if self.months else []
        return [m for m in newest if m in self.months and m not in self.low]

    @cached_property
    def no_rate(self) -> str:
        """Return why there is no rate of crime (R24), or ""."""
        if not self.rate_months:
            return "no months"
        if self.kind == "part":
            return "part"
        if "residents" not in self.living:
            return "no residents"
        if self.living["residents"]["value"] < 500:
            return "few residents"
        if "jobs" not in self.living:
            return "no jobs"
        return "few crimes" if self.table.loc[self.rate_months, "crime"].sum() < 20 else ""

    @cached_property
    def rates(self) -> dict[tuple[str, str], dict[str, float]]:
        """Records, people, rate and its ends: by residents, both or households; here, in the force or district."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        district = self.district.groupby(["month", "category"])["rest"].sum().unstack(fill_value=0)
        district = district.assign(crime=district.drop(columns=ASB, errors="ignore").sum(axis=1))
        for per, series, of in (
            ("residents", "crime", ["residents"]), ("both", "crime", ["residents", "jobs"]),
            ("households", "burglary", ["households"]),
        ):  # fmt: skip
            for where, table in (("here", self.table), ("force", self.rest), ("district", district)):
                if where != "here" and (per, "here") not in found:
                    continue
                rows = self.people[self.people["where"] == where].set_index(["area", "measure"])["value"]
                areas = {
                    "here": [""],
                    "force": list(self.shares),
                    "district": sorted({*self.district["district"]}),
                }[where]
                wanted = [(a, m) for a in areas for m in of]
                if (
                    self.no_rate
                    or not wanted
                    or not {*wanted} <= {*rows.index}
                    or not {*self.rate_months} <= {*table.index}
                ):
                    continue
                y, people = table.loc[self.rate_months, series].to_numpy(float), float(rows[wanted].sum())
                if y.sum() < 20 or (where != "here" and people < 500):
                    continue
                e = np.array([days(m) for m in self.rate_months], float)
                spread = 0.12 if series == "crime" else 0.17
                if len(y) > 1:
                    phi = _phi(y[:-1], e[:-1], y[:-1].sum() / e[:-1].sum() * e[-1], spread)
                else:
                    phi = 1 + spread * np.sqrt(y[0])
                half, root, a = 1.96 * np.sqrt(phi) / 2, np.sqrt(y.sum()), 1000 / people
                found[per, where] = {
                    "n": y.sum(), "people": people, "rate": y.sum() * a, "low": max(0.0, root - half) ** 2 * a,
                    "high": (root + half) ** 2 * a,
                }  # fmt: skip
        return found

    def side(self, per: str) -> str:
        """Where the place's rate is beside the rest of the force: "above", "below", "unclear" or ""."""
        here, rest = (self.rates.get((per, where)) for where in ("here", "force"))
        if not here or not rest:
            return ""
        return "above" if here["low"] > rest["high"] else "below" if here["high"] < rest["low"] else "unclear"


# -------------------------------------------------------------------------------- arithmetic


def figures(value: float, to: Any = np.round) -> str:
    """Write a number to two figures, tenths below ten; `to` may round down or up."""
    step = 0.1 if value < 10 else 10.0 ** (len(str(int(value))) - 2)
    found = float(to(np.round(value / step, 6))) * step
    return f"{found:.1f}" if step < 1 else f"{found:,.0f}"


def join(parts: Any) -> str:
    *rest, last = list(parts) or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def _phi(y: np.ndarray, e: np.ndarray, expected: float, spread: float) -> float:
    mu = y.sum() / e.sum() * e
    squares = ((y - mu) ** 2 / mu).sum() if len(y) > 1 and (mu > 0).all() else len(y) - 1
    return max(1.0, float(squares + 10 * (1 + spread * np.sqrt(expected))) / (len(y) + 9))


def _range(y: np.ndarray, e: np.ndarray, now: float, level: float, spread: float) -> tuple[int, int]:
    expected = y.sum() / e.sum() * now
    phi = _phi(y, e, expected, spread)
    s, h = np.sqrt(expected + 0.375), student(level, len(y) + 9) * np.sqrt(phi * (1 + 1 / len(y))) / 2
    low, high = max(0.0, s - h) ** 2 - 0.375, (s + h) ** 2 - 0.375
    return int(max(0.0, low)), int(np.floor(high))


def _years(y: np.ndarray, x: np.ndarray, g: np.ndarray, series: str) -> Moved:
    a, b, m = float(y.sum()), float(x.sum()), len(y)
    if not b:
        return Moved("few", a=int(a))
    rho = a / float((x * g).sum())
    same = int(((y - x * g) * (1 if rho > 1 else -1) > 0).sum())
    found = Moved("few", a=int(a), b=int(b), ratio=rho, same=same)
    if min(a, b) < 50:
        return found
    n, p = y + x, rho * g / (1 + rho * g)
    squares = float((((y - n * p) ** 2)[n > 0] / (n * p * (1 - p))[n > 0]).sum())
    spread, level = (0.3 if series == "asb" else 0.18), (0.99 if series in ("crime", "asb") else 0.998)
    phi = max(1.0, (squares + 10 * (1 + spread * np.sqrt((a + b) / (2 * m)))) / (m + 9))
    h = student(level, m + 9) * np.sqrt(phi * (1 / a + 1 / b))
    called = abs(np.log(rho)) > h and abs(rho - 1) >= 0.1 and same >= np.ceil(0.75 * m)
    kind = ("rise" if rho > 1 else "fall") if called else "none"
    return found._replace(kind=kind, low=rho * np.exp(-h), high=rho * np.exp(h))


def _quotient(
    a: pd.Series, b: pd.Series, here: int, there: int, months: list[str], category: str
) -> dict[str, Any]:
    n, k, e = float(a.sum()), float(b.sum()), np.array([days(m) for m in months], float)
    row = {
        "here": n / here,
        "there": k / there,
        "n": int(n),
        "q": None,
        "low": None,
        "high": None,
        "named": "",
    }
    if min(n, k, here * k / there) < 20:
        return row
    phi = [_phi(s.to_numpy(float), e, s.sum() / e.sum() * e[-1], 0.17) for s in (a, b)]
    h = student(0.99, 11) * np.sqrt(phi[0] * (1 / n - 1 / here) + phi[1] * (1 / k - 1 / there))
    q = (n / here) / (k / there)
    low, high = q * np.exp(-h), q * np.exp(h)
    named = (
        "more" if low > 1 and q >= 1.5 else "less" if high < 1 and q <= 0.67 and category != VIOLENCE else ""
    )
    return row | {"q": q, "low": low, "high": high, "named": named}
