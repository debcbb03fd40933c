"""The method's own figures for six real places, reproduced from the recorded files."""

import pytest

from crimenb.measures import comparisons, months, outcomes
from crimenb.measures import counts as count_records
from crimenb.measures import points as map_points
from crimenb.measures.changes import changes, recent_against_earlier
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.wording import how_to_read, verdicts
from crimenb.wording.summary import at_a_glance
from tests.make_data import make_data
from tests.real import REAL, needs_real_data

pytestmark = needs_real_data


@pytest.fixture(scope="module")
def ask(real_archive):
    archive, asked = Archive(real_archive), {}

    def place(postcode, *compare_with):
        key = (postcode, *compare_with)
        if key not in asked:
            asked[key] = make_data(archive, postcode, "2025-01", "2025-12", compare_with)
        return asked[key]

    return place


@pytest.mark.parametrize(
    ("postcode", "records", "crime", "asb"),
    [("LE1 6RN", 19_047, 16_583, 2_457), ("LE11 5EA", 5_193, 4_502, 691), ("CV32 4EA", 4_562, 3_674, 882),
     ("EC2V 7HH", 8_200, 7_977, 115), ("LE7 9AE", 42, 40, 2), ("BS1 3XD", 10_015, 8_311, 1_695)],
)  # fmt: skip
def test_totals(ask, postcode, records, crime, asb):
    data = ask(postcode)
    table = count_records.monthly_counts(data).reindex(count_records.scope(data).months).sum()
    assert (len(data.crimes), table["crime"], table["asb"]) == (records, crime, asb)


def test_btp_is_apart(ask):
    table = count_records.monthly_counts(ask("EC2V 7HH"))
    assert table.loc["2025-01", ["crime", "btp"]].tolist() == [561, 108]
    assert count_records.monthly_counts(ask("LE1 6RN"))["btp"].sum() == 7


def test_leicester_december(ask):
    data = ask("LE1 6RN")
    crime, asb = months.range_of(data), months.range_of(data, "asb")
    assert (crime.records, crime.own.low, crime.own.high, crime.kind) == (1317, 1233, 1613, "inside")
    assert (asb.records, asb.own.low, asb.own.high) == (159, 166, 266)
    assert (asb.controlled.low, asb.controlled.high, asb.kind) == (96, 190, "with the force")


def test_leicester_recent_months(ask):
    found = recent_against_earlier(ask("LE1 6RN"))
    assert found.kind == "no local change"
    assert found.ratio - 1 == pytest.approx(-0.089, abs=5e-4)
    assert found.rest_ratio - 1 == pytest.approx(-0.077, abs=5e-4)


def test_village(ask):
    found = months.small_place(ask("LE7 9AE"))
    assert (found.total, found.low, found.high) == (40, 26, 57)
    assert found.phi == pytest.approx(1.57, abs=0.005)
    points = map_points.points(ask("LE7 9AE"))
    assert (points.half, points.points) == (3, 14)


def test_leicester_points_and_edge(ask):
    data = ask("LE1 6RN")
    points, edge = map_points.points(data), map_points.edge(data)
    assert (points.records, points.half, points.points) == (19_040, 70, 527)
    assert points.busiest[:2] == ("East Gates", 650)
    assert edge.more - edge.records == 1617
    assert [(p.snapped_to, p.records, round(p.outside_m)) for p in edge.points] == [
        ("Euston Street", 483, 16)
    ]


@pytest.mark.parametrize(
    ("postcode", "fewer", "more"),
    [("LE1 6RN", -4.6, 8.5), ("LE11 5EA", -3.8, 4.3), ("CV32 4EA", -3.4, 6.2), ("CV36 5AD", -15, 13)],
)
def test_edges(ask, postcode, fewer, more):
    found = map_points.edge(ask(postcode))
    assert 100 * (found.fewer / found.records - 1) == pytest.approx(fewer, abs=0.3)
    assert 100 * (found.more / found.records - 1) == pytest.approx(more, abs=0.3)


