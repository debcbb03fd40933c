"""Residents, households and jobs as Nomis and the ONS write them: each file is known by its columns."""

import zipfile

import geopandas as gpd
import pytest
import shapely

from crimenb.errors import QueryError, SourceError
from crimenb.sources import people_files
from crimenb.sources.people_files import ESTIMATE, HOUSEHOLDS, JOBS, LSOA, OA, POSTCODE, RESIDENTS
from tests.nomis import write
from tests.real import REAL, needs_real_data

P001 = [
    ("Postcode", "Sex (2 categories) Code", "Sex (2 categories)", "Count"),
    ("AL1 1AG", "1", "Female", "10"), ("AL1 1AG", "2", "Male", "8"),
    ("al11aj ", "2", "Male", "3"), ("AL1  1AJ", "1", "Female", "4"),
]  # fmt: skip
P002 = [("Postcode", "Count"), ("AL11AG", "9"), ("AL1 1AJ", "2")]
HEAD = (
    "DATE",
    "GEOGRAPHY_CODE",
    "C2021_RESTYPE_3",
    "C2021_RESTYPE_3_NAME",
    "OBS_VALUE",
    "OBS_STATUS",
    "RECORD_COUNT",
)


def read(folder, rows, name="table.csv"):
    return people_files.read([write(folder / name, rows)]).numbers


def only(folder, rows, name="table.csv"):
    (numbers,) = read(folder, rows, name).values()
    return numbers


def values(numbers):
    return dict(zip(numbers.table["code"], numbers.table["value"], strict=True))


def test_both_sexes_of_a_postcode_are_summed_however_it_is_spaced(tmp_path):
    numbers = only(tmp_path, P001)
    assert (numbers.key, numbers.year) == ((RESIDENTS, POSTCODE), "2021")
    # Code 1 is female in one table and male in others: no code is anybody's here.
    assert values(numbers) == {"AL11AG": 18, "AL11AJ": 7}
    assert numbers.source == "ONS Census 2021, P001"


def test_households_by_postcode_have_no_sex(tmp_path):
    numbers = only(tmp_path, P002)
    assert numbers.key == (HOUSEHOLDS, POSTCODE)
    assert values(numbers) == {"AL11AG": 9, "AL11AJ": 2}


def test_columns_are_known_in_any_case_and_a_zip_is_opened(tmp_path):
    oa = "output areas CODE,count\nE00000001,76\nW00000002,10\nE02000001,9\n"
    with zipfile.ZipFile(tmp_path / "wp001.zip", "w") as out:
        out.writestr("WP001_oa.csv", oa)
        out.writestr("WP001_msoa.csv", "Middle layer Super Output Areas Code,Count\nE02000001,86\n")
        out.writestr("metadata.json", "{}")
    given = people_files.read([tmp_path / "wp001.zip"])
    (numbers,) = given.numbers.values()
    assert numbers.key == (JOBS, OA)
    assert values(numbers) == {"E00000001": 76, "W00000002": 10}
    assert numbers.passed == 1
    assert given.unused == ["wp001.zip!WP001_msoa.csv"]


@pytest.mark.parametrize(("unit", "code"), [(OA, "E00000001"), (LSOA, "E01000001")])
def test_whole_tables_of_the_census(tmp_path, unit, code):
    total = "Residence type: Total; measures: Value"
    part = "Residence type: Lives in a household; measures: Value"
    rows = [("date", "geography", "geography code", part, total), ("2021", code, code, "290", "300")]
    assert values(only(tmp_path, rows)) == {code: 300}
    rows = [("date", "geography", "geography code", "Number of households"), ("2021", code, code, "120")]
    numbers = only(tmp_path, rows)
    assert (numbers.key, values(numbers)) == ((HOUSEHOLDS, unit), {code: 120})


def test_a_table_of_larger_areas_alone_is_none(tmp_path):
    rows = [("date", "geography", "geography code", "Number of households"), ("2021", "X", "E06000001", "9")]
    with pytest.raises(
        SourceError, match=r"^table.csv holds no residents, households, jobs, points or rural-urban"
    ):
        read(tmp_path, rows)