def test_duplicates(ask):
    shares = {p: map_points.duplicates(ask(p)) for p in ("LE1 6RN", "LE11 5EA", "CV32 4EA")}
    assert shares["LE1 6RN"] == map_points.Duplicates(crime=0, asb=963, asb_records=2457)
    rates = [round(100 * d.asb / d.asb_records) for d in shares.values()]
    assert rates == [39, 27, 28]


def test_bursts(ask):
    loughborough, leamington = map_points.bursts(ask("LE11 5EA")), map_points.bursts(ask("CV32 4EA"))
    assert loughborough == [("2025-09", "shoplifting", "Supermarket", 26, 6, 74)]
    assert [(b.month, b.records, b.of_month) for b in leamington] == [("2025-11", 23, 74)]


@pytest.mark.parametrize(
    ("postcode", "low", "high"),
    [("LE1 6RN", 0.026, 0.034), ("EC2V 7HH", 0.044, 0.099), ("BS1 3XD", 0.039, 0.120)],
)
def test_records_without_location(ask, postcode, low, high):
    found = map_points.unlocated(ask(postcode))[0]
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)
    assert found.swings == (postcode != "LE1 6RN")


def test_outcomes(ask):
    table = outcomes.by_month(ask("LE1 6RN"))
    share = (100 * table[outcomes.CHARGED] / table.sum(axis=1)).round(1).tolist()
    published = [16.0, 14.5, 15.3, 12.4, 14.9, 13.4, 12.3, 13.6, 12.4, 12.5, 16.9, 16.3]
    assert share == pytest.approx(published, abs=0.051)
    assert outcomes.outcomes(ask("EC2V 7HH")).faulty == ["2025-06", "2025-09"]


def test_shares(ask):
    found = comparisons.with_rest_of_force(ask("LE1 6RN"))
    row = found.table.set_index("category").loc["bicycle-theft"]
    assert (round(row["share_here"], 3), round(row["share_there"], 3)) == (0.030, 0.010)
    assert row["quotient"] == pytest.approx(3.0, abs=0.05)
    assert found.named("more")[:3] == ["bicycle-theft", "robbery", "theft-from-the-person"]
    assert "violent-crime" not in found.named("less")


@pytest.mark.parametrize(
    ("postcode", "other", "metres", "share"),
    [("LE1 6RN", "LE3 5QG", 1194, 77), ("LE1 6RN", "LE2 1XD", 1570, 64), ("CV32 4EA", "CV31 1EB", 2244, 57)],
)
def test_overlaps(ask, postcode, other, metres, share):
    data = ask(postcode, other)
    found = comparisons.with_place(data, data.of(other))
    assert found.refused == "overlap"
    assert round(found.distance_m) == metres
    # Published of LE1's 19,040 and of the second place's records.
    whole = len(count_records.records(data)) if other == "LE3 5QG" else found.smaller
    assert round(100 * found.shared / whole) == share


def test_two_far_places(ask):
    data = ask("CV32 4EA", "LE11 5EA")
    found = comparisons.with_place(data, data.of("LE11 5EA"))
    table = found.table.set_index("category")
    assert (found.refused, found.shared) == ("", 0)
    # Published with each place's own dispersion: shoplifting 0.90 (0.67 to 1.21), robbery 1.60
    # (0.94 to 2.72). R3's dispersion is drawn towards the usual one, so the interval is narrower.
    assert table.loc["shoplifting", "quotient"] == pytest.approx(0.90, abs=0.005)
    assert table.loc["robbery", "quotient"] == pytest.approx(1.60, abs=0.005)
    assert (table.loc[["shoplifting", "robbery"], "named"] == "").all()


def test_part_and_gaps(ask):
    city, bristol = count_records.scope(ask("EC2V 7HH")), count_records.scope(ask("BS1 3XD"))
    assert (city.kind, city.forces, city.absent) == ("part", ["city-of-london"], ["metropolitan"])
    assert city.share == pytest.approx(0.42, abs=0.005)
    assert bristol.months == [f"2025-{m}" for m in ("01", "02", "03", "04", "09", "12")]
    assert count_records.monthly(ask("BS1 3XD"))["records"].isna().sum() == 6