def test_jobs_and_estimates_are_totals_of_the_newest_year_that_small_areas_have(tmp_path):
    head = ("DATE", "GEOGRAPHY_CODE", "INDUSTRY", "EMPLOYMENT_STATUS", "MEASURE", "MEASURES", "OBS_VALUE")
    jobs = [
        head,
        ("2023", "E01000001", "37748736", "1", "1", "20100", "95"),
        ("2024", "E01000001", "37748736", "1", "1", "20100", "105"),
        ("2024", "E01000001", "37748736", "4", "1", "20100", "135"),  # employment: with the self-employed
        ("2024", "E01000001", "150994945", "1", "1", "20100", "5"),  # farming
        ("2024", "E01000001", "37748736", "1", "2", "20100", "100"),  # per cent
        ("2024", "E01000001", "37748736", "1", "1", "20301", "100"),
        ("2025", "E01000001", "37748736", "1", "1", "20100", ""),  # districts are a year ahead
    ]
    numbers = only(tmp_path, jobs)
    assert (numbers.key, numbers.year, values(numbers)) == ((JOBS, LSOA), "2024", {"E01000001": 105})
    head = ("DATE", "GEOGRAPHY_CODE", "GENDER", "GENDER_NAME", "C_AGE", "C_AGE_NAME", "OBS_VALUE")
    estimates = [
        head,
        ("2024", "E01000001", "0", "Total", "200", "All Ages", "1650"),
        ("2024", "E01000001", "1", "Male", "200", "All Ages", "800"),
        ("2024", "E01000001", "0", "Total", "101", "Age 0", "17"),
    ]
    numbers = only(tmp_path, estimates)
    assert (numbers.key, numbers.year, values(numbers)) == ((ESTIMATE, LSOA), "2024", {"E01000001": 1650})


def test_a_suppressed_number_is_missing_and_not_nought(tmp_path):
    rows = [
        HEAD,
        ("2021", "E01000001", "0", "Total", "", "Q", "3"),
        ("2021", "E01000002", "0", "Total", "0", "A", "3"),
        ("2021", "E01000003", "0", "Total", "0", "Q", "3"),
    ]
    assert only(tmp_path, rows).table["value"].isna().tolist() == [True, False, True]


def test_the_total_is_known_by_its_name_in_whatever_order_the_ids_are(tmp_path):
    rows = [
        HEAD,
        ("2021", "E01000001", "0", "Lives in a household", "280", "A", "2"),
        ("2021", "E01000001", "2", "Total: All usual residents", "300", "A", "2"),
    ]
    assert values(only(tmp_path, rows)) == {"E01000001": 300}


def test_a_total_and_its_parts_in_one_column_are_refused(tmp_path):
    rows = [
        ("date", "geography code", "Number of households"),
        ("2021", "E01000001", "120"), ("2021", "E01000001", "80"), ("2021", "E01000001", "40"),
    ]  # fmt: skip
    with pytest.raises(SourceError, match=r"several numbers of E01000001, such as a total and its parts"):
        read(tmp_path, rows)


def test_an_answer_that_was_cut_at_25_000_rows_is_refused(tmp_path):
    def rows(first, last, count="35672"):
        return [HEAD, *(("2021", f"E01{n:06d}", "0", "Total", "5", "A", count) for n in range(first, last))]

    with pytest.raises(SourceError, match=r"has 25,000 rows of 35,672: Nomis cuts an answer at 25,000"):
        read(tmp_path, rows(0, 25_000), "one.csv")
    write(tmp_path / "two.csv", rows(25_000, 35_672))
    given = people_files.read([tmp_path / "one.csv", tmp_path / "two.csv"])
    assert len(given.numbers[RESIDENTS, LSOA].table) == 35_672
    without = [row[:-1] for row in rows(0, 25_000)]
    with pytest.raises(SourceError, match=r"has 25,000 rows, where Nomis cuts its answers"):
        read(tmp_path, without, "three.csv")


def test_an_answer_that_does_not_say_what_it_counts_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"'table.csv' does not say what it counts"):
        read(tmp_path, [("GEOGRAPHY_CODE", "OBS_VALUE"), ("E01000001", "5")])