AT_A_GLANCE = {
    "LE1 6RN": (
        "Police recorded 1,317 crimes in the mile around LE1 6RN in December 2025, about 42 a day, within "
        "the range its earlier months lead one to expect (1,233 to 1,613). There were 159 anti-social "
        "behaviour reports, fewer than usual here, as in the rest of the Leicestershire police area, where "
        "they fell further; winter has fewer almost everywhere. From October to December crime a "
        "day was 9% below January to September, and 8% below in the rest of Leicestershire: no local change "
        "is shown."
    ),
    "LE7 9AE": (
        "Police recorded 40 crimes and two reports of anti-social behaviour in the mile around LE7 9AE in "
        "the whole of 2025: no crime recorded in June, August or September, and at most eight in any month. "
        "December's eight crimes were the most of any month, but at three a month that is too few to call a "
        "change. Nineteen of the 40 were violence and sexual offences, eight criminal damage and arson; no "
        "other category reached five. Chance alone could turn a usual 26 or a usual 57 a year into 40. "
        "Half of all records sit at three of 14 map points, some over 800 m from the next, so locations are "
        "rough. All twelve months were published. No percentages are given: the numbers are too small."
    ),
}


@pytest.mark.parametrize("postcode", sorted(AT_A_GLANCE))
def test_at_a_glance(ask, postcode):
    assert " ".join(at_a_glance(ask(postcode))).startswith(AT_A_GLANCE[postcode])


def test_how_to_read(ask):
    text = " ".join(how_to_read.how_to_read(ask("LE1 6RN")))
    assert "February had fewer crimes than January (1,327; 1,429) but more a day (47; 46)." in text
    assert "Compare December with the 1,233 to 1,613 that earlier months lead one to expect" in text
    assert "963 of 2,457 are identical rows, all counted" in text
    assert (
        "Fourteen per cent of the crimes of January to December 2025 were charged or sent to court as of "
        "the release of December 2025; results are not published."
    ) in text
    assert "Violence and sexual offences, 33% of crime," in text


def test_the_edge_point_closes(ask):
    said = " ".join(how_to_read.edge_sentences(ask("LE1 6RN")))
    assert "100 m more would add 1,617 records, 483 of them at one point 16 m outside" in said
    mix = said.split("(Euston Street): ")[1]
    assert mix == (
        "criminal damage 143, violence and sexual offences 128, drugs 98, public order 97 and others 17 "
        "(four thefts among them)."
    )
    assert 143 + 128 + 98 + 97 + 17 == 483


def test_no_month_is_judged_where_location_swings(ask):
    assert verdicts.crime_sentence(ask("BS1 3XD")).endswith("about 50 a day.")
    assert "range" not in " ".join(at_a_glance(ask("BS1 3XD")))


@pytest.fixture(scope="module")
def two_years(tmp_path_factory):
    """Return an archive of 2025 twice, the second time without three in ten shopliftings."""
    root = tmp_path_factory.mktemp("years")
    for path in sorted((REAL / "police-uk-archive").glob("2025-*/*-leicestershire-street.csv")):
        head, *rows = path.read_text("utf-8").splitlines()
        month = path.parent.name
        before = month.replace("2025", "2024")
        kept = [r for i, r in enumerate(rows) if i % 10 >= 3 or ",Shoplifting," not in r]
        for name, lines in ((month, kept), (before, [r.replace(f",{month},", f",{before},") for r in rows])):
            folder = root / "files" / name
            folder.mkdir(parents=True)
            (folder / f"{name}-leicestershire-street.csv").write_text("\n".join([head, *lines, ""]), "utf-8")
    build_archive([root / "files"], root / "A", postcodes=REAL / "code-point-open")
    return Archive(root / "A")


def test_two_years_say_what_was_built_in(two_years):
    data = make_data(two_years, "LE1 6RN", "2024-01", "2025-12")
    table = changes(data).set_index("series")
    assert months.held(data) == "two years"
    assert table.index[table["kind"].isin(["clear rise", "clear fall"])].tolist() == ["shoplifting"]
    assert table.loc["shoplifting", "ratio"] == pytest.approx(0.7, abs=0.03)
    assert table.loc["crime", "kind"] == "no clear change"
    assert "Clear by category: shoplifting (down" in " ".join(at_a_glance(data))