def test_downloads_of_pages_have_a_title_above_and_notes_below(tmp_path):
    text = (
        '"Business Register and Employment Survey : open access"\n"ONS Crown Copyright Reserved [from Nomis]"\n\n'
        '"measure","Count"\n"date","2024"\n\n'
        '"2021 super output area - lower layer","mnemonic","2024"\n'
        '"Leicester 001A","E01013600","1,205"\n"Leicester 001B","E01013601","*"\n\n"* suppressed"\n'
    )
    (tmp_path / "nomis.csv").write_text(text, "utf-8-sig")
    (numbers,) = people_files.read([tmp_path / "nomis.csv"]).numbers.values()
    assert (numbers.key, numbers.year) == ((JOBS, LSOA), "2024")
    assert numbers.table["value"].tolist()[0] == 1205
    assert numbers.table["value"].isna().tolist() == [False, True]
    (tmp_path / "nomis.csv").write_text(text.replace('"date","2024"\n', "").replace(',"2024"', ',"jobs"'))
    with pytest.raises(SourceError, match="does not say of which year its numbers are"):
        people_files.read([tmp_path / "nomis.csv"])


def test_points_and_classes(tmp_path):
    write(tmp_path / "classes.csv", [
        ("LSOA21CD", "LSOA21NM", "RUC21CD", "RUC21NM", "Urban_rural_flag"),
        ("E01000001", "City of London 001A", "UN1", "Urban: Nearer to a major town or city", "Urban"),
    ])  # fmt: skip
    write(tmp_path / "points.csv", [("FID", "OA21CD", "x", "y"), ("1", "E00000001", "460000", "300000")])
    given = people_files.read([tmp_path])
    assert given.classes.to_dict("records") == [
        {"code": "E01000001", "class": "UN1", "name": "Urban: Nearer to a major town or city"}
    ]
    assert given.points[OA].round(3).to_dict("records") == [
        {"code": "E00000001", "longitude": -1.116, "latitude": 52.594}
    ]


def test_a_zipped_shapefile_of_points(tmp_path):
    points = gpd.GeoDataFrame(
        {"LSOA21CD": ["E01000001"]}, geometry=[shapely.Point(460_000, 300_000)], crs="EPSG:27700"
    )
    points.to_file(tmp_path / "LSOA_PopCentroids.shp")
    with zipfile.ZipFile(tmp_path / "points.zip", "w") as out:
        for part in tmp_path.glob("LSOA*"):
            out.write(part, part.name)
    given = people_files.read([tmp_path / "points.zip"])
    assert given.points[LSOA].round(3).to_dict("records") == [
        {"code": "E01000001", "longitude": -1.116, "latitude": 52.594}
    ]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("other.csv", "a,b\n1,2\n", "other.csv holds no residents"),
        ("empty.csv", "", "empty.csv holds no residents"),
        ("head.csv", "Postcode,Count\n", "head.csv holds no residents"),
        ("long.csv", "Postcode,Count\nAL1 1AG,5,6,7\n", "not a whole table"),
        ("minus.csv", "Postcode,Count\nAL1 1AG,-5\n", "below nought"),
        ("torn.zip", "PK", "not a whole zip file"),
        ("wards.geojson", '{"type": "FeatureCollection", "features": []}', "no column OA21CD or LSOA21CD"),
    ],
)  # fmt: skip
def test_what_is_none_of_these_is_one_sentence(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises((SourceError, QueryError), match=says):
        people_files.read([tmp_path / name])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(QueryError, match=r"There is no file .*none.csv'; give files of Nomis"):
        people_files.read([tmp_path / "none.csv"])


@needs_real_data
def test_the_real_table_of_residents_by_lsoa():
    (numbers,) = people_files.read(
        [REAL / "geography" / "census-2021-usual-residents-by-lsoa2021.csv"]
    ).numbers.values()
    assert (numbers.key, numbers.year, len(numbers.table)) == ((RESIDENTS, LSOA), "2021", 35_672)
    # The published total of England and Wales is 59,597,540: cells are changed a little, and sums differ.
    assert abs(numbers.table["value"].sum() - 59_597_540) < 100
